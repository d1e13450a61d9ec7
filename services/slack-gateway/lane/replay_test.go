package lane

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
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

var (
	support    = bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
	marks      = bus.Lane{Kind: bus.MarkLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
	errRefused = retry.Rejected(errors.New("invalid_blocks"))
	errLost    = retry.Unknown(errors.New("no answer"))
)

// line is a message that a workspace holds.
type line struct {
	ts, thread, text string
	marks            []string
}

var errNoLink = errors.New("no link")

// workspace is a Slack that holds what was posted and fails as it is told.
type workspace struct {
	mu    sync.Mutex
	lines []line
	// refuse answers the error of the n-th post, from 1, and whether it takes effect all the same; blind is what every search answers.
	refuse    func(n int) (err error, effect bool)
	posts     int
	blind     error
	reactions []string
}

func (w *workspace) Post(_ context.Context, _, thread string, message render.Message, marks []string) (slackapi.Posted, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts++
	var err error
	effect := true
	if w.refuse != nil {
		err, effect = w.refuse(w.posts)
	}
	ts := fmt.Sprintf("1700000000.%06d", w.posts)
	if effect {
		w.lines = append(w.lines, line{ts: ts, thread: thread, text: message.Text, marks: marks})
	}
	return slackapi.Posted{TS: ts, ThreadTS: thread}, err
}

func (w *workspace) Delete(context.Context, string, string) error { return nil }

func (w *workspace) Find(_ context.Context, _, thread, mark string, _ time.Time) (slackapi.Posted, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lines {
		if w.blind == nil && slices.Contains(l.marks, mark) && (l.thread == thread || l.ts == thread) {
			return slackapi.Posted{TS: l.ts, ThreadTS: l.thread}, true, nil
		}
	}
	return slackapi.Posted{}, false, w.blind
}

func (w *workspace) React(_ context.Context, _, _, name string) error {
	w.reactions = append(w.reactions, "+"+name)
	return nil
}

func (w *workspace) Unreact(_ context.Context, _, _, name string) error {
	w.reactions = append(w.reactions, "-"+name)
	return nil
}

func (w *workspace) Permalink(context.Context, string, string) (string, error) {
	return "", errNoLink
}

func (w *workspace) Private(context.Context, string, string, string, render.Message) error {
	return errRefused
}

// texts answers how often each of words stands in the workspace.
func (w *workspace) texts(words ...string) (n []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all strings.Builder
	for _, l := range w.lines {
		all.WriteString(l.text + "\n")
	}
	for _, word := range words {
		n = append(n, strings.Count(all.String(), word))
	}
	return n
}

// channel is the lanes of one channel with their bus and their Slack.
type channel struct {
	t     *testing.T
	bus   *bus.Bus
	slack *workspace
	lanes *Lanes
	post  bus.Handler
}

func newChannel(t *testing.T) *channel {
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
	c := &channel{t: t, bus: b, slack: &workspace{}}
	c.lanes = New(Options{
		Bus: b, Workspace: func(string) (Workspace, error) { return c.slack, nil }, GiveUp: time.Hour, Wakes: NewWakes(), Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	c.post = c.lanes.Handler(support)
	return c
}

// restart makes the lane's next message come to another replica.
func (c *channel) restart() { c.post = c.lanes.Handler(support) }

func says(id, conversation, text string) *eventv1.SlackCommand {
	return &eventv1.SlackCommand{
		Id: id, Team: support.Team, Channel: support.Channel, IssuedAt: timestamppb.Now(),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: "demo", Conversation: conversation, OccurredAt: timestamppb.Now(), Body: &eventv1.ThreadPost_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: text}},
		}},
	}
}

// issue stores commands in their lane.
func (c *channel) issue(lane bus.Lane, commands ...*eventv1.SlackCommand) {
	c.t.Helper()
	for _, command := range commands {
		if _, err := c.bus.Once(c.t.Context(), bus.Posts, lane.Subject(command.GetId()), command); err != nil {
			c.t.Fatal(err)
		}
	}
}

