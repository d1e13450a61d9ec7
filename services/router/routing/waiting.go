package routing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// Timers brings conversations back at a time.
type Timers interface {
	SetTimer(ctx context.Context, project, conversation string, at time.Time, message proto.Message) error
}

// waits keeps by what a fact tells who waits for an answer since when, and sees to it that somebody looks in time. A conversation that was found for the fact
// already is not looked for again.
func (r *Router) waits(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, found conversation.Conversation) error {
	change := waitingChange(fact)
	if change == nil {
		return nil
	}
	conv, ok, err := r.about(ctx, fact, found)
	if err != nil || !ok || !decide.Watched(team) && conv.Record.GetWaiting() == nil {
		return err
	}
	conv, err = r.conversations.Update(ctx, conv, func(record *eventv1.ConversationRecord) { record.Waiting = change(record.GetWaiting()) })
	if err != nil {
		return err
	}
	return r.look(ctx, team, conv)
}

// waitingChange answers what a fact changes of who waits; nil when nothing. Bots and automations answer nobody, and neither do notes.
func waitingChange(fact *eventv1.TalkFact) func(*eventv1.Waiting) *eventv1.Waiting {
	occurred := fact.GetOccurredAt()
	if occurred == nil {
		occurred = fact.GetReceivedAt()
	}
	here := func(w *eventv1.Waiting) *eventv1.Waiting { return decide.AnsweredHere(w, occurred.AsTime()) }
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_CustomerMessage:
		if f.CustomerMessage.GetText() != "" || f.CustomerMessage.GetImageUrl() != "" {
			return func(w *eventv1.Waiting) *eventv1.Waiting {
				return decide.Wrote(w, &eventv1.Unanswered{OccurredAt: occurred, ReceivedAt: fact.GetReceivedAt()})
			}
		}
	case *eventv1.TalkFact_OperatorMessage:
		if o := f.OperatorMessage.GetOperator(); o.GetId() != "" && !o.GetBot() {
			return func(w *eventv1.Waiting) *eventv1.Waiting { return decide.AnsweredAtKARTE(w, occurred.AsTime()) }
		}
	case *eventv1.TalkFact_ReplyDelivered:
		if f.ReplyDelivered.GetKind() == eventv1.ReplyKind_REPLY_KIND_MESSAGE {
			return here
		}
	case *eventv1.TalkFact_ChangeDone:
		if f.ChangeDone.GetStatus().GetStatus() == eventv1.ChatStatus_CHAT_STATUS_CLOSED {
			return here
		}
	}
	return nil
}

// about answers the conversation that a fact is about, which may have been found before; ok is false when it is none that is known.
func (r *Router) about(ctx context.Context, fact *eventv1.TalkFact, found conversation.Conversation) (conv conversation.Conversation, ok bool, err error) {
	if found.ID != "" {
		return found, true, nil
	}
	id := fact.GetReplyDelivered().GetConversation() + fact.GetChangeDone().GetConversation()
	if id == "" { // facts of earlier versions do not name it
		conv, _, err = r.conversations.Resolve(ctx, fact.GetProject(), fact.GetCustomer())
		return conv, err == nil, err
	}
	return r.known(ctx, fact.GetProject(), id)
}

func (r *Router) known(ctx context.Context, project, id string) (conv conversation.Conversation, ok bool, err error) {
	conv, err = r.conversations.Find(ctx, project, id)
	if errors.Is(err, conversation.ErrNotFound) {
		return conv, false, nil
	}
	return conv, err == nil, err
}

// inherits lets a customer who has turned out to be a member wait on in the member's conversation.
func (r *Router) inherits(ctx context.Context, from, into conversation.Conversation) (conversation.Conversation, error) {
	waiting := from.Record.GetWaiting()
	if len(waiting.GetMessages()) == 0 {
		return into, nil
	}
	return r.conversations.Update(ctx, into, func(record *eventv1.ConversationRecord) {
		for _, m := range waiting.GetMessages() {
			record.Waiting = decide.Wrote(record.GetWaiting(), m)
		}
	})
}

// look sets the timer of a conversation in which somebody waits. A timer that was set before and is for nothing any more finds that out itself.
func (r *Router) look(ctx context.Context, team *settingsv1.TeamSettings, conv conversation.Conversation) error {
	since, waits := r.waitingSince(team, conv)
	if !waits {
		return nil
	}
	overdue := decide.OverdueAt(team.GetUnanswered(), since, r.now())
	if overdue.Remind || overdue.Escalate {
		overdue.Again = r.now()
	}
	return r.again(ctx, conv, overdue.Again)
}

