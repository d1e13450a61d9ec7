package bus_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// rings notes when which conversation's timer was due.
type rings struct {
	mu sync.Mutex
	at map[string][]time.Time
	// refuse is how many times each one fails first.
	refuse int
	failed map[string]int
}

func (r *rings) handle(_ context.Context, m bus.Message) error {
	var due eventv1.TimerDue
	if err := bus.Decode(m, &due); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed[due.GetConversation()] < r.refuse {
		r.failed[due.GetConversation()]++
		return errors.New("not now")
	}
	r.at[due.GetConversation()] = append(r.at[due.GetConversation()], time.Now())
	return nil
}

func (r *rings) times(conversation string) []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at[conversation]
}

func newRings() *rings { return &rings{at: map[string][]time.Time{}, failed: map[string]int{}} }

func set(t *testing.T, b *bus.Bus, conversation string, at time.Time) {
	t.Helper()
	if err := b.SetTimer(t.Context(), "demo", conversation, at, &eventv1.TimerDue{Project: "demo", Conversation: conversation}); err != nil {
		t.Fatal(err)
	}
}

// timersStored answers how many messages there are in TIMERS.
func timersStored(t *testing.T, b *bus.Bus) uint64 {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), bus.Timers)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestATimerIsDueOnceAndNotBeforeItsTime(t *testing.T) {
	b, _ := ready(t)
	b.SetAckWait(time.Minute) // a machine that stands still for a moment is no replica that has died
	r := newRings()
	holder := b.NewHolder("due", r.handle)
	serve(t, holder.Serve)
	serve(t, func(ctx context.Context) error { return b.ServeTimers(ctx, "router-timers", holder.Handle) })
	begin := time.Now()
	at := begin.Add(1500 * time.Millisecond)
	set(t, b, "c1", begin.Add(time.Hour)) // the one set last counts
	for range 3 {
		set(t, b, "c1", at)
	}
	set(t, b, "c2", begin.Add(-time.Hour)) // what is over is due
	set(t, b, "c3", begin.Add(time.Hour))
	eventually.Holds(t, patience, "two are due", func() bool { return len(r.times("c1")) > 0 && len(r.times("c2")) > 0 })
	if got := r.times("c1")[0]; got.Before(at) {
		t.Errorf("due %v too early", at.Sub(got))
	}
	eventually.Holds(t, patience, "only the one that is not due is left", func() bool { return timersStored(t, b) == 1 })
	if n := len(r.times("c1")) + len(r.times("c2")) + len(r.times("c3")); n != 2 {
		t.Errorf("%d were due", n)
	}
}

// One that cannot be looked at now waits in HELD, and delays nobody.
func TestADueTimerThatFailsComesAgain(t *testing.T) {
	b, _ := ready(t)
	b.SetAckWait(time.Minute)
	r := newRings()
	r.refuse = 2
	holder := b.NewHolder("due", r.handle)
	serve(t, holder.Serve)
	serve(t, func(ctx context.Context) error { return b.ServeTimers(ctx, "router-timers", holder.Handle) })
	set(t, b, "c1", time.Now())
	set(t, b, "c2", time.Now())
	eventually.Holds(t, patience, "both are done", func() bool { return len(r.times("c1")) > 0 && len(r.times("c2")) > 0 })
	if n := len(r.times("c1")) + len(r.times("c2")); n != 2 {
		t.Errorf("%d were due", n)
	}
}

func TestTimersOutliveTheServer(t *testing.T) {
	options := &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	start := func() *server.Server {
		s, err := server.NewServer(options)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(30 * time.Second) {
			t.Fatal("the NATS server did not start")
		}
		return s
	}
	first := start()
	b := connect(t, first.ClientURL(), 4, 0)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	set(t, b, "c1", time.Now().Add(2*time.Second))
	b.Close()
	first.Shutdown()
	first.WaitForShutdown()
	second := start()
	t.Cleanup(func() { second.Shutdown(); second.WaitForShutdown() })
	again := connect(t, second.ClientURL(), 4, 0)
	r := newRings()
	serve(t, func(ctx context.Context) error { return again.ServeTimers(ctx, "router-timers", r.handle) })
	eventually.Holds(t, patience, "it is due", func() bool { return len(r.times("c1")) > 0 })
}
