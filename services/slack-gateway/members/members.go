// Package members answers what the router may know of people, groups and channels in Slack.
package members

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/slack-go/slack"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Slack is what this package asks.
type Slack interface {
	User(ctx context.Context, id string) (*slack.User, error)
	UserGroups(ctx context.Context) (map[string]string, error)
	Channel(ctx context.Context, id string) (string, error)
}

const (
	answerWithin = 3500 * time.Millisecond
	rememberFor  = time.Minute
)

// Answerer answers MembersRequests over NATS.
type Answerer struct {
	bus   *bus.Bus
	slack func(team string) (Slack, error)
	log   *slog.Logger
	names *expirable.LRU[named, string]
}

// named is what a name belongs to.
type named struct{ team, id string }

// New makes an answerer; slack answers what asks in a workspace.
func New(b *bus.Bus, slack func(team string) (Slack, error), log *slog.Logger) *Answerer {
	return &Answerer{bus: b, slack: slack, log: log, names: expirable.NewLRU[named, string](10_000, nil, 10*rememberFor)}
}

// Serve answers for one workspace until ctx ends; replicas share the questions.
func (a *Answerer) Serve(ctx context.Context, team string) error {
	return bus.Answer(ctx, a.bus, bus.AskSlackSubject(team, bus.AskMembers), "slack-gateway", answerWithin,
		func(ctx context.Context, request *eventv1.MembersRequest) proto.Message {
			return a.respond(ctx, team, request)
		})
}

func (a *Answerer) respond(ctx context.Context, team string, request *eventv1.MembersRequest) proto.Message {
	response, err := a.Answer(ctx, team, request)
	if err != nil {
		a.log.Warn("slack could not say who somebody is", "err", err)
		return &eventv1.MembersResponse{Error: err.Error()}
	}
	return response
}

// Answer asks Slack for everything in request, as the app in the workspace.
func (a *Answerer) Answer(ctx context.Context, team string, request *eventv1.MembersRequest) (*eventv1.MembersResponse, error) {
	slack, err := a.slack(team)
	if err != nil {
		return nil, err
	}
	response := &eventv1.MembersResponse{UserGroups: map[string]string{}, Channels: map[string]string{}}
	for _, id := range request.GetMembers() {
		user, err := slack.User(ctx, id)
		if err != nil {
			return nil, err
		}
		if user != nil {
			response.Members = append(response.Members, member(team, user))
		}
	}
	for _, id := range request.GetUserGroups() {
		handle, err := a.name(named{team, id}, func() (string, error) {
			groups, err := slack.UserGroups(ctx)
			return groups[id], err
		})
		if err != nil {
			return nil, err
		}
		response.UserGroups[id] = handle
	}
	for _, id := range request.GetChannels() {
		name, err := a.name(named{team, id}, func() (string, error) { return slack.Channel(ctx, id) })
		if err != nil {
			return nil, err
		}
		response.Channels[id] = name
	}
	return response, nil
}

func (a *Answerer) name(id named, ask func() (string, error)) (string, error) {
	if name, ok := a.names.Get(id); ok {
		return name, nil
	}
	name, err := ask()
	if errors.Is(err, retry.ErrParked) {
		// A scope that is missing must not hold up replies: the name is said in general words.
		a.log.Warn("a name cannot be looked up", "err", err)
		return "", nil
	}
	if err == nil {
		a.names.Add(id, name)
	}
	return name, err
}

// member takes over what decides; a stranger (Slack Connect) counts as a guest.
// Of somebody who is in several workspaces of an organisation Slack names one as theirs: they are members of the others just as well.
func member(team string, user *slack.User) *eventv1.Member {
	home := user.TeamID
	if user.Enterprise.EnterpriseID != "" && slices.Contains(user.Enterprise.Teams, team) {
		home = team
	}
	name := user.Profile.DisplayName
	if name == "" {
		name = user.RealName
	}
	if name == "" {
		name = user.Profile.RealName
	}
	return &eventv1.Member{
		Id: user.ID, DisplayName: name, Team: home, Bot: user.IsBot, Locale: user.Locale,
		Guest: user.IsRestricted || user.IsUltraRestricted || user.IsStranger, Deactivated: user.Deleted,
	}
}
