package lane_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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
	"github.com/slacktalk/slacktalk/services/slack-gateway/lane"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

var (
	posting = bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
	marking = bus.Lane{Kind: bus.MarkLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
	carding = bus.Lane{Kind: bus.CardLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}

	errLost     = retry.Unknown(errors.New("no answer"))
	errNotNow   = errors.New("connection refused")
	errNever    = retry.Rejected(errors.New("invalid_blocks"))
	errUninvite = retry.Parked(errors.New("not_in_channel"))
)

// entry is a message in the fake channel.
type entry struct {
	ts, thread, text string
	marks            []string
	at               time.Time
}

// An accident happens to one call: it may take effect all the same, and then answers err.
type accident struct {
	effect bool
	err    error
}

// fake is a Slack channel that behaves as the fact sheet says and has the accidents that a test foresees, in the order of the calls.
type fake struct {
	mu        sync.Mutex
	n         int
	entries   []entry
	accidents []accident
	calls     int
	reactions []string
	private   []string
	updates   []string
	during    func() // runs within each post, before it takes effect
	tombs     map[string]bool
}

// accident answers what happens to this call.
func (f *fake) accident() accident {
	f.calls++
	if len(f.accidents) == 0 {
		return accident{effect: true}
	}
	a := f.accidents[0]
	f.accidents = f.accidents[1:]
	return a
}

func (f *fake) Post(_ context.Context, channel, thread string, message render.Message, marks []string) (slackapi.Posted, error) {
	if f.during != nil {
		f.during()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.accident()
	if !a.effect {
		return slackapi.Posted{}, a.err
	}
	if !strings.HasPrefix(channel, "C") {
		f.private = append(f.private, channel)
		return slackapi.Posted{TS: "1.1"}, a.err
	}
	if thread != "" && !f.there(thread) {
		thread = "" // Slack puts it into the channel and says so only by leaving thread_ts out
	}
	f.n++
	ts := fmt.Sprintf("1700000000.%06d", f.n)
	f.entries = append(f.entries, entry{ts, thread, message.Text, marks, time.Now()})
	if a.err != nil {
		return slackapi.Posted{}, a.err
	}
	return slackapi.Posted{TS: ts, ThreadTS: thread}, nil
}

func (f *fake) there(ts string) bool {
	return slices.ContainsFunc(f.entries, func(e entry) bool { return e.ts == ts })
}

func (f *fake) Delete(_ context.Context, _, ts string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = slices.DeleteFunc(f.entries, func(e entry) bool { return e.ts == ts })
	return nil
}

// bury deletes a head that has replies: they stay, and can be read.
func (f *fake) bury(ts string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = slices.DeleteFunc(f.entries, func(e entry) bool { return e.ts == ts })
	f.tombs = map[string]bool{ts: true}
}

func (f *fake) Find(_ context.Context, _, thread, mark string, since time.Time) (slackapi.Posted, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if thread != "" && !f.there(thread) && !f.tombs[thread] {
		return slackapi.Posted{}, false, fmt.Errorf("conversations.replies: %w", slackapi.ErrThreadGone)
	}
	for _, e := range f.entries {
		if slices.Contains(e.marks, mark) && (e.thread == thread || e.ts == thread) && !e.at.Before(since) {
			return slackapi.Posted{TS: e.ts, ThreadTS: e.thread}, true, nil
		}
	}
	return slackapi.Posted{}, false, nil
}

func (f *fake) react(sign, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.accident()
	if a.effect && (sign == "-" || !slices.Contains(f.reactions, sign+name)) {
		f.reactions = append(f.reactions, sign+name)
	}
	return a.err
}

func (f *fake) Update(_ context.Context, _, ts string, message render.Message) error {
	if f.during != nil {
		f.during()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.accident()
	if !a.effect {
		return a.err
	}
	for i := range f.entries {
		if f.entries[i].ts == ts {
			f.entries[i].text = message.Text
			f.updates = append(f.updates, message.Text)
			return a.err
		}
	}
	return fmt.Errorf("%w: message_not_found", slackapi.ErrFixed)
}

func (f *fake) React(_ context.Context, _, _, name string) error { return f.react("+", name) }

func (f *fake) Unreact(_ context.Context, _, _, name string) error { return f.react("-", name) }

func (f *fake) Permalink(_ context.Context, channel, ts string) (string, error) {
	return "https://demo.slack.com/archives/" + channel + "/p" + strings.ReplaceAll(ts, ".", ""), nil
}

func (f *fake) Private(_ context.Context, _, _, member string, _ render.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.accident()
	if a.effect {
		f.private = append(f.private, member)
	}
	return a.err
}

// next foresees accidents.
func (f *fake) next(accidents ...accident) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.accidents = accidents
}

// heads answers what stands in the channel itself.
func (f *fake) heads() (heads []entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if e.thread == "" {
			heads = append(heads, e)
		}
	}
	return heads
}

// words answers the words of the form w00. of a thread, or of all, in their order, and how many messages hold them.
func (f *fake) words(thread string) (words []string, in int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if thread != "" && e.thread != thread && e.ts != thread {
			continue
		}
		in++
		for i := 0; i+4 <= len(e.text); i++ {
			if e.text[i] == 'w' && e.text[i+3] == '.' {
				words = append(words, e.text[i:i+4])
			}
		}
	}
	return words, in
}

