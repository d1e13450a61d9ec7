package natsusers

import (
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
