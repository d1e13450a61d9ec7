package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	alerts     = "../../deploy/alerts/slacktalk.yaml"
	dashboards = "../../deploy/grafana"
	runbooks   = "../../docs/runbooks"
)

// prometheus is a real one that scrapes a stack.
type prometheus struct{ url string }

// scrape starts Prometheus, with the alerts in a hurry: their times are divided by a hundred, so that seconds make up for minutes.
func scrape(t *testing.T, s *stack.Stack) *prometheus {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI needs a real prometheus: %v", err)
		}
		t.Skip("*** NOT TESTED: no prometheus on PATH ***")
	}
	dir := t.TempDir()
	rules, err := os.ReadFile(filepath.Clean(alerts))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("rules.yaml", hurried(string(rules)))
	var targets []string
	for _, service := range services {
		targets = append(targets, strings.TrimPrefix(s.AdminURL(service), "http://"))
	}
	config := write("prometheus.yaml", fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: [rules.yaml]\nscrape_configs:\n  - job_name: slacktalk\n    static_configs: [{targets: [%s]}]\n", strings.Join(targets, ", ")))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	command := exec.Command(path, "--config.file", config, "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address, "--log.level", "error")
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	return &prometheus{"http://" + address}
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

// get asks the API.
func (p *prometheus) get(path string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return json.NewDecoder(response.Body).Decode(into)
}

// query answers how many series an expression has.
func (p *prometheus) query(expr string) (series int, err error) {
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []any `json:"result"`
		} `json:"data"`
	}
	err = p.get("/api/v1/query?query="+url.QueryEscape(expr), &answer)
	if err == nil && answer.Error != "" {
		err = fmt.Errorf("%s: %s", expr, answer.Error)
	}
	return len(answer.Data.Result), err
}

// firing answers the alerts that fire.
func (p *prometheus) firing() map[string]bool {
	var answer struct {
		Data struct {
			Alerts []struct {
				State  string            `json:"state"`
				Labels map[string]string `json:"labels"`
			} `json:"alerts"`
		} `json:"data"`
	}
	all := map[string]bool{}
	if p.get("/api/v1/alerts", &answer) != nil {
		return all
	}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" {
			all[a.Labels["alertname"]] = true
		}
	}
	return all
}

// fires waits until all of the alerts have fired.
func (p *prometheus) fires(t *testing.T, names ...string) {
	t.Helper()
	seen := map[string]bool{}
	eventually.Holds(t, within, "alerts fire: "+strings.Join(names, ", "), func() bool {
		for name := range p.firing() {
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
	p := scrape(t, s)
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

	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 4, Count: 3})
	says(t, s, "vis-1", "words in the way of which is a 429")
	fires("SlackTalkThrottled", "SlackTalkLaneBehind")
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

// Every query of every dashboard has data once a little of everything has happened.
func TestDashboardsShowData(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=10ms"}})
	p := scrape(t, s)
	eventually.Holds(t, within, "all are scraped", func() bool {
		n, err := p.query(`slacktalk_build_info`)
		return err == nil && n == len(services)
	})
	happen(t, s)
	files, err := filepath.Glob(filepath.Join(dashboards, "*.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v %v", files, err)
	}
	for _, path := range files {
		var dashboard struct {
			UID           string `json:"uid"`
			Title         string `json:"title"`
			SchemaVersion int    `json:"schemaVersion"`
			Panels        []struct {
				Title   string `json:"title"`
				Targets []struct {
					Expr string `json:"expr"`
				} `json:"targets"`
			} `json:"panels"`
		}
		text, err := os.ReadFile(filepath.Clean(path))
		if err == nil {
			err = json.Unmarshal(text, &dashboard)
		}
		if err != nil || dashboard.UID == "" || dashboard.Title == "" || dashboard.SchemaVersion < 36 {
			t.Fatalf("%s is no dashboard: %v", path, err)
		}
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				expr := strings.NewReplacer("$__rate_interval", "1m", "$project", ".*", "$team", ".*", "$channel", ".*").Replace(target.Expr)
				var problem error
				eventually.Holds(t, within, fmt.Sprintf("%s, %s shows data: %s", dashboard.Title, panel.Title, expr), func() bool {
					n, err := p.query(expr)
					problem = err
					return err == nil && n > 0
				})
				if problem != nil {
					t.Errorf("%s: %v", panel.Title, problem)
				}
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
