package e2e

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

func TestAProjectParksAndGoesOnWhenKARTETakesTheTokenAgain(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{UserID: "member-1"}, "first words")
	thread := s.head("first words")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusUnauthorized})
	first := s.replies(stack.Hanako, thread, "```one```")
	second := s.replies(stack.Hanako, thread, "```two```")
	s.marked(first, "hourglass_flowing_sand")
	s.slack("an admin is told", func(now *slackstandin.Snapshot) bool { return direct(now) == 1 })
	s.metric(stack.IngestKARTE, `slacktalk_project_parked{project="demo-project"} 1`)
	began := time.Now()
	s.KARTE.ClearFaults()
	s.marked(first, "white_check_mark")
	s.marked(second, "white_check_mark")
	t.Logf("flowing again %v after the token was taken", time.Since(began).Round(time.Millisecond))
	s.metric(stack.IngestKARTE, `slacktalk_project_parked{project="demo-project"} 0`)
	if got := fromAPI(s.KARTE.Messages("member-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the customer got %q", got)
	}
	if n := direct(s.Slack.Snapshot()); n != 1 {
		t.Errorf("the admin was told %d times", n)
	}
}

// direct counts the app's direct messages.
func direct(now *slackstandin.Snapshot) (n int) {
	for _, view := range now.Channels {
		for _, m := range view.Messages {
			if view.Channel.DM && m.BotID != "" {
				n++
			}
		}
	}
	return n
}

// metric waits until a service serves a line of metrics.
func (s system) metric(service, line string) {
	s.t.Helper()
	s.metrics(service, line, func(l string) bool { return l == line })
}

// counted waits until a service has counted something under a label.
func (s system) counted(service, name, label string) {
	s.t.Helper()
	s.metrics(service, name+" with "+label, func(l string) bool {
		return strings.HasPrefix(l, name+"{") && strings.Contains(l, label) && !strings.HasSuffix(l, " 0")
	})
}

func (s system) metrics(service, what string, wanted func(line string) bool) {
	s.t.Helper()
	eventually.Holds(s.t, within, service+" serves "+what, func() bool {
		answer, err := http.Get(s.AdminURL(service) + "/metrics")
		if err != nil {
			s.t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		return slices.ContainsFunc(strings.Split(string(body), "\n"), wanted)
	})
}
