package routing

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// change gives a conversation another assignee or status, because somebody in Slack asks for it. The record says so at once, by compare-and-set: of two who claim
// a conversation one is first. KARTE is told by a command of the press, and what it answers confirms the record or takes it back.
func (r *Router) change(ctx context.Context, a action, pressed *eventv1.ActionPressed) error {
	id := "change-" + a.fact.GetId()
	subject := bus.SendSubject(r.partitions, a.conv.Project, a.conv.Origin, id)
	// A press may have its turn again after its change is over: that it was told KARTE is what says that it was decided.
	told, err := r.stored.Find(ctx, bus.Sends, subject, &eventv1.KarteCommand{})
	if err != nil {
		return err
	}
	if told {
		return r.refresh(ctx, id, a.team, a.conv)
	}
	c := decide.Change{Action: pressed.GetAction(), Command: id, By: r.named(ctx, a.conv.Project, a.operator, a.name)}
	if c.Action == eventv1.Action_ACTION_ASSIGN {
		if c.To, err = r.linked(ctx, a, pressed.GetOperator()); err != nil {
			return err
		}
		if c.To == nil {
			return r.refuse(ctx, a, eventv1.NoticeKind_NOTICE_KIND_OUT_OF_DATE, "")
		}
	}
	if before, err := r.conversations.Verdict(ctx, a.fact.GetId()); err != nil || before == conversation.Refused {
		return err
	}
	var verdict decide.Verdict
	conv, err := r.conversations.Update(ctx, a.conv, func(record *eventv1.ConversationRecord) { verdict = decide.Begin(record, c) })
	if err != nil {
		return err
	}
	a.conv = conv
	switch verdict {
	case decide.ChangeLate:
		owner := conv.Record.GetAssignee()
		return r.refuse(ctx, a, eventv1.NoticeKind_NOTICE_KIND_ALREADY_ASSIGNED, either(owner.GetName(), owner.GetId()))
	case decide.ChangeNothing:
		r.decided("ignored: it is so already")
		return nil
	default:
		return r.begin(ctx, a, c, subject)
	}
}

// begin tells KARTE of a change, and shows it.
func (r *Router) begin(ctx context.Context, a action, c decide.Change, subject string) error {
	command := &eventv1.KarteCommand{
		Id: c.Command, Project: a.conv.Project, Conversation: a.conv.Origin, Customer: a.conv.Record.GetCustomer(), Operator: a.operator,
		Origin: a.reference(""), IssuedAt: timestamppb.New(r.now()),
	}
	switch record := a.conv.Record; {
	case record.GetAssigneeCommand() == c.Command:
		command.Change = &eventv1.KarteCommand_Assignee{Assignee: &eventv1.AssigneeChange{Operator: record.GetAssignee()}}
	case record.GetStatusCommand() == c.Command:
		command.Change = &eventv1.KarteCommand_Status{Status: &eventv1.StatusChange{Status: record.GetStatus()}}
	}
	if _, err := r.publisher.Once(ctx, bus.Sends, subject, command); err != nil {
		return err
	}
	r.decided("change")
	return r.refresh(ctx, c.Command, a.team, a.conv)
}

// refuse tells the presser why nothing happens. What was refused does not happen later, when the press should have its turn again.
func (r *Router) refuse(ctx context.Context, a action, kind eventv1.NoticeKind, detail string) error {
	r.decided("refused: change")
	if err := r.conversations.Decided(ctx, a.fact.GetId(), conversation.Refused); err != nil {
		return err
	}
	return r.notice(ctx, a.fact.GetId(), a.reference(""), kind, detail, a.language)
}

// namesWithin is how long somebody who has pressed a button waits for KARTE to say what an operator is called.
const namesWithin = 2 * time.Second

// named answers an operator with the name that customers see; while KARTE does not tell it, with the one that stands in for it.
func (r *Router) named(ctx context.Context, project, id, instead string) *eventv1.Operator {
	if id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, namesWithin)
	defer cancel()
	operators, err := r.operators.Of(ctx, project)
	if err != nil {
		r.log.DebugContext(ctx, "KARTE does not name an operator", "operator", id, "err", err)
	}
	for _, o := range operators {
		if o.GetId() == id && o.GetName() != "" {
			return proto.CloneOf(o)
		}
	}
	return &eventv1.Operator{Id: id, Name: instead}
}

