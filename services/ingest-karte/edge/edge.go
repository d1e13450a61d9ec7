// Package edge takes KARTE's hooks: it answers 2xx only after JetStream has stored the fact.
package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/examination"
	"github.com/slacktalk/slacktalk/internal/replay"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/hook"
)

const (
	// maxBody is the largest hook that is read.
	maxBody = 1 << 20
	// storeWithin bounds the wait for JetStream; how long KARTE waits is not documented.
	storeWithin = 4 * time.Second
	// rememberSignatures bounds the memory against replays.
	rememberSignatures = 100_000
)

// Publisher stores a message once, within a time limit.
type Publisher interface {
	OnceWithin(ctx context.Context, limit time.Duration, stream, subject string, message proto.Message) (duplicate bool, err error)
}

// Edge is the handler of POST /hooks/karte.
type Edge struct {
	publisher  Publisher
	partitions bus.Partitions
	project    string
	secrets    []secret.String
	window     time.Duration
	now        func() time.Time
	log        *slog.Logger
	hooks      *prometheus.CounterVec
	bodies     *daemon.Bodies
	seen       *replay.Memory
	journal    *examination.Journal
	tracing    *telemetry.Tracing
	refused    *prometheus.CounterVec
}

// Options of an Edge.
type Options struct {
	Publisher  Publisher
	Partitions bus.Partitions
	Project    string
	// Secrets are the client secrets a signature may be made with: the current one and, while it is being changed, the former.
	Secrets []secret.String
	// Window is how far the signature's time may be from ours, either way.
	Window  time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
	// Journal is told what becomes of the hooks; nobody is when nil.
	Journal *examination.Journal
	// Tracing begins a trace with each hook; nothing is recorded when nil.
	Tracing *telemetry.Tracing
}

// New makes an edge.
func New(o Options) *Edge {
	if o.Journal == nil {
		o.Journal = examination.New(o.Now)
	}
	e := &Edge{
		journal: o.Journal, bodies: daemon.NewBodies(maxBody),
		publisher: o.Publisher, partitions: o.Partitions, project: o.Project, secrets: o.Secrets, window: o.Window, now: o.Now, log: o.Log,
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_karte_hooks_total",
			Help: "Hooks by what became of them: stored, duplicate, unknown_type, refused_signature, malformed, too_large, busy, other_project, not_stored.",
		}, []string{"result"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_signature_failures_total",
			Help: "Hooks and requests that nobody shows to come from where they should, by why: missing, malformed, stale, mismatch, replayed.",
		}, []string{"reason"}),
		tracing: o.Tracing,
		seen:    replay.New(2*o.Window, rememberSignatures, o.Now),
	}
	o.Metrics.MustRegister(e.hooks, e.refused)
	return e
}

// ServeHTTP takes one hook.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, span := e.tracing.Root(r.Context(), "KARTE hook")
	result, status := e.take(w, r.WithContext(ctx))
	if span.IsRecording() {
		span.SetAttributes(attribute.String("slacktalk.result", result), semconv.HTTPResponseStatusCode(status))
	}
	span.End()
	e.hooks.WithLabelValues(result).Inc()
	if status == http.StatusOK {
		daemon.AnswerJSON(w, status, map[string]string{"result": result})
		return
	}
	daemon.AnswerError(w, status, result)
}

