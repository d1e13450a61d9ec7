package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/stack"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

func TestAVisitorWhoLogsInKeepsTheThread(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.says(kartestandin.Customer{UserID: "member 42@example.com", VisitorID: "vis-1"}, "q-001.")
	s.slack("the first two", func(*slackstandin.Snapshot) bool { return len(s.order(thread, numbered("q", 2))) == 2 })
	s.says(kartestandin.Customer{UserID: "member 42@example.com", VisitorID: "vis-2"}, "q-002.") // on another device
	s.slack("one thread", func(*slackstandin.Snapshot) bool {
		return slices.Equal(s.order(thread, numbered("q", 3)), numbered("q", 3))
	})
	s.marked(s.replies(stack.Hanako, thread, "```a```"), "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("member 42@example.com"), kartestandin.KindMessage); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("got %q", got)
	}
}

func TestTwoFirstMessagesAtTheSameMomentMakeOneThread(t *testing.T) {
	s := start(t, stack.Options{})
	var together sync.WaitGroup
	for i := range 2 {
		together.Go(func() {
			s.says(kartestandin.Customer{UserID: "member-1", VisitorID: fmt.Sprintf("vis-%d", i)}, fmt.Sprintf("q-%03d.", i))
		})
	}
	together.Wait()
	thread := s.head("q-000.")
	s.slack("both in one thread", func(*slackstandin.Snapshot) bool { return len(s.order(thread, numbered("q", 2))) == 2 })
	if heads := s.heads(); len(heads) != 1 {
		t.Fatalf("%d threads:\n%s", len(heads), s.dump())
	}
}

func TestADeletedHeadOpensANewThreadAndLeavesNoStrayLine(t *testing.T) {
	s := start(t, stack.Options{})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	first := s.head("q-000.")
	if err := s.Slack.Delete(stack.Channel, first, slackstandin.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.says(c, "q-001.")
	second := s.head("以前のスレッド")
	s.says(c, "q-002.")
	s.slack("both in the new thread", func(*slackstandin.Snapshot) bool {
		return slices.Equal(s.order(second, numbered("q", 3)), []string{"q-001.", "q-002."})
	})
	if heads := s.heads(); len(heads) != 1 || heads[0] != second {
		t.Fatalf("heads %v, want only %s:\n%s", heads, second, s.dump())
	}
	s.marked(s.replies(stack.Hanako, second, "```a```"), "white_check_mark")
}

// A post to the thread of a deleted head goes to the channel; where its answer is lost as well, it is in no thread that could be looked at.
func TestALostAnswerAfterADeletedHeadLeavesNoStrayLine(t *testing.T) {
	s := start(t, stack.Options{})
	c := kartestandin.Customer{UserID: "member-1"}
	s.says(c, "q-000.")
	first := s.head("q-000.")
	s.marked(s.replies(stack.Hanako, first, "```a```"), "white_check_mark")
	if err := s.Slack.Delete(stack.Channel, first, slackstandin.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenStatus, Count: 1})
	s.says(c, "q-001.")
	second := s.head("以前のスレッド")
	s.slack("the message in the new thread, once", func(*slackstandin.Snapshot) bool {
		return slices.Equal(s.order(second, numbered("q", 2)), []string{"q-001."})
	})
	if heads := s.heads(); len(heads) != 1 || heads[0] != second {
		t.Errorf("heads %v, want only %s:\n%s", heads, second, s.dump())
	}
}

// Slack keeps the replies of a deleted head under a tombstone of Slackbot's, and people may go on there.
func TestAReplyInTheThreadOfADeletedHeadReachesTheCustomer(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{UserID: "member-1"}, "first words")
	thread := s.head("first words")
	s.marked(s.replies(stack.Hanako, thread, "```before```"), "white_check_mark")
	if err := s.Slack.Delete(stack.Channel, thread, slackstandin.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.marked(s.replies(stack.Hanako, thread, "```after```"), "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("member-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"before", "after"}) {
		t.Errorf("the customer got %q", got)
	}
}