func (r *Router) again(ctx context.Context, conv conversation.Conversation, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	return r.timers.SetTimer(ctx, conv.Project, conv.ID, at, &eventv1.TimerDue{Project: conv.Project, Conversation: conv.ID})
}

// waitingSince answers since when somebody waits where it matters.
func (r *Router) waitingSince(team *settingsv1.TeamSettings, conv conversation.Conversation) (time.Time, bool) {
	if conv.Record.GetChannel() == "" || !decide.Watched(team) {
		return time.Time{}, false
	}
	return decide.WaitingSince(conv.Record.GetWaiting())
}

// Due handles one message of TIMERS: it looks whether a customer still waits, says so in the thread when it is time to, and comes back when there will be more to say. It decides by
// what is known now, so it may come twice, too early and for nothing.
func (r *Router) Due(ctx context.Context, m bus.Message) error {
	var due eventv1.TimerDue
	if err := bus.Decode(m, &due); err != nil {
		return err
	}
	if err := r.due(ctx, &due); err != nil {
		return fmt.Errorf("timer of %s/%s: %w", due.GetProject(), due.GetConversation(), err)
	}
	return nil
}

var errChanged = errors.New("the conversation has changed meanwhile")

func (r *Router) due(ctx context.Context, due *eventv1.TimerDue) error {
	team, err := r.team(ctx, due.GetProject())
	if err != nil {
		return err
	}
	conv, since, waits, err := r.current(ctx, team, due)
	if err != nil || !waits {
		return err
	}
	overdue := decide.OverdueAt(team.GetUnanswered(), since, r.now())
	if overdue.Remind || overdue.Escalate {
		if err := r.remind(ctx, team, conv, since, overdue.Escalate); err != nil {
			return err
		}
	}
	if overdue.Again.IsZero() {
		return nil
	}
	if err := r.again(ctx, conv, overdue.Again); err != nil {
		return err
	}
	// The timer of somebody who has begun to wait since would now be one that is too late.
	_, now, waits, err := r.current(ctx, team, due)
	if err == nil && waits && !now.Equal(since) {
		err = retry.After(time.Second, errChanged)
	}
	return err
}

// current reads a conversation from its record itself, not from a copy.
func (r *Router) current(ctx context.Context, team *settingsv1.TeamSettings, due *eventv1.TimerDue) (conv conversation.Conversation, since time.Time, waits bool, err error) {
	conv, ok, err := r.known(ctx, due.GetProject(), due.GetConversation())
	if err != nil || !ok {
		return conv, since, false, err
	}
	conv, err = r.conversations.Update(ctx, conv, func(*eventv1.ConversationRecord) {})
	if err != nil {
		return conv, since, false, err
	}
	since, waits = r.waitingSince(team, conv)
	return conv, since, waits, nil
}

// remind says in the thread that a customer waits, once for each time that they began to.
func (r *Router) remind(ctx context.Context, team *settingsv1.TeamSettings, conv conversation.Conversation, since time.Time, escalate bool) error {
	attention, err := r.reminded(ctx, team, conv, escalate)
	if err != nil {
		return err
	}
	kind := "reminder"
	if escalate {
		kind = "escalation"
	}
	r.decided(kind)
	return r.toSlack(ctx, bus.PostLane, &eventv1.SlackCommand{
		Id:   fmt.Sprintf("%s-%s-%d", kind, bus.Token(conv.Project+"\x00"+conv.ID), since.UnixNano()),
		Team: conv.Record.GetTeam(), Channel: conv.Record.GetChannel(), Language: decide.Language(team), TimeZone: decide.TimeZone(team),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: conv.Project, Conversation: conv.ID, Customer: conv.Record.GetCustomer(), Assignee: conv.Record.GetAssignee(),
			OccurredAt: timestamppb.New(r.now()), Mentions: attention.Mentions, TellDirectly: attention.Directly, OnlyInThread: true, Moves: conv.Record.GetMoves(),
			Body: &eventv1.ThreadPost_Reminder{Reminder: &eventv1.Reminder{WaitingSince: timestamppb.New(since), Escalated: escalate}},
		}},
	})
}

// reminded answers who is to notice: the assignee, or whom the settings name; those others when it is their turn.
func (r *Router) reminded(ctx context.Context, team *settingsv1.TeamSettings, conv conversation.Conversation, escalate bool) (decide.Attention, error) {
	if escalate {
		return decide.Escalate(team), nil
	}
	assignee, member := conv.Record.GetAssignee(), ""
	if assignee.GetId() != "" && !assignee.GetBot() {
		var err error
		if member, _, err = r.settings.MemberOf(ctx, conv.Project, assignee.GetId()); err != nil {
			return decide.Attention{}, err
		}
	}
	return decide.Attend(team, member), nil
}
