package natsusers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestTheRouterMayReplayAndDiscard(t *testing.T) {
	s := start(t)
	router, gateway, ingest := connect(t, s, "router"), connect(t, s, "slack-gateway"), connect(t, s, "ingest-karte")
	if err := router.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	subject := bus.TalkSubject(2, "demo", "member-1", "customer-message", "evt-1")
	bury(t, router, bus.Talk, subject, &eventv1.TalkFact{Id: "evt-1", ReceivedAt: timestamppb.Now(), Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{}}})
	bury(t, gateway, bus.Posts, lane.Subject("cmd-1"), &eventv1.SlackCommand{Id: "cmd-1", Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{}}})
	for _, id := range []string{"cmd-2", "cmd-3"} {
		bury(t, ingest, bus.Sends, bus.SendSubject(2, "demo", "c1", id), &eventv1.KarteCommand{Id: id, Project: "demo", Conversation: "c1"})
	}
	letters, err := router.Letters(t.Context(), 0, 10)
	if err != nil || len(letters) != 4 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	for _, letter := range letters[1:] {
		if _, err := router.Replay(t.Context(), letter.Number, false); err != nil {
			t.Errorf("replay what came from %s: %v", letter.GetStream(), err)
		}
	}
	if err := router.Discard(t.Context(), letters[0].Number); err != nil {
		t.Error(err)
	}
}

func bury(t *testing.T, b *bus.Bus, stream, subject string, message proto.Message) {
	t.Helper()
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	m := bus.Message{Stream: stream, Subject: subject, Data: data}
	if err := b.Bury(t.Context(), m, eventv1.FailureReason_FAILURE_REASON_REJECTED, errors.New("refused")); err != nil {
		t.Fatal(err)
	}
}

// TestEachServiceMayBuryWhatJetStreamGivesUp sets a limit of deliveries on a consumer of each stream while it is served.
func TestEachServiceMayBuryWhatJetStreamGivesUp(t *testing.T) {
	s := start(t)
	router, gateway, ingest := connect(t, s, "router"), connect(t, s, "slack-gateway"), connect(t, s, "ingest-karte")
	if err := router.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	talk := bus.TalkSubject(2, "demo", "member-1", "customer-message", "evt-1")
	slack := bus.SlackSubject(2, lane.Team, lane.Channel, "1723612345.000200", "reply-written", "f-1")
	send := bus.SendSubject(2, "demo", "c1", "cmd-2")
	never := func(context.Context, bus.Message) error { return retry.After(time.Millisecond, errors.New("never")) }
	hold := func(b *bus.Bus, stream, subject string) func() error {
		return func() error {
			return b.NewHolder("x", never).Handle(t.Context(), bus.Message{Stream: stream, Subject: subject, Sequence: 1})
		}
	}
	store := func(b *bus.Bus, stream, subject string) func() error {
		return func() error { return publish(t.Context(), b, stream, subject) }
	}
	for i, c := range []struct {
		by                       *bus.Bus
		stream, consumer, filter string
		give                     func() error
	}{
		{router, bus.Talk, "router-talk-x", "talk.>", store(ingest, bus.Talk, talk)},
		{router, bus.Slack, "router-slack-x", "slack.>", store(gateway, bus.Slack, slack)},
		{gateway, bus.Posts, "lane-x", lane.Filter(), store(router, bus.Posts, lane.Subject("cmd-1"))},
		{ingest, bus.Sends, "ingest-karte-x", "send.>", store(router, bus.Sends, send)},
		{router, bus.Held, "held-talk-x", "held.talk.>", hold(router, bus.Talk, talk)},
		{ingest, bus.Held, "held-send-x", "held.send.>", hold(ingest, bus.Sends, send)},
	} {
		background(t, func(ctx context.Context) error {
			return c.by.ServeExhausted(ctx, c.stream, strings.TrimSuffix(c.consumer, "x"), nil)
		})
		background(t, func(ctx context.Context) error {
			return c.by.Serve(ctx, bus.Queue{Stream: c.stream, Durable: c.consumer, Filter: c.filter, Handle: never})
		})
		limit(t, c.by, c.stream, c.consumer)
		if err := c.give(); err != nil {
			t.Fatal(err)
		}
		awaitDead(t, router, min(uint64(i)+1, 4))
	}
	// What becomes due is router's own.
	background(t, func(ctx context.Context) error { return router.ServeExhausted(ctx, bus.Timers, "router-timers-", nil) })
	background(t, func(ctx context.Context) error {
		return router.Serve(ctx, bus.Queue{Stream: bus.Timers, Durable: "router-timers-x", Filter: "due.>", Handle: never})
	})
	limit(t, router, bus.Timers, "router-timers-x")
	if err := router.SetTimer(t.Context(), "demo", "c1", time.Now().Add(time.Second), &eventv1.TimerDue{Project: "demo", Conversation: "c1"}); err != nil {
		t.Fatal(err)
	}
	awaitDead(t, router, 5)
	// The two that were held are the same messages, so that they have letters already; but they must be gone.
	awaitNothing(t, router, bus.Held)
}

// awaitNothing asks, as often as it is answered, until a stream is empty.
func awaitNothing(t *testing.T, b *bus.Bus, stream string) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, 20*time.Second, stream+" is empty", func() bool {
		handle, err := js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		return handle.CachedInfo().State.Msgs == 0
	})
}

// limit does what somebody who administers NATS may do.
func limit(t *testing.T, b *bus.Bus, stream, name string) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, 20*time.Second, "limit "+name, func() bool {
		consumer, err := js.Consumer(t.Context(), stream, name)
		if err != nil {
			return false // the service is about to make it
		}
		config := consumer.CachedInfo().Config
		config.MaxDeliver = 2
		_, err = js.UpdateConsumer(t.Context(), stream, config)
		return err == nil
	})
}