func TestALaneParksAndGoesOnWhenTheBotIsInvited(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	if err := s.Slack.RemoveBot(stack.Channel); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 4; i++ {
		s.says(kartestandin.Customer{VisitorID: "vis-1"}, fmt.Sprintf("q-%03d.", i))
	}
	direct := func(now *slackstandin.Snapshot) (n int) {
		for _, view := range now.Channels {
			for _, m := range view.Messages {
				if view.Channel.DM && strings.Contains(m.Text, stack.Channel) {
					n++
				}
			}
		}
		return n
	}
	s.slack("an admin is told", func(now *slackstandin.Snapshot) bool { return direct(now) > 0 })
	began := time.Now()
	if err := s.Slack.InviteBot(stack.Channel, stack.AdminID); err != nil {
		t.Fatal(err)
	}
	s.slack("everything flows on", func(*slackstandin.Snapshot) bool {
		return slices.Equal(s.order(thread, numbered("q", 4)), numbered("q", 4))
	})
	t.Logf("flowing again %v after the invitation", time.Since(began).Round(time.Millisecond))
	if n := direct(s.Slack.Snapshot()); n != 1 {
		t.Errorf("the admin was told %d times", n)
	}
}

func TestRedisIsOnlyAnIndex(t *testing.T) {
	s := start(t, stack.Options{RedisURL: ""})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	thread := s.head("q-000.")
	s.flushRedis()
	// What comes while the settings are gone waits for them.
	s.says(c, "q-001.")
	ts := s.replies(stack.Hanako, thread, "```a```")
	if err := s.Configure(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.marked(ts, "white_check_mark")
	s.slack("the same thread", func(*slackstandin.Snapshot) bool {
		return slices.Equal(s.order(thread, numbered("q", 2)), numbered("q", 2))
	})
	if heads := s.heads(); len(heads) != 1 {
		t.Fatalf("%d threads:\n%s", len(heads), s.dump())
	}
}

func TestWhatIsWrittenInTheConsoleAppearsAndWhatTheBridgeSentDoesNot(t *testing.T) {
	s := start(t, stack.Options{KARTE: func(c *kartestandin.Config) { c.Knobs.EchoAPI = true }})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	thread := s.head("q-000.")
	s.marked(s.replies(stack.Hanako, thread, "```own-words.```"), "white_check_mark")
	if _, err := s.KARTE.OperatorWrites(t.Context(), c, stack.Ichiro, "console-words.", kartestandin.Write{Wait: true}); err != nil {
		t.Fatal(err)
	}
	s.slack("the console's words under the operator's name", func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Thread(thread) {
			if strings.Contains(m.Text, "console-words.") && strings.Contains(m.Text, "田中 一郎") {
				return true
			}
		}
		return false
	})
	for _, m := range s.Slack.Thread(stack.Channel, thread) {
		if m.User == "U0BOT" && strings.Contains(m.Text, "own-words.") {
			t.Fatalf("echoed: %q", m.Text)
		}
	}
}

func TestABacklogGoesOutInFewPosts(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=100ms"}})
	const customers, each = 5, 20
	if err := s.StopService(stack.SlackGateway); err != nil {
		t.Fatal(err)
	}
	for i := range each {
		for n := range customers {
			s.says(kartestandin.Customer{VisitorID: fmt.Sprintf("vis-%d", n)}, fmt.Sprintf("c%d-%03d.", n, i))
		}
	}
	s.posts(customers * each)
	if err := s.StartService(stack.SlackGateway); err != nil {
		t.Fatal(err)
	}
	for n := range customers {
		want := numbered(fmt.Sprintf("c%d", n), each)
		thread := s.head(want[0])
		s.slack("all of one customer", func(*slackstandin.Snapshot) bool { return slices.Equal(s.order(thread, want), want) })
	}
	if posts := s.Slack.Calls("chat.postMessage"); posts > 3*customers {
		t.Errorf("%d posts for %d messages of %d customers", posts, customers*each, customers)
	}
}

func TestAWorkspaceThatTheAppIsNotInIsNotPostedTo(t *testing.T) {
	s := start(t, stack.Options{})
	name := "projects/" + stack.Project + "/teamSettings"
	set := func(workspace string) {
		_, err := s.Settings.UpdateTeamSettings(stack.Admin(t.Context()), &settingsv1.UpdateTeamSettingsRequest{
			TeamSettings: &settingsv1.TeamSettings{Name: name, Workspace: workspace}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"workspace"}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set("T0WRONG")
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	s.stored("post.T0WRONG.>")
	set(stack.Team)
	s.says(kartestandin.Customer{VisitorID: "vis-2"}, "q-001.")
	s.head("q-001.")
	for _, m := range s.Slack.Messages(stack.Channel) {
		if strings.Contains(m.Text, "q-000.") {
			t.Fatalf("posted although the workspace is another one:\n%s", s.dump())
		}
	}
}
