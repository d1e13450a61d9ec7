package routing

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

var (
	// ErrThere is answered for a conversation that is to be moved to the channel it is in.
	ErrThere = errors.New("the conversation is in that channel")
	// ErrNoChannel is answered when the project's settings say nothing of the channel, or the workspace.
	ErrNoChannel = errors.New("the project has no channel")
)

// Relink moves a conversation to a channel, or with an empty one to that which the present rules answer. What is decided from now on goes there; the lane that gets it first
// opens the new thread. It may be called again after an error, and while the move is not over: the same move is completed then.
func (r *Router) Relink(ctx context.Context, project, id, channel string) error {
	conv, err := r.conversations.Find(ctx, project, id)
	if err != nil {
		return err
	}
	team, err := r.settings.GetTeam(ctx, project)
	if err != nil {
		return fmt.Errorf("settings of %s: %w", project, err)
	}
	team, channel = r.firstIDs(team), r.first(team.GetWorkspace(), channel)
	if channel == "" {
		if channel, err = r.presentChannel(ctx, conv, team); err != nil {
			return err
		}
	}
	if channel == "" || team.GetWorkspace() == "" {
		return ErrNoChannel
	}
	before, err := r.conversations.ThreadOf(ctx, conv)
	if err != nil {
		return err
	}
	there := before.GetChannel() == channel && before.GetTeam() == team.GetWorkspace() && before.GetTs() != ""
	settled := conv.Record.GetChannel() == channel && conv.Record.GetTeam() == team.GetWorkspace() && (there || conv.Record.GetMoves() == 0)
	if settled {
		return ErrThere
	}
	if conv, err = r.conversations.Move(ctx, conv, team.GetWorkspace(), channel); err != nil {
		return err
	}
	if conv.Record.GetMoves() == 0 {
		return nil // nothing was posted anywhere yet
	}
	return r.toSlack(ctx, bus.PostLane, &eventv1.SlackCommand{
		Id: fmt.Sprintf("moved-%s-%d", conv.ID, conv.Record.GetMoves()), Team: conv.Record.GetTeam(), Channel: conv.Record.GetChannel(), Language: decide.Language(team), TimeZone: decide.TimeZone(team),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: project, Conversation: conv.ID, Customer: conv.Record.GetCustomer(), Assignee: conv.Record.GetAssignee(), OccurredAt: timestamppb.New(r.now()),
			Moves: conv.Record.GetMoves(), Card: decide.Card(conv.Record, conv.Revision), Body: &eventv1.ThreadPost_Moved{Moved: &eventv1.Moved{FromChannel: before.GetChannel(), FromThreadTs: before.GetTs()}},
		}},
	})
}

// presentChannel answers the channel that the present rules have for a conversation.
func (r *Router) presentChannel(ctx context.Context, conv conversation.Conversation, team *settingsv1.TeamSettings) (string, error) {
	origin := decide.Origin{Assignee: conv.Record.GetAssignee().GetId(), At: r.now()}
	if len(team.GetRoutingRules()) > 0 {
		var err error
		if origin.PageURL, err = r.conversations.LastPage(ctx, conv.Project, conv.ID); err != nil {
			return "", err
		}
	}
	return decide.Channel(team, origin), nil
}

// arrived ends a move when the new thread is open, and says in the former one where to go on.
func (r *Router) arrived(ctx context.Context, fact *eventv1.SlackFact, opened *eventv1.ThreadOpened) error {
	conv, err := r.conversations.Find(ctx, opened.GetProject(), opened.GetConversation())
	if errors.Is(err, conversation.ErrNotFound) {
		return nil
	}
	if err != nil || conv.ID != opened.GetConversation() || conv.Record.GetMovedFrom() == "" || conv.Record.GetChannel() != fact.GetChannel() {
		return err
	}
	thread, err := r.conversations.ThreadOf(ctx, conv)
	if err != nil {
		return err
	}
	if thread.GetTs() == fact.GetThreadTs() && thread.GetFormerTs() != "" {
		team, err := r.team(ctx, conv.Project)
		if err != nil {
			return err
		}
		if err := r.farewell(ctx, fact, conv, thread, decide.Language(team)); err != nil {
			return err
		}
	}
	return r.conversations.Arrived(ctx, conv, conv.Record.GetMoves())
}

func (r *Router) farewell(ctx context.Context, fact *eventv1.SlackFact, conv conversation.Conversation, thread *eventv1.ThreadRecord, language string) error {
	return r.toSlack(ctx, bus.PostLane, &eventv1.SlackCommand{
		Id: "farewell-" + fact.GetId(), Team: fact.GetTeam(), Channel: thread.GetFormerChannel(), Language: language,
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: conv.Project, Conversation: conv.ID, OnlyInThread: true, OccurredAt: timestamppb.New(r.now()),
			Body: &eventv1.ThreadPost_Moved{Moved: &eventv1.Moved{
				FromChannel: thread.GetFormerChannel(), FromThreadTs: thread.GetFormerTs(), ToChannel: fact.GetChannel(), ToThreadTs: fact.GetThreadTs(),
			}},
		}},
	})
}
