package overview_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/listing"
	"github.com/slacktalk/slacktalk/services/router/overview"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// secrets are the same for everybody.
type secrets struct{}

func (secrets) Secret(context.Context, string) ([]byte, error) {
	return bytes.Repeat([]byte{7}, 32), nil
}

// world is an overview on real NATS and an in-process Redis.
type world struct {
	*overview.Overview
	t   *testing.T
	bus *bus.Bus
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	b, err := bus.Connect(bus.Settings{URL: secret.New(s.ClientURL()), Replicas: 1, Partitions: 4}, "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{miniredis.RunT(t).Addr()}})
	t.Cleanup(func() { _ = client.Close() })
	o := &overview.Overview{Bus: b, Conversations: conversation.New(client, b), Pages: listing.Pages{Secrets: secrets{}}}
	return &world{Overview: o, t: t, bus: b}
}

// noon is later than any record of a test was written, because that counts as well.
var noon = time.Date(2126, 1, 31, 12, 0, 0, 0, time.UTC)

// hear makes a customer known who wrote at noon and some minutes.
func (w *world) hear(project, user string, minutes int) string {
	w.t.Helper()
	conv, _, err := w.Conversations.Resolve(w.t.Context(), project, &eventv1.Customer{UserId: user, VisitorId: "vis-" + user})
	if err != nil {
		w.t.Fatal(err)
	}
	w.touch(project, conv.ID, conversation.Customer, minutes)
	return conv.ID
}

func (w *world) touch(project, id string, author conversation.Author, minutes int) {
	w.t.Helper()
	if err := w.Conversations.Touch(w.t.Context(), project, id, author, noon.Add(time.Duration(minutes)*time.Minute)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) opened(project, id, channel, ts string) {
	w.t.Helper()
	if err := w.Conversations.ThreadOpened(w.t.Context(), conversation.Thread{Team: "T0DEMO1", Channel: channel, TS: ts}, project, id); err != nil {
		w.t.Fatal(err)
	}
}

// list answers the customers of all pages, and how many pages there were.
func (w *world) list(project, filter string, size int32) (users []string, pages int) {
	w.t.Helper()
	r := &adminv1.ListConversationsRequest{Parent: "projects/" + project, Filter: filter, PageSize: size}
	for {
		page, err := w.List(w.t.Context(), project, r)
		if err != nil {
			w.t.Fatalf("%s: %v", filter, err)
		}
		pages++
		for _, c := range page.GetConversations() {
			users = append(users, c.GetUserId())
		}
		if r.PageToken = page.GetNextPageToken(); r.PageToken == "" {
			return users, pages
		}
	}
}

func TestConversationsAreFoundByWhatTheyAre(t *testing.T) {
	w := newWorld(t)
	waiting, answered := w.hear("demo", "waiting", 1), w.hear("demo", "answered", 2)
	w.hear("demo", "new", 3)
	w.hear("other", "stranger", 4)
	w.opened("demo", waiting, "C0SUPPORT", "1723612345.000100")
	w.opened("demo", answered, "C0SALES", "1723612345.000200")
	w.touch("demo", answered, conversation.Operator, 5)
	conv, ok, err := w.Conversations.Get(t.Context(), "demo", waiting)
	if err != nil || !ok {
		t.Fatal(err)
	}
	if _, err := w.Conversations.Update(t.Context(), conv.Conversation, func(r *eventv1.ConversationRecord) { r.Assignee = &eventv1.Operator{Id: "op-1", Name: "Sato"} }); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string][]string{
		"":                                      {"answered", "new", "waiting"},
		`state = "WAITING"`:                     {"waiting"},
		`state = "ANSWERED"`:                    {"answered"},
		`state = "NEW"`:                         {"new"},
		`channel = "C0SALES"`:                   {"answered"},
		`assignee = "op-1"`:                     {"waiting"},
		`customer = "vis-answered"`:             {"answered"},
		`customer = "waiting"`:                  {"waiting"},
		`customer = "stranger"`:                 nil,
		`customer = ""`:                         nil,
		`update_time >= "2126-01-31T12:03:00Z"`: {"answered", "new"},
		`NOT state = "NEW" AND channel = "C0SUPPORT"`:                {"waiting"},
		`state = "WAITING" AND update_time < "2026-01-01T00:00:00Z"`: nil,
	} {
		if got, _ := w.list("demo", filter, 0); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", filter, got, want)
		}
	}
}

