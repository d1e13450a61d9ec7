package app

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// operatorsWithin is less than router waits.
const operatorsWithin = 6 * time.Second

// answerOperators answers router, which has no access to KARTE, whom KARTE knows. One replica answers each question.
func (a *App) answerOperators(ctx context.Context) error {
	subject := bus.AskKarteSubject(a.project, bus.AskOperators)
	return bus.Answer(ctx, a.bus, subject, "ingest-karte", operatorsWithin, func(ctx context.Context, _ *eventv1.OperatorsRequest) proto.Message {
		return operatorsOf(a.karte.Operators(ctx))
	})
}

func operatorsOf(operators []karte.Operator, err error) *eventv1.OperatorsResponse {
	if err != nil {
		return &eventv1.OperatorsResponse{Error: err.Error()}
	}
	response := &eventv1.OperatorsResponse{}
	for _, o := range operators {
		response.Operators = append(response.Operators, &eventv1.Operator{Id: o.ID, Name: o.Name, Bot: o.Bot})
	}
	return response
}
