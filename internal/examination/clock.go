package examination

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// ClockFinding answers a finding about a replica's clock: how far it is from the Date header of an answer by peer, which was asked at sent and
// answered at received. The header counts whole seconds, so smaller differences say nothing.
func ClockFinding(peer string, header http.Header, sent, received time.Time) *eventv1.Finding {
	f := &eventv1.Finding{Check: Clock, Values: map[string]string{}}
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_UNKNOWN, peer+" did not say what time it is"
		return f
	}
	// Half a second for the part of the second that the header leaves out.
	offset := sent.Add(received.Sub(sent) / 2).Sub(date.Add(500 * time.Millisecond)).Round(100 * time.Millisecond)
	f.Values[ValueOffset] = offset.String()
	f.State, f.Detail = eventv1.FindingState_FINDING_STATE_OK, fmt.Sprintf("%v from %s's clock", offset.Abs(), peer)
	return f
}

// Replica answers a name for this replica that differs from those of all others.
func Replica() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "-" + strings.ToLower(rand.Text()[:4])
}
