package catchup

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
)

// errLater is answered while Slack must not be asked; whoever asks waits and asks again.
var errLater = errors.New("slack cannot be asked now")

// ServeLines answers for one workspace what lines of threads say now, until ctx ends; replicas share the questions.
func (a *Answerer) ServeLines(ctx context.Context, team string) error {
	return bus.Answer(ctx, a.Bus, bus.AskSlackSubject(team, bus.AskMessage), "slack-gateway", answerWithin, func(ctx context.Context, request *eventv1.MessageRequest) proto.Message {
		response, err := a.Line(ctx, team, request)
		if err == nil {
			return response
		}
		if retry.Delay(err) > 0 && !errors.Is(err, retry.ErrUnknown) {
			a.patienceFor(team).throttled.Store(a.Now().Add(retry.Delay(err)).UnixNano())
		}
		a.Log.WarnContext(ctx, "what a line says is not known", "channel", request.GetChannel(), "ts", request.GetTs(), "err", err)
		return &eventv1.MessageResponse{Error: err.Error()}
	})
}

// Line reads one line of a thread. It shares the budget with what is read before replies are acted on: nothing is decided without it, so it waits for its turn.
func (a *Answerer) Line(ctx context.Context, team string, request *eventv1.MessageRequest) (*eventv1.MessageResponse, error) {
	self, ok := a.Self(team)
	p := a.patienceFor(team)
	if !ok || a.Now().UnixNano() < p.throttled.Load() || a.PerMinute > 0 && !p.limit.AllowN(a.Now(), 1) {
		return nil, errLater
	}
	slack, err := a.Slack(team)
	if err != nil {
		return nil, err
	}
	raw, err := slack.Line(ctx, request.GetChannel(), request.GetThreadTs(), request.GetTs())
	if err != nil || raw == nil {
		return &eventv1.MessageResponse{}, err
	}
	fact, edited, verdict := inbound.Line(raw, team, request.GetChannel(), self, a.Now())
	if verdict != inbound.VerdictFact || fact.GetThreadTs() != request.GetThreadTs() {
		return &eventv1.MessageResponse{}, nil
	}
	return &eventv1.MessageResponse{Message: fact.GetReplyWritten(), EditedTs: edited}, nil
}
