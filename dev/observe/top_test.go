package observe

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/command"
)

// talkctl top shows of running services what arrived, what waits and where.
func TestTopShowsTheWholeSystem(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=10ms"}})
	says(t, s, "vis-1", "first words of somebody")
	replies(t, s, thread(t, s, "first words of somebody"), "an answer to that", "white_check_mark")
	var addresses []string
	for _, service := range services {
		addresses = append(addresses, s.AdminURL(service)+"/metrics")
	}
	var out, problems bytes.Buffer
	status := command.Run(t.Context(), []string{"top", "--once", "--metrics", strings.Join(addresses, ",")}, command.Host{
		In: strings.NewReader(""), Out: &out, Err: &problems, Getenv: func(string) string { return "" }, Location: time.UTC,
	})
	if status != 0 {
		t.Fatalf("status %d: %s", status, problems.String())
	}
	t.Log(out.String())
	for _, wanted := range []string{"to_slack", "to_karte", "≤ ", "TALK", "POSTS", "HELD", "DEAD", stack.Channel, "post"} {
		if !strings.Contains(out.String(), wanted) {
			t.Errorf("nothing of %s in\n%s", wanted, out.String())
		}
	}
}
