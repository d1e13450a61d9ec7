package routing

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/audit"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// Talk handles one fact of TALK.
func (r *Router) Talk(ctx context.Context, m bus.Message) error {
	var fact eventv1.TalkFact
	if err := bus.Decode(m, &fact); err != nil {
		return err
	}
	team, err := r.team(ctx, fact.GetProject())
	if err != nil {
		return err
	}
	var about conversation.Conversation
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_CustomerMessage, *eventv1.TalkFact_OperatorMessage, *eventv1.TalkFact_Assigned:
		about, err = r.show(ctx, &fact, team)
	case *eventv1.TalkFact_ReplyDelivered, *eventv1.TalkFact_ReplyFailed, *eventv1.TalkFact_ReplyWaiting:
		if err = r.record(ctx, audit.OfReply(&fact)); err == nil {
			err = r.answered(ctx, &fact, team)
		}
		if err == nil {
			err = r.receipt(ctx, m, &fact, team)
		}
	case *eventv1.TalkFact_ChangeDone:
		if err = r.record(ctx, audit.OfChange(&fact)); err == nil {
			err = r.changeDone(ctx, &fact, team, f.ChangeDone)
		}
	case *eventv1.TalkFact_ChangeFailed:
		if err = r.record(ctx, audit.OfChange(&fact)); err == nil {
			err = r.changeFailed(ctx, &fact, team, f.ChangeFailed)
		}
	case *eventv1.TalkFact_ProjectParked:
		err = r.admins(ctx, fact.GetId(), team, eventv1.NoticeKind_NOTICE_KIND_PROJECT_PARKED, f.ProjectParked.GetDetail(), nil)
	default:
		err = r.unknown(m, &fact)
	}
	if err == nil {
		err = r.waits(ctx, &fact, team, about)
	}
	if err != nil {
		return fmt.Errorf("talk fact %s: %w", fact.GetId(), err)
	}
	return nil
}

// unknown leaves a fact of a kind that is not known here to a router of the next version.
func (r *Router) unknown(m bus.Message, fact proto.Message) error {
	if bus.Unread(fact) {
		return bus.NotYet(m, "a fact")
	}
	r.decided("ignored: empty fact")
	return nil
}

// show brings a fact from KARTE into the conversation's thread, and answers the conversation as it was found for that.
func (r *Router) show(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings) (conversation.Conversation, error) {
	conv, merged, err := r.conversations.Resolve(ctx, fact.GetProject(), fact.GetCustomer())
	if err != nil {
		return conv, err
	}
	if merged != nil && merged.Record.GetChannel() != "" {
		if err := r.postMerged(ctx, fact, team, *merged, conv); err != nil {
			return conv, err
		}
	}
	if merged != nil {
		if conv, err = r.inherits(ctx, *merged, conv); err != nil {
			return conv, err
		}
	}
	if fact.GetAssigned() != nil {
		return conv, r.assigned(ctx, fact, team, conv)
	}
	if console := fact.GetOperatorMessage(); console != nil {
		echo, err := r.conversations.Echo(ctx, conv, console.GetOperator().GetId(), console.GetText())
		if err != nil {
			return conv, err
		}
		if echo {
			r.decided("ignored: echo")
			return conv, nil
		}
	}
	if conv, err = r.wrote(ctx, fact, conv); err != nil {
		return conv, err
	}
	activity, err := r.active(ctx, fact, conv)
	if err != nil {
		return conv, err
	}
	if !team.GetNotificationsEnabled() {
		r.decided("ignored: notifications off")
		return conv, nil
	}
	return conv, r.post(ctx, fact, team, conv, activity)
}

// wrote notes that a customer wrote in a conversation that was closed.
func (r *Router) wrote(ctx context.Context, fact *eventv1.TalkFact, conv conversation.Conversation) (conversation.Conversation, error) {
	author, at := conversation.Said(fact)
	if author != conversation.Customer || conv.Record.GetStatus() != eventv1.ChatStatus_CHAT_STATUS_CLOSED {
		return conv, nil
	}
	return r.conversations.Update(ctx, conv, func(record *eventv1.ConversationRecord) { decide.Reopen(record, at) })
}

