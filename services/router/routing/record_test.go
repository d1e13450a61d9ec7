package routing

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var errAway = errors.New("stream is away")

// onceEach stores a message per subject, as the streams do, and fails at the first of AUDIT as often as told.
type onceEach struct {
	failures int
	stored   map[string]proto.Message
	order    []string
}

func (o *onceEach) Once(_ context.Context, stream, subject string, message proto.Message) (bool, error) {
	if stream == bus.Audit && o.failures > 0 {
		o.failures--
		return false, errAway
	}
	if _, there := o.stored[subject]; there {
		return true, nil
	}
	o.stored[subject], o.order = message, append(o.order, stream)
	return false, nil
}

type anyLane struct{}

func (anyLane) Register(context.Context, bus.Lane) error { return nil }

// away is a workspace that does not say who its members are.
type away struct{}

func (away) Ask(context.Context, *eventv1.MembersRequest) (*eventv1.MembersResponse, error) {
	return nil, errAway
}

// Whoever reads the audit must find every message that a customer got, once, however often its fact comes.
func TestEveryReplyIsRecordedOnceBeforeItsMark(t *testing.T) {
	origin := &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", Member: "U0DEMO1", Ts: "1723612345.000200"}
	facts := map[string]*eventv1.TalkFact{
		"DELIVERED": {Id: "delivered-1", Project: "demo", Fact: &eventv1.TalkFact_ReplyDelivered{
			ReplyDelivered: &eventv1.ReplyDelivered{Origin: origin, Operator: "op1", Conversation: "c1"}}},
		"REJECTED": {Id: "failed-1", Project: "demo", Fact: &eventv1.TalkFact_ReplyFailed{
			ReplyFailed: &eventv1.ReplyFailed{Origin: origin, Operator: "op1", Conversation: "c1", Reason: eventv1.FailureReason_FAILURE_REASON_REJECTED}}},
		"": {Id: "waiting-1", Project: "demo", Fact: &eventv1.TalkFact_ReplyWaiting{ReplyWaiting: &eventv1.ReplyWaiting{Origin: origin}}},
	}
	for result, fact := range facts {
		streams := &onceEach{failures: 1, stored: map[string]proto.Message{}}
		r := New(Parts{Settings: onlySettings{team: teamOf(1)}, People: away{}, Publisher: streams, Lanes: anyLane{}, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
		data, err := proto.Marshal(fact)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Talk(t.Context(), bus.Message{Data: data}); result != "" && (!errors.Is(err, errAway) || len(streams.order) > 0) {
			t.Errorf("%s: done although it is not recorded: %v, %v", result, err, streams.order)
		}
		for range 2 {
			if err := r.Talk(t.Context(), bus.Message{Data: data}); err != nil {
				t.Errorf("%s: %v", result, err)
			}
		}
		var entries []*eventv1.AuditEntry
		for _, message := range streams.stored {
			if entry, ok := message.(*eventv1.AuditEntry); ok {
				entries = append(entries, entry)
			}
		}
		if result == "" {
			if len(entries) != 0 {
				t.Errorf("waiting is recorded: %v", entries)
			}
			continue
		}
		if len(entries) != 1 || streams.order[0] != bus.Audit || entries[0].GetResult() != result || entries[0].GetActor() != "U0DEMO1" {
			t.Errorf("%s: recorded %v, in the order %v", result, entries, streams.order)
		}
	}
}
