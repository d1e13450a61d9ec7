package examination

import (
	"net/http"
	"testing"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	ok      = eventv1.FindingState_FINDING_STATE_OK
	warning = eventv1.FindingState_FINDING_STATE_WARNING
	failed  = eventv1.FindingState_FINDING_STATE_FAILED
	unknown = eventv1.FindingState_FINDING_STATE_UNKNOWN
)

func TestAJournalSaysWhatArrivedAndWhatWasRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		happened             func(j *Journal)
		delivery, signatures eventv1.FindingState
	}{
		"nothing":                           {func(*Journal) {}, unknown, unknown},
		"a good one":                        {func(j *Journal) { j.Good() }, ok, ok},
		"a wrong secret":                    {func(j *Journal) { j.Refused(Mismatch, "") }, unknown, failed},
		"a wrong secret, then mended":       {func(j *Journal) { j.Refused(Mismatch, ""); j.Good() }, ok, warning},
		"good until the secret was changed": {func(j *Journal) { j.Good(); j.Refused(Mismatch, "") }, ok, failed},
		"a wrong clock":                     {func(j *Journal) { j.Refused(Stale, "1767225000") }, unknown, failed},
		"a stranger without a name":         {func(j *Journal) { j.Good(); j.Refused(Missing, "") }, ok, warning},
		"a replay":                          {func(j *Journal) { j.Good(); j.Refused(Replayed, "") }, ok, warning},
		"another project's":                 {func(j *Journal) { j.Foreign("other") }, failed, unknown},
		"another project's, and ours":       {func(j *Journal) { j.Foreign("other"); j.Good() }, ok, ok},
	} {
		now := time.Unix(1767225600, 0)
		j := New(func() time.Time { now = now.Add(time.Second); return now })
		tt.happened(j)
		if got := j.Delivery("d").GetState(); got != tt.delivery {
			t.Errorf("%s: delivery %v, want %v", name, got, tt.delivery)
		}
		if got := j.Signatures("s").GetState(); got != tt.signatures {
			t.Errorf("%s: signatures %v, want %v", name, got, tt.signatures)
		}
	}
}

func TestAStaleRequestTellsHowFarItsTimeIsFromOurs(t *testing.T) {
	j := New(func() time.Time { return time.Unix(1767225600, 0) })
	j.Refused(Stale, "1767225000")
	if got := j.Signatures("s").GetValues()[ValueSkew]; got != "10m0s" {
		t.Errorf("skew %q", got)
	}
	j.Refused(Stale, "not a number")
	if got := j.Signatures("s").GetValues()[ValueCount(Stale)]; got != "2" {
		t.Errorf("%s refused", got)
	}
}

func TestAClockIsHeldAgainstTheDateOfAnAnswer(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		date, offset string
	}{
		"in step":     {at.Format(http.TimeFormat), "500ms"},
		"behind":      {at.Add(10 * time.Minute).Format(http.TimeFormat), "-9m59.5s"},
		"ahead":       {at.Add(-10 * time.Minute).Format(http.TimeFormat), "10m0.5s"},
		"no date":     {"", ""},
		"no sensible": {"yesterday", ""},
	} {
		f := ClockFinding("Slack", http.Header{"Date": {tt.date}}, at.Add(500*time.Millisecond), at.Add(1500*time.Millisecond))
		if got := f.GetValues()[ValueOffset]; got != tt.offset {
			t.Errorf("%s: %q, want %q", name, got, tt.offset)
		}
	}
}

func TestReplicasHaveNamesOfTheirOwn(t *testing.T) {
	if a, b := Replica(), Replica(); a == b || a == "" {
		t.Errorf("%q and %q", a, b)
	}
}
