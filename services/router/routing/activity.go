package routing

import (
	"context"
	"errors"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

// active notes in the index of conversations that somebody has written, or that a conversation has changed, and answers what it knows then.
func (r *Router) active(ctx context.Context, fact *eventv1.TalkFact, conv conversation.Conversation) (conversation.Activity, error) {
	author, at := conversation.Said(fact)
	return r.conversations.Touched(ctx, conv.Project, conv.ID, author, at)
}

// answered notes that an operator's message has reached the customer, and shows when.
func (r *Router) answered(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings) error {
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
	activity, err := r.conversations.Touched(ctx, fact.GetProject(), id, author, at)
	if err != nil {
		return err
	}
	conv, err := r.conversations.Find(ctx, fact.GetProject(), id)
	if errors.Is(err, conversation.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.showCard(ctx, fact.GetId(), team, conv, cardOf(conv, activity))
}

// threadOpened makes a new thread known.
func (r *Router) threadOpened(ctx context.Context, fact *eventv1.SlackFact, opened *eventv1.ThreadOpened) error {
	thread := conversation.Thread{Team: fact.GetTeam(), Channel: fact.GetChannel(), TS: fact.GetThreadTs()}
	if err := r.conversations.ThreadOpened(ctx, thread, opened.GetProject(), opened.GetConversation()); err != nil {
		return err
	}
	if err := r.arrived(ctx, fact, opened); err != nil {
		return err
	}
	return r.headOpened(ctx, fact, opened)
}
