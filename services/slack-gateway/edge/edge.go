// Package edge takes Slack's requests: it answers 2xx only after JetStream has stored what they tell.
package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/examination"
	"github.com/slacktalk/slacktalk/internal/replay"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/installation"
)

const (
	maxBody = 1 << 20
	// remembered is how many signatures are at most.
	remembered = 100_000
	// storeWithin leaves something of the three seconds that Slack waits.
	storeWithin = 2500 * time.Millisecond
)

// Publisher stores a message once, within a time limit.
type Publisher interface {
	OnceWithin(ctx context.Context, limit time.Duration, stream, subject string, message proto.Message) (duplicate bool, err error)
}

// Dialogs are modals, commands and the app's Home. They answer what becomes a metric's label and a body for Slack, nil for none.
type Dialogs interface {
	Interaction(ctx context.Context, self inbound.Self, in inbound.Interaction) (result string, body any)
	Command(ctx context.Context, self inbound.Self, c inbound.Command) (result string, body any)
	HomeOpened(ctx context.Context, self inbound.Self, member string)
	// Stored is told that what somebody pressed on a message has become a fact.
	Stored(ctx context.Context, self inbound.Self, in inbound.Interaction, fact *eventv1.SlackFact)
}

// Channels knows which ids are the same channel's, and is told when Slack gives one another id.
type Channels interface {
	First(team, id string) string
	Changed(ctx context.Context, team, before, now string) error
}

// Options of an Edge.
type Options struct {
	Publisher  Publisher
	Partitions bus.Partitions
	// Secrets are the signing secrets: the current one and, while it is being changed, the former.
	Secrets []secret.String
	Window  time.Duration
	// Self answers who the app is in the workspace that something is for. With installation.ErrNotInstalled it is nobody's and ignored; while another
	// error says that it is not known, nothing is taken.
	Self func(ctx context.Context, origin inbound.Origin) (inbound.Self, error)
	// Dialogs answers what concerns no thread.
	Dialogs Dialogs
	// Ended is called when Slack says that the app was removed from a workspace, in the word of the event; Granted when the workspaces of an organisation's
	// installation have changed. What they answer an error for Slack is to tell again.
	Ended   func(ctx context.Context, team, event string) error
	Granted func(ctx context.Context, enterprise string) error
	// Turn is told of what somebody pressed for whom no installation is found: somebody of another workspace, as it seems. It may be nil.
	Turn func(ctx context.Context, in inbound.Interaction)
	// Channels knows the ids that channels had.
	Channels Channels
	// Wake is called when a channel may take posts again.
	Wake    func(inbound.Wake)
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
	// Journal is told what becomes of the requests; nobody is when nil.
	Journal *examination.Journal
	// Tracing begins a trace with each request; nothing is recorded when nil.
	Tracing *telemetry.Tracing
}

// Edge serves Slack's request URLs.
type Edge struct {
	Options
	requests *prometheus.CounterVec
	refused  *prometheus.CounterVec
	bodies   *daemon.Bodies
	// seen are the requests that were accepted, as long as their signatures would verify.
	seen *replay.Memory
}

// New makes an edge.
func New(o Options) *Edge {
	if o.Journal == nil {
		o.Journal = examination.New(o.Now)
	}
	e := &Edge{Options: o, bodies: daemon.NewBodies(maxBody), seen: replay.New(2*o.Window, remembered, o.Now), requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "slacktalk_slack_requests_total",
		Help: "Requests from Slack by path and by what became of them: stored, duplicate, refused_signature, or why they were ignored.",
	}, []string{"path", "result"}), refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "slacktalk_signature_failures_total",
		Help: "Hooks and requests that nobody shows to come from where they should, by why: missing, malformed, stale, mismatch, replayed.",
	}, []string{"reason"})}
	o.Metrics.MustRegister(e.requests, e.refused)
	return e
}

// Handler routes the request URLs.
func (e *Edge) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack/events", e.verified("events", e.event))
	mux.HandleFunc("POST /slack/interactions", e.verified("interactions", e.interaction))
	mux.HandleFunc("POST /slack/commands", e.verified("commands", e.command))
	return mux
}

