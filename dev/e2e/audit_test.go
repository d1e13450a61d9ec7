package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// entries answers the audit entries of the demo project that a filter lets through, the latest first, each in one line.
func (s system) entries(filter string) []string {
	s.t.Helper()
	conn, err := grpc.NewClient(s.RouterAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	answer, err := adminv1.NewAuditServiceClient(conn).ListAuditEntries(stack.Admin(ctx), &adminv1.ListAuditEntriesRequest{
		Parent: "projects/" + stack.Project, Filter: filter,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, e := range answer.GetAuditEntries() {
		if e.GetTime().AsTime().Before(time.Now().Add(-time.Hour)) {
			s.t.Errorf("the time of %v is wrong", e)
		}
		lines = append(lines, strings.Join([]string{e.GetActor(), e.GetAction(), e.GetResource(), e.GetResult(), e.GetOperator()}, " "))
	}
	return lines
}

func TestTheAuditSaysWhoSentWhatAndWhoChangedWhat(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.marked(s.replies(stack.Hanako, thread, "```for the customer```"), "white_check_mark")
	s.marked(s.replies(stack.Hanako, thread, "for ourselves"), "memo")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 400, Count: 1})
	s.marked(s.replies(stack.Hanako, thread, "```refused```"), "warning")

	replies := s.entries(`operator = "` + stack.Operator + `"`)
	conversation := regexp.MustCompile(`conversations/[a-z2-7]{16} `)
	for i, want := range []string{"message %s REJECTED", "note %s DELIVERED", "message %s DELIVERED"} {
		if len(replies) != 3 || !conversation.MatchString(replies[i]) {
			t.Fatalf("the entries are %q", replies)
		}
		want = stack.Hanako + " " + fmt.Sprintf(want, "projects/"+stack.Project+"/conversations/C") + " " + stack.Operator
		if got := conversation.ReplaceAllString(replies[i], "conversations/C "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	changes := s.entries(`operator = "" AND result = OK`)
	for i, want := range []string{"demo UpdateTeamSettings projects/" + stack.Project + "/teamSettings OK ", "demo SetOperatorLink projects/" + stack.Project + "/operators/" + stack.Operator + " OK "} {
		if len(changes) != 2 || changes[i] != want {
			t.Fatalf("the changes are %q", changes)
		}
	}
}
