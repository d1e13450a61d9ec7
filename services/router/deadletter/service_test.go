package deadletter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// known is what the index knows: one thread of demo, one customer of demo.
type known struct{ err error }

func (k known) ByThread(_ context.Context, team, channel, ts string) (conversation.Conversation, bool, error) {
	ok := team == "T0DEMO1" && channel == "C0SUPPORT" && ts == "1723612345.000200"
	return conversation.Conversation{Project: "demo", ID: "c1"}, ok && k.err == nil, k.err
}

func (k known) Of(_ context.Context, project string, c *eventv1.Customer) (string, error) {
	if project == "demo" && c.GetUserId() == "member-1" {
		return "c1", k.err
	}
	return "", k.err
}

type secrets struct{}

func (secrets) Secret(context.Context, string) ([]byte, error) { return make([]byte, 32), nil }

func newService(t *testing.T) (*Service, *bus.Bus) {
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
	return New(b, known{}, secrets{}), b
}

const rejected = eventv1.FailureReason_FAILURE_REASON_REJECTED

// bury puts a message into DEAD; no protobuf when message is nil.
func bury(t *testing.T, b *bus.Bus, stream, subject string, message proto.Message) {
	t.Helper()
	data := []byte("no protobuf")
	if message != nil {
		var err error
		if data, err = proto.Marshal(message); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Bury(t.Context(), bus.Message{Stream: stream, Subject: subject, Data: data, Sequence: 7, Deliveries: 3}, rejected, errors.New("refused")); err != nil {
		t.Fatal(err)
	}
}

var (
	here  = bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
	marks = bus.Lane{Kind: bus.MarkLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
	ours  = &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: "1723612345.000200", Ts: "1.2"}
)

func post(id, project string) *eventv1.SlackCommand {
	return &eventv1.SlackCommand{Id: id, Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{Project: project, Conversation: "c1"}}}
}

// world buries one letter of each kind and answers what each should be told as: project, kind and conversation.
func world(t *testing.T, b *bus.Bus) (want []string) {
	t.Helper()
	add := func(told, stream, subject string, message proto.Message) {
		bury(t, b, stream, subject, message)
		want = append(want, told)
	}
	talk := func(project, customer, id string) string {
		return bus.TalkSubject(4, project, customer, "customer-message", id)
	}
	said := &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: "hello"}}
	slack := func(ts, kind string) string {
		return bus.SlackSubject(4, "T0DEMO1", "C0SUPPORT", ts, kind, kind)
	}
	add("demo customer-message c1", bus.Talk, talk("demo", "member-1", "1"), &eventv1.TalkFact{Id: "1", Project: "demo", Customer: &eventv1.Customer{UserId: "member-1"}, Fact: said})
	add("other customer-message", bus.Talk, talk("other", "member-1", "1"), &eventv1.TalkFact{Id: "1", Project: "other", Customer: &eventv1.Customer{UserId: "member-1"}, Fact: said})
	add("demo customer-message", bus.Talk, talk("demo", "member-1", "2"), nil)
	// What the message says does not beat the subject, which the streams hold services to.
	add("demo customer-message c1", bus.Talk, talk("demo", "member-1", "3"), &eventv1.TalkFact{Id: "3", Project: "other", Customer: &eventv1.Customer{UserId: "member-1"}, Fact: said})
	// A project that no name can hold belongs to nobody who names it.
	add("- customer-message", bus.Talk, talk("デモ", "member-1", "1"), &eventv1.TalkFact{Id: "1", Project: "デモ", Fact: said})
	add("- customer-message", bus.Talk, talk("デモ", "member-1", "2"), nil)
	add("demo delivered c9", bus.Talk, bus.TalkSubject(4, "demo", "c9", "delivered", "1"), &eventv1.TalkFact{
		Id: "d1", Project: "demo", Fact: &eventv1.TalkFact_ReplyDelivered{ReplyDelivered: &eventv1.ReplyDelivered{Conversation: "c9"}},
	})
	add("demo message c2", bus.Sends, bus.SendSubject(4, "demo", "c2", "1"), &eventv1.KarteCommand{Id: "1", Project: "demo", Conversation: "c2"})
	add("other note c2", bus.Sends, bus.SendSubject(4, "other", "c2", "1"), &eventv1.KarteCommand{Id: "1", Project: "other", Conversation: "c2", Kind: eventv1.ReplyKind_REPLY_KIND_NOTE})
	add("demo  c2", bus.Sends, bus.SendSubject(4, "demo", "c2", "2"), nil)
	add("demo thread-post c1", bus.Posts, here.Subject("1"), post("1", "demo"))
	add("other thread-post c1", bus.Posts, here.Subject("2"), post("2", "other"))
	add("- thread-post", bus.Posts, here.Subject("3"), post("3", "no/name"))
	add("- ", bus.Posts, here.Subject("4"), nil)
	add("demo reaction c1", bus.Posts, marks.Subject("1"), &eventv1.SlackCommand{Id: "1", Command: &eventv1.SlackCommand_Reaction{Reaction: &eventv1.Reaction{Target: ours}}})
	add("- notice", bus.Posts, marks.Subject("2"), &eventv1.SlackCommand{Id: "2", Command: &eventv1.SlackCommand_Notice{Notice: &eventv1.Notice{Target: &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: "9.9"}}}})
	add("- direct-notice", bus.Posts, marks.Subject("3"), &eventv1.SlackCommand{Id: "3", Command: &eventv1.SlackCommand_DirectNotice{DirectNotice: &eventv1.DirectNotice{}}})
	add("demo reply-written c1", bus.Slack, slack(ours.GetThreadTs(), "reply-written"), nil)
	add("- reply-written", bus.Slack, slack("9.9", "reply-written"), &eventv1.SlackFact{Id: "1", Fact: &eventv1.SlackFact_ReplyWritten{}})
	add("- lane-parked", bus.Slack, slack("", "lane-parked"), nil)
	add("other post-failed c1", bus.Slack, slack("", "post-failed"), &eventv1.SlackFact{Id: "2", Fact: &eventv1.SlackFact_PostFailed{PostFailed: &eventv1.PostFailed{Project: "other", Conversation: "c1"}}})
	add("- ", "OTHER", "other.x", nil)
	return want
}

