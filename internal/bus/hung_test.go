package bus_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// A replica stands still in the middle of its work, says nothing for longer than ackWait, and goes on when another one has had its message long since: the effect happens
// once, and in order, whether it stood still before its call or after it.
func TestPromise2AReplicaThatStoodStillDoesNothingTwice(t *testing.T) {
	for name, before := range map[string]bool{"before its call": true, "after its call": false} {
		t.Run(name, func(t *testing.T) {
			_, url := ready(t)
			h := &hung{before: before, standing: make(chan struct{}), goOn: make(chan struct{}), wentOn: make(chan struct{})}
			for range 2 {
				b := connect(t, url, 1, 0)
				b.SetAckWait(200 * time.Millisecond)
				serve(t, func(ctx context.Context) error {
					return b.Serve(ctx, bus.Queue{Stream: bus.Talk, Durable: "hung", Filter: "talk.>", Handle: h.handler(b, t)})
				})
			}
			publisher := connect(t, url, 1, 0)
			publish(t, publisher, "member-1", "evt-1")
			<-h.standing
			publish(t, publisher, "member-1", "evt-2")
			eventually.Holds(t, patience, "the other replica does both", func() bool { return len(h.seen()) == 2 })
			close(h.goOn)
			<-h.wentOn
			publish(t, publisher, "member-1", "evt-3")
			eventually.Holds(t, patience, "work goes on", func() bool { return slices.Contains(h.seen(), "evt-3") })
			if got := h.seen(); !slices.Equal(got, []string{"evt-1", "evt-2", "evt-3"}) {
				t.Errorf("done: %v", got)
			}
		})
	}
}

// hung is an outside whose first caller stands still.
type hung struct {
	before                 bool
	stood                  atomic.Bool
	standing, goOn, wentOn chan struct{}

	mu   sync.Mutex
	done []string
}

func (h *hung) seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.done)
}

// stand lets the first caller stand still.
func (h *hung) stand() {
	if h.stood.CompareAndSwap(false, true) {
		close(h.standing)
		<-h.goOn
		close(h.wentOn)
	}
}

// handler does what those of the services do: notes its call, makes none that is late, looks for what may be there.
func (h *hung) handler(b *bus.Bus, t *testing.T) bus.Handler {
	const limit = 100 * time.Millisecond
	checkpoint := b.NewCheckpoint("hung")
	return func(ctx context.Context, m bus.Message) error {
		id := decode(t, m).GetId()
		note, err := checkpoint.Last(ctx)
		if err != nil {
			return err
		}
		if state := bus.StateOf(note, m.Sequence); state == bus.Done || state == bus.Uncertain && slices.Contains(h.seen(), id) {
			return nil
		}
		if left := checkpoint.Elsewhere(note, time.Now(), limit); left > 0 && note.GetSequence() == m.Sequence {
			return retry.After(left, errors.New("another replica may be at it"))
		}
		if err := checkpoint.Note(ctx, &eventv1.Checkpoint{Sequence: m.Sequence, AttemptedAt: timestamppb.Now()}); err != nil {
			return err
		}
		if h.before {
			h.stand()
		}
		calling, cancel := checkpoint.Calling(ctx, limit)
		defer cancel()
		if calling.Err() != nil {
			return retry.Unknown(calling.Err())
		}
		h.mu.Lock()
		h.done = append(h.done, id)
		h.mu.Unlock()
		if !h.before {
			h.stand()
		}
		return nil
	}
}
