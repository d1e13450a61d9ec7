package playground

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

// TestMain lets services be processes of their own.
func TestMain(m *testing.M) {
	stack.Main()
	os.Exit(m.Run())
}

// within is how long anything may take in a test, on a busy machine with the race detector.
const within = time.Minute

// open starts a stack with its playground.
func open(t *testing.T) (*stack.Stack, *httptest.Server) {
	t.Helper()
	return openWith(t, stack.Options{})
}

func openWith(t *testing.T, o stack.Options) (*stack.Stack, *httptest.Server) {
	t.Helper()
	o.Environ = []string{"SLACK_PACE=10ms"}
	s, err := stack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	p, err := New(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.Run(ctx) })
	web := httptest.NewServer(p)
	t.Cleanup(func() {
		stop()
		web.CloseClientConnections()
		web.Close()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, web
}

func ask(t *testing.T, method, url, body string, header map[string]string) (int, string, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		if name == "Host" {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(read), response.Header
}

const settingsMethod = "/api/grpc/slacktalk.settings.v1.SettingsService/GetTeamSettings"

func TestOtherSitesAreKeptOut(t *testing.T) {
	_, web := open(t)
	name := `{"name":"projects/demo-project/teamSettings"}`
	for _, c := range []struct {
		method, path string
		header       map[string]string
		want         int
	}{
		{"GET", "/", nil, 200},
		{"GET", "/", map[string]string{"Host": "evil.example.com"}, 403},
		{"POST", settingsMethod, map[string]string{"Host": "127.0.0.1.example.com"}, 403},
		{"POST", settingsMethod, nil, 200},
		{"POST", settingsMethod, map[string]string{"Origin": "https://evil.example.com"}, 403},
		{"POST", settingsMethod, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"POST", "/api/redis/flush", map[string]string{"Origin": "null"}, 403},
		{"GET", "/slack/api/auth.test", nil, 404},
		{"GET", "/slack/_control/../api/auth.test", nil, 404},
	} {
		status, body, header := ask(t, c.method, web.URL+c.path, name, c.header)
		if status != c.want {
			t.Errorf("%s %s %v: %d %s", c.method, c.path, c.header, status, body)
		}
		if status == 200 && !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'") {
			t.Errorf("%s: %v", c.path, header)
		}
	}
}

func TestCallsAreThoseOfTheRealAPI(t *testing.T) {
	_, web := open(t)
	call := func(service, method, body string, header map[string]string) (int, string) {
		t.Helper()
		status, answer, _ := ask(t, "POST", web.URL+"/api/grpc/"+service+"/"+method, body, header)
		return status, answer
	}
	settings, diagnostics := "slacktalk.settings.v1.SettingsService", "slacktalk.admin.v1.DiagnosticsService"
	if status, answer := call(settings, "GetTeamSettings", `{"name":"projects/demo-project/teamSettings"}`, nil); status != 200 || !strings.Contains(answer, stack.Channel) {
		t.Error(status, answer)
	}
	if status, answer := call(diagnostics, "RunDiagnostics", `{"parent":"projects/demo-project"}`, nil); status != 200 || !json.Valid([]byte(answer)) || !strings.Contains(answer, "VERDICT_OK") {
		t.Error(status, answer)
	}
	for body, want := range map[string]int{`{"name":"no name"}`: 400, `{`: 400, `{"unknown":1}`: 400} {
		if status, answer := call(settings, "GetTeamSettings", body, nil); status != want {
			t.Error(body, status, answer)
		}
	}
	if status, answer := call(settings, "GetTeamSettings", `{"name":"projects/demo-project/teamSettings"}`, map[string]string{"Authorization": "Bearer nobody"}); status != 401 {
		t.Error(status, answer)
	}
	for _, unknown := range [][2]string{{settings, "Nothing"}, {"no.such.Service", "Get"}, {"slacktalk.settings.v1.TeamSettings", "Get"}} {
		if status, answer := call(unknown[0], unknown[1], "{}", nil); status != 400 {
			t.Error(unknown, status, answer)
		}
	}
}

// events reads server-sent events until one of a kind holds.
func events(t *testing.T, url, kind string, holds func(data string) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 4<<20)
	for name := ""; lines.Scan(); {
		if found, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			name = found
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && name == kind && holds(data) {
			return
		}
	}
	t.Fatalf("no such %s event: %v", kind, lines.Err())
}

