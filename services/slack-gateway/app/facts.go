package app

import (
	"context"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/plain"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
)

// storeWithin leaves something of the three seconds that Slack waits for the answer to a dialog.
const storeWithin = 2 * time.Second

// storeFact stores what a dialog tells; what is there already is no error.
func (a *App) storeFact(ctx context.Context, fact *eventv1.SlackFact) error {
	_, err := a.bus.OnceWithin(ctx, storeWithin, bus.Slack, inbound.Subject(a.bus.Partitions(), fact), fact)
	return err
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
