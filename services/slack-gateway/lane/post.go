package lane

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/effort"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// post brings one message, and what may go with it, into the conversation's thread.
//
// The order of writing is what makes it exactly once: the checkpoint before every attempt, the claim in THREADS before a head
// is posted. Whoever finds either written by somebody else looks in Slack for the post before making it again.
func (w *worker) post(ctx context.Context, m bus.Message, command *eventv1.SlackCommand) error {
	if command.GetThreadPost() == nil {
		return unknown(m, command, "no post")
	}
	last, err := w.checkpoint.At(ctx, m)
	if err != nil {
		return err
	}
	state := bus.StateOf(last, m.Sequence)
	if state == bus.Done {
		return nil
	}
	if state == bus.Uncertain {
		if left := w.checkpoint.Elsewhere(last, w.Now(), w.CallTime); left > 0 && !w.visible(ctx, m, command, last) {
			return retry.After(left, errElsewhere)
		}
	}
	if command.GetReplay() {
		state = bus.Uncertain
	}
	w.took = effort.Recall(last, m.Sequence)
	if moved := command.GetThreadPost().GetMoved(); moved.GetToThreadTs() != "" {
		return w.farewell(ctx, m, command, moved)
	}
	record, revision, settled, err := w.place(ctx, m, command, last, state)
	if err != nil || settled {
		return err
	}
	if record.GetTs() == "" && record.GetFormerTs() == "" && command.GetThreadPost().GetOnlyInThread() {
		return nil
	}
	a := &attempt{worker: w, m: m, command: command, last: last, state: state, record: record, revision: revision}
	if err := a.run(ctx); err != nil {
		return err
	}
	w.pace(ctx)
	return nil
}

// errElsewhere is met while another replica may be at the same message.
var errElsewhere = errors.New("another replica may be posting it")

// visible reports whether the noted post of a command stands in its thread, so that nobody is making it any more: that JetStream did not hear of the end of an attempt is
// likelier than that somebody is at it still. Of a head that is to be posted, or posted elsewhere, nothing is said.
func (w *worker) visible(ctx context.Context, m bus.Message, command *eventv1.SlackCommand, last *eventv1.Checkpoint) bool {
	post, record := command.GetThreadPost(), &eventv1.ThreadRecord{}
	if post.GetMoved() != nil || command.GetReplay() || last.GetSequence() != m.Sequence {
		return false
	}
	revision, err := w.threads.Read(ctx, bus.ConversationKey(post.GetProject(), post.GetConversation()), record)
	if err != nil || revision == 0 || record.GetTs() == "" || record.GetTeam() != w.lane.Team || record.GetChannel() != w.lane.Channel || post.GetMoves() > record.GetMoves() {
		return false
	}
	since := last.GetAttemptedAt().AsTime().Add(-skew)
	_, found, err := w.Slack.Find(ctx, w.lane.Channel, record.GetTs(), partMark(command, int(last.GetPart())), since)
	return err == nil && found
}

