package observe

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/command"
)

// talkctl answers what talkctl prints.
func talkctl(t *testing.T, s *stack.Stack, args ...string) string {
	t.Helper()
	variables := map[string]string{"TALKCTL_ADDRESS": s.RouterAddr, "TALKCTL_TOKEN": stack.AdminToken, "TALKCTL_PROJECT": stack.Project, "TALKCTL_CONFIG": t.TempDir() + "/none.yaml"}
	var out, problems bytes.Buffer
	status := command.Run(t.Context(), args, command.Host{
		In: strings.NewReader(""), Out: &out, Err: &problems, Getenv: func(name string) string { return variables[name] }, Location: time.UTC,
	})
	if status != 0 {
		t.Fatalf("talkctl %v: status %d: %s", args, status, problems.String())
	}
	return out.String()
}

// follow waits until the trace of a message says all of words, and answers it.
func follow(t *testing.T, s *stack.Stack, message string, words ...string) (trace string) {
	t.Helper()
	var list []struct{ Name string }
	if err := json.Unmarshal([]byte(talkctl(t, s, "conversations", "list", "-o", "json")), &list); err != nil || len(list) != 1 {
		t.Fatalf("conversations: %v, %v", list, err)
	}
	defer func() { t.Log("\n" + trace) }()
	eventually.Holds(t, within, "the trace of "+message+" tells "+strings.Join(words, ", "), func() bool {
		trace = talkctl(t, s, "conversations", "trace", list[0].Name, "--message", message)
		for _, word := range words {
			if !regexp.MustCompile(word).MatchString(trace) {
				return false
			}
		}
		return true
	})
	return trace
}

// The trace of a message tells of every attempt that was made for it, with times, in both directions, without any tracing backend.
func TestATraceTellsWhatItTook(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=10ms"}})

	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 1, Count: 1})
	says(t, s, "vis-1", "first words of somebody")
	at := thread(t, s, "first words of somebody")
	trace := follow(t, s, at, `tried .* Slack +429, too many calls: asked to wait 1s`, `posted .*waited 1s after 429, at the 2nd attempt`)
	if strings.Contains(trace, "first words") {
		t.Errorf("a text in\n%s", trace)
	}

	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenStatus, Status: http.StatusInternalServerError, Count: 1})
	says(t, s, "vis-1", "words whose answer is lost")
	lost := line(t, s, "words whose answer is lost")
	follow(t, s, lost, `tried .* Slack +no answer, it may have had its effect`, `looked .* Slack +the attempt had had its effect`, `posted .*found after the 1st attempt`)

	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusTooManyRequests, RetryAfter: 1, Count: 2})
	late := replies(t, s, at, "an answer that has to wait", "white_check_mark")
	follow(t, s, late, `(?s)tried .* KARTE +429, too many calls: asked to wait 1s.*waiting .*tried .* KARTE +429`, `delivered .*message.*waited 2s after 429, at the 3rd attempt`)

	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusServiceUnavailable, Count: 1})
	refused := replies(t, s, at, "an answer that is refused at first", "white_check_mark")
	follow(t, s, refused, `delivered .*message, .*at the 2nd attempt`)
}

// line waits for a line with text and answers its ts.
func line(t *testing.T, s *stack.Stack, text string) (ts string) {
	t.Helper()
	slack(t, s, "a line with "+text, func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Messages {
			if strings.Contains(m.Text, text) {
				ts = m.TS
			}
		}
		return ts != ""
	})
	return ts
}
