package examine

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/examination"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/edge"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

const (
	ok      = eventv1.FindingState_FINDING_STATE_OK
	failed  = eventv1.FindingState_FINDING_STATE_FAILED
	unknown = eventv1.FindingState_FINDING_STATE_UNKNOWN
)

var now = time.Unix(1767225600, 0)

// examiner asks a KARTE that answers as serve does; with nil nobody listens there.
func examiner(t *testing.T, serve http.HandlerFunc) *Examiner {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	if serve == nil {
		server.Close()
	}
	client := karte.New(server.URL, secret.New("demo-token"))
	t.Cleanup(client.Close)
	clock := func() time.Time { return now }
	return New(Options{
		KARTE: client, Journal: examination.New(clock), Project: "demo", Secret: secret.New("demo-secret"), Now: clock, Log: slog.New(slog.DiscardHandler),
	})
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(`{"error":"said about demo-token"}`))
	}
}

func TestKARTEsAnswerTellsAboutTheToken(t *testing.T) {
	for name, tt := range map[string]struct {
		serve http.HandlerFunc
		want  eventv1.FindingState
		code  string
	}{
		"accepted":     {status(200), ok, "200"},
		"refused":      {status(401), failed, "401"},
		"no scope":     {status(403), ok, "403"},
		"no such call": {status(404), unknown, "404"},
		"busy":         {status(429), unknown, "429"},
		"broken":       {status(503), unknown, "503"},
		"elsewhere":    {status(302), failed, "302"},
		"away":         {nil, failed, examination.CodeUnreachable},
	} {
		f := examination.Find(examiner(t, tt.serve).Examine(t.Context()).GetFindings(), examination.KarteToken)
		if f.GetState() != tt.want || f.GetValues()[examination.ValueCode] != tt.code {
			t.Errorf("%s: %v", name, f)
		}
		if strings.Contains(f.GetDetail(), "demo-token") {
			t.Errorf("%s: %q quotes the token", name, f.GetDetail())
		}
	}
}

func TestAMissingScopeIsNamedWhereKARTESaysSo(t *testing.T) {
	e := examiner(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "note") {
			status(403)(w, r)
			return
		}
		status(400)(w, r) // the body lacks what is required
	})
	for _, f := range e.Examine(t.Context()).GetFindings() {
		if f.GetCheck() != examination.KarteScope {
			continue
		}
		want := ok
		if f.GetSubject() == "talk.note.send" {
			want = failed
		}
		if f.GetState() != want {
			t.Errorf("%v", f)
		}
	}
}

func TestARefusedTokenIsAskedOnlyOnce(t *testing.T) {
	calls := 0
	e := examiner(t, func(w http.ResponseWriter, r *http.Request) { calls++; status(401)(w, r) })
	if e.Examine(t.Context()); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestProbesCarryNothingThatCouldBeSent(t *testing.T) {
	var bodies []string
	e := examiner(t, func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 100)
		n, _ := r.Body.Read(body)
		bodies = append(bodies, string(body[:n]))
		status(200)(w, r)
	})
	for _, use := range karte.Uses() {
		if _, err := e.KARTE.Probe(t.Context(), use); err != nil {
			t.Fatal(err)
		}
	}
	if len(bodies) != len(karte.Uses()) || strings.Join(bodies, "") != strings.Repeat("{}", len(bodies)) {
		t.Errorf("%q", bodies)
	}
}

func TestAHangingKARTEIsNamed(t *testing.T) {
	e := examiner(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then it is noticed that the caller went away
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	f := examination.Find(e.Examine(ctx).GetFindings(), examination.KarteToken)
	if f.GetState() != failed || f.GetValues()[examination.ValueCode] != examination.CodeUnreachable {
		t.Errorf("%v", f)
	}
}

// stream keeps what is stored.
type stream struct{ facts []*eventv1.TalkFact }

func (s *stream) OnceWithin(_ context.Context, _ time.Duration, _, _ string, m proto.Message) (bool, error) {
	s.facts = append(s.facts, m.(*eventv1.TalkFact))
	return false, nil
}

func TestATestMessageComesInAsAnyOther(t *testing.T) {
	for name, tt := range map[string]struct {
		secret, language, says string
		stored                 bool
	}{
		"Japanese":     {"demo-secret", "ja", "テストメッセージ", true},
		"English":      {"demo-secret", "en", "This is a test message", true},
		"wrong secret": {"another", "ja", "", false},
	} {
		e, s := examiner(t, status(200)), &stream{}
		server := httptest.NewServer(edge.New(edge.Options{
			Publisher: s, Partitions: 4, Project: "demo", Secrets: []secret.String{secret.New(tt.secret)}, Window: time.Minute, Now: e.Now, Log: e.Log,
			Metrics: prometheus.NewRegistry(), Journal: e.Journal,
		}))
		t.Cleanup(server.Close)
		e.HookURL = OwnURL(server.Listener.Addr())
		r := e.TestMessage(t.Context(), &eventv1.TestMessageRequest{Project: "demo", Language: tt.language})
		if (r.GetError() == "") != tt.stored || len(s.facts) == 0 == tt.stored {
			t.Fatalf("%s: %v, stored %v", name, r, s.facts)
		}
		if !tt.stored {
			continue
		}
		fact := s.facts[0]
		if fact.GetId() != r.GetId() || !proto.Equal(fact.GetCustomer(), r.GetCustomer()) || !strings.Contains(fact.GetCustomerMessage().GetText(), tt.says) {
			t.Errorf("%s: stored %v, answered %v", name, fact, r)
		}
		if got := e.Journal.Delivery("x").GetState(); got != unknown {
			t.Errorf("%s: a test counts as a hook from KARTE: %v", name, got)
		}
	}
}

func TestAServiceReachesItself(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:8080": "http://127.0.0.1:8080/hooks/karte", "[::]:8080": "http://127.0.0.1:8080/hooks/karte",
		"127.0.0.1:1": "http://127.0.0.1:1/hooks/karte", "[::1]:2": "http://[::1]:2/hooks/karte",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := OwnURL(tcp); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
}
