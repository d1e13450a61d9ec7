package api

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
)

// link ties the trace of a call to the one of its caller, when it is known who that is: until then nobody outside has a say in what is recorded here.
func link(ctx context.Context) {
	span := trace.SpanFromContext(ctx)
	values, _ := metadata.FromIncomingContext(ctx)
	if !span.IsRecording() || len(values.Get("traceparent")) != 1 {
		return
	}
	unknown := trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	carrier := propagation.MapCarrier{"traceparent": values.Get("traceparent")[0]}
	if caller := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(unknown, carrier)); caller.IsValid() {
		span.AddLink(trace.Link{SpanContext: caller})
	}
}
