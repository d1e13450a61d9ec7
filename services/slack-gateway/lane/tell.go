package lane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/installation"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// tell lets the project's admins know that the lane is parked, at most once an hour. Marks belong to no project; where they
// cannot be made, posts cannot either.
func (w *worker) tell(ctx context.Context, project string, cause error) error {
	if project == "" {
		return nil
	}
	word := slackapi.Ended(cause)
	if word != "" {
		// Slack's event may have been lost; where the app is installed by OAuth, this is noticed by itself.
		if err := w.Ended(ctx, w.lane.Team, word); err != nil {
			return err
		}
	}
	ended := word != "" || errors.Is(cause, installation.ErrNotInstalled)
	id := fmt.Sprintf("parked-%s-%s", w.lane.Key(), w.Now().UTC().Format("2006-01-02T15"))
	subject := bus.SlackSubject(w.Bus.Partitions(), w.lane.Team, w.lane.Channel, "", "lane-parked", id)
	_, err := w.Bus.Once(ctx, bus.Slack, subject, &eventv1.SlackFact{
		Id: id, Team: w.lane.Team, Channel: w.lane.Channel, OccurredAt: timestamppb.New(w.Now()), ReceivedAt: timestamppb.New(w.Now()),
		Fact: &eventv1.SlackFact_LaneParked{LaneParked: &eventv1.LaneParked{Detail: shorten(cause), Project: project, Ended: ended}},
	})
	return err
}

// posted tells that commands have become one post.
func (a *attempt) posted(ctx context.Context, ts string, commands []*eventv1.SlackCommand) error {
	r := a.record
	id := "posted-" + r.GetTeam() + "-" + r.GetChannel() + "-" + ts
	subject := bus.SlackSubject(a.Bus.Partitions(), r.GetTeam(), r.GetChannel(), r.GetTs(), "posted", id)
	_, err := a.Bus.Once(ctx, bus.Slack, subject, &eventv1.SlackFact{
		Id: id, Team: r.GetTeam(), Channel: r.GetChannel(), ThreadTs: r.GetTs(), OccurredAt: timestamppb.New(a.Now()), ReceivedAt: timestamppb.New(a.Now()),
		Fact: &eventv1.SlackFact_Posted{Posted: &eventv1.Posted{
			CommandIds: ids(commands), Ts: ts, Project: r.GetProject(), Conversation: r.GetConversation(), TellsDirectly: proto.Bool(slices.ContainsFunc(commands, tellsDirectly)),
			Effort: a.took,
		}},
	})
	return err
}

func tellsDirectly(command *eventv1.SlackCommand) bool {
	return len(command.GetThreadPost().GetTellDirectly()) > 0
}

// carried answers the commands that the last attempt carried.
func (a *attempt) carried(ctx context.Context) ([]*eventv1.SlackCommand, error) {
	commands := []*eventv1.SlackCommand{a.command}
	if a.last.GetSequence() != a.m.Sequence || len(a.last.GetMerged()) == 0 {
		return commands, nil
	}
	waiting, err := a.behind(ctx, a.m.Sequence)
	if err != nil {
		return nil, err
	}
	for _, later := range waiting {
		var command eventv1.SlackCommand
		if slices.Contains(a.last.GetMerged(), later.Sequence) && bus.Decode(later, &command) == nil {
			commands = append(commands, &command)
		}
	}
	return commands, nil
}

// tellFailed tells that a command is given up; once each time, for it may be replayed and given up again.
func (l *Lanes) tellFailed(ctx context.Context, lane bus.Lane, m bus.Message, command *eventv1.SlackCommand, reason eventv1.FailureReason, cause error, took *eventv1.Effort) error {
	id := "post-failed-" + command.GetId() + "-" + m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	post := command.GetThreadPost()
	_, err := l.Bus.Once(ctx, bus.Slack, bus.SlackSubject(l.Bus.Partitions(), lane.Team, lane.Channel, "", "post-failed", id), &eventv1.SlackFact{
		Id: id, Team: lane.Team, Channel: lane.Channel, OccurredAt: timestamppb.New(l.Now()), ReceivedAt: timestamppb.New(l.Now()),
		Fact: &eventv1.SlackFact_PostFailed{PostFailed: &eventv1.PostFailed{
			CommandId: command.GetId(), Reason: reason, Detail: shorten(cause), Project: post.GetProject(), Conversation: post.GetConversation(), Effort: took,
		}},
	})
	return err
}

// shorten is an error for people: what Slack said of it, cut.
func shorten(err error) string {
	words := []rune(strings.ToValidUTF8(slackapi.Words(err), "?"))
	if len(words) > 300 {
		words = append(words[:300], '…')
	}
	return string(words)
}

// Exhausted tells of a command that JetStream has given up, not we; it is told to bus.ServeExhausted. What the last attempt would have
// carried along counts as done when its turn comes, so that it is buried as well: nobody knows whether it has arrived.
func (l *Lanes) Exhausted(ctx context.Context, m bus.Message, cause error) error {
	lane, ok := bus.ParseLane(m.Subject[:max(strings.LastIndexByte(m.Subject, '.'), 0)])
	if !ok {
		return nil
	}
	last, err := l.Bus.NewCheckpoint("lane." + lane.Key()).Last(ctx)
	if err != nil {
		return err
	}
	if last.GetSequence() == m.Sequence && len(last.GetMerged()) > 0 {
		waiting, err := l.Bus.Waiting(ctx, lane, m.Sequence, farthest)
		if err != nil {
			return err
		}
		for _, later := range waiting {
			if !slices.Contains(last.GetMerged(), later.Sequence) {
				continue
			}
			with := fmt.Errorf("carried along by a command that was given up: %w", cause)
			if err := errors.Join(l.exhaustedOne(ctx, lane, later, with), l.Bus.Bury(ctx, later, eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, with)); err != nil {
				return err
			}
		}
	}
	return l.exhaustedOne(ctx, lane, m, cause)
}

func (l *Lanes) exhaustedOne(ctx context.Context, lane bus.Lane, m bus.Message, cause error) error {
	var command eventv1.SlackCommand
	if bus.Decode(m, &command) != nil {
		return nil //nolint:nilerr // it is no command that anybody misses
	}
	return l.tellFailed(ctx, lane, m, &command, eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, cause, nil)
}