func TestPagesAreOfTheirList(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		w.hear("demo", fmt.Sprintf("m%02d", i), i)
	}
	for size, want := range map[int32]int{1: 12, 5: 3, 6: 2, 12: 1, 0: 1} {
		if got, pages := w.list("demo", "", size); len(got) != 12 || pages != want {
			t.Errorf("pages of %d: %d in %d pages, want 12 in %d", size, len(got), pages, want)
		}
	}
	page, err := w.List(t.Context(), "demo", &adminv1.ListConversationsRequest{Parent: "projects/demo", PageSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*adminv1.ListConversationsRequest{
		"another project": {Parent: "projects/other", PageToken: page.GetNextPageToken()},
		"another filter":  {Parent: "projects/demo", PageToken: page.GetNextPageToken(), Filter: `state = "NEW"`},
		"made up":         {Parent: "projects/demo", PageToken: "AAAA"},
	} {
		if _, err := w.List(t.Context(), strings.TrimPrefix(r.GetParent(), "projects/"), r); !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.List(t.Context(), "demo", &adminv1.ListConversationsRequest{Parent: "projects/demo", Filter: "secret = 1"}); !errors.Is(err, settings.ErrInvalid) {
		t.Errorf("a field that is none: %v", err)
	}
}

func TestOneConversation(t *testing.T) {
	w := newWorld(t)
	id := w.hear("demo", "member 42@example.com", 1)
	w.touch("demo", id, conversation.Operator, 2)
	w.opened("demo", id, "C0SUPPORT", "1723612345.000100")
	w.opened("demo", id, "C0SALES", "1723612399.000100") // the later one
	c, err := w.Get(t.Context(), "demo", id)
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]string{
		"name":      {c.GetName(), "projects/demo/conversations/" + id},
		"customer":  {c.GetUserId() + " " + c.GetVisitorId(), "member 42@example.com vis-member 42@example.com"},
		"thread":    {c.GetWorkspace() + " " + c.GetChannel() + " " + c.GetThreadTs(), "T0DEMO1 C0SALES 1723612399.000100"},
		"permalink": {c.GetPermalink(), "https://app.slack.com/client/T0DEMO1/C0SALES/thread/C0SALES-1723612399.000100"},
		"console":   {c.GetConsoleUrl(), "https://admin.karte.io/communication/v2/redirect_from_v1/member%2042%40example.com?project=demo"},
		"state":     {c.GetState().String(), "CONVERSATION_STATE_ANSWERED"},
		"last":      {c.GetLastOperatorMessageTime().AsTime().Format(time.TimeOnly), "12:02:00"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if c.GetAliases() != 1 || c.GetCreateTime() == nil {
		t.Errorf("got %v", c)
	}
	w.ConsoleURL = "https://console.example.com/{project}/{user}"
	if c, err = w.Get(t.Context(), "demo", id); err != nil || c.GetConsoleUrl() != "https://console.example.com/demo/member%2042%40example.com" {
		t.Errorf("%v, %v", c.GetConsoleUrl(), err)
	}
	for _, project := range []string{"other", "demo"} {
		name := id
		if project == "demo" {
			name = strings.Repeat("a", 16)
		}
		if _, err := w.Get(t.Context(), project, name); !errors.Is(err, conversation.ErrNotFound) {
			t.Errorf("%s of %s: %v", name, project, err)
		}
	}
}
