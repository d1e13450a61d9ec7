package send

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// stopped is asked to stop in the middle of its first call, to which KARTE answers all the same.
type stopped struct {
	*chat
	stop context.CancelFunc
}

func (s *stopped) Send(ctx context.Context, customer, operator, text string) error {
	s.stop()
	return s.chat.Send(ctx, customer, operator, text)
}

// handleStopped lets a replica handle m that is asked to stop meanwhile.
func (d *desk) handleStopped(m bus.Message) error {
	ctx, stop := context.WithCancel(d.t.Context())
	defer stop()
	replica := d.replica(0)
	replica.KARTE = &stopped{d.karte, stop}
	return replica.Handle(ctx, m)
}

// What KARTE has answered is reported by a replica that stops, for nobody else may be able to find it out.
func TestPromise5WhatAStoppingReplicaHasSentIsReported(t *testing.T) {
	for _, history := range []History{both, {}} {
		d := newDesk(t, history)
		d.sender.TextLimit = 5 // two parts
		m := d.stored(d.command("reply-1", "helloworld"))
		if err := d.handleStopped(m); err != nil {
			t.Errorf("not settled: %v", err)
		}
		d.wants([]string{"hello", "world"}, []string{"delivered"})
		m.Deliveries = 2
		d.done(m)
		d.wants([]string{"hello", "world"}, []string{"delivered"})
	}
}

// Nor does a stop make an unknown outcome of what KARTE has cleanly refused, which the next replica is handed before anybody has set it aside.
func TestPromise1WhatKARTERefusedWhileAReplicaStoppedIsSentByTheNext(t *testing.T) {
	for _, history := range []History{both, {}} {
		d := newDesk(t, history)
		d.karte.refuse = once(1, errNotNow, false)
		m := d.stored(d.command("reply-1", "hello"))
		if err := d.handleStopped(m); err == nil {
			t.Fatal("a refusal settled it")
		}
		m.Deliveries = 2
		d.done(m)
		d.wants([]string{"hello"}, []string{"delivered"})
	}
}

// That a call is over says that it had no effect only where its outcome is known: also when KARTE lists such lines to the one replica and, configured anew, not to the next.
func TestPromise2WhatMayHaveArrivedIsNotSentAgainWhereNothingIsListed(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = once(1, errLost, true)
	m := d.stored(d.command("reply-1", "hello"))
	if err := d.sender.Handle(t.Context(), m); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	next := d.replica(0)
	next.History = History{}
	m.Deliveries = 2
	if err := next.Handle(t.Context(), m); err == nil {
		t.Error("it was settled as sent")
	}
	d.wants([]string{"hello"}, []string{"OUTCOME_UNKNOWN"})
}

// A reply that was delivered and is handed out again, because JetStream forgot that it was settled, does not wait behind others: nothing would take the mark away again.
func TestPromise5WhatIsDeliveredIsNotMarkedAsWaiting(t *testing.T) {
	d := newDesk(t, both)
	m := d.stored(d.command("reply-1", "one"))
	d.done(m)
	d.sender.Waiting(t.Context(), m, nil)
	behind := d.stored(d.command("reply-2", "two"))
	d.sender.Waiting(t.Context(), behind, nil)
	if waiting := d.waiting(); !slices.Equal(waiting, []string{"reply-2"}) {
		t.Errorf("reported as waiting: %q", waiting)
	}
}

// waiting answers which commands were reported as waiting.
func (d *desk) waiting() (waiting []string) {
	d.t.Helper()
	all, err := d.bus.Before(d.t.Context(), bus.Talk, "talk.>", "")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, m := range all {
		var fact eventv1.TalkFact
		if err := bus.Decode(m, &fact); err != nil {
			d.t.Fatal(err)
		}
		if id := fact.GetReplyWaiting().GetCommandId(); id != "" {
			waiting = append(waiting, id)
		}
	}
	return waiting
}

// Nor when it comes to HELD behind others, and its turn comes there: it was reported before.
func TestPromise5WhatIsSettledIsNotMarkedAsWaitingWhenItIsHeldAgain(t *testing.T) {
	for name, refuse := range map[string]error{"delivered": nil, "refused": errRefused} {
		d := newDesk(t, both)
		if refuse != nil {
			d.karte.refuse = once(1, refuse, false)
		}
		m := d.stored(d.command("reply-1", "one"))
		_ = d.sender.Handle(t.Context(), m)
		before := d.reports()
		if err := d.sender.Handle(t.Context(), held(m)); (err != nil) != (refuse != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if waiting := d.waiting(); len(waiting) > 0 || !slices.Equal(d.reports(), before) || len(before) != 1 {
			t.Errorf("%s: reported as waiting %q, reports %q and then %q", name, waiting, before, d.reports())
		}
	}
}