func (e *Edge) take(w http.ResponseWriter, r *http.Request) (result string, status int) {
	body, err := e.bodies.Read(w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "too_large", http.StatusRequestEntityTooLarge
	case errors.Is(err, daemon.ErrBusy):
		return "busy", http.StatusServiceUnavailable
	case err != nil:
		return "malformed", http.StatusBadRequest
	}
	received := e.now()
	if _, err := hook.Verify(secret.Reveal(e.secrets), r.Header, body, received, e.window); err != nil {
		e.log.WarnContext(r.Context(), "hook refused", "err", err)
		e.refused.WithLabelValues(string(reason(err))).Inc()
		e.journal.Refused(reason(err), r.Header.Get(hook.TimestampHeader))
		return "refused_signature", http.StatusUnauthorized
	}
	// The same delivery with the same time is a replay, however its signature is spelt: a sender that tries again signs again.
	delivery := replay.Of(r.Header.Get(hook.TimestampHeader), body)
	if e.seen.Has(delivery) {
		e.refused.WithLabelValues(string(examination.Replayed)).Inc()
		e.journal.Refused(examination.Replayed, "")
		return "refused_signature", http.StatusUnauthorized
	}
	result, status = e.store(r.Context(), body, received)
	if status == http.StatusOK {
		e.seen.Add(delivery)
	}
	return result, status
}

func (e *Edge) store(ctx context.Context, body []byte, received time.Time) (result string, status int) {
	fact, err := hook.Translate(body, e.project, received)
	e.note(fact, err)
	switch {
	case errors.Is(err, hook.ErrUnknownType):
		e.log.InfoContext(ctx, "hook of a type that is not used", "err", err)
		return "unknown_type", http.StatusOK
	case err != nil:
		e.log.WarnContext(ctx, "hook not understood", "err", err)
		return "malformed", http.StatusBadRequest
	case fact.GetProject() != e.project:
		e.log.WarnContext(ctx, "hook of another project", "project", bus.ProjectToken(fact.GetProject()))
		return "other_project", http.StatusBadRequest
	}
	ctx = telemetry.WithOrigin(ctx, telemetry.Origin{Event: fact.GetId(), Began: received})
	if telemetry.Recording(ctx) {
		telemetry.Note(ctx, attribute.String("slacktalk.event_id", fact.GetId()), attribute.String("slacktalk.kind", kind(fact)))
	}
	duplicate, err := e.publisher.OnceWithin(ctx, storeWithin, bus.Talk, subject(e.partitions, fact), fact)
	switch {
	case errors.Is(err, bus.ErrTooLarge):
		return "too_large", http.StatusRequestEntityTooLarge
	case err != nil:
		e.log.ErrorContext(ctx, "hook not stored", "err", err)
		return "not_stored", http.StatusServiceUnavailable
	case duplicate:
		return "duplicate", http.StatusOK
	}
	e.log.InfoContext(ctx, "hook stored", "kind", kind(fact))
	return "stored", http.StatusOK
}

// note tells the journal about a hook whose signature is good. One that cannot be read shows all the same that KARTE reaches us.
func (e *Edge) note(fact *eventv1.TalkFact, err error) {
	switch {
	case err == nil && fact.GetProject() != e.project:
		e.journal.Foreign(bus.ProjectToken(fact.GetProject()))
	case err == nil && strings.HasPrefix(fact.GetCustomer().GetUserId(), examination.TestCustomer):
	default:
		e.journal.Good()
	}
}

func reason(err error) examination.Reason {
	for is, reason := range map[error]examination.Reason{
		hook.ErrMissing: examination.Missing, hook.ErrMalformed: examination.Malformed, hook.ErrStale: examination.Stale,
	} {
		if errors.Is(err, is) {
			return reason
		}
	}
	return examination.Mismatch
}

// subject spreads customers by their visitor id where there is one: it stays the same when somebody logs in half-way.
func subject(p bus.Partitions, fact *eventv1.TalkFact) string {
	customer := fact.GetCustomer().GetVisitorId()
	if customer == "" {
		customer = fact.GetCustomer().GetUserId()
	}
	return bus.TalkSubject(p, fact.GetProject(), customer, kind(fact), fact.GetId())
}

func kind(fact *eventv1.TalkFact) string {
	switch fact.GetFact().(type) {
	case *eventv1.TalkFact_CustomerMessage:
		return "customer-message"
	case *eventv1.TalkFact_OperatorMessage:
		return "operator-message"
	case *eventv1.TalkFact_Assigned:
		return "assigned"
	}
	return "other"
}
