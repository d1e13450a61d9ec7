package lane_test

import (
	"context"
	"slices"
	"testing"
	"time"
)

// A replica that is asked to stop while Slack takes a head, or a line, writes down where it is: the next one would hold up the channel until the call must be over.
func TestPromise3AStopDuringAPostHoldsNobodyUp(t *testing.T) {
	r := newRoom(t)
	r.options.CallTime = time.Minute
	next := r.replica(posting, 0)
	for _, id := range []string{"p0", "p1"} {
		m := r.store(posting, customer(id, "c1", "w0"+id[1:]+"."))[0]
		ctx, stop := context.WithCancel(t.Context())
		r.slack.during = stop
		if err := r.replica(posting, 0)(ctx, m); err != nil {
			t.Errorf("%s is not settled: %v", id, err)
		}
		r.slack.during = nil
		m.Deliveries, m.Turn = 2, 2
		if err := next(t.Context(), m); err != nil {
			t.Errorf("%s, handed out again: %v", id, err)
		}
	}
	if words, _ := r.slack.words(""); !slices.Equal(words, []string{"w00.", "w01."}) {
		t.Errorf("Slack shows %v", words)
	}
}
