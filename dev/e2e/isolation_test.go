package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// A channel that is throttled, that fails or that the app was taken out of delays no other one, nor the replies of anybody; and goes on in order.
func TestPromise3AChannelThatTakesNoPostsDelaysNoOther(t *testing.T) {
	const broken = "C0RETURNS"
	refuse := func(f slackstandin.Fault) func(system) {
		f.Method, f.Channel = "chat.postMessage", broken
		return func(s system) { s.Slack.AddFault(f) }
	}
	for name, c := range map[string]struct{ breaks, mends func(system) }{
		"throttled": {refuse(slackstandin.Fault{Kind: slackstandin.RateLimited, RetryAfter: 2}), func(s system) { s.Slack.ClearFaults() }},
		"failing":   {refuse(slackstandin.Fault{Kind: slackstandin.Status, Status: 503}), func(s system) { s.Slack.ClearFaults() }},
		"without the app": {
			func(s system) { s.ok(s.Slack.RemoveBot(broken)) }, func(s system) { s.ok(s.Slack.InviteBot(broken, stack.AdminID)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, stack.Options{Environ: []string{"SLACK_PACE=1ms", "PARTITIONS=1"}})
			s.Slack.AddChannel(slackstandin.Channel{ID: broken, Name: "returns"})
			s.ok(s.Slack.InviteBot(broken, stack.AdminID))
			s.set(&settingsv1.TeamSettings{RoutingRules: []*settingsv1.RoutingRule{{PageHost: "returns.example.com", Channel: broken}}}, "routing_rules")
			s.saysOn("https://returns.example.com/", "vis-1", "b-000.")
			s.saysOn("https://www.example.com/", "vis-2", "w-000.")
			inBroken, well := s.threadIn(broken, "b-000."), s.threadIn(stack.Channel, "w-000.")
			c.breaks(s)
			for i := 1; i < 4; i++ {
				s.says(kartestandin.Customer{VisitorID: "vis-1"}, fmt.Sprintf("b-%03d.", i))
				s.says(kartestandin.Customer{VisitorID: "vis-2"}, fmt.Sprintf("w-%03d.", i))
			}
			s.slack("everything in the other channel", func(*slackstandin.Snapshot) bool { return len(s.order(well, numbered("w", 4))) == 4 })
			s.marked(s.replies(stack.Hanako, well, "```a```"), "white_check_mark")
			if got := s.orderIn(broken, inBroken, numbered("b", 4)); len(got) != 1 {
				t.Errorf("in the broken channel already: %v", got)
			}
			c.mends(s)
			s.slack("everything in the broken channel", func(*slackstandin.Snapshot) bool { return len(s.orderIn(broken, inBroken, numbered("b", 4))) >= 4 })
			for channel, want := range map[string][]string{broken: numbered("b", 4), stack.Channel: numbered("w", 4)} {
				if got := s.orderIn(channel, s.threadIn(channel, want[0]), want); !slices.Equal(got, want) {
					t.Errorf("%s has %v", channel, got)
				}
			}
		})
	}
}

// orderIn is order in another channel.
func (s system) orderIn(channel, thread string, wanted []string) []string {
	var all string
	for _, m := range s.Slack.Thread(channel, thread) {
		all += m.Text + "\n"
	}
	return appearing(all, wanted)
}

func (s system) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
