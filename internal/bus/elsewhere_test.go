package bus

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestAnAttemptOfAnotherReplicaIsWaitedForOnce(t *testing.T) {
	const limit, all = 10 * time.Second, 12 * time.Second
	at := time.Unix(1700000000, 0)
	note := func(at time.Time) *eventv1.Checkpoint { return &eventv1.Checkpoint{AttemptedAt: timestamppb.New(at)} }
	for _, c := range []struct {
		name       string
		checkpoint Checkpoint
		note       *eventv1.Checkpoint
		now        time.Time
		want       time.Duration
	}{
		{"just begun", Checkpoint{}, note(at), at, all},
		{"begun a while ago", Checkpoint{}, note(at), at.Add(5 * time.Second), 7 * time.Second},
		{"over", Checkpoint{}, note(at), at.Add(all), 0},
		{"by a clock that is ahead", Checkpoint{}, note(at.Add(2 * time.Minute)), at, all},
		{"one's own", Checkpoint{mine: at}, note(at), at, 0},
		{"waited for", Checkpoint{waited: at, until: at.Add(-time.Second)}, note(at), at, 0},
		{"handed out again while it is waited for", Checkpoint{waited: at, until: at.Add(3 * time.Second)}, note(at), at, 3 * time.Second},
		{"ended", Checkpoint{}, &eventv1.Checkpoint{AttemptedAt: timestamppb.New(at), Ended: true}, at, 0},
		{"none", Checkpoint{}, &eventv1.Checkpoint{}, at, 0},
	} {
		if got := c.checkpoint.Elsewhere(c.note, c.now, limit); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	c := &Checkpoint{}
	for _, after := range []time.Duration{0, 4 * time.Second, all} {
		if left := c.Elsewhere(note(at), at.Add(after), limit); left != all-after {
			t.Errorf("after %v it is waited for %v more", after, left)
		}
	}
}

// Nobody waits longer for a call than it may take, so it has to be over by then, whatever kept the process from making it at once.
func TestACallIsOverWhenNobodyWaitsForItAnyMore(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	c := &Checkpoint{noted: time.Now().Add(-time.Minute)}
	late, cancel := c.Calling(stopped, 10*time.Second)
	defer cancel()
	if late.Err() == nil {
		t.Error("a call may be made a minute after it was noted")
	}
	c.noted = time.Now()
	timely, cancel := c.Calling(stopped, 10*time.Second)
	defer cancel()
	if by, ok := timely.Deadline(); timely.Err() != nil || !ok || time.Until(by) > 10*time.Second {
		t.Errorf("%v, by %v", timely.Err(), by)
	}
	endless, cancel := c.Calling(stopped, 0)
	defer cancel()
	if _, limited := endless.Deadline(); limited || endless.Err() != nil {
		t.Errorf("%v, limited: %v", endless.Err(), limited)
	}
}
