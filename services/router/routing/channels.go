package routing

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

// Channels knows which ids are the same channel's, the first one first.
type Channels interface {
	IDs(team, id string) []string
}

// errRenamed is met until it is known here that a channel has another id, which slack-gateway has just found out.
var errRenamed = errors.New("the channel of the thread has another id now")

// ids answers all ids of a channel, the one that it is known by inside first.
func (r *Router) ids(team, channel string) []string {
	if r.channels == nil {
		return []string{channel}
	}
	return r.channels.IDs(team, channel)
}

func (r *Router) first(team, channel string) string { return r.ids(team, channel)[0] }

// firstIDs answers settings whose channels are named by the ids that they are known by inside: people name them as Slack does now.
func (r *Router) firstIDs(team *settingsv1.TeamSettings) *settingsv1.TeamSettings {
	team = proto.CloneOf(team)
	team.Channel = r.first(team.GetWorkspace(), team.GetChannel())
	for i, channel := range team.GetNoteOnlyChannels() {
		team.NoteOnlyChannels[i] = r.first(team.GetWorkspace(), channel)
	}
	for _, rule := range team.GetRoutingRules() {
		rule.Channel = r.first(team.GetWorkspace(), rule.GetChannel())
	}
	return team
}

// whereItIs gives a fact from Slack the id of its channel under which its thread is known, and the id that it has with that: the same thing told under
// two ids of a channel causes the same commands.
func (r *Router) whereItIs(ctx context.Context, fact *eventv1.SlackFact) error {
	ids := r.ids(fact.GetTeam(), fact.GetChannel())
	if len(ids) == 1 || fact.GetThreadTs() == "" {
		return nil
	}
	known := ids[0]
	for _, id := range ids {
		there, err := r.conversations.HasThread(ctx, conversation.Thread{Team: fact.GetTeam(), Channel: id, TS: fact.GetThreadTs()})
		if err != nil {
			return err
		}
		if there {
			known = id
			break
		}
	}
	fact.Id = strings.Replace(fact.GetId(), "-"+fact.GetTeam()+"-"+fact.GetChannel()+"-", "-"+fact.GetTeam()+"-"+known+"-", 1)
	fact.Channel = known
	return nil
}

// renamed reports whether a thread was opened in a channel of another id.
func (r *Router) renamed(ctx context.Context, fact *eventv1.SlackFact, project, id string) (bool, error) {
	conv, err := r.conversations.Find(ctx, project, id)
	if errors.Is(err, conversation.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	conv.ID = id // the thread is under the name of the conversation that it was opened for
	record, err := r.conversations.ThreadOf(ctx, conv)
	if err != nil || record.GetTeam() != fact.GetTeam() {
		return false, err
	}
	current := record.GetTs() == fact.GetThreadTs() && record.GetChannel() != fact.GetChannel()
	former := record.GetFormerTs() == fact.GetThreadTs() && record.GetFormerChannel() != fact.GetChannel()
	return current || former, nil
}