// shown tells a letter as world does.
func shown(t *testing.T, letter *adminv1.DeadLetter) string {
	t.Helper()
	project := strings.Split(letter.GetName(), "/")[1]
	conversation := ""
	if c := letter.GetConversation(); c != "" {
		conversation = " " + strings.TrimPrefix(c, "projects/"+project+"/conversations/")
	}
	return project + " " + letter.GetKind() + conversation
}

// list answers all pages of a list, the latest letter first.
func list(t *testing.T, s *Service, parent, filter string, size int32) (letters []*adminv1.DeadLetter) {
	t.Helper()
	for token := ""; ; {
		page, err := s.ListDeadLetters(t.Context(), &adminv1.ListDeadLettersRequest{Parent: parent, Filter: filter, PageSize: size, PageToken: token})
		if err != nil {
			t.Fatalf("%s %s: %v", parent, filter, err)
		}
		letters = append(letters, page.GetDeadLetters()...)
		if token = page.GetNextPageToken(); token == "" {
			return letters
		}
	}
}

func TestWhoseALetterIs(t *testing.T) {
	s, b := newService(t)
	want := world(t, b)
	for _, size := range []int32{0, 1, 4} {
		all := list(t, s, "projects/-", "", size)
		if len(all) != len(want) {
			t.Fatalf("%d letters, want %d", len(all), len(want))
		}
		slices.Reverse(all)
		for i, letter := range all {
			if got := shown(t, letter); got != want[i] {
				t.Errorf("letter %d is told as %q, want %q", i+1, got, want[i])
			}
			if letter.GetContent() != "" {
				t.Errorf("letter %d: the list tells what people wrote", i+1)
			}
		}
	}
}

