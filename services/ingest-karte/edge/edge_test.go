package edge_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/edge"
	"github.com/slacktalk/slacktalk/services/ingest-karte/hook"
)

const (
	current = "demo-client-secret"
	former  = "demo-client-secret-of-before"
	window  = 5 * time.Minute
	said    = `{"id":"evt-1","event_type":"talk/message/sendFromUser","api_key":"demo",
		"data":{"user_id":"member-1","visitor_id":"vis-1","content":{"text":"hello"}}}`
)

var now = time.Unix(1767225600, 0)

// stream is a publisher that keeps what it is given.
type stream struct {
	stored []string
	facts  []*eventv1.TalkFact
	err    error
}

func (s *stream) OnceWithin(_ context.Context, _ time.Duration, name, subject string, m proto.Message) (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	for _, before := range s.stored {
		if before == name+" "+subject {
			return true, nil
		}
	}
	s.stored = append(s.stored, name+" "+subject)
	s.facts = append(s.facts, m.(*eventv1.TalkFact))
	return false, nil
}

func newEdge(s *stream) *edge.Edge {
	return edge.New(edge.Options{
		Publisher: s, Partitions: 4, Project: "demo", Secrets: []secret.String{secret.New(current), secret.New(former)}, Window: window,
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
}

func signed(key string, at time.Time, body string) *http.Request {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + ":" + body))
	r := httptest.NewRequest(http.MethodPost, "/hooks/karte", strings.NewReader(body))
	r.Header.Set(hook.TimestampHeader, stamp)
	r.Header.Set(hook.SignatureHeader, hex.EncodeToString(mac.Sum(nil)))
	return r
}

func without(r *http.Request, header string) *http.Request {
	r.Header.Del(header)
	return r
}

// take answers the status and the result.
func take(e *edge.Edge, r *http.Request) string {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	result := strings.Trim(strings.NewReplacer(`{"result":"`, "", `{"error":"`, "", `"}`, "").Replace(w.Body.String()), "\n")
	return fmt.Sprint(w.Code, " ", result)
}

func TestPromise7OnlyWhatIsSignedNowIsTaken(t *testing.T) {
	other := signed(current, now, said)
	other.Header.Set(hook.SignatureHeader, signed(current, now, said+" ").Header.Get(hook.SignatureHeader))
	for name, r := range map[string]*http.Request{
		"forged":            signed("another secret", now, said),
		"empty secret":      signed("", now, said),
		"of another body":   other,
		"stale":             signed(current, now.Add(-window-time.Second), said),
		"from the future":   signed(current, now.Add(window+time.Second), said),
		"without signature": without(signed(current, now, said), hook.SignatureHeader),
		"without time":      without(signed(current, now, said), hook.TimestampHeader),
	} {
		s := &stream{}
		if got := take(newEdge(s), r); got != "401 refused_signature" {
			t.Errorf("%s: %s", name, got)
		}
		if len(s.stored) != 0 {
			t.Errorf("%s: stored %v", name, s.stored)
		}
	}
}

func TestPromise7AReplayIsRefused(t *testing.T) {
	s := &stream{}
	e := newEdge(s)
	if got := take(e, signed(current, now, said)); got != "200 stored" {
		t.Fatal(got)
	}
	if got := take(e, signed(current, now, said)); got != "401 refused_signature" {
		t.Errorf("the same delivery again: %s", got)
	}
	capitals := signed(current, now, said)
	capitals.Header.Set(hook.SignatureHeader, strings.ToUpper(capitals.Header.Get(hook.SignatureHeader)))
	if got := take(e, capitals); got != "401 refused_signature" {
		t.Errorf("the same delivery again, its signature in capitals: %s", got)
	}
	if got := take(e, signed(current, now.Add(time.Second), said)); got != "200 duplicate" {
		t.Errorf("the same hook signed again: %s", got)
	}
	if got := take(e, signed(former, now.Add(2*time.Second), said)); got != "200 duplicate" {
		t.Errorf("the same hook signed with the former secret: %s", got)
	}
	if len(s.stored) != 1 {
		t.Errorf("stored %v", s.stored)
	}
}

func TestPromise1NotStoredIsNotAccepted(t *testing.T) {
	s := &stream{err: errors.New("no quorum")}
	e := newEdge(s)
	r := func() *http.Request { return signed(current, now, said) }
	if got := take(e, r()); got != "503 not_stored" {
		t.Fatal(got)
	}
	s.err = fmt.Errorf("publish: %w", bus.ErrTooLarge)
	if got := take(e, r()); got != "413 too_large" {
		t.Fatal(got)
	}
	s.err = nil
	if got := take(e, r()); got != "200 stored" {
		t.Errorf("the same delivery again, after one that was not stored: %s", got)
	}
}

func TestWhatIsNotUsed(t *testing.T) {
	hookOf := func(kind, project string) string {
		return `{"id":"evt-1","event_type":"` + kind + `","api_key":"` + project + `","data":{"user_id":"m","content":{"text":"x"}}}`
	}
	for name, c := range map[string]struct{ body, want string }{
		"too large":       {strings.Repeat(" ", 1<<20) + "x", "413 too_large"},
		"not JSON":        {"hello", "400 malformed"},
		"not an object":   {"[]", "400 malformed"},
		"empty":           {"", "400 malformed"},
		"no type":         {"{}", "400 malformed"},
		"no customer":     {`{"id":"e","event_type":"talk/message/sendFromUser","api_key":"demo","data":{}}`, "400 malformed"},
		"unknown type":    {hookOf("talk/something/new", "demo"), "200 unknown_type"},
		"another project": {hookOf("talk/message/sendFromUser", "other"), "400 other_project"},
	} {
		s := &stream{}
		if got := take(newEdge(s), signed(current, now, c.body)); got != c.want || len(s.stored) != 0 {
			t.Errorf("%s: %s, stored %v; want %s", name, got, s.stored, c.want)
		}
	}
}

func TestWhereAFactGoes(t *testing.T) {
	body := func(kind, data string) string {
		return `{"id":"evt-1","event_type":"` + kind + `","api_key":"demo",` + data + `}`
	}
	for name, c := range map[string]struct{ body, customer, kind string }{
		"visitor": {body(hook.TypeSendFromUser, `"data":{"user_id":"vis-1","content":{"text":"x"}}`), "vis-1", "customer-message"},
		"member known by a visitor id": {body(hook.TypeSendFromUser, `"data":{"user_id":"m","visitor_id":"vis-1","content":{"text":"x"}}`),
			"vis-1", "customer-message"},
		"member only": {body(hook.TypeSendFromOperator, `"data":{"user_id":"m","account_id":"op1","content":{"text":"x"}}`), "m", "operator-message"},
		"assigned":    {body(hook.TypeAssign, `"data":{"operator":{"id":"op1"}},"extra":{"user_id":"m"}`), "m", "assigned"},
	} {
		s := &stream{}
		if got := take(newEdge(s), signed(current, now, c.body)); got != "200 stored" {
			t.Errorf("%s: %s", name, got)
			continue
		}
		if want := bus.Talk + " " + bus.TalkSubject(4, "demo", c.customer, c.kind, "evt-1"); s.stored[0] != want {
			t.Errorf("%s: %s, want %s", name, s.stored[0], want)
		}
		if s.facts[0].GetReceivedAt().AsTime().Unix() != now.Unix() {
			t.Errorf("%s: received at %v", name, s.facts[0].GetReceivedAt().AsTime())
		}
	}
}
