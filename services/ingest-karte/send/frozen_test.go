package send

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// frozen is a KARTE whose first call stands still before it leaves, and then is what it is over HTTP: too late to be sent.
type frozen struct {
	*chat
	held        atomic.Bool
	begun, goOn chan struct{}
}

func (f *frozen) Send(ctx context.Context, customer, operator, text string) error {
	if f.held.CompareAndSwap(false, true) {
		f.begun <- struct{}{}
		<-f.goOn
		select {
		case <-ctx.Done():
			return errLost
		case <-time.After(2 * time.Second):
		}
	}
	return f.chat.Send(ctx, customer, operator, text)
}

// A process that stands still between noting a call and making it is taken for dead: another one looks for the reply, does not find it and sends it.
func TestPromise2WhoStoodStillBeforeItsCallDoesNotMakeIt(t *testing.T) {
	d := newDesk(t, both)
	f := &frozen{chat: d.karte, begun: make(chan struct{}), goOn: make(chan struct{})}
	d.sender.KARTE, d.sender.CallTime = f, 200*time.Millisecond
	m, ended := d.stored(d.command("reply-1", "hello")), make(chan error)
	go func() { ended <- d.sender.Handle(t.Context(), m) }()
	<-f.begun
	if err := d.replica(time.Minute).Handle(t.Context(), m); err != nil { // by its clock the first one's call is over
		t.Fatal(err)
	}
	close(f.goOn)
	if err := <-ended; err == nil {
		t.Error("who stood still takes its call for made")
	}
	if err := d.replica(2*time.Minute).Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := d.karte.texts(); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("KARTE has %v", got)
	}
}

// The answer was lost, or it was no, but the call is over, and said to be: another replica looks for the reply at once instead of waiting for as long as a call may take.
func TestACallThatHasEndedIsNotWaitedFor(t *testing.T) {
	for _, a := range []struct {
		err    error
		effect bool
	}{{errLost, true}, {errLost, false}, {errNotNow, false}} {
		d := newDesk(t, both)
		d.sender.CallTime = time.Minute
		d.karte.refuse = once(1, a.err, a.effect)
		if err := d.until(d.stored(d.command("reply-1", "hello"))); err != nil {
			t.Fatal(err)
		}
		d.wants([]string{"hello"}, []string{"delivered"})
	}
}

// JetStream may not have heard that a reply is done, and hand it to another replica: there it is looked for what was reported of it, before it is waited for the call.
func TestAReplyThatWasReportedIsNotWaitedFor(t *testing.T) {
	for _, history := range []History{both, {}} {
		d := newDesk(t, history)
		d.sender.CallTime = time.Minute
		m := d.stored(d.command("reply-1", "hello"))
		d.done(m)
		if err := d.replica(0).Handle(t.Context(), m); err != nil {
			t.Errorf("%+v: %v", history, err)
		}
		d.wants([]string{"hello"}, []string{"delivered"})
	}
}
