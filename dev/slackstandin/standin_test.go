package slackstandin

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a workspace with a support channel, two people and a server in front of it.
type desk struct {
	*Server
	t    *testing.T
	web  *httptest.Server
	http *http.Client
}

func newDesk(t *testing.T, cfg Config) *desk {
	t.Helper()
	s := New(cfg)
	s.AddMember(Member{ID: "U0AYA", Name: "aya", DisplayName: "Aya", Email: "aya@example.com", Locale: "ja-JP"})
	s.AddMember(Member{ID: "U0KEN", Name: "ken", DisplayName: "Ken"})
	s.AddMember(Member{ID: "U0EXT", Name: "ext", Team: "T0OTHER"})
	s.AddChannel(Channel{ID: "C0SUPPORT", Name: "support", Members: []string{"U0BOT", "U0AYA"}})
	s.AddChannel(Channel{ID: "C0OTHER", Name: "other"})
	s.AddChannel(Channel{ID: "G0SECRET", Name: "secret", Private: true})
	transport := &http.Transport{}
	d := &desk{Server: s, t: t, web: httptest.NewServer(s), http: &http.Client{Transport: transport}}
	t.Cleanup(func() {
		s.ClearFaults()
		transport.CloseIdleConnections()
		d.web.Close()
	})
	return d
}

// start runs the delivery of events until the test ends.
func (d *desk) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	d.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
}

func (d *desk) send(req *http.Request) (*http.Response, map[string]any, error) {
	resp, err := d.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	out := map[string]any{}
	_ = json.Unmarshal(body, &out) // a fault may answer something else than JSON
	return resp, out, nil
}

// try calls a method with a form.
func (d *desk) try(ctx context.Context, method string, pairs ...string) (*http.Response, map[string]any, error) {
	form := url.Values{"token": {"xoxb-demo"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.web.URL+"/api/"+method, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.send(req)
}

// call calls a method that must answer with status 200.
func (d *desk) call(method string, pairs ...string) map[string]any {
	d.t.Helper()
	resp, out, err := d.try(context.Background(), method, pairs...)
	if err != nil {
		d.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: status %d", method, resp.StatusCode)
	}
	return out
}

// ok calls a method that must succeed.
func (d *desk) ok(method string, pairs ...string) map[string]any {
	d.t.Helper()
	out := d.call(method, pairs...)
	if out["ok"] != true {
		d.t.Fatalf("%s %v: %v", method, pairs, out)
	}
	return out
}

func (d *desk) fails(want, method string, pairs ...string) map[string]any {
	d.t.Helper()
	out := d.call(method, pairs...)
	if out["ok"] != false || out["error"] != want {
		d.t.Fatalf("%s %v: got %v, want error %s", method, pairs, out, want)
	}
	return out
}

// post posts as the app and returns the ts.
func (d *desk) post(pairs ...string) string {
	d.t.Helper()
	ts, _ := d.ok("chat.postMessage", append([]string{"channel", "C0SUPPORT"}, pairs...)...)["ts"].(string)
	return ts
}

// write writes as Aya.
func (d *desk) write(thread, typed string, o WriteOptions) string {
	d.t.Helper()
	ts, err := d.Write("U0AYA", "C0SUPPORT", thread, typed, o)
	if err != nil {
		d.t.Fatal(err)
	}
	return ts
}

func (d *desk) await(what string, holds func(*Snapshot) bool) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.Await(ctx, holds); err != nil {
		d.t.Fatalf("%s: %v; pending %d", what, err, d.Snapshot().Pending)
	}
}

func settled(s *Snapshot) bool { return s.Pending == 0 }

// request is one request the app received.
type request struct {
	header http.Header
	body   []byte
}

func (r request) event(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(r.body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// app is the other side: it keeps what it receives and answers as told.
type app struct {
	*httptest.Server
	mu       sync.Mutex
	received []request
}

// newApp starts an app; answer may be nil and sees the number of the request, from 0.
func newApp(t *testing.T, answer func(n int, w http.ResponseWriter, r request)) *app {
	a := &app{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got := request{header: r.Header, body: body}
		a.mu.Lock()
		n := len(a.received)
		a.received = append(a.received, got)
		a.mu.Unlock()
		if answer != nil {
			answer(n, w, got)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *app) requests() []request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]request(nil), a.received...)
}

// events returns the inner events received, or those of one type.
func (a *app) events(t *testing.T, kind string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, r := range a.requests() {
		inner, _ := r.event(t)["event"].(map[string]any)
		if kind == "" || inner["type"] == kind {
			out = append(out, inner)
		}
	}
	return out
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// sameJSON compares values by their JSON.
func sameJSON(t *testing.T, what string, got any, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(mustJSON(t, got)), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatalf("%s: %v in %s", what, err, want)
	}
	if !bytes.Equal([]byte(mustJSON(t, a)), []byte(mustJSON(t, b))) {
		t.Errorf("%s:\n got %s\nwant %s", what, mustJSON(t, a), mustJSON(t, b))
	}
}

func field(t *testing.T, v any, path ...string) any {
	t.Helper()
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no object at %s of %v", name, path)
		}
		v = object[name]
	}
	return v
}
