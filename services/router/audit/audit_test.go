package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/audit"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

var begin = time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)

// fixedSecret is what page tokens are sealed with in tests.
type fixedSecret struct{}

func (fixedSecret) Secret(context.Context, string) ([]byte, error) { return make([]byte, 32), nil }

func newBus(t *testing.T) *bus.Bus {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	b, err := bus.Connect(bus.Settings{URL: secret.New(s.ClientURL()), Replicas: 1, Partitions: 2}, "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func newService(t *testing.T, b *bus.Bus) *audit.Service {
	t.Helper()
	service, err := audit.NewService(b, fixedSecret{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// record stores the n-th entry, a minute after the one before.
func record(r *audit.Recorder, project string, n int) {
	r.Record(context.Background(), &eventv1.AuditEntry{
		Project: project, Time: timestamppb.New(begin.Add(time.Duration(n) * time.Minute)), Actor: []string{"ci", "ops"}[n%2],
		Action: "SetOperatorLink", Resource: fmt.Sprintf("projects/%s/operators/op%d", project, n), Result: "OK",
	})
}

// list answers the resources of all pages.
func list(t *testing.T, s *audit.Service, r *adminv1.ListAuditEntriesRequest) []string {
	t.Helper()
	var got []string
	for {
		answer, err := s.ListAuditEntries(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if size := int(r.GetPageSize()); size > 0 && len(answer.GetAuditEntries()) > size {
			t.Fatalf("a page of %d has %d entries", size, len(answer.GetAuditEntries()))
		}
		for _, entry := range answer.GetAuditEntries() {
			got = append(got, entry.GetResource())
		}
		if answer.GetNextPageToken() == "" {
			return got
		}
		r.PageToken = answer.GetNextPageToken()
	}
}

func TestEntriesAreListedLatestFirstPageByPageOfTheProjectAlone(t *testing.T) {
	b := newBus(t)
	recorder := audit.NewRecorder(b, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	var demo, all []string
	for n := range 3000 { // several windows
		project := "other"
		if n%11 == 0 {
			project = "demo"
		}
		record(recorder, project, n)
		all = append(all, fmt.Sprintf("projects/%s/operators/op%d", project, n))
		if project == "demo" {
			demo = append(demo, all[n])
		}
	}
	slices.Reverse(demo)
	slices.Reverse(all)
	service := newService(t, b)
	for _, size := range []int32{0, 1000, 272, 7} {
		if got := list(t, service, &adminv1.ListAuditEntriesRequest{Parent: "projects/demo", PageSize: size}); !slices.Equal(got, demo) {
			t.Errorf("page size %d: got %d entries %.3q, want %d", size, len(got), got, len(demo))
		}
	}
	if got := list(t, service, &adminv1.ListAuditEntriesRequest{Parent: "projects/-", PageSize: 1000}); !slices.Equal(got, all) {
		t.Errorf("of all projects: %d entries, want %d", len(got), len(all))
	}
	if got := list(t, service, &adminv1.ListAuditEntriesRequest{Parent: "projects/nobody"}); got != nil {
		t.Errorf("of a project without entries: %q", got)
	}
	// What comes meanwhile does not move the pages that follow.
	first, err := service.ListAuditEntries(t.Context(), &adminv1.ListAuditEntriesRequest{Parent: "projects/demo", PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	record(recorder, "demo", 9000)
	second, err := service.ListAuditEntries(t.Context(), &adminv1.ListAuditEntriesRequest{Parent: "projects/demo", PageSize: 2, PageToken: first.GetNextPageToken()})
	if err != nil || second.GetAuditEntries()[0].GetResource() != demo[2] {
		t.Errorf("second page: %v, %v", second, err)
	}
}

func TestEntriesAreFiltered(t *testing.T) {
	b := newBus(t)
	recorder := audit.NewRecorder(b, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	for n := range 6 {
		record(recorder, "demo", n)
	}
	service := newService(t, b)
	for filter, want := range map[string]string{
		`actor = "ci"`: "op4 op2 op0",
		`actor != "ci" AND time >= "2026-01-31T09:03:00Z"`:       "op5 op3",
		`resource = "projects/demo/operators/op3"`:               "op3",
		`resource:"op1" OR resource:"op2"`:                       "op2 op1",
		`action = "EraseConversation"`:                           "",
		`result = OK AND NOT actor = ci AND operator = ""`:       "op5 op3 op1",
		`time < "2026-01-31T09:01:00Z" AND action:"SetOperator"`: "op0",
	} {
		var short []string
		for _, resource := range list(t, service, &adminv1.ListAuditEntriesRequest{Parent: "projects/demo", Filter: filter, PageSize: 2}) {
			short = append(short, strings.TrimPrefix(resource, "projects/demo/operators/"))
		}
		if got := strings.Join(short, " "); got != want {
			t.Errorf("%s: got %q, want %q", filter, got, want)
		}
	}
	answer, err := service.ListAuditEntries(t.Context(), &adminv1.ListAuditEntriesRequest{Parent: "projects/demo", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*adminv1.ListAuditEntriesRequest{
		"unknown field":             {Parent: "projects/demo", Filter: `text = "x"`},
		"token of another project":  {Parent: "projects/other", PageToken: answer.GetNextPageToken()},
		"token of another filter":   {Parent: "projects/demo", PageToken: answer.GetNextPageToken(), Filter: "actor = ci"},
		"token that was made up":    {Parent: "projects/demo", PageToken: "MTIz"},
		"parent that is no project": {Parent: "projects/demo/operators/op1"},
	} {
		if _, err := service.ListAuditEntries(t.Context(), r); !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestEntriesThatCannotBeReadAreUnavailable(t *testing.T) {
	b := newBus(t)
	service := newService(t, b)
	b.Close()
	_, err := service.ListAuditEntries(t.Context(), &adminv1.ListAuditEntriesRequest{Parent: "projects/demo"})
	if !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// away is a NATS that stores nothing.
type away struct{ limit time.Duration }

func (a *away) OnceWithin(ctx context.Context, limit time.Duration, _, _ string, _ proto.Message) (bool, error) {
	a.limit = limit
	return false, errors.Join(errors.New("nobody there"), ctx.Err())
}

func TestAnEntryThatCannotBeStoredIsLoggedWholeAndCounted(t *testing.T) {
	var text bytes.Buffer
	metrics, gone := prometheus.NewRegistry(), &away{}
	recorder := audit.NewRecorder(gone, slog.New(slog.NewJSONHandler(&text, nil)), metrics)
	record(recorder, "demo", 4)
	for _, part := range []string{`"level":"ERROR"`, `"who":"ci"`, `"action":"SetOperatorLink"`, `"resource":"projects/demo/operators/op4"`, `"result":"OK"`, "2026-01-31T09:04:00Z"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("the log misses %s: %s", part, text.String())
		}
	}
	if gone.limit != 2*time.Second {
		t.Errorf("waited for %v", gone.limit)
	}
	families, err := metrics.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "slacktalk_audit_entries_total" {
		t.Fatalf("metrics: %v, %v", families, err)
	}
	for _, m := range families[0].GetMetric() {
		result := m.GetLabel()[0].GetValue()
		if want := map[string]float64{"failed": 1, "stored": 0}[result]; m.GetCounter().GetValue() != want {
			t.Errorf("%s: %v, want %v", result, m.GetCounter().GetValue(), want)
		}
	}
}

func TestAnEntryIsStoredAlsoWhenTheCallerHasGone(t *testing.T) {
	b := newBus(t)
	recorder := audit.NewRecorder(b, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	recorder.Record(ctx, &eventv1.AuditEntry{Project: "demo", Resource: "projects/demo/teamSettings"})
	if got := list(t, newService(t, b), &adminv1.ListAuditEntriesRequest{Parent: "projects/demo"}); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

func TestTheEntryOfAReplySaysWhoWroteItToWhomAndWhatBecameOfIt(t *testing.T) {
	origin := &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", Member: "U0DEMO1"}
	delivered := func(kind eventv1.ReplyKind) *eventv1.TalkFact {
		return &eventv1.TalkFact{Id: "delivered-cmd1", Project: "demo", OccurredAt: timestamppb.New(begin), Fact: &eventv1.TalkFact_ReplyDelivered{
			ReplyDelivered: &eventv1.ReplyDelivered{Kind: kind, Origin: origin, Operator: "op1", Conversation: "c1"}}}
	}
	entry := func(action, resource, result string) *eventv1.AuditEntry {
		return &eventv1.AuditEntry{Id: "reply-delivered-cmd1", Project: "demo", Time: timestamppb.New(begin), Actor: "U0DEMO1", Operator: "op1",
			Action: action, Resource: resource, Result: result}
	}
	failed := delivered(eventv1.ReplyKind_REPLY_KIND_MESSAGE)
	failed.Fact = &eventv1.TalkFact_ReplyFailed{ReplyFailed: &eventv1.ReplyFailed{Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Origin: origin,
		Operator: "op1", Conversation: "c1", Reason: eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, Detail: "what the customer reads"}}
	old := delivered(eventv1.ReplyKind_REPLY_KIND_NOTE)
	old.GetReplyDelivered().Conversation = ""
	for name, tt := range map[string]struct {
		fact *eventv1.TalkFact
		want *eventv1.AuditEntry
	}{
		"message":             {delivered(eventv1.ReplyKind_REPLY_KIND_MESSAGE), entry("message", "projects/demo/conversations/c1", "DELIVERED")},
		"note":                {delivered(eventv1.ReplyKind_REPLY_KIND_NOTE), entry("note", "projects/demo/conversations/c1", "DELIVERED")},
		"failed":              {failed, entry("message", "projects/demo/conversations/c1", "OUTCOME_UNKNOWN")},
		"of a former version": {old, entry("note", "projects/demo", "DELIVERED")},
		"waiting":             {&eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyWaiting{ReplyWaiting: &eventv1.ReplyWaiting{Origin: origin}}}, nil},
		"of a customer":       {&eventv1.TalkFact{Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{}}}, nil},
	} {
		if got := audit.OfReply(tt.fact); !proto.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestTheEntryOfAChangeSaysWhoAskedForItAndWhatBecameOfIt(t *testing.T) {
	origin := &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", Member: "U0DEMO1"}
	to := func(operator string) *eventv1.ChangeDone {
		change := &eventv1.AssigneeChange{}
		if operator != "" {
			change.Operator = &eventv1.Operator{Id: operator}
		}
		return &eventv1.ChangeDone{Conversation: "c1", Origin: origin, Operator: "op1", Change: &eventv1.ChangeDone_Assignee{Assignee: change}}
	}
	status := func(s eventv1.ChatStatus) *eventv1.ChangeDone {
		return &eventv1.ChangeDone{Conversation: "c1", Origin: origin, Operator: "op1", Change: &eventv1.ChangeDone_Status{Status: &eventv1.StatusChange{Status: s}}}
	}
	entry := func(id, action, result, assignee string) *eventv1.AuditEntry {
		return &eventv1.AuditEntry{Id: "change-" + id, Project: "demo", Time: timestamppb.New(begin), Actor: "U0DEMO1", Operator: "op1",
			Action: action, Resource: "projects/demo/conversations/c1", Result: result, Assignee: assignee}
	}
	for action, tt := range map[string]struct {
		done     *eventv1.ChangeDone
		assignee string
	}{
		"claim": {to("op1"), "op1"}, "assign": {to("op2"), "op2"}, "unassign": {to(""), ""}, "resolve": {status(eventv1.ChatStatus_CHAT_STATUS_CLOSED), ""},
		"reopen": {status(eventv1.ChatStatus_CHAT_STATUS_OPEN), ""}, "status": {status(eventv1.ChatStatus_CHAT_STATUS_WAITING), ""},
	} {
		fact := &eventv1.TalkFact{Id: "change-done-1", Project: "demo", OccurredAt: timestamppb.New(begin), Fact: &eventv1.TalkFact_ChangeDone{ChangeDone: tt.done}}
		if got := audit.OfChange(fact); !proto.Equal(got, entry("change-done-1", action, "DONE", tt.assignee)) {
			t.Errorf("%s: got %v", action, got)
		}
	}
	failed := &eventv1.TalkFact{Id: "change-failed-1", Project: "demo", OccurredAt: timestamppb.New(begin), Fact: &eventv1.TalkFact_ChangeFailed{ChangeFailed: &eventv1.ChangeFailed{
		Conversation: "c1", Origin: origin, Operator: "op1", Reason: eventv1.FailureReason_FAILURE_REASON_REJECTED, Detail: "what KARTE says",
		Change: &eventv1.ChangeFailed_Assignee{Assignee: &eventv1.AssigneeChange{Operator: &eventv1.Operator{Id: "op2"}}}}}}
	if got := audit.OfChange(failed); !proto.Equal(got, entry("change-failed-1", "assign", "REJECTED", "op2")) {
		t.Errorf("failed: got %v", got)
	}
	if got := audit.OfChange(&eventv1.TalkFact{Fact: &eventv1.TalkFact_Assigned{Assigned: &eventv1.Assigned{}}}); got != nil {
		t.Errorf("of an assignment in KARTE's console: got %v", got)
	}
}