// answer is what a request gets.
type answer struct {
	status int
	result string
	body   any
}

// ended ends the span of a request.
func ended(span trace.Span, a answer) {
	if span.IsRecording() {
		span.SetAttributes(attribute.String("slacktalk.result", a.result), semconv.HTTPResponseStatusCode(a.status))
	}
	span.End()
}

func refuse(status int, result string) answer { return answer{status: status, result: result} }

// verified reads the body and lets only what Slack signed reach take.
func (e *Edge) verified(path string, take func(ctx context.Context, body []byte, received time.Time) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, span := e.Tracing.Root(r.Context(), "Slack "+path)
		a := e.check(w, r.WithContext(ctx), take)
		ended(span, a)
		e.requests.WithLabelValues(path, a.result).Inc()
		switch {
		case a.status != http.StatusOK:
			daemon.AnswerError(w, a.status, a.result)
		case a.body != nil:
			daemon.AnswerJSON(w, a.status, a.body)
		default:
			w.WriteHeader(a.status)
		}
	}
}

func (e *Edge) check(w http.ResponseWriter, r *http.Request, take func(ctx context.Context, body []byte, received time.Time) answer) answer {
	body, err := e.bodies.Read(w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "too_large")
	case errors.Is(err, daemon.ErrBusy):
		return refuse(http.StatusServiceUnavailable, "busy")
	case err != nil:
		return refuse(http.StatusBadRequest, "malformed")
	}
	received := e.Now()
	if err := inbound.VerifySignature(secret.Reveal(e.Secrets), r.Header, body, received, e.Window); err != nil {
		e.Log.WarnContext(r.Context(), "request refused", "err", err)
		e.refused.WithLabelValues(string(reason(err))).Inc()
		e.Journal.Refused(reason(err), r.Header.Get(inbound.HeaderTimestamp))
		return refuse(http.StatusUnauthorized, "refused_signature")
	}
	// The same request with the same time is a replay, however its signature is spelt: Slack signs its retries anew.
	request := replay.Of(r.Header.Get(inbound.HeaderTimestamp), body)
	if e.seen.Has(request) {
		e.refused.WithLabelValues(string(examination.Replayed)).Inc()
		e.Journal.Refused(examination.Replayed, "")
		return refuse(http.StatusUnauthorized, "refused_signature")
	}
	e.Journal.Good()
	a := take(r.Context(), body, received)
	if a.status == http.StatusOK {
		e.seen.Add(request)
	}
	return a
}

func reason(err error) examination.Reason {
	for is, reason := range map[error]examination.Reason{
		inbound.ErrSignatureMissing: examination.Missing, inbound.ErrSignatureMalformed: examination.Malformed, inbound.ErrSignatureStale: examination.Stale,
	} {
		if errors.Is(err, is) {
			return reason
		}
	}
	return examination.Mismatch
}

func (e *Edge) event(ctx context.Context, body []byte, received time.Time) answer {
	parsed, err := inbound.Envelope(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "malformed")
	}
	if parsed.Kind == inbound.KindURLVerification {
		return answer{http.StatusOK, "url_verification", map[string]string{"challenge": parsed.Challenge}}
	}
	if enterprise, ok := inbound.AccessChanged(parsed); ok {
		return e.done(ctx, parsed, e.Granted(ctx, enterprise))
	}
	self, err := e.Self(ctx, parsed.Origin())
	if err != nil {
		return nobodys(err)
	}
	if inbound.EndsInstallation(parsed, self) {
		return e.done(ctx, parsed, e.Ended(ctx, self.Team, parsed.EventType))
	}
	if before, now, ok := inbound.ChannelIDChanged(parsed); ok {
		e.Log.InfoContext(ctx, "a channel has another id now", "before", before, "now", now)
		return e.done(ctx, parsed, e.Channels.Changed(ctx, self.Team, before, now))
	}
	parsed = parsed.Known(func(channel string) string { return e.Channels.First(self.Team, channel) })
	if wake, ok := inbound.WakeOf(parsed, self); ok {
		e.Wake(wake)
	}
	if member, ok := inbound.HomeOpened(parsed, self); ok {
		e.Dialogs.HomeOpened(ctx, self, member)
	}
	fact, verdict := inbound.Translate(parsed, self, received)
	if verdict == inbound.VerdictRateLimited {
		e.Log.WarnContext(ctx, "slack withheld events: replies may be missing until somebody writes in their thread again", "team", parsed.Team, "minute", parsed.EventTime)
	}
	if fact == nil {
		e.Log.DebugContext(ctx, "event ignored", "event_id", parsed.EventID, "verdict", verdict.String())
		return answer{http.StatusOK, verdict.String(), nil}
	}
	return e.store(ctx, fact, received)
}