// drain hands out what waits behind sequence, as the lane's queue would, and answers the last sequence.
func (c *channel) drain(handle bus.Handler, lane bus.Lane, after uint64) uint64 {
	c.t.Helper()
	waiting, err := c.bus.Waiting(c.t.Context(), lane, after, 100)
	if err != nil {
		c.t.Fatal(err)
	}
	for i, m := range waiting {
		after, m.Pending = m.Sequence, uint64(len(waiting)-1-i)
		var err error
		for m.Deliveries = 1; m.Deliveries < 5; m.Deliveries++ {
			if err = handle(c.t.Context(), m); err == nil {
				break
			}
			if reason, permanent := retry.Reason(err); permanent {
				if err = c.bus.Bury(c.t.Context(), m, reason, err); err != nil {
					c.t.Fatal(err)
				}
				break
			}
		}
		if err != nil {
			c.t.Fatalf("neither done nor dead: %v", err)
		}
	}
	return after
}

// letters answers the numbers of all dead letters, oldest first.
func (c *channel) letters() (numbers []uint64) {
	c.t.Helper()
	all, err := c.bus.Letters(c.t.Context(), 0, 100)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, letter := range slices.Backward(all) {
		numbers = append(numbers, letter.Number)
	}
	return numbers
}

func (c *channel) replay(number uint64, notDone bool) {
	c.t.Helper()
	if _, err := c.bus.Replay(c.t.Context(), number, notDone); err != nil {
		c.t.Fatal(err)
	}
}

// told answers what was told of posts, in order: the ids of a post, or the failure of one.
func (c *channel) told() (told []string) {
	c.t.Helper()
	all, err := c.bus.Before(c.t.Context(), bus.Slack, "slack.>", "")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range all {
		var fact eventv1.SlackFact
		if err := bus.Decode(m, &fact); err != nil {
			c.t.Fatal(err)
		}
		switch f := fact.GetFact().(type) {
		case *eventv1.SlackFact_Posted:
			told = append(told, strings.Join(f.Posted.GetCommandIds(), "+"))
		case *eventv1.SlackFact_PostFailed:
			told = append(told, fmt.Sprintf("%s %s in %q", f.PostFailed.GetCommandId(), f.PostFailed.GetReason().String()[len("FAILURE_REASON_"):], f.PostFailed.GetProject()))
		}
	}
	return told
}

func (c *channel) wants(what string, got, want []string) {
	c.t.Helper()
	if !slices.Equal(got, want) {
		c.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func (c *channel) counts(want []int, words ...string) {
	c.t.Helper()
	if got := c.slack.texts(words...); !slices.Equal(got, want) {
		c.t.Errorf("%q stand there %v times, want %v", words, got, want)
	}
}

// nth makes the n-th post fail.
func nth(n int, err error, effect bool) func(int) (error, bool) {
	return func(post int) (error, bool) {
		if post != n {
			return nil, true
		}
		return err, effect
	}
}

func TestAReplayOfAPostThatNeverHappenedPostsOnce(t *testing.T) {
	c := newChannel(t)
	c.slack.refuse = nth(2, errRefused, false)
	c.issue(support, says("p1", "c1", "first."), says("p2", "c2", "second."))
	last := c.drain(c.post, support, 0)
	c.counts([]int{1, 0}, "first.", "second.")
	c.replay(c.letters()[0], false)
	c.drain(c.post, support, last)
	c.counts([]int{1, 1}, "first.", "second.")
	c.wants("told", c.told(), []string{"p1", `p2 REJECTED in "demo"`, "p2"})
}

func TestAReplayOfAPostThatSucceededPostsNothing(t *testing.T) {
	c := newChannel(t)
	c.issue(support, says("p1", "c1", "head."))
	last := c.drain(c.post, support, 0)
	c.slack.refuse = nth(2, errLost, true)
	c.slack.blind = retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, errors.New("too much to look through"))
	c.issue(support, says("p2", "c1", "line."))
	last = c.drain(c.post, support, last)
	c.slack.blind = nil
	for _, number := range c.letters() {
		c.replay(number, false)
	}
	c.drain(c.post, support, last)
	c.counts([]int{1, 1}, "head.", "line.")
	c.wants("told", c.told(), []string{"p1", `p2 OUTCOME_UNKNOWN in "demo"`, "p2"})
	if n := len(c.letters()); n != 0 {
		t.Errorf("%d letters are left", n)
	}
}

func TestAReplayOfAHeadThatWasPostedOpensNoSecondThread(t *testing.T) {
	c := newChannel(t)
	c.slack.refuse = nth(1, errLost, true)
	c.slack.blind = retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, errors.New("too much to look through"))
	c.issue(support, says("p1", "c1", "head."))
	last := c.drain(c.post, support, 0)
	c.slack.blind = nil
	c.replay(c.letters()[0], false)
	c.drain(c.post, support, last)
	c.counts([]int{1}, "head.")
}

