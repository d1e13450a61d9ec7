package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// answerHistory answers router, which has no access to KARTE, what was said with a customer. One replica answers each question.
func (a *App) answerHistory(ctx context.Context) error {
	subject := bus.AskKarteSubject(a.project, bus.AskHistory)
	return bus.Answer(ctx, a.bus, subject, "ingest-karte", operatorsWithin, func(ctx context.Context, request *eventv1.HistoryRequest) proto.Message {
		customer := request.GetCustomer().GetUserId()
		if customer == "" {
			customer = request.GetCustomer().GetVisitorId()
		}
		entries, err := a.karte.History(ctx, customer, a.lookBack)
		return historyOf(entries, err, request)
	})
}

// historyOf answers the last lines that were said before a time. Refused are calls that would be refused again, a missing scope among them.
func historyOf(entries []karte.Entry, err error, request *eventv1.HistoryRequest) *eventv1.HistoryResponse {
	if err != nil {
		_, permanent := retry.Reason(err)
		return &eventv1.HistoryResponse{Error: err.Error(), Refused: permanent || errors.Is(err, retry.ErrParked)}
	}
	before := request.GetBefore()
	entries = slices.DeleteFunc(slices.Clone(entries), func(e karte.Entry) bool {
		return e.Text == "" && !e.Image || e.Date.IsZero() || before != nil && !e.Date.Before(before.AsTime())
	})
	slices.SortStableFunc(entries, func(x, y karte.Entry) int { return cmp.Compare(x.Date.UnixNano(), y.Date.UnixNano()) })
	if most := int(request.GetLimit()); most > 0 && len(entries) > most {
		entries = entries[len(entries)-most:]
	}
	response := &eventv1.HistoryResponse{}
	for _, e := range entries {
		entry := &eventv1.HistoryEntry{OccurredAt: timestamppb.New(e.Date), Text: strings.ToValidUTF8(e.Text, "\uFFFD"), Image: e.Image}
		if e.Sender != "" {
			entry.Operator = &eventv1.Operator{Id: e.Sender, Name: e.Name, Bot: strings.HasPrefix(e.Sender, "bot-")}
		}
		response.Entries = append(response.Entries, entry)
	}
	return response
}