// done answers an event about the app itself.
func (e *Edge) done(ctx context.Context, parsed inbound.Parsed, err error) answer {
	if err != nil {
		e.Log.WarnContext(ctx, "an event about the app itself has to come again", "type", parsed.EventType, "err", err)
		return refuse(http.StatusServiceUnavailable, "not_stored")
	}
	return answer{http.StatusOK, inbound.VerdictAppEvent.String(), nil}
}

// nobodys answers what is for no installation that is known.
func nobodys(err error) answer {
	if errors.Is(err, installation.ErrNotInstalled) {
		return answer{http.StatusOK, inbound.VerdictOtherTeam.String(), nil}
	}
	return refuse(http.StatusServiceUnavailable, "not_ready")
}

func (e *Edge) store(ctx context.Context, fact *eventv1.SlackFact, received time.Time) answer {
	ctx = telemetry.WithOrigin(ctx, telemetry.Origin{Event: fact.GetId(), Began: received})
	if telemetry.Recording(ctx) {
		telemetry.Note(ctx, attribute.String("slacktalk.event_id", fact.GetId()), attribute.String("slacktalk.kind", inbound.KindOf(fact)))
	}
	subject := inbound.Subject(e.Partitions, fact)
	duplicate, err := e.Publisher.OnceWithin(ctx, storeWithin, bus.Slack, subject, fact)
	switch {
	case errors.Is(err, bus.ErrTooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "too_large")
	case err != nil:
		e.Log.ErrorContext(ctx, "event not stored", "err", err)
		return refuse(http.StatusServiceUnavailable, "not_stored")
	case duplicate:
		return answer{http.StatusOK, "duplicate", nil}
	}
	e.Log.InfoContext(ctx, "event stored", "kind", inbound.KindOf(fact))
	return answer{http.StatusOK, "stored", nil}
}

// interaction stores what a button on one of our messages asks for; the rest is for dialogs.
func (e *Edge) interaction(ctx context.Context, body []byte, received time.Time) answer {
	in, err := inbound.ParseInteraction(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "malformed")
	}
	self, err := e.Self(ctx, in.Origin())
	if errors.Is(err, installation.ErrNotInstalled) && e.Turn != nil {
		e.Turn(ctx, in)
	}
	if err != nil {
		return nobodys(err)
	}
	in.Channel = e.Channels.First(self.Team, in.Channel)
	if fact := inbound.Press(in, self.Team, received); fact != nil {
		stored := e.store(ctx, fact, received)
		if stored.result == "stored" { // and not a repeat
			e.Dialogs.Stored(ctx, self, in, fact)
		}
		return stored
	}
	result, answered := e.Dialogs.Interaction(ctx, self, in)
	return answer{http.StatusOK, result, answered}
}

func (e *Edge) command(ctx context.Context, body []byte, _ time.Time) answer {
	command, err := inbound.ParseCommand(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "malformed")
	}
	self, err := e.Self(ctx, command.Origin())
	if err != nil {
		return nobodys(err)
	}
	command.Channel = e.Channels.First(self.Team, command.Channel)
	result, answered := e.Dialogs.Command(ctx, self, command)
	return answer{http.StatusOK, result, answered}
}
