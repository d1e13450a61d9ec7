package bus_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// limit does what somebody who administers NATS may do to a consumer while it is served.
func limit(t *testing.T, b *bus.Bus, stream, consumer string, deliveries int) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, patience, "consumer "+consumer, func() bool {
		at, err := js.Consumer(t.Context(), stream, consumer)
		if err != nil {
			return false
		}
		config := at.CachedInfo().Config
		config.MaxDeliver = deliveries
		_, err = js.UpdateConsumer(t.Context(), stream, config)
		return err == nil
	})
}

func limitOf(t *testing.T, b *bus.Bus, stream, consumer string) int {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	at, err := js.Consumer(t.Context(), stream, consumer)
	if err != nil {
		t.Fatal(err)
	}
	return at.CachedInfo().Config.MaxDeliver
}

// readyOn is ready, and answers the server as well.
func readyOn(t *testing.T) (*bus.Bus, *server.Server) {
	t.Helper()
	nats := startNATS(t)
	b := connect(t, nats.ClientURL(), 4, 0)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b, nats
}

func TestWhatJetStreamGivesUpIsBuried(t *testing.T) {
	b, nats := readyOn(t)
	url := nats.ClientURL()
	got := newSeen()
	var told atomic.Int32
	for range 2 { // two replicas: one of them buries
		replica := connect(t, url, 4, 0)
		serve(t, func(ctx context.Context) error {
			return replica.Serve(ctx, bus.Queue{Stream: bus.Talk, Durable: "router-talk-all", Filter: "talk.>", Handle: func(_ context.Context, m bus.Message) error {
				if decode(t, m).GetId() != "fine" {
					return retry.After(time.Millisecond, errors.New("never"))
				}
				got.add("c", "fine")
				return nil
			}})
		})
		serve(t, func(ctx context.Context) error {
			return replica.ServeExhausted(ctx, bus.Talk, "router-talk-", func(_ context.Context, m bus.Message, cause error) error {
				if told.Add(1) == 1 {
					return errors.New("not now") // it is tried again
				}
				if decode(t, m).GetId() != "stuck" || cause == nil {
					t.Errorf("told of %v", m)
				}
				return nil
			})
		})
	}
	limit(t, b, bus.Talk, "router-talk-all", 2)
	// Somebody else's consumer has a limit of its own; what it gives up we may have done.
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	spy, err := js.CreateConsumer(t.Context(), bus.Talk, jetstream.ConsumerConfig{Durable: "spy", FilterSubject: "talk.>", AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: 1, AckWait: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, "member-1", "fine")
	got.wait(t, 1)
	if _, err := spy.Next(); err != nil {
		t.Fatal(err)
	}
	publish(t, b, "member-1", "stuck")
	eventually.Holds(t, patience, "a letter", func() bool { return len(letters(t, b)) == 1 })
	letter := letters(t, b)[0]
	if letter.GetReason() != eventv1.FailureReason_FAILURE_REASON_EXHAUSTED || letter.GetStream() != bus.Talk || letter.GetSequence() != 2 || letter.GetDeliveries() != 2 {
		t.Errorf("got %v", letter.DeadLetter)
	}
	if told.Load() < 2 {
		t.Errorf("told %d times", told.Load())
	}
	eventually.Holds(t, patience, "the limit gone", func() bool { return limitOf(t, b, bus.Talk, "router-talk-all") == -1 })
	publish(t, b, "member-2", "fine")
	got.wait(t, 1)
	if n := numbers(letters(t, b)); !slices.Equal(n, []uint64{1}) {
		t.Errorf("letters %v", n)
	}
}

func TestWhatJetStreamGivesUpInHeldHoldsNobodyUp(t *testing.T) {
	b, _ := ready(t)
	subject := bus.TalkSubject(4, "demo", "member-1", "customer-message", "stuck")
	lane, _ := bus.HeldLaneOf(subject)
	got := newSeen()
	holder := b.NewHolder("talk", func(_ context.Context, m bus.Message) error {
		if decode(t, m).GetId() == "stuck" {
			return retry.After(50*time.Millisecond, errors.New("never"))
		}
		got.add("c", "fine")
		return nil
	})
	serve(t, func(ctx context.Context) error {
		return b.ServePartitions(ctx, "router-talk", bus.Talk, "talk", holder.Handle)
	})
	serve(t, holder.Serve)
	serve(t, func(ctx context.Context) error { return b.ServeExhausted(ctx, bus.Held, "held-talk-", nil) })
	publish(t, b, "member-1", "stuck")
	limit(t, b, bus.Held, "held-talk-demo-"+lane.B, 2)
	publish(t, b, "member-1", "fine")
	eventually.Holds(t, patience, "a letter", func() bool { return len(letters(t, b)) == 1 })
	got.wait(t, 1)
	if letter := letters(t, b)[0]; letter.GetStream() != bus.Talk || letter.GetSubject() != subject || letter.GetSequence() != 1 {
		t.Errorf("the letter tells another origin: %v", letter.DeadLetter)
	}
	eventually.Holds(t, patience, "nothing held", func() bool { return count(t, b, bus.Held, "held.>") == 0 })
}

// What was limited while nobody served it is not: Serve sets its consumer right.
func TestALimitSetMeanwhileIsTakenOffBeforeServing(t *testing.T) {
	b, _ := ready(t)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateConsumer(t.Context(), bus.Talk, jetstream.ConsumerConfig{
		Durable: "router-talk-all", FilterSubject: "talk.>", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, MaxDeliver: 2, AckWait: 10 * time.Second, MaxRequestExpires: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, "member-1", "slow")
	var tries atomic.Int32
	got := newSeen()
	serve(t, func(ctx context.Context) error {
		return b.Serve(ctx, bus.Queue{Stream: bus.Talk, Durable: "router-talk-all", Filter: "talk.>", Handle: func(context.Context, bus.Message) error {
			if tries.Add(1) < 5 {
				return errors.New("not yet")
			}
			got.add("c", "done")
			return nil
		}})
	})
	got.wait(t, 1)
}

// The last replica ends during the last delivery that a limit allows, and JetStream gives the message up while nobody of the service runs.
func TestWhatJetStreamGivesUpWhileNobodyRunsIsBuriedLater(t *testing.T) {
	b, _ := ready(t)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	limited, err := js.CreateConsumer(t.Context(), bus.Talk, jetstream.ConsumerConfig{
		Durable: "router-talk-all", FilterSubject: "talk.>", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, MaxDeliver: 1, AckWait: 100 * time.Millisecond, MaxRequestExpires: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, "member-1", "stuck")
	publish(t, b, "member-1", "fine")
	if m, err := limited.Next(); err != nil || decode(t, bus.Message{Data: m.Data()}).GetId() != "stuck" {
		t.Fatalf("got %v, %v", m, err)
	}
	eventually.Holds(t, patience, "the advisory is kept", func() bool { return count(t, b, bus.Advisories, ">") == 1 })
	got := newSeen()
	serve(t, func(ctx context.Context) error {
		return b.Serve(ctx, bus.Queue{Stream: bus.Talk, Durable: "router-talk-all", Filter: "talk.>", Handle: func(_ context.Context, m bus.Message) error {
			got.add("c", decode(t, m).GetId())
			return nil
		}})
	})
	serve(t, func(ctx context.Context) error { return b.ServeExhausted(ctx, bus.Talk, "router-talk-", nil) })
	eventually.Holds(t, patience, "a letter", func() bool { return len(letters(t, b)) == 1 })
	if letter := letters(t, b)[0]; letter.GetReason() != eventv1.FailureReason_FAILURE_REASON_EXHAUSTED || letter.GetSequence() != 1 {
		t.Errorf("got %v", letter.DeadLetter)
	}
	got.wait(t, 1) // what was behind it
	got.mu.Lock()
	defer got.mu.Unlock()
	if ids := got.got["c"]; !slices.Equal(ids, []string{"fine"}) {
		t.Errorf("handed out: %v", ids)
	}
}
