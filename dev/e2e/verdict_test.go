package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// Slack has not delivered a reply, which is acted on with the next one: its author is told that it was refused. The next one has to wait, and the other's own
// turn comes behind it.
func TestAReplyThatWasRefusedWithTheNextOneStaysRefused(t *testing.T) {
	s := start(t, stack.Options{})
	customer := kartestandin.Customer{UserID: "member-1"}
	s.says(customer, "first words")
	thread := s.head("first words")
	s.replies(stack.Taro, thread, "```not linked```")
	s.refused(stack.Taro, 1)
	s.Slack.AddEventFault(slackstandin.EventFault{Kind: slackstandin.Drop, Type: "message", Count: 1})
	s.replies(stack.Taro, thread, "```refused```")
	s.Slack.AddFault(slackstandin.Fault{Method: "users.info", Kind: slackstandin.RateLimited, RetryAfter: 3, Count: 1})
	next := s.replies(stack.Hanako, thread, "```the next```")
	s.refused(stack.Taro, 2)
	_, err := s.Settings.SetOperatorLink(stack.Admin(t.Context()), &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{
		Name: "projects/" + stack.Project + "/operators/" + stack.Ichiro, SlackMember: stack.Taro,
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.marked(next, "white_check_mark")
	s.marked(s.replies(stack.Taro, thread, "```linked now```"), "white_check_mark")
	if got := fromAPI(s.KARTE.Messages(customer.UserID), kartestandin.KindMessage); !slices.Equal(got, []string{"the next", "linked now"}) {
		t.Errorf("the customer got %q", got)
	}
}

// refused waits until a member was told n times that nothing was sent because they are not linked.
func (s system) refused(member string, n int) {
	s.t.Helper()
	s.slack("refusals", func(now *slackstandin.Snapshot) bool {
		told := 0
		for _, e := range now.Ephemerals {
			if e.User == member && strings.Contains(e.Text, "U0TARO") {
				told++
			}
		}
		return told >= n
	})
}
