package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// kept answers everything that NATS and Redis hold, one text per message, record and key. The audit record stays whatever is erased.
func (s system) kept() (all []string) {
	s.t.Helper()
	conn, err := nats.Connect(s.NATSURL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	names := js.StreamNames(s.t.Context())
	for name := range names.Name() {
		stream, err := js.Stream(s.t.Context(), name)
		if err != nil {
			s.t.Fatal(err)
		}
		for next := uint64(1); name != bus.Audit; {
			m, err := stream.GetMsg(s.t.Context(), next, jetstream.WithGetMsgSubject(">"))
			if err != nil {
				break // there is no other
			}
			all = append(all, fmt.Sprintf("%s: %s %v %s", name, m.Subject, m.Header, m.Data))
			next = m.Sequence + 1
		}
	}
	if names.Err() != nil {
		s.t.Fatal(names.Err())
	}
	return append(all, s.keptInRedis()...)
}

func (s system) keptInRedis() (all []string) {
	s.t.Helper()
	options, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		s.t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	ctx := s.t.Context()
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, key := range keys {
		value := any(client.Get(ctx, key).Val())
		switch client.Type(ctx, key).Val() {
		case "hash":
			value = client.HGetAll(ctx, key).Val()
		case "zset":
			value = client.ZRange(ctx, key, 0, -1).Val()
		}
		text := fmt.Sprint(value)
		if tomb := strings.HasPrefix(key, "conv:") && len(text) == 20 || text == "-"; tomb && client.TTL(ctx, key).Val().Minutes() <= 1 {
			continue
		}
		all = append(all, "Redis: "+key+" "+text)
	}
	return all
}

// holding answers what of all holds one of the words.
func holding(all, words []string) (found []string) {
	for _, text := range all {
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) }) {
			found = append(found, text)
		}
	}
	return found
}

// slackWillHear waits until POSTS holds a command with text: whoever decided it is done with it.
func (s system) slackWillHear(text string) {
	s.t.Helper()
	eventually.Holds(s.t, within, text+" in POSTS", func() bool {
		return slices.ContainsFunc(holding(s.kept(), []string{text}), func(found string) bool { return strings.HasPrefix(found, "POSTS: ") })
	})
}

func (s system) erase(client adminv1.ConversationServiceClient, name string) map[string]int64 {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(stack.Admin(s.t.Context()), within)
	defer cancel()
	answer, err := client.EraseConversation(ctx, &adminv1.EraseConversationRequest{Name: name})
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.GetRemoved()
}

func TestAnErasedCustomerLeavesNoTrace(t *testing.T) {
	s := start(t, stack.Options{})
	client := s.conversations()
	const member, visitor, phone, other = "erase.me@example.com", "vis-erase-1", "vis-erase-2", "vis-stays"
	// Both of these customers use one device.
	s.says(kartestandin.Customer{VisitorID: other}, "stays-0.")
	othersThread := s.head("stays-0.")
	s.says(kartestandin.Customer{VisitorID: visitor}, "secret-0.")
	thread := s.head("secret-0.")
	s.says(kartestandin.Customer{UserID: member, VisitorID: visitor}, "secret-1.")
	s.slack("the member in the visitor's thread", func(*slackstandin.Snapshot) bool {
		return len(s.order(thread, []string{"secret-0.", "secret-1."})) == 2
	})
	s.says(kartestandin.Customer{UserID: member, VisitorID: phone}, "secret-2.")
	s.slack("another device in it", func(*slackstandin.Snapshot) bool { return len(s.order(thread, []string{"secret-2."})) == 1 })
	s.says(kartestandin.Customer{UserID: "stays@example.com", VisitorID: phone}, "stays-1.")
	s.head("stays-1.")
	s.marked(s.replies(stack.Hanako, thread, "```secret-3.```"), "white_check_mark")
	s.marked(s.replies(stack.Hanako, othersThread, "```stays-2.```"), "white_check_mark")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusBadRequest, Count: 1})
	s.marked(s.replies(stack.Hanako, thread, "```secret-4.```"), "warning")
	s.KARTE.AddFault(kartestandin.Fault{Customer: member, Kind: kartestandin.FaultStatus, Status: http.StatusServiceUnavailable})
	s.marked(s.replies(stack.Hanako, thread, "```secret-5.```"), "hourglass_flowing_sand")
	if err := s.Slack.RemoveBot(stack.Channel); err != nil {
		t.Fatal(err)
	}
	s.says(kartestandin.Customer{UserID: member, VisitorID: visitor}, "secret-6.") // waits for the channel
	s.slackWillHear("secret-6.")

	name := s.conversation(client, member, func(c *adminv1.Conversation) bool { return c.GetAliases() == 2 && c.GetThreadTs() == thread }).GetName()
	id := name[strings.LastIndexByte(name, '/')+1:]
	words := []string{member, visitor, "secret-", thread, bus.ThreadToken(thread), id, bus.Token(id), bus.Token(visitor)}
	for _, identity := range []string{"member\x00" + member, "visitor\x00" + visitor, "visitor\x00" + phone} {
		words = append(words, bus.Token(stack.Project+"\x00"+identity))
	}
	before := s.kept()
	for _, place := range []string{"TALK", "SLACK", "POSTS", "SENDS", "HELD", "DEAD", "KV_THREADS", "KV_CONVERSATIONS", "Redis"} {
		if !slices.ContainsFunc(holding(before, words), func(text string) bool { return strings.HasPrefix(text, place+":") }) {
			t.Errorf("%s holds nothing of the customer, so this test tries nothing there", place)
		}
	}
	others := []string{other, "stays-", bus.Token(stack.Project + "\x00visitor\x00" + other), bus.Token(other)}
	untouched := holding(before, others)

	removed := s.erase(client, name)
	t.Logf("removed %v", removed)
	for _, place := range []string{"TALK", "SLACK", "POSTS", "SENDS", "HELD", "DEAD", "THREADS", "CONVERSATIONS", "redis"} {
		if removed[place] == 0 {
			t.Errorf("nothing removed from %s", place)
		}
	}
	after := s.kept()
	for _, text := range holding(after, words) {
		t.Errorf("left: %q", text)
	}
	for _, text := range untouched {
		if !slices.Contains(after, text) && !strings.HasPrefix(text, "Redis: index:") {
			t.Errorf("lost: %q", text)
		}
	}
	if again := s.erase(client, name); len(again) != 0 {
		t.Errorf("the second time removed %v", again)
	}

	// What waited is gone, and whoever comes back begins anew.
	s.KARTE.ClearFaults()
	if err := s.Slack.InviteBot(stack.Channel, stack.AdminID); err != nil {
		t.Fatal(err)
	}
	s.says(kartestandin.Customer{UserID: member, VisitorID: visitor}, "fresh-0.")
	if again := s.head("fresh-0."); again == thread {
		t.Error("the erased thread goes on")
	}
	s.says(kartestandin.Customer{VisitorID: other}, "stays-3.")
	s.slack("the other customer goes on", func(*slackstandin.Snapshot) bool {
		return slices.Equal(s.order(othersThread, []string{"stays-0.", "stays-3."}), []string{"stays-0.", "stays-3."})
	})
	for _, m := range s.Slack.Messages(stack.Channel) {
		if strings.Contains(m.Text, "secret-6.") {
			t.Errorf("an erased message was posted:\n%s", s.dump())
		}
	}
	for _, text := range fromAPI(s.KARTE.Messages(member), kartestandin.KindMessage) {
		if text == "secret-5." {
			t.Error("an erased reply was sent")
		}
	}
}
