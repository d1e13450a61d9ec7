package lane

import (
	"context"
	"errors"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// Marks is what the lanes of reactions and private notices do at Slack.
type Marks interface {
	React(ctx context.Context, channel, ts, name string) error
	Unreact(ctx context.Context, channel, ts, name string) error
	Private(ctx context.Context, channel, thread, member string, message render.Message) error
}

// mark carries out a reaction or a private notice. Reactions may be made twice without harm, unless they are taken away in between. A private notice cannot be
// looked up, so one whose outcome is unknown counts as made; unless somebody gets back by it what they wrote.
func (w *worker) mark(ctx context.Context, m bus.Message, command *eventv1.SlackCommand) error {
	var err error
	switch c := command.GetCommand().(type) {
	case *eventv1.SlackCommand_Reaction:
		err = w.react(ctx, m, c.Reaction)
		w.count("reaction", err)
	case *eventv1.SlackCommand_Notice:
		if c.Notice.GetText() != "" {
			return w.giveBack(ctx, c.Notice, command.GetLanguage())
		}
		err = w.once(ctx, m, func() error {
			return w.private(context.WithoutCancel(ctx), c.Notice, command.GetLanguage())
		})
	case *eventv1.SlackCommand_DirectNotice:
		err = w.once(ctx, m, func() error {
			return w.direct(context.WithoutCancel(ctx), c.DirectNotice, command.GetLanguage())
		})
	default:
		err = unknown(m, command, "neither reaction nor notice")
	}
	return err
}

// private tells one member something in the thread; one who is not in the channel, where Slack shows them nothing, in the app's own conversation with them.
func (w *worker) private(ctx context.Context, notice *eventv1.Notice, language string) error {
	target := notice.GetTarget()
	err := w.Marks.Private(ctx, target.GetChannel(), target.GetThreadTs(), target.GetMember(), render.Private(notice, language))
	if !errors.Is(err, slackapi.ErrNotThere) {
		return err
	}
	_, err = w.Slack.Post(ctx, target.GetMember(), "", render.Elsewhere(notice, w.now(target.GetTeam(), target.GetChannel()), language), nil)
	if errors.Is(err, retry.ErrParked) {
		return retry.Rejected(errors.New(err.Error())) // the lane does not wait for a single person
	}
	return err
}

// once makes a call that cannot be looked up afterwards.
func (w *worker) once(ctx context.Context, m bus.Message, call func() error) error {
	last, err := w.checkpoint.At(ctx, m)
	if err != nil || bus.StateOf(last, m.Sequence) != bus.Untried {
		return err
	}
	if err := w.note(ctx, m, last, 0, batch{}); err != nil {
		return err
	}
	err = call()
	w.count("notice", err)
	if errors.Is(err, retry.ErrUnknown) {
		w.Log.WarnContext(ctx, "a private notice may not have been shown", "err", err)
		return nil
	}
	if err != nil {
		if cleared := w.clear(ctx, m, last); cleared != nil {
			return cleared
		}
	}
	return err
}

func (w *worker) react(ctx context.Context, m bus.Message, r *eventv1.Reaction) error {
	if render.Reaction(r.GetReceipt()) == "" {
		return nil
	}
	last, stale, err := w.passing(ctx, m, r)
	if err != nil || stale {
		return err
	}
	replaces := map[eventv1.Receipt]bool{
		eventv1.Receipt_RECEIPT_WAITING: r.GetReplacesWaiting(), eventv1.Receipt_RECEIPT_FAILED: r.GetReplacesFailed(),
		eventv1.Receipt_RECEIPT_NOTED: r.GetReplacesNoted(),
	}
	removes := 0
	for _, replaced := range replaces {
		if replaced {
			removes++
		}
	}
	if wait := w.reactions.take(w.lane.Team, w.Pace, w.Now(), removes); wait > 0 {
		return retry.After(wait, errBusy)
	}
	if err := w.add(ctx, m, last, r); err != nil {
		return err
	}
	for receipt, replaced := range replaces {
		if !replaced {
			continue
		}
		if err := w.Marks.Unreact(ctx, r.GetTarget().GetChannel(), r.GetTarget().GetTs(), render.Reaction(receipt)); err != nil {
			return err
		}
	}
	return nil
}

// passing reads what is noted of a reaction that a later one takes away, and waits for whoever may be making it; last is nil of any other. One that is stale was made, and
// has perhaps been taken away since.
func (w *worker) passing(ctx context.Context, m bus.Message, r *eventv1.Reaction) (last *eventv1.Checkpoint, stale bool, err error) {
	if r.GetReceipt() != eventv1.Receipt_RECEIPT_WAITING {
		return nil, false, nil
	}
	last, err = w.checkpoint.At(ctx, m)
	if err != nil {
		return nil, false, err
	}
	switch bus.StateOf(last, m.Sequence) {
	case bus.Done:
		return nil, true, nil
	case bus.Uncertain:
		if left := w.checkpoint.Elsewhere(last, w.Now(), w.CallTime); left > 0 {
			return nil, false, retry.After(left, errElsewhere)
		}
	default:
	}
	return last, false, nil
}

// add makes a reaction. One that passes is made as posts are: who stood still before it does not make it any more, and nobody takes it away while it may be under way.
func (w *worker) add(ctx context.Context, m bus.Message, last *eventv1.Checkpoint, r *eventv1.Reaction) error {
	target, name := r.GetTarget(), render.Reaction(r.GetReceipt())
	if last == nil {
		return w.Marks.React(ctx, target.GetChannel(), target.GetTs(), name)
	}
	if err := w.note(ctx, m, last, 0, batch{}); err != nil {
		return err
	}
	calling, cancel := w.checkpoint.Calling(ctx, w.CallTime)
	defer cancel()
	err := w.Marks.React(calling, target.GetChannel(), target.GetTs(), name)
	w.checkpoint.Ended(ctx, err) // also of what was made: should it be handed out again, nobody waits
	if errors.Is(err, retry.ErrUnknown) {
		// Slack may still be at work on it.
		return retry.After(2*time.Second, err)
	}
	return err
}