func TestAPageThatComesLaterIsToldEverything(t *testing.T) {
	s, web := open(t)
	if _, err := s.KARTE.CustomerWrites(t.Context(), kartestandin.Customer{VisitorID: "vis-1"}, "hello there", kartestandin.Write{}); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, within, "a thread", func() bool { return len(s.Slack.Messages(stack.Channel)) > 0 })
	events(t, web.URL, "slack", func(data string) bool {
		return strings.Contains(data, `"reset":true`) && strings.Contains(data, "hello there")
	})
	events(t, web.URL, "karte", func(data string) bool {
		return strings.Contains(data, `"reset":true`) && strings.Contains(data, "hello there")
	})
	events(t, web.URL, "system", func(data string) bool { return strings.Contains(data, `"slack-gateway","running":true,"ready":true`) })
}

func TestServicesAreStoppedAndStarted(t *testing.T) {
	_, web := open(t)
	for _, c := range []struct {
		order string
		want  int
	}{{"router/stop", 200}, {"router/stop", 200}, {"router/start", 200}, {"router/start", 200}, {"ingest-karte/restart", 200}, {"router/dance", 409}, {"router/kill", 409}, {"nothing/stop", 404}} {
		if status, body, _ := ask(t, "POST", web.URL+"/api/services/"+c.order, "", nil); status != c.want {
			t.Errorf("%s: %d %s", c.order, status, body)
		}
	}
	events(t, web.URL, "system", func(data string) bool { return strings.Count(data, `"ready":true`) == 3 })
}

// TestKilledServicesLoseNothing kills each service while a customer writes, as SIGKILL does, and one behind the playground's back.
func TestKilledServicesLoseNothing(t *testing.T) {
	s, web := openWith(t, stack.Options{Processes: true, Slack: func(c *slackstandin.Config) { c.RetryUntilAccepted = true }})
	order := func(what string) {
		t.Helper()
		if status, body, _ := ask(t, "POST", web.URL+"/api/services/"+what, "", nil); status != 200 {
			t.Fatalf("%s: %d %s", what, status, body)
		}
	}
	var texts []string
	write := func(text string) {
		t.Helper()
		texts = append(texts, text)
		if _, err := s.KARTE.CustomerWrites(t.Context(), kartestandin.Customer{VisitorID: "vis-1"}, text, kartestandin.Write{}); err != nil {
			t.Fatal(err)
		}
	}
	pids := map[int]bool{os.Getpid(): true}
	for _, name := range []string{stack.IngestKARTE, stack.Router, stack.SlackGateway} {
		if pid := s.State(name).PID; pids[pid] {
			t.Errorf("%s is no process of its own: %d", name, pid)
		} else {
			pids[pid] = true
		}
		write("before " + name)
		order(name + "/kill")
		if now := s.State(name); now.Ended != stack.Killed || now.PID != 0 {
			t.Errorf("%s is %+v", name, now)
		}
		events(t, web.URL, "system", func(data string) bool {
			return strings.Contains(data, `"name":"`+name+`","running":false,"ready":false,"ended":"killed"`)
		})
		write("while it lacks " + name)
		order(name + "/start")
	}
	if victim, err := os.FindProcess(s.State(stack.Router).PID); err != nil || victim.Kill() != nil {
		t.Fatal("the router cannot be killed", err)
	}
	eventually.Holds(t, within, "it is seen that the router ended", func() bool { return strings.Contains(s.State(stack.Router).Ended, "killed") })
	write("at last")
	order(stack.Router + "/start")
	eventually.Holds(t, within, "all of it in order", func() bool {
		var all strings.Builder
		for _, m := range s.Slack.Messages(stack.Channel) {
			all.WriteString(m.Text + string(m.Blocks))
		}
		said := all.String()
		for _, text := range texts {
			_, rest, found := strings.Cut(said, text)
			if !found {
				return false
			}
			said = rest
		}
		return true
	})
}

