package observe

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/scrape"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	alerts   = "../../deploy/alerts/slacktalk.yaml"
	runbooks = "../../docs/runbooks"
)

// prometheus is a real one that scrapes a stack.
type prometheus struct{ *scrape.Prometheus }

// scraped starts Prometheus, with the alerts in a hurry: their times are divided by a hundred, so that seconds make up for minutes.
func scraped(t *testing.T, s *stack.Stack, o scrape.Options) *prometheus {
	t.Helper()
	rules, err := os.ReadFile(filepath.Clean(alerts))
	if err != nil {
		t.Fatal(err)
	}
	o.Rules = hurried(string(rules))
	return &prometheus{scrape.Start(t, s, o)}
}

var (
	lasts  = regexp.MustCompile(`\n        for: \w+`)
	ranges = regexp.MustCompile(`\[\d+m\]`)
	limits = regexp.MustCompile(`> (300|60)\n`)
)

func hurried(rules string) string {
	rules = lasts.ReplaceAllString(rules, "\n        for: 1s")
	rules = ranges.ReplaceAllString(rules, "[20s]")
	return limits.ReplaceAllString(rules, "> 1\n")
}

// query answers how many series an expression has.
func (p *prometheus) query(expr string) (series int, err error) {
	all, err := p.Now(expr)
	return len(all), err
}

// fires waits until all of the alerts have fired.
func (p *prometheus) fires(t *testing.T, names ...string) {
	t.Helper()
	seen := map[string]bool{}
	eventually.Holds(t, within, "alerts fire: "+strings.Join(names, ", "), func() bool {
		for name := range p.Firing() {
			seen[name] = true
		}
		for _, name := range names {
			if !seen[name] {
				return false
			}
		}
		return true
	})
}

// Each alert fires on the fault that it is about, with the metrics that the services really serve; and has its page.
func TestEveryAlertFiresOnItsFault(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=10ms"}})
	p := scraped(t, s, scrape.Options{})
	tried := map[string]bool{}
	fires := func(names ...string) {
		t.Helper()
		p.fires(t, names...)
		for _, name := range names {
			tried[name] = true
		}
	}
	says(t, s, "vis-1", "first words of somebody")
	at := thread(t, s, "first words of somebody")
	eventually.Holds(t, within, "all are scraped, and nothing is wrong", func() bool {
		n, err := p.query(`slacktalk_build_info`)
		return err == nil && n == len(services)
	})

	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 4})
	says(t, s, "vis-1", "words in the way of which is a 429")
	fires("SlackTalkThrottled", "SlackTalkLaneBehind")
	s.Slack.ClearFaults()
	thread(t, s, "words in the way of which is a 429")
	fires("SlackTalkSlow")

	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.Failed, Error: "not_in_channel"})
	says(t, s, "vis-2", "words for a channel without the app")
	fires("SlackTalkLaneParked")
	s.Slack.ClearFaults()

	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusBadRequest, Count: 1})
	replies(t, s, at, "an answer that is refused", "warning")
	fires("SlackTalkDeadLetters")

	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusUnauthorized})
	replies(t, s, at, "an answer without a credential", "hourglass_flowing_sand")
	fires("SlackTalkProjectParked", "SlackTalkMessagesStuck")
	s.KARTE.ClearFaults()

	ctx, stop := context.WithCancel(t.Context())
	forged := make(chan struct{})
	go func() {
		defer close(forged)
		for ctx.Err() == nil {
			if response, err := http.Post(s.HookURL, "application/json", strings.NewReader("{}")); err == nil {
				_ = response.Body.Close()
			}
			paused(ctx)
		}
	}()
	fires("SlackTalkSignatureFailures")
	stop()
	<-forged

	s.Redis.SetError("LOADING the test has taken it away")
	s.Redis.Close()
	says(t, s, "vis-3", "words without Redis")
	asked := make(chan struct{})
	ctx, stop = context.WithCancel(t.Context())
	go func() {
		defer close(asked)
		for ctx.Err() == nil {
			_, _ = s.Settings.GetTeamSettings(stack.Admin(ctx), &settingsv1.GetTeamSettingsRequest{Name: "projects/" + stack.Project + "/teamSettings"})
			paused(ctx)
		}
	}()
	fires("SlackTalkRedisFailing", "SlackTalkAPIFailing")
	stop()
	<-asked
	s.StopNATS()
	ctx, stop = context.WithCancel(t.Context())
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = s.KARTE.CustomerWrites(ctx, kartestandin.Customer{VisitorID: "vis-4"}, "words without NATS", kartestandin.Write{Wait: true})
	}()
	fires("SlackTalkBacklogUnknown", "SlackTalkNotStored")
	stop()
	<-written
	if err := s.StopService(stack.IngestKARTE); err != nil {
		t.Log(err)
	}
	fires("SlackTalkServiceMissing")

	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	text, err := os.ReadFile(filepath.Clean(alerts))
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if !tried[rule.Alert] {
				t.Errorf("%s was not fired", rule.Alert)
			}
			if _, err := os.Stat(filepath.Join(runbooks, rule.Alert+".md")); err != nil || rule.Annotations["runbook"] != "docs/runbooks/"+rule.Alert+".md" {
				t.Errorf("%s has no runbook: %v", rule.Alert, err)
			}
		}
	}
}

// paused keeps whoever asks again and again from doing nothing else; it ends with ctx.
func paused(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}
