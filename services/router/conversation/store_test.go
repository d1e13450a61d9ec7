package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

// world is what a store stands on. reset is called between the steps of a test: what Redis held must not matter.
type world struct {
	bus   *bus.Bus
	redis *miniredis.Miniredis
	reset func()
}

func (w *world) store(t *testing.T) *conversation.Store {
	t.Helper()
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{w.redis.Addr()}})
	t.Cleanup(func() { _ = client.Close() })
	return conversation.New(client, w.bus)
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
	settings := bus.Settings{URL: secret.New(s.ClientURL()), Replicas: 1, Partitions: 4}
	b, err := bus.Connect(settings, "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &world{bus: b, redis: miniredis.RunT(t), reset: func() {}}
}

// eachWorld runs a test with a Redis that keeps what it has, and with one that loses everything between two steps.
func eachWorld(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	t.Run("redis keeps", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("redis forgets", func(t *testing.T) {
		w := newWorld(t)
		w.reset = w.redis.FlushAll
		test(t, w)
	})
}

func customer(user, visitor string) *eventv1.Customer {
	return &eventv1.Customer{UserId: user, VisitorId: visitor}
}

// resolve answers the conversation's id and that of the one merged into it.
func resolve(t *testing.T, w *world, s *conversation.Store, user, visitor string) (id, merged string) {
	t.Helper()
	w.reset()
	conv, from, err := s.Resolve(t.Context(), "demo", customer(user, visitor))
	if err != nil {
		t.Fatalf("%s/%s: %v", user, visitor, err)
	}
	if conv.ID == "" || conv.Record == nil || conv.Record.GetAliasOf() != "" {
		t.Fatalf("%s/%s: %+v", user, visitor, conv)
	}
	if user != "" && conv.Record.GetCustomer().GetUserId() != user {
		t.Fatalf("%s/%s: the record is of %v", user, visitor, conv.Record.GetCustomer())
	}
	if from != nil {
		merged = from.ID
	}
	return conv.ID, merged
}

// A step is an event of a customer, and the name of the conversation it belongs to.
type step struct{ user, visitor, conversation, merges string }

func TestWhichConversation(t *testing.T) {
	for name, steps := range map[string][]step{
		"anonymous stays": {{"", "vis-1", "a", ""}, {"", "vis-1", "a", ""}, {"", "vis-2", "b", ""}},
		"anonymous becomes a member in mid-chat": {
			{"", "vis-1", "a", ""}, {"m", "vis-1", "a", ""}, {"m", "", "a", ""}, {"", "vis-1", "a", ""},
		},
		"a member on two devices": {
			{"m", "vis-1", "a", ""}, {"m", "vis-2", "a", ""}, {"", "vis-1", "a", ""}, {"", "vis-2", "a", ""},
		},
		"a device that two members share": {
			{"m", "vis-1", "a", ""}, {"n", "vis-1", "b", ""}, {"m", "vis-1", "a", ""}, {"n", "", "b", ""}, {"n", "vis-1", "b", ""},
		},
		"a device that two members share, anonymous first": {
			{"", "vis-1", "a", ""}, {"m", "vis-1", "a", ""}, {"n", "vis-1", "b", ""}, {"m", "", "a", ""}, {"n", "vis-1", "b", ""},
		},
		"an anonymous chat of somebody who has one as a member": {
			{"m", "vis-1", "a", ""}, {"", "vis-2", "b", ""}, {"m", "vis-2", "a", "b"}, {"m", "vis-2", "a", ""}, {"", "vis-2", "a", ""},
		},
		"two anonymous chats of one member": {
			{"", "vis-1", "a", ""}, {"", "vis-2", "b", ""}, {"m", "vis-1", "a", ""}, {"m", "vis-2", "a", "b"}, {"", "vis-2", "a", ""}, {"m", "", "a", ""},
		},
		"a visitor in the member's place": {{"", "vis-1", "a", ""}, {"m", "vis-1", "a", ""}, {"m", "vis-1", "a", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				follow(t, w, steps)
			})
		})
	}
}

