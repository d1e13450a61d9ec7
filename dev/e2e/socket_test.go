package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

func startSockets(t *testing.T) installable {
	t.Helper()
	// A reply that comes late is not overtaken as long as threads are looked into: here for each of them.
	s := startInstallable(t, func(p *slackstandin.Platform) { p.UseSockets("xapp-demo") }, "SLACK_THREAD_CHECKS_PER_MINUTE=6000")
	s.install(stack.Team)
	return s
}

func TestAConversationGoesBothWaysInSocketMode(t *testing.T) {
	s := startSockets(t)
	ann := kartestandin.Customer{VisitorID: "vis-0001-ann"}
	s.says(ann, "hello over a socket")
	thread := s.shows(s.Slack, stack.Channel, "hello over a socket")
	s.answers(s.Slack, stack.Channel, thread, "and back", ann)
	// An event that nobody knows yet is acknowledged: Slack would send it again and again.
	if err := s.Slack.EmitEvent(stack.Channel, map[string]any{"type": "something_new_in_slack", "deep": []any{1}}); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, within, "the unknown event is acknowledged", func() bool {
		for _, d := range s.Slack.Deliveries() {
			if d.Type == "something_new_in_slack" {
				return d.Accepted && d.Attempts == 1
			}
		}
		return false
	})
	answer, err := s.Slack.Command(t.Context(), stack.Hanako, stack.Channel, "/karte-talk", "help")
	if err != nil || answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), "text") {
		t.Errorf("the command was answered with %d %s: %v", answer.Status, answer.Body, err)
	}
	// Nobody can come in by the request URL: there is no secret to check.
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.GatewayURL+"/slack/events", strings.NewReader(`{"type":"url_verification","challenge":"x"}`))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unsigned request is answered with %d", response.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

// Sockets break, and are replaced, while operators write: each reply reaches the customer once and in order.
func TestPromise1NothingIsLostWhenSocketsBreak(t *testing.T) {
	s := startSockets(t)
	ann := kartestandin.Customer{VisitorID: "vis-0001-ann"}
	s.says(ann, "hello")
	thread := s.shows(s.Slack, stack.Channel, "hello")
	const n = 24
	for i := range n {
		if _, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, fmt.Sprintf("```r-%03d.```", i), slackstandin.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		switch i % 8 {
		case 3:
			s.platform.CutSockets()
		case 6:
			s.platform.RefreshSockets()
		}
		if i%4 == 0 { // so that they break in the middle of it, and not before all of it
			eventually.Holds(t, within, "replies go on", func() bool { return len(fromAPI(s.KARTE.Messages(ann.VisitorID), kartestandin.KindMessage)) > i/2 })
		}
	}
	s.karte("all replies once and in order", ann.VisitorID, func(messages []kartestandin.Message) bool {
		seen := appearing(strings.Join(fromAPI(messages, kartestandin.KindMessage), "\n"), numbered("r", n))
		return len(seen) >= n
	})
	got := appearing(strings.Join(fromAPI(s.KARTE.Messages(ann.VisitorID), kartestandin.KindMessage), "\n"), numbered("r", n))
	if strings.Join(got, "") != strings.Join(numbered("r", n), "") {
		t.Errorf("came as %v", got)
	}
	eventually.Holds(t, within, "sockets are open again", func() bool { return s.platform.Sockets() > 0 })
}
