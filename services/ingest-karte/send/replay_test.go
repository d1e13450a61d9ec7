package send

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// chat is a KARTE that holds what it was sent and fails as it is told.
type chat struct {
	mu      sync.Mutex
	now     func() time.Time
	entries []karte.Entry
	// refuse answers the error of the n-th call, from 1, and whether it takes effect all the same.
	refuse func(n int) (err error, effect bool)
	calls  int
	// listed is how KARTE lists an entry; as it is when nil. unlisted is what it answers instead of a history.
	listed   func(karte.Entry) karte.Entry
	unlisted error
}

const historyLimit = 100

func (c *chat) Send(_ context.Context, _, operator, text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	var err error
	effect := true
	if c.refuse != nil {
		err, effect = c.refuse(c.calls)
	}
	if effect {
		c.entries = append(c.entries, karte.Entry{Sender: operator, Text: text, Date: c.now()})
	}
	return err
}

func (c *chat) Note(ctx context.Context, customer, operator, text string) error {
	return c.Send(ctx, customer, operator, text)
}

func (c *chat) History(context.Context, string, int) ([]karte.Entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries := slices.Clone(c.entries)
	for i := range entries {
		if c.listed != nil {
			entries[i] = c.listed(entries[i])
		}
	}
	return entries, c.unlisted
}

func (c *chat) texts() (texts []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entry := range c.entries {
		texts = append(texts, entry.Text)
	}
	return texts
}

// desk is a sender with its bus and its KARTE, and a clock that tests move.
type desk struct {
	t      *testing.T
	bus    *bus.Bus
	karte  *chat
	sender *Sender
	ahead  time.Duration
}

func (d *desk) now() time.Time { return time.Now().Add(d.ahead) }

