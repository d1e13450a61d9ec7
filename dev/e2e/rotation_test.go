package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// Every secret of both edges is replaced while the services run, here and on the other side at once.
func TestSecretsAreReplacedWithoutARestart(t *testing.T) {
	files := t.TempDir()
	s := start(t, stack.Options{Secrets: files})
	s.says(kartestandin.Customer{UserID: "member-1"}, "before")
	thread := s.head("before")
	s.marked(s.replies(stack.Hanako, thread, "```one```"), "white_check_mark")
	for name, value := range map[string]string{
		"KARTE_API_TOKEN": "demo-api-token-2", "KARTE_CLIENT_SECRET": "demo-client-secret-2", "SLACK_BOT_TOKEN": "xoxb-demo-2", "SLACK_SIGNING_SECRET": "demo-signing-secret-2",
	} {
		if err := os.WriteFile(filepath.Join(files, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.KARTE.SetCredentials("demo-client-secret-2", "demo-api-token-2")
	s.Slack.SetCredentials("xoxb-demo-2", "demo-signing-secret-2")
	s.says(kartestandin.Customer{UserID: "member-1"}, "afterwards")
	if again := s.head("afterwards"); again != thread {
		t.Errorf("in the thread %s, not in %s", again, thread)
	}
	s.marked(s.replies(stack.Hanako, thread, "```two```"), "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("member-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the customer got %q", got)
	}
}
