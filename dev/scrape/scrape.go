// Package scrape runs a real Prometheus on what services tell of themselves, and asks it.
package scrape

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/freeport"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// Options of a Prometheus.
type Options struct {
	// Rules are its alerts, in Prometheus' own form; none when empty.
	Rules string
	// Native has it ask for native histograms.
	Native bool
}

// Prometheus is one that runs.
type Prometheus struct {
	url     string
	command *exec.Cmd
}

// Start starts one for a test, which ends it. It scrapes the services of a stack every second.
func Start(t testing.TB, s *stack.Stack, o Options) *Prometheus {
	t.Helper()
	path := prerequisite.Program(t, "prometheus")
	p, err := start(path, t.TempDir(), targets(s), o)
	if err != nil {
		t.Fatalf("start Prometheus: %v", err)
	}
	t.Cleanup(p.stop)
	return p
}

// targets answers where the services tell of themselves.
func targets(s *stack.Stack) (addresses []string) {
	for _, service := range []string{stack.IngestKARTE, stack.Router, stack.SlackGateway} {
		addresses = append(addresses, strings.TrimPrefix(s.AdminURL(service), "http://"))
	}
	return addresses
}

func start(path, dir string, targets []string, o Options) (*Prometheus, error) {
	config := "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
	if o.Rules != "" {
		if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(o.Rules), 0o600); err != nil {
			return nil, err
		}
		config += "rule_files: [rules.yaml]\n"
	}
	config += "scrape_configs:\n  - job_name: slacktalk\n    static_configs: [{targets: [" + strings.Join(targets, ", ") + "]}]\n"
	name := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		return nil, err
	}
	port, err := freeport.TCP()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	args := []string{"--config.file", name, "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address, "--log.level", "error"}
	if o.Native {
		args = append(args, "--enable-feature", "native-histograms")
	}
	command := exec.Command(path, args...)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &Prometheus{url: "http://" + address, command: command}, nil
}

func (p *Prometheus) stop() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// get asks its API.
func (p *Prometheus) get(path string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
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

// Series is one series of an answer.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Point is a value at a time.
type Point struct {
	At    float64 // seconds of the epoch
	Value float64
}

// UnmarshalJSON reads Prometheus' form of one.
func (p *Point) UnmarshalJSON(data []byte) (err error) {
	var value string
	if err := json.Unmarshal(data, &[]any{&p.At, &value}); err != nil {
		return err
	}
	p.Value, err = strconv.ParseFloat(value, 64)
	return err
}

// answer is how the API answers queries.
type answer struct {
	Error string `json:"error"`
	Data  struct {
		Result []struct {
			Labels map[string]string `json:"metric"`
			Value  *Point            `json:"value"`
			Values []Point           `json:"values"`
		} `json:"result"`
	} `json:"data"`
}

func (p *Prometheus) ask(path, expr string) ([]Series, error) {
	var a answer
	if err := p.get(path, &a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, fmt.Errorf("%s: %s", expr, a.Error)
	}
	all := make([]Series, len(a.Data.Result))
	for i, r := range a.Data.Result {
		all[i] = Series{Labels: r.Labels, Points: r.Values}
		if r.Value != nil {
			all[i].Points = []Point{*r.Value}
		}
	}
	return all, nil
}

// Now answers what an expression has now.
func (p *Prometheus) Now(expr string) ([]Series, error) {
	return p.ask("/api/v1/query?query="+url.QueryEscape(expr), expr)
}

// Range answers what an expression had from a time to another one.
func (p *Prometheus) Range(expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	seconds := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
	return p.ask("/api/v1/query_range?"+url.Values{
		"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	}.Encode(), expr)
}

// Firing answers the alerts that fire.
func (p *Prometheus) Firing() map[string]bool {
	var a struct {
		Data struct {
			Alerts []struct {
				State  string            `json:"state"`
				Labels map[string]string `json:"labels"`
			} `json:"alerts"`
		} `json:"data"`
	}
	all := map[string]bool{}
	if p.get("/api/v1/alerts", &a) != nil {
		return all
	}
	for _, alert := range a.Data.Alerts {
		if alert.State == "firing" {
			all[alert.Labels["alertname"]] = true
		}
	}
	return all
}