// No answer about one project may come from another one's letters.
func TestProjectsAreApart(t *testing.T) {
	s, b := newService(t)
	want := world(t, b)
	for i, letter := range want {
		owner, _, _ := strings.Cut(letter, " ")
		for _, project := range []string{"demo", "other", "absent", "x-" + bus.Token("デモ"), "-"} {
			name := fmt.Sprintf("projects/%s/deadLetters/%d", project, i+1)
			may := project == "-" || project == owner
			got, err := s.GetDeadLetter(t.Context(), &adminv1.GetDeadLetterRequest{Name: name})
			if may != (err == nil) || !may && (!errors.Is(err, ErrNotFound) || err.Error() != absent(t, s, project)) {
				t.Errorf("%s of %s: %v", name, owner, err)
			}
			if may && got.GetDeadLetter().GetName() != fmt.Sprintf("projects/%s/deadLetters/%d", owner, i+1) {
				t.Errorf("%s answers %s", name, got.GetDeadLetter().GetName())
			}
			if may {
				continue
			}
			if _, err := s.ReplayDeadLetter(t.Context(), &adminv1.ReplayDeadLetterRequest{Name: name, NotDone: true}); !errors.Is(err, ErrNotFound) {
				t.Errorf("replay %s of %s: %v", name, owner, err)
			}
			if _, err := s.DiscardDeadLetter(t.Context(), &adminv1.DiscardDeadLetterRequest{Name: name}); !errors.Is(err, ErrNotFound) {
				t.Errorf("discard %s of %s: %v", name, owner, err)
			}
		}
	}
	for _, project := range []string{"demo", "other", "absent"} {
		n := 0
		for _, letter := range want {
			if strings.HasPrefix(letter, project+" ") {
				n++
			}
		}
		got := list(t, s, "projects/"+project, "", 3)
		if len(got) != n {
			t.Errorf("%s has %d letters, want %d", project, len(got), n)
		}
		for _, letter := range got {
			if !strings.HasPrefix(letter.GetName(), "projects/"+project+"/") {
				t.Errorf("%s is shown %s", project, letter.GetName())
			}
		}
	}
}

// absent answers what is said of a letter that does not exist.
func absent(t *testing.T, s *Service, project string) string {
	t.Helper()
	_, err := s.GetDeadLetter(t.Context(), &adminv1.GetDeadLetterRequest{Name: "projects/" + project + "/deadLetters/99999"})
	if !errors.Is(err, ErrNotFound) {
		t.Fatalf("a letter that is not there: %v", err)
	}
	return ErrNotFound.Error()
}

