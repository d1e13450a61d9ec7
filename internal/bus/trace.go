package bus

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/telemetry"
)

// TraceWith has the bus make spans; it is called before anything else.
func (b *Bus) TraceWith(t *telemetry.Tracing) { b.tracing = t }

// carrier is NATS headers as what carries a trace context: names are as they are spelt.
type carrier nats.Header

func (c carrier) Get(key string) string { return nats.Header(c).Get(key) }
func (c carrier) Set(key, value string) { nats.Header(c).Set(key, value) }
func (c carrier) Keys() []string        { return nil }

// inject writes into a message's headers what the work in ctx comes from. They stay with the message: the stream is where a trace is kept.
func inject(ctx context.Context, header nats.Header) {
	propagation.TraceContext{}.Inject(ctx, carrier(header))
	origin := telemetry.OriginOf(ctx)
	if origin.Event != "" {
		header[headerEvent] = []string{origin.Event}
	}
	if !origin.Began.IsZero() {
		header[headerBegan] = []string{strconv.FormatInt(origin.Began.UnixMilli(), 10)}
	}
}

// tells reads from a message's headers what it comes from. One without comes from itself.
func (m *Message) tells(header nats.Header) {
	m.Origin = telemetry.Origin{Event: header.Get(headerEvent), Began: m.StoredAt}
	if began, err := strconv.ParseInt(header.Get(headerBegan), 10, 64); err == nil {
		m.Origin.Began = time.UnixMilli(began)
	}
	if header.Get("traceparent") != "" {
		m.Trace = trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier(header)))
	}
}

// publishing begins the span of storing a message; without one it is nil.
func (b *Bus) publishing(ctx context.Context, stream string) (context.Context, storing) {
	s := storing{began: time.Now(), seconds: b.metrics.stored.WithLabelValues(stream)}
	if b.tracing.On() {
		ctx, s.span = b.tracing.Span(ctx, "store "+stream, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			semconv.MessagingSystemKey.String("nats"), semconv.MessagingDestinationName(stream)))
	}
	return b.tracing.Known(ctx), s
}

// storing is the storing of one message.
type storing struct {
	began   time.Time
	seconds interface{ Observe(float64) }
	span    trace.Span
}

func published(s storing, duplicate bool, err error) {
	s.seconds.Observe(time.Since(s.began).Seconds())
	if s.span == nil {
		return
	}
	s.span.SetAttributes(attribute.Bool("slacktalk.duplicate", duplicate))
	if err != nil {
		s.span.SetStatus(codes.Error, "not stored")
	}
	s.span.End()
}

// taken begins the work on a message: its wait is measured, and ctx tells from now on what the work comes from. end is called when it is over.
func (b *Bus) taken(ctx context.Context, q Queue, m Message) (_ context.Context, end func(error)) {
	began := time.Now()
	if m.Deliveries == 1 {
		b.metrics.waited.WithLabelValues(q.Stream).Observe(max(began.Sub(m.StoredAt), 0).Seconds())
	}
	ctx = telemetry.WithOrigin(ctx, m.Origin)
	if m.Trace.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, m.Trace)
	}
	var span trace.Span
	if b.tracing.On() {
		ctx, span = b.working(ctx, q, m, began)
	}
	return b.tracing.Known(ctx), func(err error) {
		b.metrics.worked.WithLabelValues(q.Stream).Observe(time.Since(began).Seconds())
		if span != nil {
			failed(span, err)
			span.End()
		}
	}
}

// working makes the span of the wait that is over, and begins the one of the work.
func (b *Bus) working(ctx context.Context, q Queue, m Message, now time.Time) (context.Context, trace.Span) {
	about := trace.WithAttributes(
		semconv.MessagingSystemKey.String("nats"), semconv.MessagingDestinationName(q.Stream), semconv.MessagingConsumerGroupName(q.Durable),
		attribute.Int64("slacktalk.delivery", int64(m.Deliveries)), attribute.String("slacktalk.event_id", m.Origin.Event), //nolint:gosec // it is a count
	)
	if m.Deliveries == 1 && m.StoredAt.Before(now) {
		_, waited := b.tracing.Span(ctx, "wait in "+q.Stream, trace.WithTimestamp(m.StoredAt), about)
		waited.End(trace.WithTimestamp(now))
	}
	return b.tracing.Span(ctx, "work on "+q.Stream, trace.WithSpanKind(trace.SpanKindConsumer), about)
}

// failed tells a span how the work ended. The words of an error may quote what people wrote.
func failed(span trace.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("slacktalk.failure", outcomeOf(err)))
	span.SetStatus(codes.Error, outcomeOf(err))
}

// outcomeOf answers what an error means for the next attempt, in a word.
func outcomeOf(err error) string {
	reason, permanent := retry.Reason(err)
	switch {
	case permanent:
		return reasonName(reason)
	case errors.Is(err, retry.ErrThrottled):
		return "throttled"
	case errors.Is(err, retry.ErrParked):
		return "parked"
	case errors.Is(err, retry.ErrUnknown):
		return "outcome unknown"
	}
	return "later"
}

// waits makes the span of the wait until the next attempt, which may be made elsewhere.
func (b *Bus) waits(ctx context.Context, err error, wait time.Duration) {
	if !b.tracing.On() || !trace.SpanContextFromContext(ctx).IsSampled() {
		return
	}
	name := "wait before a retry"
	if errors.Is(err, retry.ErrThrottled) {
		name = "wait after a 429"
	}
	now := time.Now()
	_, span := b.tracing.Span(ctx, name, trace.WithTimestamp(now), trace.WithAttributes(attribute.String("slacktalk.failure", outcomeOf(err))))
	span.End(trace.WithTimestamp(now.Add(wait)))
}

// Label is the lane's channel in metrics, whose values are to be few: what is said to single members goes under one name.
func (l Lane) Label() string {
	if strings.HasPrefix(l.Channel, "C") || strings.HasPrefix(l.Channel, "G") {
		return l.Channel
	}
	return "direct"
}
