package erasure_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/erasure"
)

type world struct {
	t     *testing.T
	bus   *bus.Bus
	store *conversation.Store
	redis *miniredis.Miniredis
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
	r := miniredis.RunT(t)
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{r.Addr()}})
	t.Cleanup(func() { _ = client.Close() })
	return &world{t: t, bus: b, store: conversation.New(client, b), redis: r}
}

func (w *world) once(stream, subject string, message proto.Message) {
	w.t.Helper()
	if _, err := w.bus.Once(w.t.Context(), stream, subject, message); err != nil {
		w.t.Fatal(err)
	}
}

// live lets a customer write, be answered and be known under two identities; everything of it has one word in it.
func (w *world) live(user string) (conv conversation.Conversation) {
	w.t.Helper()
	c := &eventv1.Customer{UserId: user, VisitorId: "vis-" + user}
	conv, _, err := w.store.Resolve(w.t.Context(), "demo", c)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Touch(w.t.Context(), "demo", conv.ID, conversation.Customer, time.Now()); err != nil {
		w.t.Fatal(err)
	}
	for i := range 3 {
		id := fmt.Sprintf("evt-%s-%d", user, i)
		w.once(bus.Talk, bus.TalkSubject(4, "demo", c.GetVisitorId(), "customer-message", id), &eventv1.TalkFact{
			Id: id, Project: "demo", Customer: c, Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: user}},
		})
		lane := bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
		w.once(bus.Posts, lane.Subject("post-"+id), &eventv1.SlackCommand{Id: "post-" + id, Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: "demo", Conversation: conv.ID, Customer: c,
		}}})
		w.once(bus.Sends, bus.SendSubject(4, "demo", conv.ID, "reply-"+id), &eventv1.KarteCommand{Id: "reply-" + id, Project: "demo", Conversation: conv.ID, Customer: c, Text: user})
	}
	threads := bus.NewRecords[*eventv1.ThreadRecord](w.bus, bus.Threads)
	for key, record := range map[string]*eventv1.ThreadRecord{
		bus.ConversationKey("demo", conv.ID):                              {Project: "demo", Conversation: conv.ID, Customer: c},
		bus.ThreadKey("T0DEMO1", "C0SUPPORT", "1700000000."+user[2:]+"1"): {Project: "demo", Conversation: conv.ID},
	} {
		if _, err := threads.Write(w.t.Context(), key, record, 0); err != nil {
			w.t.Fatal(err)
		}
	}
	return conv
}

// holding counts what has word in it, or the conversation's name.
func (w *world) holding(words ...string) (found []string) {
	w.t.Helper()
	look := func(m bus.Message) error {
		for _, word := range words {
			if strings.Contains(m.Subject+string(m.Data), word) {
				found = append(found, m.Subject)
				return nil
			}
		}
		return nil
	}
	for _, stream := range []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends, bus.Held, bus.Dead, bus.Bucket(bus.Threads), bus.Bucket(bus.Conversations)} {
		if _, err := w.bus.Scan(w.t.Context(), stream, ">", 1, look); err != nil && stream != bus.Held {
			w.t.Fatal(err)
		}
	}
	for _, key := range w.redis.Keys() {
		value, _ := w.redis.Get(key)
		for _, word := range words {
			if strings.Contains(key+value, word) && len(value) != 20 && value != "-" {
				found = append(found, key)
			}
		}
	}
	return found
}

func TestAnErasureThatIsInterruptedIsCompletedByTheNext(t *testing.T) {
	for left := range 12 {
		w := newWorld(t)
		mine, other := w.live("m-100"), w.live("m-200")
		untouched := len(w.holding(other.ID, "m-200"))
		eraser := &erasure.Eraser{Bus: w.bus, Conversations: w.store, Settle: time.Millisecond}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(left)*2*time.Millisecond, cancel)
		_, first := eraser.Erase(ctx, "demo", mine.ID)
		cancel()
		// Whatever the first call has come to, the customer is either known with all that leads to them, or anew.
		if first != nil {
			if _, _, err := w.store.Resolve(t.Context(), "demo", &eventv1.Customer{VisitorId: "vis-m-100"}); err != nil {
				t.Fatalf("after %d ms: %v", 2*left, err)
			}
		}
		if _, err := eraser.Erase(t.Context(), "demo", mine.ID); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{mine.ID, bus.Token("demo\x00visitor\x00vis-m-100")} {
			if _, err := eraser.Erase(t.Context(), "demo", id); err != nil {
				t.Fatal(err)
			}
		}
		if found := w.holding(mine.ID, "m-100"); len(found) != 0 {
			t.Errorf("after %d ms (%v): left %v", 2*left, first, found)
		}
		if got := len(w.holding(other.ID, "m-200")); got != untouched {
			t.Errorf("the other customer has %d of %d", got, untouched)
		}
		removed, err := eraser.Erase(t.Context(), "demo", mine.ID)
		if err != nil || len(removed) != 0 {
			t.Errorf("once more removed %v, %v", removed, err)
		}
	}
}

func TestNobodyOfAnotherProjectIsErased(t *testing.T) {
	w := newWorld(t)
	mine := w.live("m-100")
	before := len(w.holding(mine.ID, "m-100"))
	eraser := &erasure.Eraser{Bus: w.bus, Conversations: w.store, Settle: time.Millisecond}
	removed, err := eraser.Erase(t.Context(), "other", mine.ID)
	if err != nil || len(removed) != 0 {
		t.Errorf("removed %v, %v", removed, err)
	}
	if got := len(w.holding(mine.ID, "m-100")); got != before {
		t.Errorf("%d of %d are left", got, before)
	}
}
