package observe

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

// span is one as it arrived, with the service that made it.
type span struct {
	*tracev1.Span
	service string
}

func (s span) trace() string { return hex.EncodeToString(s.GetTraceId()) }

// is tells service and name, with a word that its attributes must hold.
func (s span) is(service, name, word string) bool {
	return s.service == service && s.GetName() == name && strings.Contains(fmt.Sprint(s.GetAttributes()), word)
}

// receiver takes spans over OTLP.
type receiver struct {
	mu    sync.Mutex
	spans []span
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body := io.Reader(request.Body)
	if request.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(body)
	}
	data, err := io.ReadAll(body)
	var export collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(data, &export) != nil || request.URL.Path != "/v1/traces" {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range export.GetResourceSpans() {
		service := ""
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				service = attribute.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, span{s, service})
			}
		}
	}
}

// all answers what has arrived.
func (r *receiver) all() []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// of answers the spans of a trace.
func (r *receiver) of(trace string) []span {
	return slices.DeleteFunc(r.all(), func(s span) bool { return s.trace() != trace })
}

func recorded(t *testing.T, pace string) (*stack.Stack, *receiver) {
	t.Helper()
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	r := &receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return start(t, stack.Options{Environ: []string{"SLACK_PACE=" + pace, "OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL}}), r
}

// wants waits until a trace has every one of the spans: service, name, a word of the attributes.
func (r *receiver) wants(t *testing.T, root func(span) bool, spans ...[3]string) (trace string) {
	t.Helper()
	var missing []string
	defer func() {
		if t.Failed() {
			t.Logf("missing: %q", missing)
			for _, s := range r.all() {
				t.Logf("%s %-14s %-40s %v", s.trace()[:6], s.service, s.GetName(), s.GetAttributes())
			}
		}
	}()
	eventually.Holds(t, within, "a trace with all its spans", func() bool {
		for _, s := range r.all() {
			if len(s.GetParentSpanId()) > 0 || !root(s) {
				continue
			}
			missing = nil
			in := r.of(s.trace())
			for _, want := range spans {
				if !slices.ContainsFunc(in, func(s span) bool { return s.is(want[0], want[1], want[2]) }) {
					missing = append(missing, fmt.Sprint(want))
				}
			}
			if trace = s.trace(); len(missing) == 0 {
				return true
			}
		}
		return false
	})
	return trace
}

const (
	ingest, router, gateway = stack.IngestKARTE, stack.Router, stack.SlackGateway
)

// One trace leads from KARTE's hook to Slack's ts through all three services, and shows the wait after a 429; another one from the reply to KARTE's 200.
func TestOneTraceLeadsThroughAllServices(t *testing.T) {
	s, r := recorded(t, "10ms")
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 1, Count: 1})
	says(t, s, "vis-1", "first words of somebody")
	at := thread(t, s, "first words of somebody")
	there := r.wants(t, func(s span) bool { return s.is(ingest, "KARTE hook", "stored") },
		[3]string{ingest, "store TALK"},
		[3]string{router, "wait in TALK"}, [3]string{router, "work on TALK"}, [3]string{router, "store POSTS"},
		[3]string{gateway, "wait in POSTS"}, [3]string{gateway, "work on POSTS", "throttled"},
		[3]string{gateway, "slack chat.postMessage", "429"}, [3]string{gateway, "wait after a 429"},
		[3]string{gateway, "slack chat.postMessage", "200"}, [3]string{gateway, "work on POSTS", at},
	)
	replies(t, s, at, "an answer to that", "white_check_mark")
	back := r.wants(t, func(s span) bool { return s.is(gateway, "Slack events", "stored") },
		[3]string{gateway, "store SLACK"}, [3]string{router, "work on SLACK"}, [3]string{router, "store SENDS"},
		[3]string{ingest, "wait in SENDS"}, [3]string{ingest, "work on SENDS"},
		[3]string{ingest, "karte v2/talk/message/sendFromOperator", "200"},
		// And the mark on the operator's line.
		[3]string{gateway, "slack reactions.add", "200"},
	)
	if there == back {
		t.Error("a reply is another event than the message that it answers")
	}
	for _, s := range r.all() {
		for _, words := range []string{"first words", "an answer", "xoxb", "vis-1"} {
			if strings.Contains(s.String(), words) {
				t.Errorf("%q in the span %s of %s", words, s.GetName(), s.service)
			}
		}
	}
}

// What goes out with an earlier message has the post in its own trace, and both are linked.
func TestWhatIsMergedIsLinked(t *testing.T) {
	s, r := recorded(t, "10ms")
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 1})
	for _, text := range []string{"one of three", "two of three", "three of three"} {
		says(t, s, "vis-1", text)
	}
	posts(t, s, 3)
	s.Slack.ClearFaults()
	thread(t, s, "three of three")
	eventually.Holds(t, within, "links in both directions", func() bool {
		all := r.all()
		return slices.ContainsFunc(all, func(with span) bool {
			return with.is(gateway, "posted with an earlier message", "slack.ts") && slices.ContainsFunc(all, func(by span) bool {
				return by.is(gateway, "work on POSTS", "slacktalk.carried") && by.trace() != with.trace() &&
					slices.ContainsFunc(by.GetLinks(), func(l *tracev1.Span_Link) bool { return hex.EncodeToString(l.GetTraceId()) == with.trace() }) &&
					slices.ContainsFunc(with.GetLinks(), func(l *tracev1.Span_Link) bool { return hex.EncodeToString(l.GetTraceId()) == by.trace() })
			})
		})
	})
}