func TestPicturesArePicturesOnly(t *testing.T) {
	_, web := open(t)
	if status, _, _ := ask(t, "POST", web.URL+"/api/pictures", "<svg onload=alert(1)>", nil); status != 400 {
		t.Errorf("not a picture: %d", status)
	}
	status, body, _ := ask(t, "POST", web.URL+"/api/pictures", "\x89PNG\x0d\x0a\x1a\x0a and so on", nil)
	var made struct{ URL string }
	if json.Unmarshal([]byte(body), &made) != nil || status != 200 {
		t.Fatal(status, body)
	}
	status, _, header := ask(t, "GET", web.URL+strings.TrimPrefix(made.URL, pictureHost), "", nil)
	if status != 200 || header.Get("Content-Type") != "image/png" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error(status, header)
	}
	if status, _, _ := ask(t, "GET", web.URL+"/pictures/none.png", "", nil); status != 404 {
		t.Error(status)
	}
}

func TestWhatChangedIsToldOnce(t *testing.T) {
	told := slackTold{channels: map[string]slackstandin.Channel{}, messages: map[string]map[string]*slackstandin.Message{}}
	one, two := &slackstandin.Message{TS: "1.000001", Text: "a"}, &slackstandin.Message{TS: "2.000001", Text: "b"}
	now := func(messages ...*slackstandin.Message) *slackstandin.Snapshot {
		return &slackstandin.Snapshot{Channels: map[string]slackstandin.ChannelView{"C1": {Channel: slackstandin.Channel{ID: "C1"}, Messages: messages}}}
	}
	if c := told.change(now(one), nil); !c.Reset || len(c.Channels) != 1 || len(c.Channels[0].Put) != 1 || c.Ephemerals == nil {
		t.Errorf("%+v", c)
	}
	if c := told.change(now(one), nil); c.Reset || len(c.Channels) != 0 || c.Ephemerals != nil || c.Views != nil {
		t.Errorf("%+v", c)
	}
	changed := &slackstandin.Message{TS: "1.000001", Text: "edited"}
	if c := told.change(now(changed, two), nil); len(c.Channels) != 1 || len(c.Channels[0].Put) != 2 {
		t.Errorf("%+v", c)
	}
	if c := told.change(now(two), nil); len(c.Channels) != 1 || len(c.Channels[0].Remove) != 1 || len(c.Channels[0].Put) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestAMergerIsToldWhole(t *testing.T) {
	told := karteTold{conversations: map[string]kartestandin.Conversation{}}
	words := func(texts ...string) (messages []kartestandin.Message) {
		for _, text := range texts {
			messages = append(messages, kartestandin.Message{Text: text})
		}
		return messages
	}
	snapshot := func(ids []string, texts ...string) *kartestandin.Snapshot {
		return &kartestandin.Snapshot{Conversations: []kartestandin.Conversation{{IDs: ids, Messages: words(texts...)}}}
	}
	told.change(snapshot([]string{"a"}, "1"), nil, nil)
	if c := told.change(snapshot([]string{"a"}, "1", "2"), nil, nil); len(c.Conversations) != 1 || c.Conversations[0].From != 1 || len(c.Conversations[0].Messages) != 1 {
		t.Errorf("%+v", c)
	}
	if c := told.change(snapshot([]string{"a", "b"}, "0", "1", "2"), nil, nil); len(c.Conversations) != 1 || c.Conversations[0].From != 0 || len(c.Conversations[0].Messages) != 3 {
		t.Errorf("%+v", c)
	}
}
