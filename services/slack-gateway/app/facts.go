package app

import (
	"context"
	"fmt"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/plain"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
)

// storeWithin leaves something of the three seconds that Slack waits for the answer to a dialog.
const storeWithin = 2 * time.Second

// storeFact stores what a dialog tells; what is there already is no error, unless another text is.
func (a *App) storeFact(ctx context.Context, fact *eventv1.SlackFact) error {
	ctx, cancel := context.WithTimeoutCause(ctx, storeWithin, fmt.Errorf("not stored within %v", storeWithin))
	defer cancel()
	subject := inbound.Subject(a.bus.Partitions(), fact)
	duplicate, err := a.bus.Once(ctx, bus.Slack, subject, fact)
	if err != nil || !duplicate || fact.GetMessageComposed() == nil {
		return err
	}
	before := &eventv1.SlackFact{}
	if _, err := a.bus.Find(ctx, bus.Slack, subject, before); err != nil {
		return fmt.Errorf("look at what was stored before: %w", err)
	}
	if before.GetMessageComposed().GetText() != fact.GetMessageComposed().GetText() {
		return dialog.ErrOtherText
	}
	return nil
}

// thread answers what is known of a thread of ours, with its customer; nil when it is none.
func (a *App) thread(ctx context.Context, team, channel, ts string) (*eventv1.ThreadRecord, error) {
	records := bus.NewRecords[*eventv1.ThreadRecord](a.bus, bus.Threads)
	found := &eventv1.ThreadRecord{}
	for _, id := range a.channels.IDs(team, channel) { // it may have been opened under any of them
		revision, err := records.Read(ctx, bus.ThreadKey(team, id, ts), found)
		if err != nil {
			return nil, err
		}
		if revision != 0 {
			break
		}
	}
	if found.GetConversation() == "" {
		return nil, nil
	}
	whole := &eventv1.ThreadRecord{}
	if _, err := records.Read(ctx, bus.ConversationKey(found.GetProject(), found.GetConversation()), whole); err != nil {
		return nil, err
	}
	found.Customer = &eventv1.Customer{UserId: whole.GetCustomer().GetUserId(), VisitorId: whole.GetCustomer().GetVisitorId()}
	return found, nil
}

// names answers what a customer may read of what content mentions, as the router is answered.
func (a *App) names(ctx context.Context, team string, content *eventv1.Content) (plain.Names, error) {
	members, groups, channels := plain.Unresolved(content)
	if len(members)+len(groups)+len(channels) == 0 {
		return plain.Names{}, nil
	}
	who, err := a.members.Answer(ctx, team, &eventv1.MembersRequest{Team: team, Members: members, UserGroups: groups, Channels: channels})
	if err != nil {
		return plain.Names{}, err
	}
	names := plain.Names{Members: map[string]string{}, UserGroups: who.GetUserGroups(), Channels: who.GetChannels()}
	for _, member := range who.GetMembers() {
		names.Members[member.GetId()] = member.GetDisplayName()
	}
	return names, nil
}
