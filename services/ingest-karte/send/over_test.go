package send

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// stored stores a command and answers it as its partition hands it out.
func (d *desk) stored(command *eventv1.KarteCommand) bus.Message {
	d.t.Helper()
	subject := bus.SendSubject(2, command.GetProject(), command.GetConversation(), command.GetId())
	if _, err := d.bus.Once(d.t.Context(), bus.Sends, subject, command); err != nil {
		d.t.Fatal(err)
	}
	all, err := d.bus.Before(d.t.Context(), bus.Sends, "send.>", "")
	if err != nil {
		d.t.Fatal(err)
	}
	m := all[len(all)-1]
	m.Deliveries = 1
	return m
}

// held answers the same message as HELD hands it out.
func held(m bus.Message) bus.Message {
	m.Held = true
	return m
}

func (d *desk) done(m bus.Message) {
	d.t.Helper()
	if err := d.sender.Handle(d.t.Context(), m); err != nil {
		d.t.Fatalf("%s (held: %v): %v", m.Subject, m.Held, err)
	}
}

// A replica that is killed after it has set a reply aside and before it acknowledges that leaves two of it: the partition's and the held
// one. Whichever is first, the other one has nothing left to do.
func TestAReplyOfWhichTwoAreLeftIsSentOnce(t *testing.T) {
	for name, order := range map[string][]func(bus.Message) bus.Message{
		"the held one first":      {held, func(m bus.Message) bus.Message { return m }},
		"the partition's first":   {func(m bus.Message) bus.Message { return m }, held},
		"the held one twice":      {held, held},
		"the partition's as well": {held, func(m bus.Message) bus.Message { m.Deliveries = 2; return m }, held},
	} {
		t.Run(name, func(t *testing.T) {
			for _, history := range []History{both, {}} {
				d := newDesk(t, history)
				m := d.stored(d.command("reply-1", "hello"))
				for _, as := range order {
					d.done(as(m))
				}
				d.wants([]string{"hello"}, []string{"delivered"})
			}
		})
	}
}

// A reply that Slack tells once more after the number of partitions was raised is stored again, under the new number.
func TestAReplyThatComesAgainUnderAnotherNumberOfPartitionsIsSentOnce(t *testing.T) {
	for _, history := range []History{both, {}} {
		d := newDesk(t, history)
		command := d.command("reply-1", "hello")
		d.done(d.stored(command))
		if _, err := d.bus.Once(t.Context(), bus.Sends, bus.SendSubject(16, command.GetProject(), command.GetConversation(), command.GetId()), command); err != nil {
			t.Fatal(err)
		}
		all, err := d.bus.Before(t.Context(), bus.Sends, "send.>", "")
		if err != nil || len(all) != 2 {
			t.Fatalf("%d stored: %v", len(all), err)
		}
		d.done(all[1])
		d.done(held(all[1]))
		d.wants([]string{"hello"}, []string{"delivered"})
	}
}

// The same of a reply that was given up: it is not sent after all, and it is buried although the first to give it up did not come to that.
func TestAReplyThatWasGivenUpStaysGivenUp(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = fails(1, errRefused, false)
	m := d.stored(d.command("reply-1", "hello"))
	for _, as := range []bus.Message{held(m), m, held(m)} {
		err := d.sender.Handle(t.Context(), as)
		if reason, permanent := retry.Reason(err); !permanent || reason != eventv1.FailureReason_FAILURE_REASON_REJECTED {
			t.Fatalf("held %v: %v", as.Held, err)
		}
	}
	d.wants(nil, []string{"REJECTED"})
}

// slow is a KARTE at which something happens between the moment in which the history is read and the moment in which it arrives.
type slow struct {
	*chat
	meanwhile func()
}

func (s *slow) History(ctx context.Context, customer string, limit int) ([]karte.Entry, error) {
	entries, err := s.chat.History(ctx, customer, limit)
	if f := s.meanwhile; f != nil {
		s.meanwhile = nil
		f()
	}
	return entries, err
}

// A replica that is so slow that another one has taken its message over must not attempt it: what it read is not the last word. Nor may it
// set the message aside, which is what the error tells the Holder.
func TestAReplyIsNotAttemptedByWhoWasOvertaken(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = fails(1, errLost, false)
	m := d.stored(d.command("reply-1", "hello"))
	if err := d.sender.Handle(t.Context(), m); err == nil {
		t.Fatal("the first attempt was to fail")
	}
	options := d.sender.Options
	options.Metrics = prometheus.NewRegistry()
	successor := New(options)
	d.sender.KARTE = &slow{chat: d.karte, meanwhile: func() {
		if err := successor.Handle(t.Context(), m); err != nil {
			t.Errorf("the successor: %v", err)
		}
	}}
	if err := d.sender.Handle(t.Context(), m); !errors.Is(err, bus.ErrConflict) {
		t.Fatalf("the overtaken one: %v", err)
	}
	d.wants([]string{"hello"}, []string{"delivered"})
}
