package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/slacktalk/slacktalk/internal/telemetry"
)

// line answers the only line that log writes, as what it holds.
func line(t *testing.T, do func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	do(slog.New(telemetry.LogHandler(slog.NewJSONHandler(&out, nil))))
	held := map[string]any{}
	if err := json.Unmarshal(out.Bytes(), &held); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return held
}

// Every line about an event says which one and in which trace, recorded or not, however the logger was made; what the line says itself comes first.
func TestALineTellsItsEventAndTrace(t *testing.T) {
	ctx := (*telemetry.Tracing)(nil).Known(telemetry.WithOrigin(t.Context(), telemetry.Origin{Event: "hook-1"}))
	id := trace.SpanContextFromContext(ctx).TraceID().String()
	for name, do := range map[string]func(*slog.Logger){
		"plain": func(l *slog.Logger) { l.InfoContext(ctx, "posted") }, "with attributes": func(l *slog.Logger) { l.With("service", "router").InfoContext(ctx, "posted") },
	} {
		if held := line(t, do); held["event_id"] != "hook-1" || held["trace_id"] != id {
			t.Errorf("%s: %v", name, held)
		}
	}
	if held := line(t, func(l *slog.Logger) { l.InfoContext(ctx, "posted", "event_id", "another") }); held["event_id"] != "another" {
		t.Errorf("the line's own event is lost: %v", held)
	}
	if held := line(t, func(l *slog.Logger) { l.WithGroup("nats").InfoContext(ctx, "posted") }); held["nats"].(map[string]any)["trace_id"] != id {
		t.Errorf("in a group: %v", held)
	}
	held := line(t, func(l *slog.Logger) { l.Info("ready") })
	if _, there := held["event_id"]; there || held["trace_id"] != nil {
		t.Errorf("a line about nothing has an event: %v", held)
	}
}

func TestOutcomesAreCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	o := telemetry.NewOutcomes(registry, "to_slack")
	o.Arrived("demo", 3*time.Second)
	o.Arrived("demo", -time.Second) // clocks differ
	o.Failed("demo")
	o.Looked(t.Context(), true, nil)
	o.Looked(t.Context(), false, nil)
	o.Looked(t.Context(), true, errors.New("500"))
	want := `
# HELP slacktalk_lost_answers_total Looks for what an attempt with an unknown outcome may have done, by verdict: found, absent, failed (not known, looked for again or given up).
# TYPE slacktalk_lost_answers_total counter
slacktalk_lost_answers_total{verdict="absent"} 1
slacktalk_lost_answers_total{verdict="failed"} 1
slacktalk_lost_answers_total{verdict="found"} 1
# HELP slacktalk_messages_total Messages that reached their end, by direction (to_slack, to_karte), project and result: ok, failed.
# TYPE slacktalk_messages_total counter
slacktalk_messages_total{direction="to_slack",project="demo",result="failed"} 1
slacktalk_messages_total{direction="to_slack",project="demo",result="ok"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "slacktalk_lost_answers_total", "slacktalk_messages_total"); err != nil {
		t.Error(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if h := family.GetMetric()[0].GetHistogram(); family.GetName() == "slacktalk_end_to_end_seconds" && (h.GetSampleCount() != 2 || h.GetSampleSum() != 3) {
			t.Errorf("end to end: %v", h)
		}
	}
}

// recorded runs do in a span, and answers all spans that were made.
func recorded(t *testing.T, do func(context.Context)) tracetest.SpanStubs {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	ctx, span := provider.Tracer("test").Start(t.Context(), "work")
	do(ctx)
	span.End()
	return spans.GetSpans()
}

// answering is a transport with one answer.
type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// A call is told by system, method and status. What is in its address, its headers, its body or the words of its error is told to nobody: some of it is secret.
func TestCallsAreToldWithoutWhatIsSecret(t *testing.T) {
	const secret = "xoxb-not-a-real-token"
	for name, answer := range map[string]answering{
		"a 429": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}, "X-Echo": {secret}}, Body: io.NopCloser(strings.NewReader(secret))}, nil
		},
		"no answer": func(r *http.Request) (*http.Response, error) { return nil, errors.New("dial " + r.URL.String()) },
	} {
		registry := prometheus.NewRegistry()
		outbound := telemetry.NewOutbound("slack", answer, func(*http.Request) string { return "chat.postMessage" }, registry)
		spans := recorded(t, func(ctx context.Context) {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://slack.example.com/api/"+secret+"?token="+secret, strings.NewReader(secret))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+secret)
			if response, err := outbound.RoundTrip(request); err == nil {
				_ = response.Body.Close()
			}
		})
		data, err := json.Marshal(spans)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "not-a-real-token") || strings.Contains(string(data), "slack.example.com") {
			t.Errorf("%s: a secret in %s", name, data)
		}
		if spans[0].Name != "slack chat.postMessage" || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() || spans[0].Status.Code.String() != "Error" {
			t.Errorf("%s: got %s", name, data)
		}
		if n := testutil.CollectAndCount(registry, "slacktalk_outbound_seconds"); n != 1 {
			t.Errorf("%s: %d series", name, n)
		}
		text, err := registry.Gather()
		if err != nil || strings.Contains(text[0].String(), "not-a-real-token") {
			t.Errorf("%s: %v, %v", name, text, err)
		}
	}
}

// Nobody outside decides what is recorded here, and under which trace.
func TestATraceBeginsHere(t *testing.T) {
	outside := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled, Remote: true})
	ctx, span := (*telemetry.Tracing)(nil).Root(trace.ContextWithSpanContext(t.Context(), outside), "KARTE hook")
	defer span.End()
	in := trace.SpanContextFromContext(ctx)
	if !in.IsValid() || in.TraceID() == outside.TraceID() || in.IsSampled() {
		t.Errorf("got %v", in)
	}
	if known := (*telemetry.Tracing)(nil).Known(ctx); trace.SpanContextFromContext(known).TraceID() != in.TraceID() {
		t.Error("what has a trace gets another one")
	}
	if _, inside := telemetry.Inside(ctx, "parked"); inside.IsRecording() || telemetry.Recording(ctx) {
		t.Error("recorded although nobody records")
	}
}

func TestSettings(t *testing.T) {
	const collector = "http://collector.example.com:4318"
	for name, c := range map[string]struct {
		settings telemetry.Settings
		ok, on   bool
	}{
		"nothing":          {telemetry.Settings{Protocol: "http/protobuf", Exporter: "otlp"}, true, false},
		"a collector":      {telemetry.Settings{Endpoint: collector, Protocol: "http/protobuf", Exporter: "otlp"}, true, true},
		"only for traces":  {telemetry.Settings{TracesEndpoint: collector + "/v1/traces", Protocol: "http/protobuf", Exporter: "otlp"}, true, true},
		"turned off":       {telemetry.Settings{Endpoint: collector, Protocol: "grpc", Exporter: "none"}, true, false},
		"disabled":         {telemetry.Settings{Endpoint: collector, Protocol: "grpc", Exporter: "otlp", Disabled: true}, true, false},
		"another protocol": {telemetry.Settings{Endpoint: collector, Protocol: "grpc", Exporter: "otlp"}, false, false},
		"another exporter": {telemetry.Settings{Endpoint: collector, Protocol: "http/protobuf", Exporter: "zipkin"}, false, false},
		"no address":       {telemetry.Settings{Endpoint: "collector:4318", Protocol: "http/protobuf", Exporter: "otlp"}, false, false},
	} {
		if err := c.settings.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !c.ok {
			continue
		}
		tracing, err := telemetry.Start(c.settings, "router", slog.New(slog.DiscardHandler))
		if err != nil || tracing.On() != c.on {
			t.Errorf("%s: on is %v, %v", name, tracing.On(), err)
		}
		tracing.Stop(t.Context())
	}
}
