package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Checkpoint is the write-ahead note of one ordered queue: which message is being attempted. Because the queue hands out
// one message at a time, a message at the noted sequence that comes again is one whose outcome is unknown, an earlier one is
// done, and a later one has never been tried. It does not rest on delivery counts, which a broker that loses its leader may forget.
//
// Replicas that serve the queue in turn notice each other by compare-and-set. A Checkpoint is used by one goroutine, like the
// queue that it belongs to.
type Checkpoint struct {
	records  Records[*eventv1.Checkpoint]
	key      string
	revision uint64
	// mine is when this replica last attempted something, waited another replica's attempt that is waited for until that time.
	mine, waited, until time.Time
	// noted is mine by a clock that nobody sets, and note what was noted.
	noted time.Time
	note  *eventv1.Checkpoint
	// known is the note at revision, nil when it is not known, and turn the delivery that it was last asked for.
	known *eventv1.Checkpoint
	turn  uint64
}

// arriving is how long what a call has sent may still be on its way when the call has ended.
const arriving = 2 * time.Second

// NewCheckpoint makes the checkpoint of the queue named key.
func (b *Bus) NewCheckpoint(key string) *Checkpoint {
	return &Checkpoint{records: NewRecords[*eventv1.Checkpoint](b, Checkpoints), key: key}
}

// At answers the note as it stands when m is handed out. It is read unless m is the delivery behind the one that it was last asked for: then nobody else has
// served the queue since. Should that be wrong, because a queue was made anew and counts from the start, or because a replica works on that was taken for dead, then Note
// says so before anything is attempted.
func (c *Checkpoint) At(ctx context.Context, m Message) (*eventv1.Checkpoint, error) {
	next := m.Turn == c.turn+1 && m.Deliveries == 1
	if c.turn = m.Turn; next && c.known != nil {
		return c.known, nil
	}
	return c.Last(ctx)
}

// Last answers the note as it stands, also to whoever is handed no message of the queue. It is read every time: another replica may have served the queue since.
func (c *Checkpoint) Last(ctx context.Context) (*eventv1.Checkpoint, error) {
	note := &eventv1.Checkpoint{}
	c.known = nil
	revision, err := c.records.Read(ctx, c.key, note)
	if err != nil {
		return nil, err
	}
	c.revision, c.known = revision, note
	return note, nil
}

// Note writes that an attempt is about to be made. After an error nothing may be attempted; the message comes again.
func (c *Checkpoint) Note(ctx context.Context, note *eventv1.Checkpoint) error {
	c.mine, c.noted, c.note = note.GetAttemptedAt().AsTime(), time.Now(), note
	err := c.write(ctx, note)
	if err == nil || errors.Is(err, ErrConflict) {
		return err
	}
	// If only the answer was lost, then others wait for a call from now on: it is to be made.
	if there, failed := c.Last(context.WithoutCancel(ctx)); failed == nil && proto.Equal(there, note) {
		return nil
	}
	return err
}

// Ended writes that the call which was just noted is over, and has failed or may have, as cause says. Others are told so that they need not wait; where they cannot be
// told they wait, so no error matters.
func (c *Checkpoint) Ended(ctx context.Context, cause error) {
	ended := proto.CloneOf(c.note)
	ended.Ended, ended.Unknown = true, errors.Is(cause, retry.ErrUnknown)
	// The process may have been asked to stop: all the more another one is to know.
	_ = c.write(context.WithoutCancel(ctx), ended)
}

func (c *Checkpoint) write(ctx context.Context, note *eventv1.Checkpoint) error {
	c.known = nil
	revision, err := c.records.Write(ctx, c.key, note, c.revision)
	if err == nil {
		c.revision, c.known = revision, note
	}
	return err
}

// Current answers the note that was last read or written while m was handed out here; it is read where there was none. It is for the end of a delivery, At for its beginning: what a
// broker hands out again under the same number, because it lost its leader, is to be read anew.
func (c *Checkpoint) Current(ctx context.Context, m Message) (*eventv1.Checkpoint, error) {
	if c.turn == m.Turn && c.known != nil {
		return c.known, nil
	}
	return c.At(ctx, m)
}