func TestListsAreFiltered(t *testing.T) {
	s, b := newService(t)
	world(t, b)
	at := func(after time.Duration) string { return time.Now().Add(after).UTC().Format(time.RFC3339) }
	for filter, want := range map[string]int{
		`stream = "SENDS"`: 2, `kind = "customer-message"`: 3, `reason = "REJECTED"`: 9, `reason = EXHAUSTED`: 0,
		`conversation = "projects/demo/conversations/c1"`: 5, `conversation = "c2" AND kind = "message"`: 1,
		`die_time > "` + at(-time.Hour) + `"`: 9, `die_time > "` + at(time.Hour) + `"`: 0,
	} {
		if got := list(t, s, "projects/demo", filter, 2); len(got) != want {
			t.Errorf("%s lets %d through, want %d", filter, len(got), want)
		}
	}
	for name, request := range map[string]*adminv1.ListDeadLettersRequest{
		"filter":                  {Parent: "projects/demo", Filter: "payload = x"},
		"token":                   {Parent: "projects/demo", PageToken: "made-up"},
		"token of another list":   {Parent: "projects/other", PageToken: firstToken(t, s, "projects/demo", "")},
		"token of another filter": {Parent: "projects/demo", Filter: `stream = "TALK"`, PageToken: firstToken(t, s, "projects/demo", "")},
	} {
		if _, err := s.ListDeadLetters(t.Context(), request); !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func firstToken(t *testing.T, s *Service, parent, filter string) string {
	t.Helper()
	page, err := s.ListDeadLetters(t.Context(), &adminv1.ListDeadLettersRequest{Parent: parent, Filter: filter, PageSize: 1})
	if err != nil || page.GetNextPageToken() == "" {
		t.Fatalf("%v %v", page, err)
	}
	return page.GetNextPageToken()
}

func TestALetterIsShownWithWhatItHolds(t *testing.T) {
	s, b := newService(t)
	bury(t, b, bus.Posts, here.Subject("post-1"), post("post-1", "demo"))
	bury(t, b, bus.Sends, bus.SendSubject(4, "demo", "c2", "2"), nil)
	for number, want := range map[int]string{1: `"conversation"`, 2: "bm8gcHJvdG9idWY="} {
		got, err := s.GetDeadLetter(t.Context(), &adminv1.GetDeadLetterRequest{Name: fmt.Sprintf("projects/demo/deadLetters/%d", number)})
		if err != nil {
			t.Fatal(err)
		}
		letter := got.GetDeadLetter()
		if !strings.Contains(letter.GetContent(), want) || letter.GetSequence() != 7 || letter.GetDeliveries() != 3 || letter.GetCause() != "refused" || letter.GetReason() != "REJECTED" || time.Since(letter.GetDieTime().AsTime()) > time.Hour {
			t.Errorf("shown as %v", letter)
		}
	}
	for _, name := range []string{"projects/demo/deadLetters/0", "projects/demo/deadLetters/01", "projects/demo/deadLetters/99999999999999999999"} {
		if _, err := s.GetDeadLetter(t.Context(), &adminv1.GetDeadLetterRequest{Name: name}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.GetDeadLetter(t.Context(), &adminv1.GetDeadLetterRequest{Name: "projects/demo"}); !errors.Is(err, settings.ErrInvalid) {
		t.Errorf("no name: %v", err)
	}
}

func TestReplayAndDiscard(t *testing.T) {
	s, b := newService(t)
	bury(t, b, bus.Posts, here.Subject("post-1"), post("post-1", "demo"))
	bury(t, b, bus.Sends, bus.SendSubject(4, "demo", "c2", "2"), nil)
	bury(t, b, bus.Talk, bus.TalkSubject(4, "demo", "m", "customer-message", "old"), &eventv1.TalkFact{
		Id: "old", Project: "demo", ReceivedAt: timestamppb.New(time.Now().Add(-31 * 24 * time.Hour)), Fact: &eventv1.TalkFact_CustomerMessage{},
	})
	replay := func(number int) error {
		r, err := s.ReplayDeadLetter(t.Context(), &adminv1.ReplayDeadLetterRequest{Name: fmt.Sprintf("projects/demo/deadLetters/%d", number)})
		if err == nil && !strings.HasPrefix(r.GetSubject(), "post.T0DEMO1.C0SUPPORT.") {
			t.Errorf("waits in %s", r.GetSubject())
		}
		return err
	}
	for i, c := range []struct {
		number int
		want   error
	}{{1, nil}, {1, ErrNotFound}, {2, bus.ErrNotReplayable}, {3, bus.ErrTooOld}} {
		if err := replay(c.number); !errors.Is(err, c.want) {
			t.Errorf("%d: letter %d: %v, want %v", i, c.number, err, c.want)
		}
	}
	if _, err := s.DiscardDeadLetter(t.Context(), &adminv1.DiscardDeadLetterRequest{Name: "projects/demo/deadLetters/2"}); err != nil {
		t.Fatal(err)
	}
	if left := list(t, s, "projects/-", "", 0); len(left) != 1 || left[0].GetName() != "projects/demo/deadLetters/3" {
		t.Errorf("left: %v", left)
	}
}

// What cannot be looked up is no reason to show a letter to the wrong project, or to none.
func TestWithoutTheIndexNothingIsSaid(t *testing.T) {
	s, b := newService(t)
	world(t, b)
	s.conversations = known{err: errors.New("redis is away")}
	_, err := s.ListDeadLetters(t.Context(), &adminv1.ListDeadLettersRequest{Parent: "projects/demo"})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("list: %v", err)
	}
	if _, err := s.GetDeadLetter(t.Context(), &adminv1.GetDeadLetterRequest{Name: "projects/demo/deadLetters/1"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("get: %v", err)
	}
	b.Close()
	if _, err := s.GetDeadLetter(t.Context(), &adminv1.GetDeadLetterRequest{Name: "projects/demo/deadLetters/1"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("get without NATS: %v", err)
	}
}
