package routing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// cardOf is what the head of a conversation's thread is to show.
func cardOf(conv conversation.Conversation, activity conversation.Activity) *eventv1.Card {
	card := decide.Card(conv.Record, conv.Revision)
	card.CustomerWroteAt, card.OperatorWroteAt = moment(activity.Customer), moment(activity.Operator)
	own := conv.Record.GetCustomer()
	add := func(c *eventv1.Customer) {
		known := slices.ContainsFunc(card.GetAliases(), func(other *eventv1.Customer) bool {
			return conversation.CustomerID(other) == conversation.CustomerID(c)
		})
		if id := conversation.CustomerID(c); id != "" && id != conversation.CustomerID(own) && !known {
			card.Aliases = append(card.Aliases, c)
		}
	}
	if own.GetUserId() != "" {
		add(&eventv1.Customer{VisitorId: own.GetVisitorId()})
	}
	for _, alias := range activity.Aliases {
		add(alias)
	}
	slices.SortFunc(card.Aliases, func(a, b *eventv1.Customer) int {
		return cmp.Compare(conversation.CustomerID(a), conversation.CustomerID(b))
	})
	return card
}

func moment(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}

// showCard brings the head of a conversation's thread up to date, once for each cause. What the head shows already costs nothing there.
func (r *Router) showCard(ctx context.Context, cause string, team *settingsv1.TeamSettings, conv conversation.Conversation, card *eventv1.Card) error {
	if conv.Record.GetChannel() == "" {
		return nil
	}
	return r.toSlack(ctx, bus.CardLane, &eventv1.SlackCommand{
		Id: "card-" + conv.ID + "-" + cause, Team: conv.Record.GetTeam(), Channel: conv.Record.GetChannel(), Language: decide.Language(team), TimeZone: decide.TimeZone(team),
		Command: &eventv1.SlackCommand_CardUpdate{CardUpdate: &eventv1.CardUpdate{Project: conv.Project, Conversation: conv.ID, Card: card, Moves: conv.Record.GetMoves()}},
	})
}

// refresh shows a conversation as it is now.
func (r *Router) refresh(ctx context.Context, cause string, team *settingsv1.TeamSettings, conv conversation.Conversation) error {
	activity, err := r.conversations.Activity(ctx, conv.Project, conv.ID)
	if err != nil {
		return err
	}
	return r.showCard(ctx, cause, team, conv, cardOf(conv, activity))
}

// headOpened brings a head up to date that was posted while the conversation went on, or knew less than there is to show.
func (r *Router) headOpened(ctx context.Context, fact *eventv1.SlackFact, opened *eventv1.ThreadOpened) error {
	conv, err := r.conversations.Find(ctx, opened.GetProject(), opened.GetConversation())
	if errors.Is(err, conversation.ErrNotFound) {
		return nil
	}
	if err != nil || conv.Record.GetChannel() != fact.GetChannel() || conv.Record.GetTeam() != fact.GetTeam() {
		return err
	}
	activity, err := r.conversations.Activity(ctx, conv.Project, conv.ID)
	if err != nil {
		return err
	}
	card := cardOf(conv, activity)
	if conv.Revision == opened.GetCardRevision() && card.GetOperatorWroteAt() == nil && len(card.GetAliases()) == 0 {
		return nil
	}
	team, err := r.team(ctx, conv.Project)
	if err != nil {
		return err
	}
	return r.showCard(ctx, "opened-"+fact.GetThreadTs(), team, conv, card)
}
