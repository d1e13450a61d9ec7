package e2e

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// conversations is a client of the stack's ConversationService.
func (s system) conversations() adminv1.ConversationServiceClient {
	s.t.Helper()
	conn, err := grpc.NewClient(s.RouterAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return adminv1.NewConversationServiceClient(conn)
}

// conversation waits until the one of a customer is as it should be.
func (s system) conversation(client adminv1.ConversationServiceClient, customer string, holds func(*adminv1.Conversation) bool) (found *adminv1.Conversation) {
	s.t.Helper()
	ctx := stack.Admin(s.t.Context())
	eventually.Holds(s.t, within, "the conversation of "+customer+" as it should be", func() bool {
		page, err := client.ListConversations(ctx, &adminv1.ListConversationsRequest{Parent: "projects/" + stack.Project, Filter: `customer = "` + customer + `"`})
		if err != nil {
			s.t.Fatal(err)
		}
		if all := page.GetConversations(); len(all) == 1 && holds(all[0]) {
			found = all[0]
		}
		return found != nil
	})
	return found
}

func TestConversationsAreListedWithWhoHasToAct(t *testing.T) {
	s := start(t, stack.Options{})
	client := s.conversations()
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	s.says(kartestandin.Customer{UserID: "member-2", VisitorID: "vis-2"}, "q-001.")
	thread := s.head("q-000.")
	is := func(state adminv1.ConversationState) func(*adminv1.Conversation) bool {
		return func(c *adminv1.Conversation) bool { return c.GetState() == state }
	}
	c := s.conversation(client, "vis-1", is(adminv1.ConversationState_CONVERSATION_STATE_WAITING))
	if c.GetThreadTs() != thread || c.GetChannel() != stack.Channel || c.GetWorkspace() != stack.Team || c.GetLastCustomerMessageTime() == nil {
		t.Errorf("got %v", c)
	}
	s.marked(s.replies(stack.Hanako, thread, "```a```"), "white_check_mark")
	s.conversation(client, "vis-1", is(adminv1.ConversationState_CONVERSATION_STATE_ANSWERED))
	s.conversation(client, "vis-2", is(adminv1.ConversationState_CONVERSATION_STATE_WAITING))
	s.flushRedis()
	if err := s.Configure(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.conversation(client, "vis-1", is(adminv1.ConversationState_CONVERSATION_STATE_ANSWERED))
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-002.")
	s.conversation(client, "vis-1", is(adminv1.ConversationState_CONVERSATION_STATE_WAITING))
	got, err := client.GetConversation(stack.Admin(t.Context()), &adminv1.GetConversationRequest{Name: c.GetName()})
	if err != nil || got.GetConversation().GetThreadTs() != thread {
		t.Errorf("got %v, %v", got, err)
	}
}
