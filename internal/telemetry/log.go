package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// LogHandler adds to each line which event and which trace it is about, where its context tells.
func LogHandler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	given := false
	r.Attrs(func(a slog.Attr) bool {
		given = given || a.Key == "event_id"
		return true
	})
	if event := OriginOf(ctx).Event; event != "" && !given {
		r.AddAttrs(slog.String("event_id", event))
	}
	if in := trace.SpanContextFromContext(ctx); in.HasTraceID() {
		r.AddAttrs(slog.String("trace_id", in.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