func follow(t *testing.T, w *world, steps []step) {
	t.Helper()
	stores := []*conversation.Store{w.store(t), w.store(t)}
	ids, names := map[string]string{"": ""}, map[string]string{}
	for i, s := range steps {
		id, merged := resolve(t, w, stores[i%2], s.user, s.visitor)
		if ids[s.conversation] == "" {
			if names[id] != "" {
				t.Fatalf("step %d: is %q, want a new one", i+1, names[id])
			}
			ids[s.conversation], names[id] = id, s.conversation
		}
		if id != ids[s.conversation] {
			t.Fatalf("step %d: is %q, want %q", i+1, names[id], s.conversation)
		}
		if merged != ids[s.merges] {
			t.Fatalf("step %d: merges %q, want %q", i+1, names[merged], s.merges)
		}
	}
}

func TestProjectsAreApart(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	here, _, err := s.Resolve(t.Context(), "demo", customer("m", "vis-1"))
	if err != nil {
		t.Fatal(err)
	}
	there, _, err := s.Resolve(t.Context(), "demo2", customer("m", "vis-1"))
	if err != nil || here.ID == there.ID {
		t.Fatalf("%v: %v and %v", err, here.ID, there.ID)
	}
}

func TestACustomerNeedsAnID(t *testing.T) {
	if _, _, err := newWorld(t).store(t).Resolve(t.Context(), "demo", customer("", "")); err == nil {
		t.Fatal("a conversation with nobody")
	}
}

// atOnce resolves customers at the same time, each with a store of its own, and answers the ids.
func atOnce(t *testing.T, w *world, customers ...*eventv1.Customer) []string {
	t.Helper()
	ids, start := make([]string, len(customers)), make(chan struct{})
	var wg sync.WaitGroup
	for i, c := range customers {
		s := w.store(t)
		wg.Go(func() {
			<-start
			conv, _, err := s.Resolve(context.WithoutCancel(t.Context()), "demo", c)
			// What keeps losing is tried again, as the queue would.
			for errors.Is(err, bus.ErrConflict) {
				conv, _, err = s.Resolve(context.WithoutCancel(t.Context()), "demo", c)
			}
			if err != nil {
				t.Errorf("%v: %v", c, err)
			}
			ids[i] = conv.ID
		})
	}
	close(start)
	wg.Wait()
	return ids
}

func TestPromise2TwoFirstMessagesAtOnceMakeOneConversation(t *testing.T) {
	w := newWorld(t)
	for name, pair := range map[string]func(i int) []*eventv1.Customer{
		"visitor": func(i int) []*eventv1.Customer {
			v := fmt.Sprintf("vis-a%d", i)
			return []*eventv1.Customer{customer("", v), customer("", v), customer("", v)}
		},
		"member": func(i int) []*eventv1.Customer {
			m, v := fmt.Sprintf("b%d", i), fmt.Sprintf("vis-b%d", i)
			return []*eventv1.Customer{customer(m, v), customer(m, v), customer(m, "")}
		},
		"member on several devices": func(i int) []*eventv1.Customer {
			m, v := fmt.Sprintf("c%d", i), fmt.Sprintf("vis-c%d-", i)
			return []*eventv1.Customer{customer(m, v+"1"), customer(m, v+"2"), customer(m, v+"3")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 60 {
				ids := atOnce(t, w, pair(i)...)
				if ids[0] != ids[1] || ids[1] != ids[2] {
					t.Fatalf("round %d: %v", i, ids)
				}
			}
		})
	}
}

// However events race, what follows them agrees on one conversation per member, and every anonymous one leads there.
func TestWhatRacesConverges(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		m, v1, v2 := fmt.Sprintf("m%d", i), fmt.Sprintf("vis-%d-1", i), fmt.Sprintf("vis-%d-2", i)
		atOnce(t, w, customer("", v1), customer("", v2))
		atOnce(t, w, customer(m, v1), customer(m, v2), customer(m, ""), customer("", v1))
		s := w.store(t)
		resolve(t, w, s, m, v1)
		resolve(t, w, s, m, v2)
		want, _ := resolve(t, w, s, m, "")
		for _, who := range [][2]string{{m, v1}, {m, v2}, {"", v1}, {"", v2}} {
			if got, merged := resolve(t, w, s, who[0], who[1]); got != want || merged != "" {
				t.Fatalf("round %d: %v is %s, merging %q; the member's is %s", i, who, got, merged, want)
			}
		}
	}
}

