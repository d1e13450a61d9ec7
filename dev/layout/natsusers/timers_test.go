package natsusers

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestTheRouterMaySetTimersAndServeThem(t *testing.T) {
	s := start(t)
	b := connect(t, s, "router")
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	var tries atomic.Int32
	holder := b.NewHolder("due", func(context.Context, bus.Message) error {
		if tries.Add(1) == 1 {
			return errors.New("not now")
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 2)
	go func() { served <- b.ServeTimers(ctx, "router-timers", holder.Handle) }()
	go func() { served <- holder.Serve(ctx) }()
	if err := b.SetTimer(t.Context(), "demo", "c1", time.Now(), &eventv1.TimerDue{Project: "demo", Conversation: "c1"}); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, 20*time.Second, "it is done", func() bool { return tries.Load() == 2 })
	cancel()
	if err := errors.Join(<-served, <-served); err != nil {
		t.Error(err)
	}

	if err := b.SetTimer(t.Context(), "demo", "c2", time.Now().Add(time.Hour), &eventv1.TimerDue{}); err != nil {
		t.Fatal(err)
	}
	erased := 0
	_, err := b.Probe(t.Context(), bus.Timers, bus.TimerSubject("demo", "c2"), 1, func(m bus.Message) error {
		erased++
		_, err := b.Erase(t.Context(), bus.Timers, m.Sequence)
		return err
	})
	if err != nil || erased != 1 {
		t.Errorf("erased %d, %v", erased, err)
	}
}

func TestOnlyTheRouterHasTimers(t *testing.T) {
	s := start(t)
	for _, user := range []string{"ingest-karte", "slack-gateway"} {
		for _, subject := range []string{"timer.demo.c1", "due.8-001.demo.c1", "held.due.demo.c1.x", "$JS.API.CONSUMER.CREATE.TIMERS.spy.due.>", "$JS.API.CONSUMER.MSG.NEXT.TIMERS.x"} {
			if !refused(t, url(s, user), "publish", subject) {
				t.Errorf("%s may publish %s", user, subject)
			}
		}
	}
	if !refused(t, url(s, "router"), "publish", "due.8-001.demo.c1") {
		t.Error("router may publish what only JetStream tells")
	}
}
