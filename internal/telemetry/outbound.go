package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// Outbound measures the calls to one system outside, and makes their spans. Addresses, headers and bodies are told to nobody: some carry credentials.
type Outbound struct {
	// Next makes the calls.
	Next http.RoundTripper
	// System names whom is called, Method what is called, out of a set that nobody outside can make larger.
	System string
	Method func(*http.Request) string

	calls *prometheus.HistogramVec
}

// NewOutbound makes one.
func NewOutbound(system string, next http.RoundTripper, method func(*http.Request) string, metrics prometheus.Registerer) *Outbound {
	o := &Outbound{Next: next, System: system, Method: method, calls: prometheus.NewHistogramVec(Seconds(
		"slacktalk_outbound_seconds", "Calls to KARTE and Slack until their headers, by method and status (0: no answer). Waiting for the pace or after a 429 is not in it.", Short,
	), []string{"system", "method", "status"})}
	metrics.MustRegister(o.calls)
	return o
}

// RoundTrip makes one call.
func (o *Outbound) RoundTrip(request *http.Request) (*http.Response, error) {
	began, method := time.Now(), o.Method(request)
	ctx, span := Inside(request.Context(), o.System+" "+method, trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	if span.IsRecording() {
		request = request.WithContext(ctx)
	}
	response, err := o.Next.RoundTrip(request)
	status := 0
	if err == nil {
		status = response.StatusCode
	}
	o.calls.WithLabelValues(o.System, method, strconv.Itoa(status)).Observe(time.Since(began).Seconds())
	if span.IsRecording() {
		o.tell(span, response, err)
	}
	return response, err
}

func (o *Outbound) tell(span trace.Span, response *http.Response, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "no answer") // its words may hold the address
		return
	}
	span.SetAttributes(semconv.HTTPResponseStatusCode(response.StatusCode))
	if after := response.Header.Get("Retry-After"); after != "" {
		span.SetAttributes(semconv.HTTPResponseHeader("retry-after", after))
	}
	if response.StatusCode >= http.StatusBadRequest {
		span.SetStatus(codes.Error, http.StatusText(response.StatusCode))
	}
}

// CloseIdleConnections ends idle connections.
func (o *Outbound) CloseIdleConnections() {
	if next, ok := o.Next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
