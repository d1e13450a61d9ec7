package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/natstest"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// linesOf answers the lines of a thread that hold some text.
func linesOf(now *slackstandin.Snapshot, thread, text string) (found []*slackstandin.Message) {
	for _, m := range now.Channels[stack.Channel].Messages {
		if m.ThreadTS == thread && strings.Contains(m.Text, text) {
			found = append(found, m)
		}
	}
	return found
}

// dueTimer waits until a timer is due that nobody has looked at.
func (s system) dueTimer() {
	s.t.Helper()
	js := natstest.JetStream(s.t, s.NATSURL)
	eventually.Holds(s.t, within, "a timer is due", func() bool {
		stream, err := js.Stream(s.t.Context(), "TIMERS")
		if err != nil {
			return false
		}
		info, err := stream.Info(s.t.Context(), jetstream.WithSubjectFilter("due.>"))
		return err == nil && len(info.State.Subjects) > 0
	})
}

const (
	reminded  = "から待っています。"
	escalated = "手の空いている方は、対応をお願いします。"
)

// Whoever waits is spoken of in their thread, first to those who are there and then to others; whoever was answered is not, and no customer is ever written to.
func TestACustomerWhoIsNotAnsweredIsNotForgotten(t *testing.T) {
	s := start(t, stack.Options{})
	s.set(&settingsv1.TeamSettings{Unanswered: &settingsv1.UnansweredPolicy{
		RemindAfter: durationpb.New(2 * time.Second), EscalateAfter: durationpb.New(10 * time.Second), EscalationTargets: []string{stack.Hanako},
	}}, "unanswered")
	s.says(kartestandin.Customer{VisitorID: "vis-waits"}, "waits-000.")
	s.says(kartestandin.Customer{VisitorID: "vis-answered"}, "answered-000.")
	waits, answered := s.head("waits-000."), s.head("answered-000.")
	s.marked(s.replies(stack.Hanako, answered, "```はい```"), "white_check_mark")
	// A busy machine may have taken longer for that than until the first reminder, which then stands in the thread before what is decided now.
	if _, err := s.KARTE.Assign(t.Context(), kartestandin.Customer{VisitorID: "vis-answered"}, stack.Ichiro, kartestandin.Write{Wait: true}); err != nil {
		t.Fatal(err)
	}
	early := 0
	s.slack("the assignment", func(now *slackstandin.Snapshot) bool {
		early = len(linesOf(now, answered, reminded))
		return len(linesOf(now, answered, "田中 一郎")) > 0
	})

	s.slack("a reminder", func(now *slackstandin.Snapshot) bool { return len(linesOf(now, waits, reminded)) > 0 })
	// What becomes due while nobody serves it comes all the same.
	if err := s.StopService(stack.Router); err != nil {
		t.Fatal(err)
	}
	s.dueTimer()
	if err := s.StartService(stack.Router); err != nil {
		t.Fatal(err)
	}
	s.slack("an escalation", func(now *slackstandin.Snapshot) bool { return len(linesOf(now, waits, escalated)) > 0 })
	s.says(kartestandin.Customer{VisitorID: "vis-waits"}, "waits-001.") // which has its turn after whatever else there might be to say
	s.slack("the next line", func(now *slackstandin.Snapshot) bool { return len(linesOf(now, waits, "waits-001.")) == 1 })
	s.slack("everything once", func(now *slackstandin.Snapshot) bool {
		all := linesOf(now, waits, reminded)
		if len(all) != 2 || !strings.Contains(all[1].Text, "<@"+stack.Hanako+">") {
			t.Errorf("said %v", all)
		}
		if n := len(linesOf(now, answered, reminded)) - early; n > 0 {
			t.Errorf("%d lines about somebody who was answered", n)
		}
		return true
	})
	if sent := fromAPI(s.KARTE.Messages("vis-waits"), kartestandin.KindMessage); len(sent) > 0 {
		t.Errorf("sent to a customer by itself: %q", sent)
	}
}

func TestAMentionMayBeADirectMessage(t *testing.T) {
	s := start(t, stack.Options{})
	s.set(&settingsv1.TeamSettings{
		MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_TARGETS, MentionTargets: []string{stack.Hanako}, MentionDirectly: true,
	}, "mention_policy", "mention_targets", "mention_directly")
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "secret-000.")
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "secret-001.")
	thread := s.head("secret-001.")
	var direct []*slackstandin.Message
	s.slack("a direct message", func(now *slackstandin.Snapshot) bool {
		direct = nil
		for id, c := range now.Channels {
			if strings.HasPrefix(id, "D") {
				direct = append(direct, c.Messages...)
			}
		}
		return len(direct) > 0
	})
	if len(direct) != 1 || strings.Contains(direct[0].Text, "secret") || !strings.Contains(direct[0].Text, "/archives/"+stack.Channel+"/p") {
		t.Errorf("told directly: %v", direct)
	}
	for _, m := range s.Slack.Messages(stack.Channel) {
		if strings.Contains(m.Text, "<@") || strings.Contains(m.Text, "<!") {
			t.Errorf("mentioned in thread %s: %q", thread, m.Text)
		}
	}
}
