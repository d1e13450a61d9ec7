package routing

import (
	"context"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

// active notes in the index of conversations that somebody has written, or that a conversation has changed.
func (r *Router) active(ctx context.Context, fact *eventv1.TalkFact, conv conversation.Conversation) error {
	author, at := conversation.Said(fact)
	return r.conversations.Touch(ctx, conv.Project, conv.ID, author, at)
}

// answered notes that an operator's message has reached the customer.
func (r *Router) answered(ctx context.Context, fact *eventv1.TalkFact) error {
	author, at := conversation.Said(fact)
	if author != conversation.Operator {
		return nil
	}
	id, err := r.conversations.Lead(ctx, fact.GetProject(), fact.GetReplyDelivered().GetConversation())
	if err == nil && id == "" {
		// Facts of earlier versions do not name the conversation.
		id, err = r.conversations.Of(ctx, fact.GetProject(), fact.GetCustomer())
	}
	if err != nil || id == "" {
		return err
	}
	return r.conversations.Touch(ctx, fact.GetProject(), id, author, at)
}

// threadOpened makes a new thread known.
func (r *Router) threadOpened(ctx context.Context, fact *eventv1.SlackFact, opened *eventv1.ThreadOpened) error {
	thread := conversation.Thread{Team: fact.GetTeam(), Channel: fact.GetChannel(), TS: fact.GetThreadTs()}
	if err := r.conversations.ThreadOpened(ctx, thread, opened.GetProject(), opened.GetConversation()); err != nil {
		return err
	}
	return r.arrived(ctx, fact, opened)
}
