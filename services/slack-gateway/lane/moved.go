package lane

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// A conversation may be moved to another channel on purpose. Each move has a number, and every post carries the number of the latest one that was known when it was
// decided. The record in THREADS holds the number of the move that brought the thread to where it is. So whichever post of a move comes first opens the new thread,
// whatever is left in a former lane follows it, and a move that a later one has overtaken changes nothing.

// place reads where the conversation's thread is, and brings it here if the command was decided later than what it is there by. settled says that there is nothing
// left to do for the command.
func (w *worker) place(ctx context.Context, m bus.Message, command *eventv1.SlackCommand, last *eventv1.Checkpoint, state bus.State) (record *eventv1.ThreadRecord, revision uint64, settled bool, err error) {
	post := command.GetThreadPost()
	record = &eventv1.ThreadRecord{}
	key := bus.ConversationKey(post.GetProject(), post.GetConversation())
	revision, err = w.threads.Read(ctx, key, record)
	if err != nil || revision == 0 {
		return record, revision, false, err
	}
	here := record.GetTeam() == w.lane.Team && record.GetChannel() == w.lane.Channel
	switch {
	case here && post.GetMoves() <= record.GetMoves():
	case here:
		record.Moves = post.GetMoves()
		revision, err = w.threads.Write(ctx, key, record, revision)
	case post.GetMoves() <= record.GetMoves():
		return record, revision, true, w.follow(ctx, m, command, last, state, record)
	case record.GetTs() == "" && record.GetFormerTs() == "" && post.GetOnlyInThread():
		return record, revision, true, nil
	default:
		record = w.taken(record, command)
		revision, err = w.threads.Write(ctx, key, record, revision)
	}
	if err != nil || post.GetMoved() == nil || record.GetTs() == "" || record.GetCommandId() == command.GetId() {
		return record, revision, false, err
	}
	// The thread is here and says so; who moved it has nothing to add. But an attempt may have taken others along.
	if state == bus.Uncertain {
		_, err = w.left(ctx, m, command, last, record)
	}
	return record, revision, true, err
}

// movesOn reports whether next was decided after a move that command knows nothing of, or tells of one: it may have to open another thread.
func movesOn(command, next *eventv1.SlackCommand) bool {
	return next.GetThreadPost().GetMoved() != nil || next.GetThreadPost().GetMoves() > command.GetThreadPost().GetMoves()
}

// taken answers the record of a thread that is to be opened here instead of where it was.
func (w *worker) taken(before *eventv1.ThreadRecord, command *eventv1.SlackCommand) *eventv1.ThreadRecord {
	record := &eventv1.ThreadRecord{
		Team: w.lane.Team, Channel: w.lane.Channel, Project: before.GetProject(), Conversation: before.GetConversation(), Customer: before.GetCustomer(),
		CommandId: command.GetId(), ClaimedAt: timestamppb.New(w.Now()), Moves: command.GetThreadPost().GetMoves(),
		FormerChannel: before.GetChannel(), FormerTs: before.GetTs(),
	}
	if before.GetTs() == "" && before.GetFormerTs() != "" {
		record.FormerChannel, record.FormerTs = before.GetFormerChannel(), before.GetFormerTs()
	}
	return record
}

// follow gives a command to the lane that the conversation's thread is in by now.
func (w *worker) follow(ctx context.Context, m bus.Message, command *eventv1.SlackCommand, last *eventv1.Checkpoint, state bus.State, record *eventv1.ThreadRecord) error {
	if state == bus.Uncertain {
		there, err := w.left(ctx, m, command, last, record)
		if err != nil || there {
			return err
		}
	}
	if command.GetThreadPost().GetMoved() != nil {
		return nil // a later move has overtaken it
	}
	again := proto.CloneOf(command)
	again.Team, again.Channel = record.GetTeam(), record.GetChannel()
	if m.Subject != w.lane.Subject(command.GetId()) {
		again.Replay = true // it has been here and there: whoever gets it looks for it first
	}
	to := bus.Lane{Kind: bus.PostLane, Team: record.GetTeam(), Channel: record.GetChannel()}
	_, err := w.Bus.Once(ctx, bus.Posts, to.Subject(fmt.Sprintf("%s#move-%d", command.GetId(), record.GetMoves())), again)
	return err
}

// left looks whether an attempt with an unknown outcome has left the command in the former thread, or in a head of it that nobody came to write down.
func (w *worker) left(ctx context.Context, m bus.Message, command *eventv1.SlackCommand, last *eventv1.Checkpoint, record *eventv1.ThreadRecord) (bool, error) {
	part, since, thread := 0, command.GetIssuedAt().AsTime(), ""
	if last.GetSequence() == m.Sequence {
		part, since = int(last.GetPart()), last.GetAttemptedAt().AsTime()
	}
	if record.GetFormerChannel() == w.lane.Channel {
		thread = record.GetFormerTs()
	}
	at, found, err := w.Slack.Find(ctx, w.lane.Channel, thread, partMark(command, part), since.Add(-skew))
	if err != nil && !errors.Is(err, slackapi.ErrThreadGone) {
		return false, err
	}
	if found {
		former := &eventv1.ThreadRecord{Team: w.lane.Team, Channel: w.lane.Channel, Ts: thread, Project: record.GetProject(), Conversation: record.GetConversation()}
		if thread == "" {
			former.Ts = at.TS
		}
		a := &attempt{worker: w, m: m, command: command, last: last, record: former}
		return true, a.foundAt(ctx, at.TS)
	}
	if last.GetSequence() == m.Sequence {
		// What the attempt would have carried along has not been carried.
		return false, w.clear(ctx, m, last)
	}
	return false, nil
}

// farewell says in the former thread where the conversation goes on. A channel that takes no posts any more is a reason to move; nobody misses it there.
func (w *worker) farewell(ctx context.Context, m bus.Message, command *eventv1.SlackCommand, moved *eventv1.Moved) error {
	err := w.once(ctx, m, func() error {
		to := proto.CloneOf(moved)
		to.ToChannel = w.now(w.lane.Team, moved.GetToChannel())
		message := render.Farewell(w.lane.Team, to, command.GetLanguage())
		posted, err := w.Slack.Post(context.WithoutCancel(ctx), w.lane.Channel, moved.GetFromThreadTs(), message, nil)
		if err == nil && posted.ThreadTS == "" { // the head is gone, so it stands in the channel alone
			err = w.Slack.Delete(ctx, w.lane.Channel, posted.TS)
		}
		return err
	})
	if _, permanent := retry.Reason(err); permanent || errors.Is(err, retry.ErrParked) {
		w.Log.InfoContext(ctx, "nothing is said in a former thread", "channel", w.lane.Channel, "err", err)
		return nil
	}
	return err
}
