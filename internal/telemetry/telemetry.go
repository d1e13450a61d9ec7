// Package telemetry is what a process tells of its work: spans over OTLP, which event and trace a log line is about, and how its histograms are made.
package telemetry

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Settings are OpenTelemetry's own. Those that are not here (headers, sampler, batches, resource attributes, certificates) the SDK reads itself.
type Settings struct {
	// Endpoint is where spans go, without the path of traces; nothing is recorded without it.
	Endpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	// TracesEndpoint is the same with the path; it comes first.
	TracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"`
	// Protocol must be http/protobuf, the standard's default.
	Protocol string `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf"`
	// Exporter none turns recording off, and so does Disabled.
	Exporter string `env:"OTEL_TRACES_EXPORTER" envDefault:"otlp"`
	Disabled bool   `env:"OTEL_SDK_DISABLED"`
}

// Validate reports settings that cannot be.
func (s Settings) Validate() error {
	if !s.on() {
		return nil
	}
	if s.Protocol != "http/protobuf" {
		return errors.New("OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf: every collector takes it, on port 4318")
	}
	if s.Exporter != "otlp" {
		return errors.New("OTEL_TRACES_EXPORTER must be otlp or none")
	}
	if u, err := url.Parse(s.url()); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is not an http or https URL")
	}
	return nil
}

func (s Settings) on() bool { return s.url() != "" && s.Exporter != "none" && !s.Disabled }

func (s Settings) url() string {
	if s.TracesEndpoint != "" || s.Endpoint == "" {
		return s.TracesEndpoint
	}
	return strings.TrimSuffix(s.Endpoint, "/") + "/v1/traces"
}

// Tracing makes the spans of one service. A nil one records nothing.
type Tracing struct{ provider *sdktrace.TracerProvider }

// scope names who makes the spans.
const scope = "github.com/slacktalk/slacktalk"

// Start begins to record, if the settings say where to. It waits for nobody: spans that nobody takes are dropped.
func Start(s Settings, service string, log *slog.Logger) (*Tracing, error) {
	if !s.on() {
		return nil, nil
	}
	exporter := otlptrace.NewUnstarted(otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(s.url())))
	if err := exporter.Start(context.Background()); err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	// The service's name goes first, so that OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word.
	about, err := resource.Merge(resource.NewSchemaless(semconv.ServiceName(service), semconv.ServiceVersion(Version())), resource.Environment())
	if err != nil {
		return nil, fmt.Errorf("describe the service to traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Debug("spans not exported", "err", err) }))
	return &Tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}, nil
}

// stopWithin bounds how long the last spans may take.
const stopWithin = 2 * time.Second

// Stop sends what is recorded and not sent yet, also when ctx has ended.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	_ = t.provider.Shutdown(ctx)
}

// On reports whether anything is recorded.
func (t *Tracing) On() bool { return t != nil }

// Provider is for libraries that make spans themselves.
func (t *Tracing) Provider() trace.TracerProvider {
	if t == nil {
		return noop.NewTracerProvider()
	}
	return t.provider
}

// Root begins a trace for something that comes from outside: what the outside says about traces is not asked, for nobody there may decide what is recorded here.
// Without recording there is a trace id all the same, for the logs.
func (t *Tracing) Root(ctx context.Context, name string) (context.Context, trace.Span) {
	if t == nil {
		ctx = trace.ContextWithSpanContext(ctx, unrecorded())
		return ctx, trace.SpanFromContext(ctx)
	}
	return t.provider.Tracer(scope).Start(ctx, name, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer))
}

// Span begins a span below the one in ctx, in whose service it is made; nothing is recorded where that one is not.
func (t *Tracing) Span(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t == nil {
		return ctx, noop.Span{}
	}
	return t.provider.Tracer(scope).Start(ctx, name, options...)
}

// Known answers ctx with a trace id, if it has none yet.
func (t *Tracing) Known(ctx context.Context) context.Context {
	if t != nil || trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return trace.ContextWithSpanContext(ctx, unrecorded())
}

// unrecorded makes ids for a trace that nobody records.
func unrecorded() trace.SpanContext {
	var id trace.TraceID
	var span trace.SpanID
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())    //nolint:gosec // it needs to be different, not secret
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()|1)  //nolint:gosec // as above; never zero
	binary.BigEndian.PutUint64(span[:], rand.Uint64()|1) //nolint:gosec // as above
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span})
}

// Inside begins a span below the recorded one in ctx, by whoever made that; the span is nil-safe and free where nothing is recorded.
func Inside(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, noop.Span{}
	}
	return parent.TracerProvider().Tracer(scope).Start(ctx, name, options...)
}

// Recording reports whether the span in ctx is recorded, for who would have to work out what to tell it.
func Recording(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Note tells the span in ctx something about itself.
func Note(ctx context.Context, attributes ...attribute.KeyValue) {
	trace.SpanFromContext(ctx).SetAttributes(attributes...)
}