// assigned notes what KARTE tells of the assignee. It is said in the thread if it is news, which must be stored before the record is changed: afterwards it is news
// no more.
func (r *Router) assigned(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, conv conversation.Conversation) error {
	activity, err := r.active(ctx, fact, conv)
	if err != nil {
		return err
	}
	_, at := conversation.Said(fact)
	to := fact.GetAssigned().GetOperator()
	said := false
	say := func(news bool) error {
		if !news || said || !team.GetNotificationsEnabled() {
			return nil
		}
		said = true
		return r.post(ctx, fact, team, conv, activity)
	}
	if err := say(decide.Assigned(proto.CloneOf(conv.Record), to, at)); err != nil {
		return err
	}
	news := false
	conv, err = r.conversations.Update(ctx, conv, func(record *eventv1.ConversationRecord) { news = decide.Assigned(record, to, at) })
	if err != nil {
		return err
	}
	if err := say(news); err != nil {
		return err
	}
	return r.showCard(ctx, fact.GetId(), team, conv, cardOf(conv, activity))
}

// post adds a line to the conversation's thread, and shows on its head when it was written.
func (r *Router) post(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, conv conversation.Conversation, activity conversation.Activity) error {
	attention, err := r.attention(ctx, fact, team, conv)
	if err != nil {
		return err
	}
	post := decide.ThreadPost(fact, conv.ID, conv.Record.GetCustomer(), conv.Record.GetAssignee(), attention)
	if post == nil {
		r.decided("ignored: nothing to show")
		return nil
	}
	begins := conv.Record.GetChannel() == "" // then the thread opens with the card
	if begins {
		if post.GetOnlyInThread() {
			r.decided("ignored: no thread")
			return nil
		}
		conv, err = r.conversations.Update(ctx, conv, func(record *eventv1.ConversationRecord) {
			if record.GetChannel() == "" {
				record.Team, record.Channel = team.GetWorkspace(), decide.Channel(team, origin(fact, record))
				decide.Began(record, fact, post.GetOccurredAt())
			}
		})
		if err != nil {
			return err
		}
	}
	r.decided("posted")
	post.UnderOwnName = post.GetOperatorMessage() != nil && team.GetOperatorPictures()
	post.Moves, post.Card = conv.Record.GetMoves(), cardOf(conv, activity)
	err = r.toSlack(ctx, bus.PostLane, &eventv1.SlackCommand{
		Id: "post-" + fact.GetId(), Team: conv.Record.GetTeam(), Channel: conv.Record.GetChannel(), Language: decide.Language(team), TimeZone: decide.TimeZone(team),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: post},
	})
	if err != nil || begins || fact.GetAssigned() != nil {
		return err
	}
	return r.showCard(ctx, fact.GetId(), team, conv, post.GetCard())
}

// origin is what the routing rules decide by. Its time is the fact's, so that a fact which had to wait is routed as if it had not.
func origin(fact *eventv1.TalkFact, record *eventv1.ConversationRecord) decide.Origin {
	return decide.Origin{
		PageURL: fact.GetCustomerMessage().GetPage().GetUrl(), Assignee: record.GetAssignee().GetId(), At: fact.GetReceivedAt().AsTime(),
	}
}

// postMerged says in the thread of an anonymous conversation that it goes on in the member's.
func (r *Router) postMerged(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, from, into conversation.Conversation) error {
	return r.toSlack(ctx, bus.PostLane, &eventv1.SlackCommand{
		Id: "merged-" + fact.GetId(), Team: from.Record.GetTeam(), Channel: from.Record.GetChannel(), Language: decide.Language(team), TimeZone: decide.TimeZone(team),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: fact.GetProject(), Conversation: from.ID, Customer: proto.CloneOf(from.Record.GetCustomer()), OccurredAt: fact.GetOccurredAt(),
			OnlyInThread: true, Moves: from.Record.GetMoves(), Body: &eventv1.ThreadPost_Merged{Merged: &eventv1.Merged{IntoConversation: into.ID}},
		}},
	})
}

// record stores an audit entry once. Without it the fact that it tells of is not done: it comes again.
func (r *Router) record(ctx context.Context, entry *eventv1.AuditEntry) error {
	if entry == nil {
		return nil
	}
	_, err := r.publisher.Once(ctx, bus.Audit, bus.AuditSubject(entry.GetProject(), entry.GetId()), entry)
	return err
}