// SetAside writes that m goes to HELD, and is attempted there from now on: by nobody else who was handed it because this replica was taken for dead. It goes by the
// current note; ErrConflict says that somebody else has written another one, and then it must not be set aside. What is behind later messages was settled before and has been
// handed out again: HELD refuses it, or it finds there what became of it.
func (c *Checkpoint) SetAside(ctx context.Context, m Message) error {
	note, err := c.Current(ctx, m)
	if err != nil {
		return err
	}
	switch {
	case note.GetSequence() > m.Sequence:
		return nil
	case note.GetSequence() < m.Sequence:
		return c.write(ctx, &eventv1.Checkpoint{Sequence: m.Sequence, SetAside: true})
	case note.GetSetAside():
		return nil
	}
	aside := proto.CloneOf(note)
	aside.SetAside = true
	return c.write(ctx, aside)
}

// Calling answers the context of the call that was just noted, which may take as long as limit, counted from the note: others wait no longer for it (see
// Elsewhere), so a process that stood still in between must not make it any more. It is not cut off when the process is asked to stop, for a call that is
// cut off may still have its effect. Without a limit it may take for ever.
func (c *Checkpoint) Calling(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	if limit <= 0 {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, c.noted.Add(limit))
}

// settling is how long a replica that is asked to stop still tries to write down what a call has come to.
const settling = 5 * time.Second

// Settling answers the context in which a handler writes down what a call has come to. It is not cut off at once when the process is asked to stop: the next replica would
// have to find it out, and cannot where the other side does not tell. Nobody else limits it: while NATS is away, this replica alone knows.
func Settling(ctx context.Context) (context.Context, context.CancelFunc) {
	settled, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if sleep(settled, settling) {
			cancel(fmt.Errorf("not written down within %v of the stop", settling))
		}
	})
	return settled, func() {
		stop()
		cancel(context.Canceled)
	}
}

// Elsewhere answers how long the noted attempt may still be going on in another replica, which makes calls that take limit at most (see Calling): a
// broker that lost its leader hands a message to a second replica while the first is at it. What is looked for before that may not be there yet. Whoever is handed the message
// again meanwhile waits on, for JetStream forgets a delay when the first replica says that it is at work; an attempt of one's own is over. Without a limit nobody is waited for.
func (c *Checkpoint) Elsewhere(note *eventv1.Checkpoint, now time.Time, limit time.Duration) time.Duration {
	at := note.GetAttemptedAt().AsTime()
	switch {
	case limit <= 0 || note.GetEnded() || note.GetAttemptedAt() == nil || at.Equal(c.mine):
		return 0
	case at.Equal(c.waited):
		return max(c.until.Sub(now), 0)
	}
	left := min(at.Add(limit+arriving).Sub(now), limit+arriving)
	if left <= 0 {
		return 0
	}
	c.waited, c.until = at, now.Add(left)
	return left
}

// State is what a checkpoint says about a message.
type State int

// The states.
const (
	// Untried: it has never been attempted.
	Untried State = iota
	// Uncertain: it was attempted and nobody knows with what outcome.
	Uncertain
	// Done: it needs nothing more.
	Done
	// Aside: it was set aside, and is attempted in HELD only.
	Aside
)

// StateOf answers what note says about the message with sequence.
func StateOf(note *eventv1.Checkpoint, sequence uint64) State {
	switch {
	case sequence == note.GetSequence() && note.GetSetAside():
		return Aside
	case sequence < note.GetSequence(), slices.Contains(note.GetAhead(), sequence):
		return Done
	case sequence == note.GetSequence(), slices.Contains(note.GetUncertain(), sequence):
		return Uncertain
	case slices.Contains(note.GetMerged(), sequence):
		// The attempt that carried it is over: its own message would have come first otherwise.
		return Done
	}
	return Untried
}
