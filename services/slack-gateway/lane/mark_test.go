package lane_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// late stands still before its first reaction leaves, and then behaves as a client of HTTP does: what is too late is not sent.
type late struct {
	*fake
	held        atomic.Bool
	begun, goOn chan struct{}
	line        sync.Map // the reactions on it
}

func (l *late) React(ctx context.Context, channel, ts, name string) error {
	if l.held.CompareAndSwap(false, true) {
		l.begun <- struct{}{}
		<-l.goOn
		select {
		case <-ctx.Done():
			return errLost
		case <-time.After(10 * time.Second): // however late, it may be made
		}
	}
	l.line.Store(name, true)
	return l.fake.React(ctx, channel, ts, name)
}

func (l *late) Unreact(ctx context.Context, channel, ts, name string) error {
	l.line.Delete(name)
	return l.fake.Unreact(ctx, channel, ts, name)
}

// A gateway stands still before it marks a line as waiting, and is taken for dead. Another one marks it, and takes the mark away when the line is sent: the first one must not
// bring it back.
func TestPromise5AMarkOfWaitingDoesNotComeBack(t *testing.T) {
	r := newRoom(t)
	l := &late{fake: r.slack, begun: make(chan struct{}), goOn: make(chan struct{})}
	r.options.Workspace, r.options.CallTime = in(l, marking.Team), 200*time.Millisecond
	lines := r.store(marking, reaction("m0", eventv1.Receipt_RECEIPT_WAITING), reaction("m1", eventv1.Receipt_RECEIPT_SENT))
	first, ended := r.replica(marking, 0), make(chan error)
	go func() { ended <- first(t.Context(), lines[0]) }()
	<-l.begun
	if err := r.fails(r.replica(marking, 0), lines[0]); retry.Delay(err) <= 0 {
		t.Errorf("another replica does not wait: %v", err)
	}
	second := r.replica(marking, time.Minute) // by its clock the first one's call is over
	r.done(second, lines...)
	close(l.goOn)
	if err := <-ended; err == nil {
		t.Error("who stood still takes its reaction for made")
	}
	if _, waits := l.line.Load(render.Reaction(eventv1.Receipt_RECEIPT_WAITING)); waits {
		t.Error("a line that was sent is marked as waiting")
	}
	if _, sent := l.line.Load(render.Reaction(eventv1.Receipt_RECEIPT_SENT)); !sent {
		t.Error("a line that was sent is not marked")
	}
}

// What comes of a mark that fails is tried again at once, by whichever replica.
func TestAMarkOfWaitingIsMadeWhateverBecomesOfACall(t *testing.T) {
	for name, a := range map[string]accident{"effect, no answer": {true, errLost}, "no effect, no answer": {false, errLost}, "told so": {false, errNotNow}} {
		r := newRoom(t)
		r.options.CallTime = time.Minute
		lines := r.store(marking, reaction("m0", eventv1.Receipt_RECEIPT_WAITING), reaction("m1", eventv1.Receipt_RECEIPT_SENT))
		r.slack.next(a)
		_ = r.fails(r.replica(marking, 0), lines[0])
		r.done(r.replica(marking, 0), lines[0])
		r.done(r.replica(marking, 0), lines...) // the acknowledgement was lost
		waiting := render.Reaction(eventv1.Receipt_RECEIPT_WAITING)
		want := []string{"+" + waiting, "+" + render.Reaction(eventv1.Receipt_RECEIPT_SENT), "-" + waiting}
		if got := slices.Compact(r.slack.reactions); !slices.Equal(got, want) {
			t.Errorf("%s: Slack was asked for %v, want %v", name, got, want)
		}
	}
}

// reaction is one on the same line; what ends a line takes the mark of waiting away.
func reaction(id string, receipt eventv1.Receipt) *eventv1.SlackCommand {
	return mark(id, &eventv1.SlackCommand{Command: &eventv1.SlackCommand_Reaction{Reaction: &eventv1.Reaction{
		Target: &eventv1.SlackMessageRef{Team: marking.Team, Channel: marking.Channel, Ts: "1.1"}, Receipt: receipt,
		ReplacesWaiting: receipt != eventv1.Receipt_RECEIPT_WAITING,
	}}})
}
