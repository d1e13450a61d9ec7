package dialog

import (
	"context"
	"slices"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
)

// lookWithin is how long the submission of a dialog waits to hear whether it is in vain. Whoever acts on it decides in any case.
const lookWithin = time.Second

// talk is a thread of ours as somebody sees it who wants to write to its customer.
type talk struct {
	project  view.Project
	customer *eventv1.Customer
}

// talkAt answers the conversation of a thread; say is why the person cannot write to its customer, empty when they can.
func (d *Dialogs) talkAt(ctx context.Context, r Request, channel, thread string) (t talk, say view.Saying) {
	record, err := d.threadRecord(ctx, r.Team, channel, thread)
	if err != nil {
		d.Log.WarnContext(ctx, "a thread was not looked up", "team", r.Team, "channel", channel, "err", err)
		return t, view.TryAgain
	}
	if record == nil {
		return t, view.NotOurs
	}
	p, err := d.project(ctx, r.Person, record.GetProject())
	if err != nil {
		return t, d.failed(r, "look at a thread", err)
	}
	if say := d.mayNotSend(r.Team, p, channel); say != "" {
		return t, say
	}
	return talk{project: p, customer: record.GetCustomer()}, d.closed(ctx, r.Team, channel)
}

// justOpened is how long a head may be in Slack before its thread is known here.
const justOpened = 400 * time.Millisecond

// threadRecord answers what is known of a thread, nil when it is none of ours; one that is not known is looked up once more, because it may have been opened just now.
func (d *Dialogs) threadRecord(ctx context.Context, team, channel, thread string) (*eventv1.ThreadRecord, error) {
	record, err := d.Thread(ctx, team, channel, thread)
	if err != nil || record != nil {
		return record, err
	}
	again := time.NewTimer(justOpened)
	defer again.Stop()
	select {
	case <-again.C:
		return d.Thread(ctx, team, channel, thread)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// mayNotSend answers why a member of a project cannot send to customers from a channel; empty when they can. The settings and the thread may each name a channel by
// another one of its ids.
func (d *Dialogs) mayNotSend(team string, p view.Project, channel string) view.Saying {
	here := d.latest(team, channel)
	switch {
	case p.Operator == "":
		return view.NotLinked
	case !p.Settings.GetThreadRepliesEnabled():
		return view.RepliesOff
	case slices.ContainsFunc(p.Settings.GetNoteOnlyChannels(), func(c string) bool { return d.latest(team, c) == here }):
		return view.NoteOnly
	}
	return ""
}

// closed answers why nothing can be shown in a channel: what was sent from there would be seen by nobody. Empty when it can, or when Slack does not say.
func (d *Dialogs) closed(ctx context.Context, team, channel string) view.Saying {
	switch d.channelState(ctx, team, channel) {
	case view.ChannelClosed:
		return view.ThreadArchived
	case view.ChannelInvisible, view.ChannelNotIn:
		return view.ThreadLeft
	default:
		return ""
	}
}

// inVain answers why what somebody submits would not be sent, as far as that is known at once: things may have changed since the dialog was opened, which named an
// operator. It is told so that nothing of what was written is lost; where it cannot be looked at, whoever acts on the fact decides.
func (d *Dialogs) inVain(ctx context.Context, r Request, project, operator, channel string) view.Saying {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	p, err := d.project(ctx, r.Person, project)
	switch {
	case err != nil && reason(err) != "" && !unclear(err) && problem(err) != view.TryAgain:
		return d.failed(r, "send from a dialog", err)
	case err != nil:
		d.Log.InfoContext(ctx, "a submission is stored without being looked at", "team", r.Team, "member", r.Member, "err", err)
		return ""
	}
	if say := d.mayNotSend(r.Team, p, channel); say != "" {
		return say
	}
	if operator != p.Operator {
		return view.OperatorChanged
	}
	return d.closed(ctx, r.Team, channel)
}
