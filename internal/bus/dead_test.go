package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const rejected = eventv1.FailureReason_FAILURE_REASON_REJECTED

var deadLane = bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}

// bury puts a message into DEAD.
func bury(t *testing.T, b *bus.Bus, stream, subject string, message proto.Message) {
	t.Helper()
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Bury(t.Context(), bus.Message{Stream: stream, Subject: subject, Data: data, Sequence: 7, Deliveries: 1}, rejected, errors.New("refused")); err != nil {
		t.Fatal(err)
	}
}

func buryPost(t *testing.T, b *bus.Bus, id string) {
	t.Helper()
	bury(t, b, bus.Posts, deadLane.Subject(id), &eventv1.SlackCommand{Id: id, Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{Project: "demo"}}})
}

// letters answers all letters, the latest first.
func letters(t *testing.T, b *bus.Bus) []bus.Letter {
	t.Helper()
	all, err := b.Letters(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// patience is how long what other goroutines bring about may take.
const patience = 40 * time.Second

// count answers how many messages a stream has under filter.
func count(t *testing.T, b *bus.Bus, stream, filter string) int {
	t.Helper()
	before, err := b.Before(t.Context(), stream, filter, "")
	if err != nil {
		t.Fatal(err)
	}
	return len(before)
}

func numbers(letters []bus.Letter) (n []uint64) {
	for _, letter := range letters {
		n = append(n, letter.Number)
	}
	return n
}

func TestLettersComeLatestFirstPageByPageWhateverWasDiscarded(t *testing.T) {
	b, _ := ready(t)
	const total = 60
	for i := range total {
		buryPost(t, b, fmt.Sprint(i))
	}
	gone := map[uint64]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		for _, n := range rapid.SliceOfN(rapid.Uint64Range(1, total), 0, 2).Draw(rt, "discarded") {
			gone[n] = true
			if err := b.Discard(t.Context(), n); err != nil {
				rt.Fatal(err)
			}
		}
		var want, got []uint64
		for n := uint64(total); n > 0; n-- {
			if !gone[n] {
				want = append(want, n)
			}
		}
		size := rapid.IntRange(1, 9).Draw(rt, "page")
		for before := uint64(0); ; {
			page, err := b.Letters(t.Context(), before, size)
			if err != nil {
				rt.Fatal(err)
			}
			if len(page) > size {
				rt.Fatalf("%d on a page of %d", len(page), size)
			}
			got = append(got, numbers(page)...)
			if len(page) < size {
				break
			}
			before = got[len(got)-1]
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestALetterTellsWhereItsMessageCameFrom(t *testing.T) {
	registry := prometheus.NewRegistry()
	b, err := bus.Connect(bus.Settings{URL: secret.New(startNATS(t).ClientURL()), Replicas: 1, Partitions: 4}, "test", slog.New(slog.DiscardHandler), registry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is the same letter
		buryPost(t, b, "post-1")
	}
	letter, err := b.Letter(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if letter.GetStream() != bus.Posts || letter.GetSubject() != deadLane.Subject("post-1") || letter.GetSequence() != 7 || letter.GetId() != "post-1" || letter.GetCause() != "refused" {
		t.Errorf("got %v", letter.DeadLetter)
	}
	if n := counted(t, registry, "slacktalk_dead_letters_total"); !maps.Equal(n, map[string]float64{"reason=rejected stream=POSTS ": 1}) {
		t.Errorf("counted %v", n)
	}
	if err := b.Discard(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := b.Discard(t.Context(), 1); err != nil {
		t.Errorf("discarded again: %v", err)
	}
	for name, err := range map[string]error{"get": second(b.Letter(t.Context(), 1)), "replay": second(b.Replay(t.Context(), 1, false))} {
		if !errors.Is(err, bus.ErrNoLetter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// counted answers a counter by its labels.
func counted(t *testing.T, registry *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == name {
				labels := ""
				for _, label := range metric.GetLabel() {
					labels += label.GetName() + "=" + label.GetValue() + " "
				}
				n[labels] = metric.GetCounter().GetValue()
			}
		}
	}
	return n
}

func second[T any](_ T, err error) error { return err }

func TestACommandIsReplayedOncePerLetter(t *testing.T) {
	b, url := ready(t)
	command := &eventv1.KarteCommand{Id: "reply-1", Project: "demo", Conversation: "c1", Text: "hello"}
	bury(t, b, bus.Sends, bus.SendSubject(4, "demo", "c1", "reply-1"), command)
	buryPost(t, b, "post-1")
	// The number of partitions was changed meanwhile: the former one has no consumer any more.
	raised := connect(t, url, 8, 0)
	subject, err := raised.Replay(t.Context(), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(subject, "send."+raised.Partitions().Of("democ1")+".demo.c1.") || subject == bus.SendSubject(8, "demo", "c1", "reply-1") {
		t.Errorf("replayed under %s", subject)
	}
	var again eventv1.KarteCommand
	if ok, err := b.Find(t.Context(), bus.Sends, subject, &again); !ok || err != nil || !again.GetReplay() || again.GetText() != "hello" || again.GetId() != "reply-1" {
		t.Errorf("replayed as %v, %v", &again, err)
	}
	// A person says that it was not done.
	subject, err = b.Replay(t.Context(), 2, true)
	if err != nil {
		t.Fatal(err)
	}
	var post eventv1.SlackCommand
	if ok, err := b.Find(t.Context(), bus.Posts, subject, &post); !ok || err != nil || post.GetReplay() || post.GetId() != "post-1" {
		t.Errorf("replayed as %v, %v", &post, err)
	}
	if left := letters(t, b); len(left) != 0 {
		t.Errorf("left: %v", numbers(left))
	}
}

// A process may die between the two steps of a replay: the letter is there still.
func TestAReplayThatWasCutOffIsNoSecondOne(t *testing.T) {
	b, url := ready(t)
	buryPost(t, b, "post-1")
	letter, err := b.Letter(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Replay(t.Context(), 1, false); err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(letter.DeadLetter)
	if err != nil {
		t.Fatal(err)
	}
	putBack(t, url, data)
	if _, err := b.Replay(t.Context(), 1, true); err != nil {
		t.Fatal(err)
	}
	if n := count(t, b, bus.Posts, "post.>"); n != 1 {
		t.Fatalf("%d commands", n)
	}
}

// putBack makes DEAD anew with one letter, which is number 1 again.
func putBack(t *testing.T, url string, data []byte) {
	t.Helper()
	b := connect(t, url, 4, 0)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), bus.Dead); err != nil {
		t.Fatal(err)
	}
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "dead.posts.rejected.x", data); err != nil {
		t.Fatal(err)
	}
}

func talkFact(id string) *eventv1.TalkFact {
	return &eventv1.TalkFact{
		Id: id, Project: "demo", Customer: &eventv1.Customer{UserId: "member-1"}, ReceivedAt: timestamppb.Now(),
		Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: id}},
	}
}

func TestAFactIsReplayedBehindWhatWaitsOfItsCustomer(t *testing.T) {
	b, _ := ready(t)
	subject := bus.TalkSubject(4, "demo", "member-1", "customer-message", "evt-1")
	bury(t, b, bus.Talk, subject, talkFact("evt-1"))
	var calls atomic.Int32
	got := newSeen()
	holder := b.NewHolder("talk", func(_ context.Context, m bus.Message) error {
		if m.Stream != bus.Talk || m.Subject != subject || m.Sequence != 7 || !m.Held {
			t.Errorf("got %+v", m)
		}
		// The first replay dies as well: at once, before its letter is gone.
		if calls.Add(1) == 1 {
			return retry.Rejected(errors.New("refused again"))
		}
		got.add("c", decode(t, m).GetId())
		return nil
	})
	serve(t, holder.Serve)
	held, err := b.Replay(t.Context(), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(held, "held.talk.demo.") {
		t.Errorf("waits in %s", held)
	}
	eventually.Holds(t, patience, "the second letter", func() bool { return slices.Equal(numbers(letters(t, b)), []uint64{2}) })
	letter := letters(t, b)[0]
	if letter.GetStream() != bus.Talk || letter.GetSubject() != subject || letter.GetSequence() != 7 || letter.GetCause() != "refused again" {
		t.Errorf("the second letter tells another origin: %v", letter.DeadLetter)
	}
	if _, err := b.Replay(t.Context(), 2, false); err != nil {
		t.Fatal(err)
	}
	got.wait(t, 1)
	if calls.Load() != 2 || len(letters(t, b)) != 0 {
		t.Errorf("%d calls, left %v", calls.Load(), numbers(letters(t, b)))
	}
}

func TestWhatCannotBeReplayedStays(t *testing.T) {
	b, _ := ready(t)
	raw := func(stream, subject string, data []byte) {
		if err := b.Bury(t.Context(), bus.Message{Stream: stream, Subject: subject, Data: data}, rejected, errors.New("x")); err != nil {
			t.Fatal(err)
		}
	}
	raw(bus.Posts, deadLane.Subject("1"), []byte("no protobuf"))
	raw(bus.Sends, "send.4-000.demo.c1.x", nil)
	raw("OTHER", "other.x", nil)
	bury(t, b, bus.Posts, "post", &eventv1.SlackCommand{Id: "1", Command: &eventv1.SlackCommand_ThreadPost{}})
	bury(t, b, bus.Talk, "talk.x", talkFact("e"))
	bury(t, b, bus.Slack, "slack.x", &eventv1.SlackFact{Id: "x"})
	old := talkFact("old")
	old.ReceivedAt = timestamppb.New(time.Now().Add(-31 * 24 * time.Hour))
	bury(t, b, bus.Talk, bus.TalkSubject(4, "demo", "m", "k", "old"), old)
	reply := &eventv1.SlackFact{Id: "r", ReceivedAt: timestamppb.New(time.Now().Add(-bus.Retention - time.Hour)), Fact: &eventv1.SlackFact_ReplyWritten{}}
	bury(t, b, bus.Slack, bus.SlackSubject(4, "T0DEMO1", "C0SUPPORT", "1.2", "reply-written", "r"), reply)
	for number, want := range []error{bus.ErrNotReplayable, bus.ErrNotReplayable, bus.ErrNotReplayable, bus.ErrNotReplayable, bus.ErrNotReplayable, bus.ErrNotReplayable, bus.ErrTooOld, bus.ErrTooOld} {
		if _, err := b.Replay(t.Context(), uint64(number)+1, false); !errors.Is(err, want) {
			t.Errorf("letter %d: %v, want %v", number+1, err, want)
		}
	}
	if n := len(letters(t, b)); n != 8 {
		t.Fatalf("%d letters are left", n)
	}
	// Whoever has looked may say so.
	for _, number := range []uint64{7, 8} {
		if _, err := b.Replay(t.Context(), number, true); err != nil {
			t.Errorf("letter %d: %v", number, err)
		}
	}
}

func TestWhatIsStoredCanBeBuried(t *testing.T) {
	b, _ := ready(t)
	fact := talkFact("large")
	for size := int(b.Conn().MaxPayload()); ; size -= 100 {
		fact.GetCustomerMessage().Text = strings.Repeat("x", size)
		subject := bus.TalkSubject(4, "demo", "member-1", "customer-message", "large")
		_, err := b.Once(t.Context(), bus.Talk, subject, fact)
		if errors.Is(err, bus.ErrTooLarge) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := proto.Marshal(fact)
		if err != nil {
			t.Fatal(err)
		}
		m := bus.Message{Stream: bus.Talk, Subject: subject, Data: data, Sequence: 1}
		if err := b.Bury(t.Context(), m, rejected, errors.New(strings.Repeat("長い理由\xff", 1000))); err != nil {
			t.Fatalf("stored with %d bytes, but not to be buried: %v", len(data), err)
		}
		return
	}
}
