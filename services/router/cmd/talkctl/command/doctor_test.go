package command

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	"github.com/slacktalk/slacktalk/services/router/api"
)

func ill() []*adminv1.CheckResult {
	return []*adminv1.CheckResult{
		{Check: "slack-token", Title: "Slack's token", Verdict: adminv1.Verdict_VERDICT_OK, Found: "is of the app demo in T0DEMO1"},
		{Check: "clocks", Title: "The clocks", Verdict: adminv1.Verdict_VERDICT_WARNING, Found: "differ by 2s", Fix: "look at the machine's time service"},
		{Check: "slack-channel", Title: "The app in the channel", Verdict: adminv1.Verdict_VERDICT_FAILED, Found: "it is not in C0SUPPORT", Fix: "in Slack, write in the channel:\n/invite @demo"},
		{Check: "send-test", Title: "A message through everything", Verdict: adminv1.Verdict_VERDICT_SKIPPED},
	}
}

func TestTheDoctorSaysWhatIsWrong(t *testing.T) {
	f := &checks{results: ill()}
	c := at(t, router(t, api.Options{Diagnostics: f}))
	c.want(statusFailed, "doctor", "--send-test")
	c.golden("doctor")
	if c.err != "" || !f.sendTest {
		t.Errorf("besides, it says %q; sent a test: %t", c.err, f.sendTest)
	}
	c.want(statusFailed, "doctor", "-o", "json")
	var got []map[string]any
	if err := json.Unmarshal([]byte(c.out), &got); err != nil || len(got) != 4 || got[2]["verdict"] != "VERDICT_FAILED" || f.sendTest {
		t.Errorf("as JSON it is %v (%v)", got, err)
	}
	f.results = ill()[:2]
	c.want(statusOK, "doctor")
	c.want(statusFailed, "doctor", "--strict")
	f.results = nil
	c.want(statusFailed, "doctor")
	c.says("made none")
}

func TestTheDoctorShowsOnATerminalWhatItIsDoing(t *testing.T) {
	c := at(t, router(t, api.Options{Diagnostics: &checks{results: ill()}}))
	c.terminal = true
	c.want(statusFailed, "doctor")
	c.says("… The clocks (2 of 4)", "\r\x1b[K")
	if !strings.Contains(c.out, "\x1b[31m✗\x1b[0m") {
		t.Errorf("no colours:\n%q", c.out)
	}
	for variable, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		c.env[variable] = value
		c.want(statusFailed, "doctor")
		if strings.Contains(c.out, "\x1b") {
			t.Errorf("colours in spite of %s:\n%q", variable, c.out)
		}
		delete(c.env, variable)
	}
}

func TestTheDoctorNamesARouterThatCannotBeAsked(t *testing.T) {
	f := &checks{breaks: status.Error(codes.Internal, "broken")}
	c := at(t, router(t, api.Options{Diagnostics: f}))
	c.env["TALKCTL_TOKEN"] = "unknown"
	c.want(statusNotAllowed, "doctor")
	for _, want := range []string{"✗ The router's API: cannot be asked", "UNAUTHENTICATED", "fix: the token", "API_TOKENS_FILE", "1 failed"} {
		if !strings.Contains(c.out, want) {
			t.Errorf("%q is missing:\n%s", want, c.out)
		}
	}
	c.env["TALKCTL_TOKEN"], c.env["TALKCTL_ADDRESS"] = adminToken, "127.0.0.1:1"
	c.want(statusUnreachable, "doctor", "-o", "json")
	if !strings.Contains(c.out, `"check": "router"`) {
		t.Errorf("told is %s", c.out)
	}
}

func TestADoctorThatIsCutOffDoesNotSayThatAllIsWell(t *testing.T) {
	f := &checks{results: ill()[:1], breaks: status.Error(codes.Unavailable, "the router stops")}
	c := at(t, router(t, api.Options{Diagnostics: f}))
	c.want(statusUnreachable, "doctor")
	c.says("the router stops")
	if !strings.Contains(c.out, "✓ Slack's token") {
		t.Errorf("what was found is lost:\n%s", c.out)
	}
}
