package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// traced waits until the trace of a conversation is as it should be.
func (s system) traced(client adminv1.ConversationServiceClient, r *adminv1.TraceConversationRequest, holds func([]*adminv1.MessageTrace) bool) (trace []*adminv1.MessageTrace) {
	s.t.Helper()
	ctx := stack.Admin(s.t.Context())
	eventually.Holds(s.t, within, "the trace as it should be", func() bool {
		page, err := client.TraceConversation(ctx, r)
		if err != nil {
			s.t.Fatal(err)
		}
		trace = page.GetMessages()
		return holds(trace)
	})
	return trace
}

func steps(m *adminv1.MessageTrace) (steps []string) {
	for _, hop := range m.GetHops() {
		steps = append(steps, hop.GetStep())
	}
	return steps
}

func TestAMessageIsFollowedFromHopToHop(t *testing.T) {
	s := start(t, stack.Options{})
	client := s.conversations()
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	s.says(kartestandin.Customer{VisitorID: "vis-2"}, "q-001.")
	thread := s.head("q-000.")
	sent := s.replies(stack.Hanako, thread, "```a-words.```")
	s.marked(sent, "white_check_mark")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusBadRequest, Count: 1})
	refused := s.replies(stack.Hanako, thread, "```b-words.```")
	s.marked(refused, "warning")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusServiceUnavailable})
	waits := s.replies(stack.Hanako, thread, "```c-words.```")
	s.marked(waits, "hourglass_flowing_sand")

	c := s.conversation(client, "vis-1", func(c *adminv1.Conversation) bool { return c.GetThreadTs() != "" })
	r := &adminv1.TraceConversationRequest{Name: c.GetName()}
	begin := []string{"sent", "received", "stored", "decided"}
	want := [][]string{
		slices.Concat(begin, []string{"held", "tried", "waiting", "marked"}),
		slices.Concat(begin, []string{"given-up", "failed", "marked"}),
		slices.Concat(begin, []string{"delivered", "marked"}),
		slices.Concat(begin, []string{"posted"}),
	}
	all := s.traced(client, r, func(all []*adminv1.MessageTrace) bool {
		return slices.EqualFunc(all, want, func(m *adminv1.MessageTrace, want []string) bool { return slices.Equal(steps(m), want) })
	})
	for _, m := range all {
		for _, hop := range m.GetHops() {
			if hop.GetTime() == nil || hop.GetPlace() == "" {
				t.Errorf("%s: %v", m.GetKind(), hop)
			}
			if text := hop.String(); strings.Contains(text, "words") || strings.Contains(text, "q-00") {
				t.Errorf("a text in %v", hop)
			}
		}
	}
	for message, want := range map[string]int{sent: 2, waits: 0, all[3].GetId(): 3, thread: 3} {
		r := &adminv1.TraceConversationRequest{Name: c.GetName(), Message: message}
		one := s.traced(client, r, func(found []*adminv1.MessageTrace) bool { return len(found) == 1 })
		if one[0].GetId() != all[want].GetId() {
			t.Errorf("%s: got %v, want %v", message, one[0], all[want])
		}
	}
	// Page by page.
	var ids []string
	for r = (&adminv1.TraceConversationRequest{Name: c.GetName(), PageSize: 3}); ; {
		page, err := client.TraceConversation(stack.Admin(t.Context()), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.GetMessages() {
			ids = append(ids, m.GetId())
		}
		if r.PageToken = page.GetNextPageToken(); r.PageToken == "" {
			break
		}
	}
	if len(ids) != 4 || ids[3] != all[3].GetId() {
		t.Errorf("pages tell %v", ids)
	}
}

// A reply of which nothing goes to the customer has come to its end, too.
func TestTheTraceOfARefusedReplyTellsSo(t *testing.T) {
	s := start(t, stack.Options{})
	client := s.conversations()
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "hello")
	thread := s.head("hello")
	ts := s.replies(stack.Taro, thread, "```not linked```")
	c := s.conversation(client, "vis-1", func(c *adminv1.Conversation) bool { return c.GetThreadTs() != "" })
	r := &adminv1.TraceConversationRequest{Name: c.GetName(), Message: ts}
	s.traced(client, r, func(found []*adminv1.MessageTrace) bool {
		return len(found) == 1 && slices.Equal(steps(found[0]), []string{"sent", "received", "stored", "refused"})
	})
}
