package natsusers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func page() *eventv1.Page { return &eventv1.Page{} }

func ignore(bus.Message) error { return nil }

func TestTheRouterMayListConversations(t *testing.T) {
	s := start(t)
	b := connect(t, s, "router")
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := record(t.Context(), b, bus.Conversations, "demo.c1"); err != nil {
		t.Fatal(err)
	}
	each := func(string, *eventv1.Page, uint64, time.Time) error { return nil }
	if err := bus.NewRecords[*eventv1.Page](b, bus.Conversations).Each(t.Context(), "demo.*", page, each); err != nil {
		t.Error(err)
	}
	if err := bus.NewRecords[*eventv1.Page](b, bus.Threads).Each(t.Context(), "t.>", page, each); err != nil {
		t.Error(err)
	}
	if _, err := b.Scan(t.Context(), bus.Talk, "talk.*.demo.>", 1, ignore); err != nil {
		t.Error(err)
	}
}

func TestTheRouterMayErase(t *testing.T) {
	s := start(t)
	ingest, router, gateway := connect(t, s, "ingest-karte"), connect(t, s, "router"), connect(t, s, "slack-gateway")
	ctx := t.Context()
	if err := router.Ensure(ctx); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		publish(ctx, ingest, bus.Talk, bus.TalkSubject(2, "demo", "member-1", "customer-message", "evt-1")),
		publish(ctx, gateway, bus.Slack, bus.SlackSubject(2, lane.Team, lane.Channel, "1723612345.000200", "reply-written", "f-1")),
		publish(ctx, router, bus.Posts, lane.Subject("cmd-1")),
		publish(ctx, router, bus.Sends, bus.SendSubject(2, "demo", "c1", "cmd-2")),
		publish(ctx, router, bus.Held, bus.HeldLane{Stream: "talk", A: "demo", B: "c1"}.Subject("evt-2")),
		publish(ctx, router, bus.Dead, bus.DeadSubject(bus.Talk, "rejected", "evt-3")),
		record(ctx, router, bus.Conversations, "demo.c1"), record(ctx, gateway, bus.Threads, "c.demo.c1"),
	); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends, bus.Held, bus.Dead} {
		read, filter := router.Probe, ">"
		switch stream {
		case bus.Talk, bus.Slack:
			read, filter = router.Scan, strings.ToLower(stream)+".>"
		case bus.Posts:
			read, filter = router.Scan, "post.>"
		}
		erased := 0
		_, err := read(ctx, stream, filter, 1, func(m bus.Message) error {
			there, err := router.Erase(ctx, stream, m.Sequence)
			if there {
				erased++
			}
			return err
		})
		if err != nil || erased != 1 {
			t.Errorf("%s: erased %d, %v", stream, erased, err)
		}
	}
	for bucket, key := range map[string]string{bus.Conversations: "demo.c1", bus.Threads: "c.demo.c1"} {
		if revision, err := bus.NewRecords[*eventv1.Page](router, bucket).Erase(ctx, key, page); err != nil || revision == 0 {
			t.Errorf("%s: erased revision %d, %v", bucket, revision, err)
		}
	}
}

func TestTheGatewayMayGiveAPostToAnotherLane(t *testing.T) {
	s := start(t)
	b := connect(t, s, "slack-gateway")
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := publish(t.Context(), b, bus.Posts, lane.Subject("cmd-1#move-1")); err != nil {
		t.Error(err)
	}
	if _, there, err := b.Position(t.Context(), bus.Posts, lane.Subject("cmd-1#move-1")); err != nil || !there {
		t.Errorf("there %v, %v", there, err)
	}
}