func newDesk(t *testing.T, history History) *desk {
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
	b, err := bus.Connect(bus.Settings{URL: secret.New(s.ClientURL()), Replicas: 1, Partitions: 2}, "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, bus: b}
	d.karte = &chat{now: d.now}
	d.sender = New(Options{
		Bus: b, KARTE: d.karte, Project: "demo", TextLimit: 100, History: history, HistoryLimit: historyLimit, GiveUp: time.Hour, Now: d.now,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	return d
}

// run stores a command under the subject of id and carries it out, as a queue would; it answers the letter's number when it dies.
func (d *desk) run(command *eventv1.KarteCommand) (letter uint64) {
	d.t.Helper()
	subject := bus.SendSubject(2, command.GetProject(), command.GetConversation(), command.GetId())
	if _, err := d.bus.Once(d.t.Context(), bus.Sends, subject, command); err != nil {
		d.t.Fatal(err)
	}
	return d.handle(subject)
}

// handle carries out what is stored at subject until it is done or dead.
func (d *desk) handle(subject string) (letter uint64) {
	d.t.Helper()
	all, err := d.bus.Before(d.t.Context(), bus.Sends, "send.>", "")
	if err != nil {
		d.t.Fatal(err)
	}
	m := all[slices.IndexFunc(all, func(m bus.Message) bool { return m.Subject == subject })]
	for m.Deliveries = 1; m.Deliveries < 5; m.Deliveries++ {
		err = d.sender.Handle(d.t.Context(), m)
		if err == nil {
			return 0
		}
		if reason, permanent := retry.Reason(err); permanent {
			if err := d.bus.Bury(d.t.Context(), m, reason, err); err != nil {
				d.t.Fatal(err)
			}
			letters, err := d.bus.Letters(d.t.Context(), 0, 1)
			if err != nil {
				d.t.Fatal(err)
			}
			return letters[0].Number
		}
	}
	d.t.Fatalf("neither done nor dead: %v", err)
	return 0
}

// replay replays a letter and carries it out; it answers the new letter's number when it dies again.
func (d *desk) replay(letter uint64, notDone bool) (again uint64) {
	d.t.Helper()
	subject, err := d.bus.Replay(d.t.Context(), letter, notDone)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.handle(subject)
}

// reports answers the facts of TALK that are told of a command, oldest first, by kind.
func (d *desk) reports() (kinds []string) {
	d.t.Helper()
	all, err := d.bus.Before(d.t.Context(), bus.Talk, "talk.>", "")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, m := range all {
		var fact eventv1.TalkFact
		if err := bus.Decode(m, &fact); err != nil {
			d.t.Fatal(err)
		}
		switch f := fact.GetFact().(type) {
		case *eventv1.TalkFact_ReplyDelivered:
			kinds = append(kinds, "delivered")
			if f.ReplyDelivered.GetReplayed() {
				kinds[len(kinds)-1] = "delivered after a replay"
			}
		case *eventv1.TalkFact_ReplyFailed:
			kinds = append(kinds, f.ReplyFailed.GetReason().String()[len("FAILURE_REASON_"):])
		}
	}
	return kinds
}

func (d *desk) wants(texts, reports []string) {
	d.t.Helper()
	if got := d.karte.texts(); !slices.Equal(got, texts) {
		d.t.Errorf("KARTE has %q, want %q", got, texts)
	}
	if got := d.reports(); !slices.Equal(got, reports) {
		d.t.Errorf("reported %q, want %q", got, reports)
	}
}

func (d *desk) command(id, text string) *eventv1.KarteCommand {
	return &eventv1.KarteCommand{
		Id: id, Project: "demo", Conversation: "c1", Customer: &eventv1.Customer{UserId: "member-1"}, Operator: "op-1",
		Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Text: text, IssuedAt: timestamppb.New(d.now()),
	}
}

var (
	both       = History{Messages: true, Notes: true}
	errRefused = retry.Rejected(errors.New("refused"))
	errLost    = retry.Unknown(errors.New("no answer"))
)

// fails makes the first n calls fail.
func fails(n int, err error, effect bool) func(int) (error, bool) {
	return func(call int) (error, bool) {
		if call > n {
			return nil, true
		}
		return err, effect
	}
}

func TestAReplayOfWhatNeverArrivedSendsItOnceHoweverOftenItDies(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = fails(2, errRefused, false)
	first := d.run(d.command("reply-1", "hello"))
	second := d.replay(first, false)
	if second == 0 || second == first {
		t.Fatalf("the second letter is %d, the first %d", second, first)
	}
	if third := d.replay(second, false); third != 0 {
		t.Fatalf("it dies a third time: %d", third)
	}
	d.wants([]string{"hello"}, []string{"REJECTED", "REJECTED", "delivered after a replay"})
}

func TestAReplayOfWhatHadArrivedSendsNothing(t *testing.T) {
	d := newDesk(t, History{})
	d.karte.refuse = fails(1, errLost, true)
	letter := d.run(d.command("reply-1", "hello"))
	// Where it cannot be looked up, trying is no help: a person has to look.
	letter = d.replay(letter, false)
	if letter == 0 {
		t.Fatal("taken as done without looking")
	}
	d.sender.History = both
	if again := d.replay(letter, false); again != 0 {
		t.Fatalf("dead again: %d", again)
	}
	d.wants([]string{"hello"}, []string{"OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN", "delivered after a replay"})
}

func TestWhatAPersonSaysWasNotDoneIsDoneWithoutLooking(t *testing.T) {
	d := newDesk(t, History{})
	d.karte.refuse = fails(1, errLost, false)
	letter := d.run(d.command("reply-1", "hello"))
	if again := d.replay(letter, true); again != 0 {
		t.Fatalf("dead again: %d", again)
	}
	d.wants([]string{"hello"}, []string{"OUTCOME_UNKNOWN", "delivered after a replay"})
}

// What KARTE has cleanly refused did not arrive, which needs no looking up.
func TestAReplayOfWhatWasRefusedNeedsNoHistory(t *testing.T) {
	d := newDesk(t, History{})
	d.karte.refuse = fails(2, errRefused, false)
	letter := d.run(d.command("reply-1", "hello"))
	if letter = d.replay(letter, false); letter == 0 {
		t.Fatal("it was to be refused again")
	}
	if again := d.replay(letter, false); again != 0 {
		t.Fatalf("dead again: %d", again)
	}
	d.wants([]string{"hello"}, []string{"REJECTED", "REJECTED", "delivered after a replay"})
}

// But of which a part had arrived, or which may have, is not sent on the strength of a refusal.
func TestAReplayWithoutHistoryStillDoesNotGuess(t *testing.T) {
	long := string(slices.Repeat([]byte("abcdefghi "), 25))
	for name, c := range map[string]struct {
		text    string
		refuse  func(int) (error, bool)
		reports []string
	}{
		"a part had arrived": {long, func(n int) (error, bool) { return map[int]error{2: errRefused}[n], n != 2 }, []string{"REJECTED", "OUTCOME_UNKNOWN"}},
		"the replay's answer was lost": {"hello", func(n int) (error, bool) { return map[int]error{1: errRefused, 2: errLost}[n], n != 1 },
			[]string{"REJECTED", "OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN"}},
	} {
		d := newDesk(t, History{})
		d.karte.refuse = c.refuse
		letter, calls := d.run(d.command("reply-1", c.text)), 0
		for range len(c.reports) - 1 {
			if letter = d.replay(letter, false); letter == 0 {
				t.Fatalf("%s: guessed", name)
			}
			if calls == 0 {
				calls = d.karte.calls
			}
		}
		if got := d.reports(); !slices.Equal(got, c.reports) || d.karte.calls != calls {
			t.Errorf("%s: reported %v, %d calls after %d", name, got, d.karte.calls, calls)
		}
	}
}

// A process that dies while it carries out a replay leaves a note of an attempt that has not ended.
func TestAReplayThatDiesInItsCallIsNotMadeAgainWithoutHistory(t *testing.T) {
	d := newDesk(t, History{})
	d.karte.refuse = fails(1, errRefused, false)
	letter := d.run(d.command("reply-1", "hello"))
	subject, err := d.bus.Replay(t.Context(), letter, false)
	if err != nil {
		t.Fatal(err)
	}
	all, err := d.bus.Before(t.Context(), bus.Sends, "send.>", "")
	if err != nil {
		t.Fatal(err)
	}
	m := all[len(all)-1]
	checkpoint := d.sender.checkpoint(m)
	if _, err := checkpoint.Last(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.sender.note(t.Context(), checkpoint, m, 0, nil); err != nil {
		t.Fatal(err)
	}
	if again := d.handle(subject); again == 0 {
		t.Fatal("guessed")
	}
	d.wants(nil, []string{"REJECTED", "OUTCOME_UNKNOWN"})
}

// What was set aside after a clean refusal is tried again; of whoever died in that second call nobody knows whether the customer has it.
func TestWhatWasSetAsideIsNotGuessedWithoutHistory(t *testing.T) {
	for name, c := range map[string]struct {
		part, ended int
		want        []string
	}{
		"died in the call": {0, 0, []string{"OUTCOME_UNKNOWN"}}, "the call had ended": {0, 1, []string{"delivered"}},
		"a part had arrived": {1, 1, []string{"OUTCOME_UNKNOWN"}}, "not tried since": {-1, 0, []string{"delivered"}},
	} {
		d := newDesk(t, History{})
		m := d.stored(d.note("reply-1", "hello"))
		m.Held = true
		if c.part >= 0 {
			checkpoint := d.sender.checkpoint(m)
			if _, err := checkpoint.Last(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := d.sender.note(t.Context(), checkpoint, m, c.part, nil); err != nil {
				t.Fatal(err)
			}
			if c.ended > 0 {
				checkpoint.Ended(t.Context(), errNotNow)
			}
		}
		_ = d.until(m)
		if got := d.reports(); !slices.Equal(got, c.want) {
			t.Errorf("%s: reported %v", name, got)
		}
	}
}

// Two letters of one command: what the replay of the first has sent, that of the second does not.
func TestTwoLettersWithoutHistorySendItOnce(t *testing.T) {
	d := newDesk(t, History{})
	d.karte.refuse = fails(1, errRefused, false)
	first := d.run(d.command("reply-1", "hello"))
	letter, err := d.bus.Letter(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	m := bus.Message{Stream: bus.Sends, Subject: bus.SendSubject(2, "demo", "c1", "reply-1"), Sequence: 1, Data: letter.GetPayload()}
	if err := d.bus.Bury(t.Context(), m, eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, errors.New("again")); err != nil {
		t.Fatal(err)
	}
	for _, number := range []uint64{first, first + 1} {
		if again := d.replay(number, false); again != 0 {
			t.Fatalf("dead again: %d", again)
		}
	}
	d.wants([]string{"hello"}, []string{"REJECTED", "delivered after a replay", "delivered after a replay"})
}

func TestAReplaySendsThePartsThatAreMissing(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = func(n int) (error, bool) { return map[int]error{2: errRefused}[n], n != 2 }
	long := d.command("reply-1", string(slices.Repeat([]byte("abcdefghi "), 25)))
	parts := d.sender.parts(long)
	if len(parts) < 3 {
		t.Fatalf("only %d parts", len(parts))
	}
	letter := d.run(long)
	if again := d.replay(letter, false); again != 0 {
		t.Fatalf("dead again: %d", again)
	}
	d.wants(parts, []string{"REJECTED", "delivered after a replay"})
}

func TestTheSameWordsOfAnotherReplyAreNotTakenForAReplay(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = func(n int) (error, bool) { return map[int]error{1: errRefused}[n], n != 1 }
	letter := d.run(d.command("reply-1", "hello"))
	if dead := d.run(d.command("reply-2", "hello")); dead != 0 {
		t.Fatal("the second reply died")
	}
	if again := d.replay(letter, false); again != 0 {
		t.Fatalf("dead again: %d", again)
	}
	d.wants([]string{"hello", "hello"}, []string{"REJECTED", "delivered", "delivered after a replay"})
}

// Two letters of one command: it died twice in its life, each replay finds what the other has done.
func TestTwoLettersOfOneReplySendItOnce(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = fails(1, errRefused, false)
	command := d.command("reply-1", "hello")
	first := d.run(command)
	m := bus.Message{Stream: bus.Sends, Subject: bus.SendSubject(2, "demo", "c1", "reply-1"), Sequence: 1}
	letter, err := d.bus.Letter(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	m.Data = letter.GetPayload()
	if err := d.bus.Bury(t.Context(), m, eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, errors.New("again")); err != nil {
		t.Fatal(err)
	}
	for _, number := range []uint64{first, first + 1} {
		if again := d.replay(number, false); again != 0 {
			t.Fatalf("dead again: %d", again)
		}
	}
	d.wants([]string{"hello"}, []string{"REJECTED", "delivered after a replay", "delivered after a replay"})
}

// After the retention nobody knows what else was sent: a line with the same words may be another's.
func TestALateReplayDoesNotGuess(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = fails(2, errRefused, false)
	arrived, never := d.run(d.command("reply-1", "hello")), d.run(d.command("reply-2", "other"))
	d.karte.entries = append(d.karte.entries, karte.Entry{Sender: "op-1", Text: "hello", Date: d.now()})
	d.ahead = bus.Retention + time.Hour
	if again := d.replay(arrived, false); again == 0 {
		t.Error("taken for its own without knowing")
	}
	if again := d.replay(never, false); again != 0 {
		t.Error("what is certainly not there is not sent")
	}
	d.wants([]string{"hello", "other"}, []string{"REJECTED", "REJECTED", "OUTCOME_UNKNOWN", "delivered after a replay"})
}

// The second of two replies with the same words, both with lost answers: what the first replay found may have been the second's line.
func TestReplaysOfTheSameWordsDoNotGuess(t *testing.T) {
	d := newDesk(t, History{})
	d.karte.refuse = fails(2, errLost, true)
	first := d.run(d.command("reply-1", "hello"))
	d.ahead = 10 * time.Minute
	second := d.run(d.command("reply-2", "hello"))
	d.sender.History = both
	if again := d.replay(first, false); again != 0 {
		t.Fatalf("dead again: %d", again)
	}
	if again := d.replay(second, false); again == 0 {
		t.Fatal("guessed")
	}
	d.wants([]string{"hello", "hello"}, []string{"OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN", "delivered after a replay", "OUTCOME_UNKNOWN"})
}

func TestWhatJetStreamGaveUpIsReported(t *testing.T) {
	d := newDesk(t, both)
	command := d.command("reply-1", "hello")
	subject := bus.SendSubject(2, "demo", "c1", "reply-1")
	if _, err := d.bus.Once(t.Context(), bus.Sends, subject, command); err != nil {
		t.Fatal(err)
	}
	all, err := d.bus.Before(t.Context(), bus.Sends, "send.>", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.sender.Exhausted(t.Context(), all[0], errors.New("limit")); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.sender.Exhausted(t.Context(), bus.Message{Data: []byte("no protobuf")}, errors.New("limit")); err != nil {
		t.Fatal(err)
	}
	d.wants(nil, []string{"EXHAUSTED"})
}