// pace holds the lane back before its next message is handed out, to this replica or another one.
func (w *worker) pace(ctx context.Context) {
	_, span := telemetry.Inside(ctx, "keep the pace")
	began, timer := time.Now(), time.NewTimer(w.Pace)
	defer func() { timer.Stop(); span.End(); w.heldBack("pace", time.Since(began)) }()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// attempt is one delivery of a command.
type attempt struct {
	*worker
	m        bus.Message
	command  *eventv1.SlackCommand
	last     *eventv1.Checkpoint
	state    bus.State
	record   *eventv1.ThreadRecord
	revision uint64
	// reopened says that the former head is gone.
	reopened bool
}

// errReopen is how a vanished head is told to run.
var errReopen = errors.New("the head of the thread is gone")

func (a *attempt) run(ctx context.Context) error {
	for range 3 {
		err := a.once(ctx)
		if !errors.Is(err, errReopen) {
			return err
		}
		if err := a.reopen(ctx); err != nil {
			return err
		}
	}
	return errors.New("the thread's head vanishes as soon as it is posted")
}

func (a *attempt) once(ctx context.Context) error {
	opened, done := false, false
	if a.record.GetTs() == "" {
		var err error
		if done, err = a.open(ctx); err != nil || done {
			return err
		}
		opened = true
	} else if id := a.record.GetCommandId(); id == a.command.GetId() || strings.HasPrefix(id, a.command.GetId()+"#") {
		// This command opened the thread before; what it had to tell may not have been told.
		if err := a.announce(ctx); err != nil {
			return err
		}
		opened = true
	}
	return a.reply(ctx, opened)
}

// reply posts the command's parts into the thread.
func (a *attempt) reply(ctx context.Context, mentioned bool) error {
	first := 0
	if a.state == bus.Uncertain {
		var whole bool
		var err error
		if first, whole, err = a.resume(ctx, mentioned); err != nil || whole {
			return err
		}
	}
	b := batch{commands: []*eventv1.SlackCommand{a.command}, messages: []bus.Message{a.m}}
	if first == 0 && !a.command.GetReplay() {
		var err error
		if b, err = a.gather(ctx, a.m, a.command, a.last); err != nil {
			return err
		}
	}
	options := a.options(a.command)
	options.Mentioned = mentioned
	messages := render.Thread(b.posts(), options)
	for part := first; part < len(messages); part++ {
		if part > first {
			a.pace(ctx)
		}
		ts, err := a.one(ctx, messages[part], part, b)
		if err != nil {
			return err
		}
		if part == len(messages)-1 {
			a.arrived(ctx, ts, b.messages, b.commands)
		}
	}
	a.metrics.merged.Add(float64(len(b.sequences)))
	return nil
}

// resume answers which part is the first that Slack does not have, after an attempt with an unknown outcome.
func (a *attempt) resume(ctx context.Context, mentioned bool) (first int, whole bool, err error) {
	options := a.options(a.command)
	options.Mentioned = mentioned
	parts := len(render.Thread([]*eventv1.ThreadPost{a.command.GetThreadPost()}, options))
	part, since := 0, a.command.GetIssuedAt().AsTime()
	if a.last.GetSequence() == a.m.Sequence && !a.command.GetReplay() {
		part, since = int(a.last.GetPart()), a.last.GetAttemptedAt().AsTime()
	}
	for ; ; part++ {
		at, found, err := a.Slack.Find(ctx, a.lane.Channel, a.record.GetTs(), partMark(a.command, part), since.Add(-skew))
		gone := errors.Is(err, slackapi.ErrThreadGone)
		a.looked(ctx, found, err)
		if err != nil && !gone {
			return part, false, err
		}
		if !found {
			// A thread whose head is gone may still be there, under a tombstone, while the post went to the channel.
			return part, false, a.stray(ctx, partMark(a.command, part), since, gone)
		}
		a.metrics.calls.WithLabelValues("post", "found").Inc()
		if err := a.foundAt(ctx, at.TS); err != nil {
			return 0, false, err
		}
		if at.TS == a.record.GetTs() {
			return 0, true, nil // the head shows it whole
		}
		if part+1 >= parts {
			a.arrived(ctx, at.TS, []bus.Message{a.m}, []*eventv1.SlackCommand{a.command})
			return 0, true, nil
		}
		if a.command.GetReplay() {
			continue // of a replayed command any part may be there
		}
		// Parts are posted one after the other: behind the noted one there is none.
		return part + 1, false, nil
	}
}

// foundAt tells of a post that was made by an attempt which did not come to telling.
func (a *attempt) foundAt(ctx context.Context, ts string) error {
	commands, err := a.carried(ctx)
	if err != nil {
		return err
	}
	return a.posted(ctx, ts, commands)
}

// stray removes what was posted to the channel because the head of its thread had gone, and says that the thread has to be reopened. gone says that
// Slack does not know the thread any more.
func (a *attempt) stray(ctx context.Context, mark string, since time.Time, gone bool) error {
	at, found, err := a.Slack.Find(ctx, a.lane.Channel, "", mark, since.Add(-skew))
	if err != nil {
		return err
	}
	if found {
		if err := a.Slack.Delete(ctx, a.lane.Channel, at.TS); err != nil {
			return err
		}
	}
	if found || gone {
		return errReopen
	}
	return nil
}

// one makes one post in the thread.
func (a *attempt) one(ctx context.Context, message render.Message, part int, b batch) (ts string, err error) {
	if err := a.note(ctx, a.m, a.last, part, b); err != nil {
		return "", err
	}
	posted, err := a.callSlack(ctx, a.record.GetTs(), message, b.marks(part))
	a.count("post", err)
	if errors.Is(err, slackapi.ErrThreadGone) {
		return "", errReopen
	}
	if err != nil {
		return "", a.failed(ctx, part, a.lighter(err, b))
	}
	ctx, cancel := bus.Settling(ctx)
	defer cancel()
	if posted.ThreadTS == "" {
		// The head was deleted: Slack put the line into the channel itself.
		if err := a.Slack.Delete(ctx, a.lane.Channel, posted.TS); err != nil {
			return "", err
		}
		return "", errReopen
	}
	return posted.TS, a.posted(ctx, posted.TS, b.commands)
}

// callSlack makes the post that was just noted.
func (a *attempt) callSlack(ctx context.Context, thread string, message render.Message, marks []string) (slackapi.Posted, error) {
	ctx, cancel := a.checkpoint.Calling(ctx, a.CallTime)
	defer cancel()
	return a.adorned(message, func(message render.Message) (slackapi.Posted, error) {
		return a.Slack.Post(ctx, a.lane.Channel, thread, message, marks)
	})
}

// errLighter is met where Slack does not take so much in one post.
var errLighter = errors.New("too much for one post")

// lighter lets fewer messages go together from now on where Slack refused a post because of its size: how much metadata and text it takes is known by reports alone. A
// message that went alone is not to be had any smaller.
func (a *attempt) lighter(err error, b batch) error {
	if !slackapi.TooMuch(err) || len(b.commands) == 1 {
		return err
	}
	a.most = max(len(b.commands)/2, 1)
	a.Log.Warn("Slack did not take so many messages in one post", "channel", a.lane.Channel, "messages", len(b.commands), "err", err)
	return retry.After(time.Second, errLighter)
}

// failed prepares what comes after a failed attempt.
func (a *attempt) failed(ctx context.Context, part int, err error) error {
	effort.Failed(a.took, err, a.Now()) // what is written down now tells of it
	if errors.Is(err, retry.ErrUnknown) {
		a.checkpoint.Ended(ctx, err)
		// What Slack may still be at work on would not be found yet.
		return retry.After(2*time.Second, err)
	}
	if part > 0 {
		a.checkpoint.Ended(ctx, err)
		return err
	}
	// What the attempt would have carried along has not been carried: nothing may end before that is written down.
	if cleared := a.clear(ctx, a.m, a.last); cleared != nil {
		return cleared
	}
	return err
}

// open posts the head of a new thread; done says that it shows the command whole.
func (a *attempt) open(ctx context.Context) (done bool, err error) {
	claimed := a.revision != 0
	if !claimed {
		if err := a.claim(ctx); err != nil {
			return false, err
		}
	}
	head := bus.Token(a.record.GetCommandId() + "#head")
	if claimed {
		if found, err := a.foundHead(ctx, head); found || err != nil {
			return false, err
		}
	}
	b := batch{commands: []*eventv1.SlackCommand{a.command}, messages: []bus.Message{a.m}}
	if !a.command.GetReplay() {
		if b, err = a.gather(ctx, a.m, a.command, a.last); err != nil {
			return false, err
		}
	}
	options := a.options(a.command)
	if options.PreviousThreadGone = a.reopened; !a.reopened {
		a.former(&options, a.record)
	}
	message, shown := render.Head(b.posts(), options)
	marks := []string{head}
	if whose := slackapi.ConversationMark(a.record.GetProject(), a.record.GetConversation()); whose != "" {
		marks = append(marks, whose)
	}
	if b.commands, b.sequences, b.messages = b.commands[:max(shown, 1)], b.sequences[:max(shown, 1)-1], b.messages[:max(shown, 1)]; shown > 0 {
		marks = append(marks, b.marks(0)...)
	}
	if err := a.note(ctx, a.m, a.last, 0, b); err != nil {
		return false, err
	}
	a.shows(b.commands[0].GetThreadPost())
	posted, err := a.callSlack(ctx, "", message, marks)
	a.count("head", err)
	if err != nil {
		return false, a.failed(ctx, 0, a.lighter(err, b))
	}
	a.state = bus.Untried
	a.metrics.merged.Add(float64(len(b.sequences)))
	if shown > 0 {
		a.arrived(ctx, posted.TS, b.messages, b.commands)
	}
	settling, cancel := bus.Settling(ctx)
	defer cancel()
	if err := a.opened(settling, posted.TS); err != nil {
		return false, err
	}
	if shown == 0 {
		a.pace(ctx)
		return false, nil
	}
	return true, a.posted(settling, posted.TS, b.commands)
}

// foundHead looks for the head with a mark that somebody meant to post and may have posted, and writes it down.
func (a *attempt) foundHead(ctx context.Context, mark string) (found bool, err error) {
	at, found, err := a.Slack.Find(ctx, a.lane.Channel, "", mark, a.record.GetClaimedAt().AsTime().Add(-skew))
	a.looked(ctx, found, err)
	if err != nil || !found {
		return false, err
	}
	a.metrics.calls.WithLabelValues("head", "found").Inc()
	a.state = bus.Uncertain
	if a.record.GetCommandId() == a.command.GetId() {
		a.shows(a.command.GetThreadPost())
	}
	return true, a.opened(ctx, at.TS)
}

// shows notes in the record what the head shows.
func (a *attempt) shows(first *eventv1.ThreadPost) {
	began, _ := render.OpeningOf(first)
	a.record.CardRevision, a.record.CardTime = first.GetCard().GetRevision(), latest(first.GetCard())
	a.record.CardState = stateOf(first.GetCard())
	a.record.Mentions, a.record.Words, a.record.More = began.Mentions, began.Words, began.More
	if a.record.WordsOnCard = began.Words != "" && !began.More && began.Words == first.GetCard().GetFirstWords(); a.record.WordsOnCard {
		a.record.Words = "" // which every card of the conversation says again
	}
}

// claim writes into THREADS that the head is about to be posted, so that nobody else posts one.
func (a *attempt) claim(ctx context.Context) error {
	post := a.command.GetThreadPost()
	a.record = &eventv1.ThreadRecord{
		Team: a.lane.Team, Channel: a.lane.Channel, Project: post.GetProject(), Conversation: post.GetConversation(), Customer: post.GetCustomer(),
		CommandId: a.command.GetId(), ClaimedAt: timestamppb.New(a.Now()), Moves: post.GetMoves(),
	}
	if post.GetMoves() == 0 {
		a.record.BeganAt = post.GetOccurredAt()
	}
	return a.write(ctx)
}

// opened writes the head's ts into THREADS, under both keys, and tells the router.
func (a *attempt) opened(ctx context.Context, ts string) error {
	a.record.Ts = ts
	a.record.ClaimedAt = nil // by which a head is looked for that nobody has found yet
	if err := a.write(ctx); err != nil {
		return err
	}
	return a.announce(ctx)
}

func (a *attempt) announce(ctx context.Context) error {
	r := a.record
	reverse := &eventv1.ThreadRecord{Project: r.GetProject(), Conversation: r.GetConversation()}
	if err := a.threads.Put(ctx, bus.ThreadKey(r.GetTeam(), r.GetChannel(), r.GetTs()), reverse); err != nil {
		return err
	}
	id := "opened-" + r.GetTeam() + "-" + r.GetChannel() + "-" + r.GetTs()
	subject := bus.SlackSubject(a.Bus.Partitions(), r.GetTeam(), r.GetChannel(), r.GetTs(), "thread-opened", id)
	_, err := a.Bus.Once(ctx, bus.Slack, subject, &eventv1.SlackFact{
		Id: id, Team: r.GetTeam(), Channel: r.GetChannel(), ThreadTs: r.GetTs(), OccurredAt: timestamppb.New(a.Now()), ReceivedAt: timestamppb.New(a.Now()),
		Fact: &eventv1.SlackFact_ThreadOpened{ThreadOpened: &eventv1.ThreadOpened{
			Project: r.GetProject(), Conversation: r.GetConversation(), Customer: r.GetCustomer(), CardRevision: r.GetCardRevision(), BeganAt: r.GetBeganAt(),
		}},
	})
	return err
}

// afterGone marks, in the id of the command that opens a thread, that the former head was deleted.
const afterGone = "#after-"

// reopen takes the ts out of the record, so that a new head is posted.
func (a *attempt) reopen(ctx context.Context) error {
	a.Log.InfoContext(ctx, "the head of a thread was deleted, opening a new thread", "channel", a.lane.Channel, "thread", a.record.GetTs())
	a.record.Ts, a.record.CommandId, a.record.ClaimedAt = "", a.command.GetId()+afterGone+a.record.GetTs(), timestamppb.New(a.Now())
	a.record.CardRevision = 0 // until there is another head
	a.record.BeganAt = nil    // which is not the first
	a.reopened, a.state = true, bus.Untried
	return a.write(ctx)
}

func (a *attempt) write(ctx context.Context) (err error) {
	key := bus.ConversationKey(a.record.GetProject(), a.record.GetConversation())
	a.revision, err = a.threads.Write(ctx, key, a.record, a.revision)
	return err
}
