package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// setAside makes a holder set a message of customer aside for delay, and answers what it stored.
func setAside(t *testing.T, b *bus.Bus, customer string, delay time.Duration) *nats.Msg {
	t.Helper()
	holder := b.NewHolder("talk", func(context.Context, bus.Message) error { return retry.After(delay, errors.New("not now")) })
	data, err := proto.Marshal(&eventv1.TalkFact{Id: "f-" + customer, Customer: &eventv1.Customer{UserId: customer}})
	if err != nil {
		t.Fatal(err)
	}
	subject := bus.TalkSubject(4, "demo", customer, "customer-message", "f-"+customer)
	if err := holder.Handle(t.Context(), bus.Message{Stream: bus.Talk, Subject: subject, Data: data, Sequence: 1}); err != nil {
		t.Fatal(err)
	}
	lane, _ := bus.HeldLaneOf(subject)
	return stored(t, b, lane.Subject(subject))
}

// stored answers the message of HELD at subject.
func stored(t *testing.T, b *bus.Bus, subject string) *nats.Msg {
	t.Helper()
	js, err := b.Conn().JetStream()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := js.GetLastMsg(bus.Held, subject)
	if err != nil {
		t.Fatal(err)
	}
	return &nats.Msg{Subject: raw.Subject, Header: raw.Header, Data: raw.Data}
}

// What one replica sets aside another one takes up, and their clocks may be minutes apart: a wait that was asked for may be cut short by
// that, but never grows.
func TestClockSkewBetweenReplicasHoldsNothingUp(t *testing.T) {
	b, _ := ready(t)
	js, err := b.Conn().JetStream()
	if err != nil {
		t.Fatal(err)
	}
	for n, skew := range []time.Duration{2 * time.Minute, -2 * time.Minute, 0} {
		// What a replica whose clock is wrong by skew would have stored.
		original := setAside(t, b, fmt.Sprintf("template-%d", n), 200*time.Millisecond)
		at, err := time.Parse(time.RFC3339Nano, original.Header.Get("Slacktalk-Not-Before"))
		if err != nil {
			t.Fatal(err)
		}
		lane := bus.HeldLane{Stream: "talk", A: "demo", B: bus.Token(fmt.Sprintf("member-%d", n))}
		skewed := &nats.Msg{Subject: lane.Subject("f"), Header: original.Header, Data: original.Data}
		skewed.Header.Set(nats.MsgIdHdr, skewed.Subject)
		skewed.Header.Set("Slacktalk-Not-Before", at.Add(skew).Format(time.RFC3339Nano))
		if _, err := js.PublishMsg(skewed); err != nil {
			t.Fatal(err)
		}
	}
	got := newSeen()
	holder := b.NewHolder("talk", func(_ context.Context, m bus.Message) error {
		got.add("c", decode(t, m).GetId())
		return nil
	})
	serve(t, holder.Serve)
	got.wait(t, 6)
}

// A replica that is told by its checkpoint that another one has taken its message over must not set it aside: it would be done once more.
func TestWhoWasOvertakenSetsNothingAside(t *testing.T) {
	b, _ := ready(t)
	holder := b.NewHolder("talk", func(context.Context, bus.Message) error { return fmt.Errorf("note: %w", bus.ErrConflict) })
	holder.OnHeld = func(context.Context, bus.Message, error) { t.Error("said to be set aside") }
	subject := bus.TalkSubject(4, "demo", "member-1", "customer-message", "f1")
	if err := holder.Handle(t.Context(), bus.Message{Stream: bus.Talk, Subject: subject, Sequence: 1}); !errors.Is(err, bus.ErrConflict) {
		t.Fatalf("got %v", err)
	}
	lane, _ := bus.HeldLaneOf(subject)
	js, err := b.Conn().JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.GetLastMsg(bus.Held, lane.Subject(subject)); !errors.Is(err, nats.ErrMsgNotFound) {
		t.Fatalf("it was set aside: %v", err)
	}
}
