package kartestandin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/services/ingest-karte/hook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "made-up-secret"

// bridge receives hooks as the real one does, and remembers them.
type bridge struct {
	server *httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	forms  []string
	answer func(n int, body []byte) int // HTTP status of the n-th delivery, from 0; 200 when nil
}

func newBridge(t *testing.T) *bridge {
	b := &bridge{}
	b.server = httptest.NewServer(b)
	t.Cleanup(b.server.Close)
	return b
}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := hook.Verify([]string{secret}, r.Header, body, time.Now(), time.Minute)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	status := http.StatusOK
	if b.answer != nil {
		status = b.answer(len(b.bodies), body)
	}
	b.bodies, b.forms = append(b.bodies, body), append(b.forms, form)
	w.WriteHeader(status)
}

// texts returns the texts received so far, in order.
func (b *bridge) texts(t *testing.T) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var texts []string
	for _, body := range b.bodies {
		fact, err := hook.Translate(body, "none", time.Now())
		if err != nil {
			t.Fatalf("translate %s: %v", body, err)
		}
		texts = append(texts, fact.GetCustomerMessage().GetText()+fact.GetOperatorMessage().GetText())
	}
	return texts
}

// start runs a stand-in that delivers to a bridge quickly.
func start(t *testing.T, cfg kartestandin.Config) (*kartestandin.Server, *bridge) {
	t.Helper()
	b := newBridge(t)
	cfg.HookURL, cfg.ClientSecret, cfg.APIToken = b.server.URL, secret, "made-up-token"
	if cfg.RetryInterval == 0 {
		cfg.RetryInterval = time.Millisecond
	}
	s := kartestandin.New(cfg)
	run(t, s)
	return s, b
}

func run(t *testing.T, s *kartestandin.Server) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func await(t *testing.T, s *kartestandin.Server, done func(*kartestandin.Snapshot) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errors.New("ten seconds have passed"))
	defer cancel()
	if err := s.Await(ctx, done); err != nil {
		t.Fatal(err)
	}
}

func delivered(now *kartestandin.Snapshot) bool { return now.Waiting == 0 }

func customerWrites(t *testing.T, s *kartestandin.Server, c kartestandin.Customer, text string, w kartestandin.Write) kartestandin.Hook {
	t.Helper()
	h, err := s.CustomerWrites(t.Context(), c, text, w)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// client calls the REST and control APIs over a real connection.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

func newClient(t *testing.T, s *kartestandin.Server) *client {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &client{t: t, base: server.URL, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (c *client) do(ctx context.Context, method, path, token, body string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewBufferString(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp, string(bytes.TrimSpace(answer)), err
}

// post makes a REST call that is expected to be answered.
func (c *client) post(path, body string) (int, string) {
	c.t.Helper()
	resp, answer, err := c.do(c.t.Context(), http.MethodPost, path, "made-up-token", body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// control makes a control call and reads its answer into out.
func (c *client) control(method, path, body string, out any) int {
	c.t.Helper()
	resp, answer, err := c.do(c.t.Context(), method, path, "", body)
	if err != nil {
		c.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(answer), out); err != nil {
			c.t.Fatalf("%s %s answered %s: %v", method, path, answer, err)
		}
	}
	return resp.StatusCode
}