func TestAReplayPostsThePartsThatAreMissing(t *testing.T) {
	c := newChannel(t)
	var text strings.Builder
	for i := range 900 {
		fmt.Fprintf(&text, "row %03d.\n", i)
	}
	c.issue(support, says("p1", "c1", "head."))
	last := c.drain(c.post, support, 0)
	c.slack.refuse = nth(3, errRefused, false)
	c.issue(support, says("p2", "c1", text.String()))
	last = c.drain(c.post, support, last)
	c.counts([]int{1, 0}, "row 000.", "row 899.")
	c.replay(c.letters()[0], false)
	// Behind a replay stands what must neither be merged with it nor overtake it.
	c.issue(support, says("p3", "c1", "after."))
	c.drain(c.post, support, last)
	for i := range 900 {
		c.counts([]int{1}, fmt.Sprintf("row %03d.", i))
	}
	if last := c.slack.lines[len(c.slack.lines)-1]; !strings.Contains(last.text, "after.") {
		t.Errorf("the last line is %.60q", last.text)
	}
}

func TestAReplayIsNotMergedWithOthers(t *testing.T) {
	c := newChannel(t)
	c.slack.refuse = nth(2, errRefused, false)
	c.issue(support, says("p1", "c1", "head."))
	last := c.drain(c.post, support, 0)
	c.issue(support, says("p2", "c1", "line."))
	last = c.drain(c.post, support, last)
	c.issue(support, says("p3", "c1", "before."))
	c.replay(c.letters()[0], false)
	c.issue(support, says("p4", "c1", "after."))
	posts := c.slack.posts
	c.drain(c.post, support, last)
	if n := c.slack.posts - posts; n != 3 {
		t.Errorf("%d posts, want one for each", n)
	}
}

func TestEveryPostIsToldWithAllThatItCarries(t *testing.T) {
	c := newChannel(t)
	c.issue(support, says("p1", "c1", "one."), says("p2", "c1", "two."), says("p3", "c2", "three."))
	last := c.drain(c.post, support, 0)
	c.wants("told", c.told(), []string{"p1+p2", "p3"})
	// The answer is lost: whoever finds the post tells of all of it.
	c.slack.refuse = nth(c.slack.posts+1, errLost, true)
	c.issue(support, says("p4", "c1", "four."), says("p5", "c1", "five."))
	c.restart()
	c.drain(c.post, support, last)
	c.wants("told", c.told(), []string{"p1+p2", "p3", "p4+p5"})
	c.counts([]int{1, 1, 1, 1, 1}, "one.", "two.", "three.", "four.", "five.")
}

// A command whose outcome stays unknown is given up; what its post carried along is there and must not come again.
func TestWhatIsGivenUpDoublesNothingThatItCarried(t *testing.T) {
	for name, arrived := range map[string]bool{"it had arrived": true, "it had not": false} {
		t.Run(name, func(t *testing.T) {
			c := newChannel(t)
			c.issue(support, says("p0", "c1", "head."))
			last := c.drain(c.post, support, 0)
			c.slack.refuse = nth(2, errLost, arrived)
			c.slack.blind = retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, errors.New("too much to look through"))
			c.issue(support, says("p1", "c1", "one."), says("p2", "c1", "two."), says("p3", "c2", "three."), says("p4", "c1", "four."))
			waiting, err := c.bus.Waiting(t.Context(), support, last, 100)
			if err != nil {
				t.Fatal(err)
			}
			m := waiting[0]
			m.Pending = uint64(len(waiting) - 1)
			for m.Deliveries = 1; ; m.Deliveries++ {
				err := c.post(t.Context(), m)
				if reason, permanent := retry.Reason(err); permanent {
					if err := c.bus.Bury(t.Context(), m, reason, err); err != nil {
						t.Fatal(err)
					}
					break
				}
			}
			c.slack.blind = nil
			last = c.drain(c.post, support, m.Sequence)
			want := map[bool]int{true: 1, false: 0}[arrived]
			c.counts([]int{want, 1, 1, 1}, "one.", "two.", "three.", "four.")
			c.replay(c.letters()[0], false)
			c.drain(c.post, support, last)
			c.counts([]int{1, 1, 1, 1}, "one.", "two.", "three.", "four.")
		})
	}
}