// linked answers an operator to whom somebody in Slack is linked; nil when there is none.
func (r *Router) linked(ctx context.Context, a action, id string) (*eventv1.Operator, error) {
	if id == "" {
		return nil, nil
	}
	member, ok, err := r.settings.MemberOf(ctx, a.conv.Project, id)
	if err != nil || !ok {
		return nil, err
	}
	who, err := r.member(ctx, a.fact.GetTeam(), member)
	if err != nil {
		return nil, err
	}
	return r.named(ctx, a.conv.Project, id, who.GetDisplayName()), nil
}

// changeDone confirms what KARTE has taken, and says it in the thread.
func (r *Router) changeDone(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, done *eventv1.ChangeDone) error {
	conv, err := r.conversations.Find(ctx, fact.GetProject(), done.GetConversation())
	if errors.Is(err, conversation.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	activity, err := r.conversations.Activity(ctx, conv.Project, conv.ID)
	if err != nil {
		return err
	}
	conv, err = r.conversations.Update(ctx, conv, func(record *eventv1.ConversationRecord) {
		decide.Confirm(record, done, fact.GetOccurredAt().AsTime())
		decide.Reopen(record, activity.Customer) // who wrote while it was being closed has opened it again
	})
	if err != nil {
		return err
	}
	if err := r.sayChange(ctx, fact, team, conv, done); err != nil {
		return err
	}
	return r.showCard(ctx, fact.GetId(), team, conv, cardOf(conv, activity))
}

// sayChange adds a line to the thread that tells of a change.
func (r *Router) sayChange(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, conv conversation.Conversation, done *eventv1.ChangeDone) error {
	if conv.Record.GetChannel() == "" || !team.GetNotificationsEnabled() {
		return nil
	}
	post := &eventv1.ThreadPost{
		Project: conv.Project, Conversation: conv.ID, Customer: conv.Record.GetCustomer(), OccurredAt: fact.GetOccurredAt(), OnlyInThread: true, Moves: conv.Record.GetMoves(),
	}
	switch change := done.GetChange().(type) {
	case *eventv1.ChangeDone_Assignee:
		post.Body = &eventv1.ThreadPost_Assigned{Assigned: &eventv1.Assigned{Operator: change.Assignee.GetOperator()}}
	case *eventv1.ChangeDone_Status:
		by, _, err := r.settings.OperatorOf(ctx, conv.Project, done.GetOrigin().GetMember())
		if err != nil {
			return err
		}
		post.Body = &eventv1.ThreadPost_StatusSet{StatusSet: &eventv1.StatusSet{Status: change.Status.GetStatus(), Operator: r.named(ctx, conv.Project, by, "")}}
	default:
		return nil
	}
	return r.toSlack(ctx, bus.PostLane, &eventv1.SlackCommand{
		Id: "post-" + fact.GetId(), Team: conv.Record.GetTeam(), Channel: conv.Record.GetChannel(), Language: decide.Language(team), TimeZone: decide.TimeZone(team),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: post},
	})
}

// changeFailed takes back what KARTE did not take, and tells who asked for it.
func (r *Router) changeFailed(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, failed *eventv1.ChangeFailed) error {
	conv, err := r.conversations.Find(ctx, fact.GetProject(), failed.GetConversation())
	if errors.Is(err, conversation.ErrNotFound) {
		return nil
	}
	if err == nil {
		conv, err = r.conversations.Update(ctx, conv, func(record *eventv1.ConversationRecord) { decide.Revert(record, failed.GetCommandId()) })
	}
	if err == nil {
		err = r.refresh(ctx, fact.GetId(), team, conv)
	}
	if err != nil {
		return err
	}
	origin := failed.GetOrigin()
	member, err := r.member(ctx, origin.GetTeam(), origin.GetMember())
	if err != nil {
		return err
	}
	return r.notice(ctx, fact.GetId(), origin, eventv1.NoticeKind_NOTICE_KIND_CHANGE_FAILED, failed.GetDetail(), decide.PrivateLanguage(member, decide.Language(team)))
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