func TestPromise2AnAnonymousChatIsNeverLeftBehindUnsaid(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		m, v := fmt.Sprintf("m%d", i), fmt.Sprintf("vis-%d", i)
		stores := []*conversation.Store{w.store(t), w.store(t)}
		var convs [2]conversation.Conversation
		var merged [2]*conversation.Conversation
		var wg sync.WaitGroup
		for k, c := range []*eventv1.Customer{customer("", v), customer(m, v)} {
			wg.Go(func() {
				var err error
				if convs[k], merged[k], err = stores[k].Resolve(t.Context(), "demo", c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if convs[0].ID != convs[1].ID && (merged[1] == nil || merged[1].ID != convs[0].ID) {
			t.Fatalf("round %d: %s was left for %s, merged %v", i, convs[0].ID, convs[1].ID, merged[1])
		}
	}
}

func TestPromise1StoppedHalfWayIsTakenUpAgain(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	before, _ := resolve(t, w, s, "", "vis-1")
	// The member's name was written into the conversation, and then the process died.
	records := bus.NewRecords[*eventv1.ConversationRecord](w.bus, bus.Conversations)
	var record eventv1.ConversationRecord
	revision, err := records.Read(t.Context(), "demo."+before, &record)
	if err != nil || revision == 0 {
		t.Fatal(revision, err)
	}
	record.Customer.UserId = "m"
	if _, err := records.Write(t.Context(), "demo."+before, &record, revision); err != nil {
		t.Fatal(err)
	}
	w.redis.FlushAll()
	for _, who := range [][2]string{{"m", "vis-1"}, {"m", ""}, {"m", "vis-2"}} {
		if after, _ := resolve(t, w, s, who[0], who[1]); after != before {
			t.Fatalf("%v went to a second conversation", who)
		}
	}
}

func TestUpdateIsKept(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.store(t)
		conv, _, err := s.Resolve(t.Context(), "demo", customer("", "vis-1"))
		if err != nil {
			t.Fatal(err)
		}
		conv, err = s.Update(t.Context(), conv, func(r *eventv1.ConversationRecord) { r.Team, r.Channel = "T0DEMO1", "C0SUPPORT" })
		if err != nil || conv.Record.GetChannel() != "C0SUPPORT" {
			t.Fatal(conv.Record, err)
		}
		w.reset()
		if _, err := w.store(t).Update(t.Context(), conv, func(r *eventv1.ConversationRecord) { r.Assignee = &eventv1.Operator{Id: "op1"} }); err != nil {
			t.Fatal(err)
		}
		w.reset()
		conv, _, err = s.Resolve(t.Context(), "demo", customer("m", "vis-1"))
		if err != nil || conv.Record.GetChannel() != "C0SUPPORT" || conv.Record.GetAssignee().GetId() != "op1" || conversation.CustomerID(conv.Record.GetCustomer()) != "m" {
			t.Fatal(conv.Record, err)
		}
	})
}

func TestUpdatesAtOnceAreAllKept(t *testing.T) {
	w := newWorld(t)
	conv, _, err := w.store(t).Resolve(t.Context(), "demo", customer("m", ""))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, change := range []func(*eventv1.ConversationRecord){
		func(r *eventv1.ConversationRecord) { r.Team = "T0DEMO1" },
		func(r *eventv1.ConversationRecord) { r.Channel = "C0SUPPORT" },
		func(r *eventv1.ConversationRecord) { r.Assignee = &eventv1.Operator{Id: "op1"} },
	} {
		s := w.store(t)
		wg.Go(func() {
			if _, err := s.Update(t.Context(), conv, change); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, _, err := w.store(t).Resolve(t.Context(), "demo", customer("m", ""))
	if err != nil || got.Record.GetTeam() == "" || got.Record.GetChannel() == "" || got.Record.GetAssignee() == nil {
		t.Fatal(got.Record, err)
	}
}
