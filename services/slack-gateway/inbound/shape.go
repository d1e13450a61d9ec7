package inbound

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Ids and timestamps become tokens of NATS subjects, so nothing but these shapes gets through.
var (
	idShape = regexp.MustCompile(`^[A-Z0-9]{2,24}$`)
	tsShape = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{1,9}$`)
)

func validID(s string) bool { return idShape.MatchString(s) }

func validTS(s string) bool { return tsShape.MatchString(s) }

// lastSecond is the end of the year 9999, the last that a protobuf timestamp holds.
const lastSecond = 253402300799

// timeOf reads a Slack ts as a time. A ts is an id first: it is cut as text and never seen as a float.
func timeOf(ts string) (time.Time, bool) {
	if !validTS(ts) {
		return time.Time{}, false
	}
	whole, fraction, _ := strings.Cut(ts, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > lastSecond {
		return time.Time{}, false
	}
	nanos, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(seconds, nanos).UTC(), true
}
