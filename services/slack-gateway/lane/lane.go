// Package lane carries out the commands to one Slack channel, in order and at Slack's pace.
package lane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
	_ "time/tzdata" // the image has no time zones of its own

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/effort"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// Slack is what a lane for posts does there.
type Slack interface {
	Post(ctx context.Context, channel, thread string, message render.Message, marks []string) (slackapi.Posted, error)
	Delete(ctx context.Context, channel, ts string) error
	Find(ctx context.Context, channel, thread, mark string, since time.Time) (at slackapi.Posted, found bool, err error)
}

// Workspace is what lanes do in one workspace.
type Workspace interface {
	Slack
	Marks
	Links
	Cards
}

// Options of the lanes.
type Options struct {
	Bus *bus.Bus
	// Workspace answers what acts as the app in a workspace; its error parks the lane, as where the app is not installed.
	Workspace func(team string) (Workspace, error)
	// Pace is the least time between two posts to one channel; Slack allows about one a second.
	Pace time.Duration
	// CallTime is how long one call may take, counted from the checkpoint's note of it, and so how long another replica may be at it.
	CallTime time.Duration
	// CardDelay is how long a card waits that would show nothing new but times.
	CardDelay time.Duration
	// GiveUp is how long after it was issued a command is tried, other than while its lane is parked.
	GiveUp time.Duration
	// Wakes tells lanes that their channel may take posts again.
	Wakes *Wakes
	// Ended is called when Slack says that a workspace's token will never be accepted again; nil for nobody.
	Ended func(ctx context.Context, team, why string) error
	// Latest answers by which id Slack knows a channel now, for addresses that people follow; nil where ids do not change.
	Latest  func(team, channel string) string
	Render  render.Options
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Lanes makes the handlers of all lanes.
type Lanes struct {
	Options
	threads bus.Records[*eventv1.ThreadRecord]
	metrics metrics
	// reactions are those that there may be.
	reactions budgets
}

// skew is how far Slack's clock and ours may be apart.
const skew = 5 * time.Minute

// parkedProbe is how often a parked lane tries by itself.
const parkedProbe = 10 * time.Second

// New makes the lanes.
func New(o Options) *Lanes {
	if o.Ended == nil {
		o.Ended = func(context.Context, string, string) error { return nil }
	}
	return &Lanes{Options: o, threads: bus.NewRecords[*eventv1.ThreadRecord](o.Bus, bus.Threads), metrics: newMetrics(o.Metrics)}
}

// Handler answers the handler of one lane.
func (l *Lanes) Handler(lane bus.Lane) bus.Handler {
	w := &worker{Lanes: l, lane: lane, most: maxBatch, checkpoint: l.Bus.NewCheckpoint("lane." + lane.Key())}
	do := w.post
	switch lane.Kind {
	case bus.MarkLane:
		do = w.mark
	case bus.CardLane:
		do = w.card
	}
	return func(ctx context.Context, m bus.Message) error {
		var command eventv1.SlackCommand
		if err := bus.Decode(m, &command); err != nil {
			return err
		}
		for {
			w.took = nil
			err := w.enter()
			if err == nil {
				err = do(ctx, m, &command)
			}
			if !errors.Is(err, retry.ErrParked) {
				w.metrics.parked.Set(lane, false)
				w.throttled(err)
				return w.end(ctx, m, &command, w.exhausted(m, &command, err))
			}
			if err := w.park(ctx, &command, err); err != nil {
				return err
			}
			// What was erased meanwhile is nobody's any more.
			if _, there, err := w.Bus.Position(ctx, bus.Posts, m.Subject); err != nil || !there {
				return err
			}
		}
	}
}

// unknown leaves a command of a kind that is not known here to a gateway of the next version.
func unknown(m bus.Message, command *eventv1.SlackCommand, what string) error {
	if command.GetCommand() == nil && bus.Unread(command) {
		return bus.NotYet(m, "a command")
	}
	return retry.Malformed(fmt.Errorf("command %s is %s", command.GetId(), what))
}

// enter takes up what acts as the app in the lane's own workspace, for one attempt: tokens change. With another workspace's, Slack would take the post,
// channel ids being unique, but the replies would be looked for in the wrong workspace.
func (w *worker) enter() error {
	workspace, err := w.Workspace(w.lane.Team)
	w.Slack, w.Marks, w.Links, w.Cards = workspace, workspace, workspace, workspace
	return err
}

// worker is one replica's work on one lane. JetStream gives it one message at a time.
type worker struct {
	*Lanes
	// Slack, Marks, Links and Cards are what acts as the app in the lane's workspace, during the attempt that is under way.
	Slack Slack
	Marks Marks
	Links Links
	Cards Cards

	lane       bus.Lane
	checkpoint *bus.Checkpoint
	// window is what was last seen waiting in the lane. Stored messages never change, so each is asked for only once, however
	// many posts go out before its turn.
	window []bus.Message
	// revisions are those of the cards that heads are known to show, timesAt is when a card was last updated for its times alone.
	revisions map[string]uint64
	timesAt   time.Time
	// covers are what was shown here last, by conversation.
	covers map[string]shown
	// took is what the post at hand took so far; nil of what is no post.
	took *eventv1.Effort
	// most is how many messages one post carries at most.
	most int
	// unnamedUntil is how long posts go without a sender of their own.
	unnamedUntil time.Time
}

// park waits until the channel may take posts again. The message stays ours meanwhile, so nothing in the lane overtakes it.
func (w *worker) park(ctx context.Context, command *eventv1.SlackCommand, cause error) error {
	w.metrics.parked.Set(w.lane, true)
	ctx, span := telemetry.Inside(ctx, "parked")
	defer span.End()
	w.Log.WarnContext(ctx, "lane parked", "channel", w.lane.Channel, "err", cause)
	if err := w.tell(ctx, command.GetThreadPost().GetProject(), cause); err != nil {
		return err
	}
	began := time.Now()
	defer func() { w.heldBack("parked", time.Since(began)) }()
	return w.Wakes.Wait(ctx, w.lane.Channel, parkedProbe)
}

// enough is how many attempts go before a command is given up, so that one which only waited in a backlog gets its chance.
const enough = 20

// exhausted makes err permanent when the command has been tried for too long.
func (w *worker) exhausted(m bus.Message, command *eventv1.SlackCommand, err error) error {
	throttled := retry.Delay(err) > 0 && !errors.Is(err, retry.ErrUnknown)
	if _, permanent := retry.Reason(err); err == nil || permanent || throttled || errors.Is(err, context.Canceled) || m.Deliveries < enough {
		return err
	}
	if age := w.Now().Sub(command.GetIssuedAt().AsTime()); age > w.GiveUp {
		return retry.Permanent(eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, fmt.Errorf("tried for %v: %w", age.Round(time.Second), err))
	}
	return err
}

// end says that a command is given up, and makes sure that it takes nothing with it: what its last attempt would have carried along
// is to be looked for and tried by itself.
func (w *worker) end(ctx context.Context, m bus.Message, command *eventv1.SlackCommand, err error) error {
	reason, permanent := retry.Reason(err)
	if !permanent {
		return err
	}
	last, failed := w.checkpoint.Last(ctx)
	if failed == nil && last.GetSequence() == m.Sequence && len(last.GetMerged()) > 0 {
		failed = w.abandon(ctx, last)
	}
	if failed == nil {
		w.lostOf(command)
		failed = w.tellFailed(ctx, w.lane, m, command, reason, err, w.took)
	}
	if failed != nil {
		return failed
	}
	return err
}

// abandon writes down that nobody knows whether what the last attempt carried along has arrived.
func (w *worker) abandon(ctx context.Context, last *eventv1.Checkpoint) error {
	return w.checkpoint.Note(ctx, &eventv1.Checkpoint{
		Sequence: last.GetSequence(), Part: last.GetPart(), AttemptedAt: last.GetAttemptedAt(), Ahead: last.GetAhead(), Ended: last.GetEnded(),
		Uncertain: append(uncertain(last, last.GetSequence()), last.GetMerged()...),
	})
}

// batch is the commands that one post carries: the lane's own message first, then later ones of the same conversation.
type batch struct {
	commands  []*eventv1.SlackCommand
	sequences []uint64 // of the later ones
	messages  []bus.Message
}

func (b batch) posts() []*eventv1.ThreadPost {
	posts := make([]*eventv1.ThreadPost, len(b.commands))
	for i, command := range b.commands {
		posts[i] = command.GetThreadPost()
	}
	return posts
}

func ids(commands []*eventv1.SlackCommand) []string {
	ids := make([]string, len(commands))
	for i, command := range commands {
		ids[i] = command.GetId()
	}
	return ids
}

// Marks are kept with a post so that it can be found after a lost answer.
func partMark(command *eventv1.SlackCommand, part int) string {
	return bus.Token(fmt.Sprintf("%s#%d", command.GetId(), part))
}

func (b batch) marks(part int) []string {
	marks := []string{partMark(b.commands[0], part)}
	for _, command := range b.commands[1:] {
		marks = append(marks, partMark(command, 0))
	}
	return marks
}

// farthest is the most waiting messages that are looked at for one post.
const farthest = 1000

// lookAhead bounds how many waiting messages are looked at for one post. A lane that is not paced has little to gain.
func (w *worker) lookAhead() int {
	if w.Pace > 0 {
		return farthest
	}
	return 32
}

// behind answers what waits in the lane behind the message with sequence, oldest first, as far as it is looked at.
func (w *worker) behind(ctx context.Context, sequence uint64) ([]bus.Message, error) {
	w.window = slices.DeleteFunc(w.window, func(m bus.Message) bool { return m.Sequence <= sequence })
	last := sequence
	if len(w.window) > 0 {
		last = w.window[len(w.window)-1].Sequence
	}
	more, err := w.Bus.Waiting(ctx, w.lane, last, w.lookAhead()-len(w.window))
	if err != nil {
		return nil, err
	}
	w.window = append(w.window, more...)
	return w.window, nil
}

// maxBatch bounds how many messages one post carries: its marks must fit into Slack's metadata, whose limit is not documented.
const maxBatch = 40

// gather answers the command together with what waits behind it for the same conversation, as far as it fits into one post.
func (w *worker) gather(ctx context.Context, m bus.Message, command *eventv1.SlackCommand, note *eventv1.Checkpoint) (batch, error) {
	b := batch{commands: []*eventv1.SlackCommand{command}, messages: []bus.Message{m}}
	options := w.options(command)
	// A command that keeps failing goes alone in the end, so that it takes nothing with it when it is given up.
	if m.Pending == 0 || !render.Fits(b.posts(), options) || m.Deliveries > enough/2 {
		return b, nil
	}
	carried := ahead(note, m.Sequence)
	waiting, err := w.behind(ctx, m.Sequence)
	if err != nil {
		return b, err
	}
	for _, later := range waiting {
		if len(b.commands) == w.most {
			break
		}
		var next eventv1.SlackCommand
		if slices.Contains(carried, later.Sequence) || bus.Decode(later, &next) != nil || !render.Mergeable(command.GetThreadPost(), next.GetThreadPost()) {
			continue
		}
		grown := batch{commands: append(slices.Clone(b.commands), &next), sequences: append(slices.Clone(b.sequences), later.Sequence), messages: append(slices.Clone(b.messages), later)}
		if movesOn(command, &next) || next.GetReplay() || !render.Fits(grown.posts(), options) {
			break // what follows of this conversation must not overtake it
		}
		b = grown
	}
	return b, nil
}

// former names the former thread of a record as Slack knows it now.
func (l *Lanes) former(options *render.Options, record *eventv1.ThreadRecord) {
	options.FormerTeam, options.FormerChannel, options.FormerThread = record.GetTeam(), l.now(record.GetTeam(), record.GetFormerChannel()), record.GetFormerTs()
}

// now answers by which id Slack knows a channel now.
func (l *Lanes) now(team, channel string) string {
	if l.Latest == nil {
		return channel
	}
	return l.Latest(team, channel)
}

func (w *worker) options(command *eventv1.SlackCommand) render.Options {
	options := w.Render
	options.Lang = command.GetLanguage()
	if zone := command.GetTimeZone(); zone != "" {
		if location, err := time.LoadLocation(zone); err == nil { // else it is Japan's: a newer router may know more of them
			options.Location = location
		}
	}
	return options
}

// note writes down that the attempt is about to be made.
func (w *worker) note(ctx context.Context, m bus.Message, last *eventv1.Checkpoint, part int, b batch) error {
	effort.Tried(w.took, w.Now())
	return w.checkpoint.Note(ctx, &eventv1.Checkpoint{
		Sequence: m.Sequence, Part: uint32(part), AttemptedAt: timestamppb.New(w.Now()), Merged: b.sequences, Ahead: ahead(last, m.Sequence), //nolint:gosec // part is small
		Uncertain: uncertain(last, m.Sequence), Tried: m.Sequence, Effort: w.took,
	})
}

// clear writes down that the attempt certainly had no effect, so that the next one needs no search.
func (w *worker) clear(ctx context.Context, m bus.Message, last *eventv1.Checkpoint) error {
	return w.checkpoint.Note(context.WithoutCancel(ctx), &eventv1.Checkpoint{
		Sequence: m.Sequence - 1, Ahead: ahead(last, m.Sequence), Uncertain: uncertain(last, m.Sequence), Tried: m.Sequence, Effort: w.took,
	})
}

// ahead answers which messages behind sequence have been carried by attempts before it.
func ahead(last *eventv1.Checkpoint, sequence uint64) []uint64 {
	done := slices.Clone(last.GetAhead())
	if last.GetSequence() < sequence {
		done = append(done, last.GetMerged()...)
	}
	return slices.DeleteFunc(done, func(s uint64) bool { return s <= sequence })
}

// uncertain answers which messages behind sequence may have been carried by a command that was given up.
func uncertain(last *eventv1.Checkpoint, sequence uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(last.GetUncertain()), func(s uint64) bool { return s <= sequence })
}

func (l *Lanes) count(kind string, err error) {
	result := "ok"
	_, permanent := retry.Reason(err)
	switch {
	case err == nil:
	case permanent:
		result = "rejected"
	case errors.Is(err, retry.ErrUnknown):
		result = "unknown"
	case errors.Is(err, retry.ErrParked):
		result = "parked"
	case errors.Is(err, retry.ErrThrottled):
		result = "throttled"
	default:
		result = "later"
	}
	l.metrics.calls.WithLabelValues(kind, result).Inc()
}