// room is the lanes of one channel.
type room struct {
	t       *testing.T
	bus     *bus.Bus
	slack   *fake
	options lane.Options
	last    uint64
}

func newRoom(t *testing.T) *room {
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
	f := &fake{}
	return &room{t: t, bus: b, slack: f, options: lane.Options{
		Bus: b, Workspace: in(f, posting.Team), GiveUp: time.Hour, Wakes: lane.NewWakes(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}}
}

// in is an app that is installed in one workspace only.
func in(w lane.Workspace, installed string) func(string) (lane.Workspace, error) {
	return func(team string) (lane.Workspace, error) {
		if team != installed {
			return nil, retry.Parked(errors.New("not installed"))
		}
		return w, nil
	}
}

// replica is one process's handler of a lane; its clock is wrong by skew.
func (r *room) replica(of bus.Lane, skew time.Duration) bus.Handler {
	options := r.options
	options.Metrics = prometheus.NewRegistry()
	options.Now = func() time.Time { return time.Now().Add(skew) }
	return lane.New(options).Handler(of)
}

// customer makes the command that posts what a customer wrote.
func customer(id, conversation, text string) *eventv1.SlackCommand {
	return &eventv1.SlackCommand{
		Id: id, Team: posting.Team, Channel: posting.Channel, IssuedAt: timestamppb.Now(),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: "demo", Conversation: conversation, Customer: &eventv1.Customer{VisitorId: "vis-" + conversation}, OccurredAt: timestamppb.Now(),
			Body: &eventv1.ThreadPost_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: text}},
		}},
	}
}

// store puts commands into a lane and answers them as its queue hands them out.
func (r *room) store(of bus.Lane, commands ...*eventv1.SlackCommand) (messages []bus.Message) {
	r.t.Helper()
	for _, c := range commands {
		if _, err := r.bus.Once(r.t.Context(), bus.Posts, of.Subject(c.GetId()), c); err != nil {
			r.t.Fatal(err)
		}
	}
	messages, err := r.bus.Waiting(r.t.Context(), of, r.last, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range messages {
		messages[i].Deliveries, messages[i].Pending = 1, uint64(len(messages)-1-i)
		r.last = messages[i].Sequence
	}
	return messages
}

// done hands messages to a replica, each of which must be done with at once.
func (r *room) done(handle bus.Handler, messages ...bus.Message) {
	r.t.Helper()
	for _, m := range messages {
		if err := handle(r.t.Context(), m); err != nil {
			r.t.Fatalf("message %d: %v", m.Sequence, err)
		}
	}
}

// fails hands a message to a replica, and answers the error that there must be.
func (r *room) fails(handle bus.Handler, m bus.Message) error {
	r.t.Helper()
	err := handle(r.t.Context(), m)
	if err == nil {
		r.t.Fatalf("message %d was to fail", m.Sequence)
	}
	return err
}

// wants compares what the channel holds with the words in their order, and the number of messages.
func (r *room) wants(words string, messages int) {
	r.t.Helper()
	got, in := r.slack.words("")
	if !slices.Equal(got, strings.Fields(words)) || in != messages {
		r.t.Errorf("%d messages with %v, want %d with %s", in, got, messages, words)
	}
}

// facts answers the kinds of what was told the router.
func (r *room) facts() (kinds []string) {
	r.t.Helper()
	all, err := r.bus.Before(r.t.Context(), bus.Slack, "slack.>", "")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range all {
		kinds = append(kinds, strings.Split(m.Subject, ".")[5])
	}
	return kinds
}