func TestWhatJetStreamGaveUpTakesNothingWithIt(t *testing.T) {
	c := newChannel(t)
	c.slack.refuse = nth(2, errLost, false)
	c.issue(support, says("p0", "c1", "head."))
	last := c.drain(c.post, support, 0)
	c.issue(support, says("p1", "c1", "one."), says("p2", "c1", "two."))
	waiting, err := c.bus.Waiting(t.Context(), support, last, 10)
	if err != nil {
		t.Fatal(err)
	}
	waiting[0].Deliveries, waiting[0].Pending = 1, 1
	if err := c.post(t.Context(), waiting[0]); !errors.Is(err, retry.ErrUnknown) {
		t.Fatalf("got %v", err)
	}
	cause := errors.New("limit of deliveries")
	if err := c.lanes.Exhausted(t.Context(), waiting[0], cause); err != nil {
		t.Fatal(err)
	}
	if err := c.bus.Bury(t.Context(), waiting[0], eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, cause); err != nil {
		t.Fatal(err)
	}
	last = c.drain(c.post, support, waiting[0].Sequence)
	for _, number := range c.letters() {
		c.replay(number, false)
	}
	c.drain(c.post, support, last)
	c.counts([]int{1, 1}, "one.", "two.")
	c.wants("told", c.told(), []string{"p0", `p2 EXHAUSTED in "demo"`, `p1 EXHAUSTED in "demo"`, "p2", "p1"})
}

func TestAMarkThatIsGivenUpBelongsToNoProject(t *testing.T) {
	c := newChannel(t)
	c.issue(marks, &eventv1.SlackCommand{Id: "n1", Command: &eventv1.SlackCommand_Notice{Notice: &eventv1.Notice{}}})
	c.drain(c.lanes.Handler(marks), marks, 0)
	c.wants("told", c.told(), []string{`n1 REJECTED in ""`})
}

func TestTheFailedMarkGoesWhenTheReplyIsSent(t *testing.T) {
	c := newChannel(t)
	for i, reaction := range []*eventv1.Reaction{
		{Receipt: eventv1.Receipt_RECEIPT_SENT},
		{Receipt: eventv1.Receipt_RECEIPT_SENT, ReplacesFailed: true},
		{Receipt: eventv1.Receipt_RECEIPT_NOTED, ReplacesWaiting: true},
	} {
		c.issue(marks, &eventv1.SlackCommand{Id: fmt.Sprint(i), Command: &eventv1.SlackCommand_Reaction{Reaction: reaction}})
	}
	c.drain(c.lanes.Handler(marks), marks, 0)
	c.wants("reactions", c.slack.reactions, []string{"+white_check_mark", "+white_check_mark", "-warning", "+memo", "-hourglass_flowing_sand"})
}

func (w *workspace) Update(context.Context, string, string, render.Message) error { return nil }

// A post says whether anybody is to be told of it, so that most need no turn with router; one that carries several does if one of them does.
func TestAPostSaysWhetherSomebodyIsToldDirectly(t *testing.T) {
	c := newChannel(t)
	directly := says("p3", "c1", "three.")
	directly.GetThreadPost().TellDirectly = []string{"U0DEMO1"}
	c.issue(support, says("p1", "c1", "head."))
	last := c.drain(c.post, support, 0)
	c.issue(support, says("p2", "c1", "two."), directly)
	c.drain(c.post, support, last)
	all, err := c.bus.Before(t.Context(), bus.Slack, "slack.*.*.*.*.posted.>", "")
	if err != nil {
		t.Fatal(err)
	}
	var tells []*bool
	for _, m := range all {
		var fact eventv1.SlackFact
		if err := bus.Decode(m, &fact); err != nil {
			t.Fatal(err)
		}
		tells = append(tells, fact.GetPosted().TellsDirectly)
	}
	if len(tells) != 2 || tells[0] == nil || *tells[0] || tells[1] == nil || !*tells[1] {
		t.Errorf("told %v", all)
	}
}
