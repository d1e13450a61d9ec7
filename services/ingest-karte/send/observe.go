package send

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

type metrics struct {
	calls     *prometheus.CounterVec
	parked    prometheus.Gauge
	throttled prometheus.Counter
	lost      *prometheus.CounterVec
	messages  *prometheus.CounterVec
	whole     *prometheus.HistogramVec
}

func newMetrics(registry prometheus.Registerer, project string) metrics {
	m := metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_karte_calls_total",
			Help: "Attempts to carry out a command at KARTE, by kind and result: ok, found (a lost answer), unknown, parked, rejected, throttled, later.",
		}, []string{"kind", "result"}),
		parked: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "slacktalk_project_parked", Help: "1 while KARTE refuses the project's credential, as far as this replica has tried.",
			ConstLabels: prometheus.Labels{"project": bus.ProjectToken(project)},
		}),
		throttled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "slacktalk_karte_throttled_seconds_total", Help: "For how long KARTE has asked commands to wait, with its 429; several may wait at once.",
		}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_lost_answers_total", Help: "Looks for what an attempt with an unknown outcome may have done, by verdict: found, absent, failed (not known, looked for again or given up).",
		}, []string{"verdict"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_messages_total", Help: "Messages that reached their end, by direction (to_slack, to_karte), project and result: ok, failed.",
		}, []string{"direction", "project", "result"}),
		whole: prometheus.NewHistogramVec(telemetry.Seconds(
			"slacktalk_end_to_end_seconds", "From an event reaching us to the other side's word that it has what the event says, by direction (to_slack, to_karte) and project.", telemetry.Long,
		), []string{"direction", "project"}),
	}
	registry.MustRegister(m.calls, m.parked, m.throttled, m.lost, m.messages, m.whole)
	return m
}

// arrived notes that KARTE has a command's text.
func (s *Sender) arrived(m bus.Message, command *eventv1.KarteCommand) {
	project := bus.ProjectToken(command.GetProject())
	s.metrics.messages.WithLabelValues("to_karte", project, "ok").Inc()
	s.metrics.whole.WithLabelValues("to_karte", project).Observe(max(s.Now().Sub(m.Origin.Began), 0).Seconds())
}

// lostOf notes that a command is given up.
func (s *Sender) lostOf(command *eventv1.KarteCommand) {
	s.metrics.messages.WithLabelValues("to_karte", bus.ProjectToken(command.GetProject()), "failed").Inc()
}

// looked notes what a look for a lost answer has shown.
func (s *Sender) looked(ctx context.Context, found bool, err error) {
	verdict := "absent"
	switch {
	case err != nil:
		verdict = "failed"
	case found:
		verdict = "found"
	}
	s.metrics.lost.WithLabelValues(verdict).Inc()
	if telemetry.Recording(ctx) {
		telemetry.Note(ctx, attribute.String("slacktalk.lost_answer", verdict))
	}
}

// throttled notes the wait that is to come, where KARTE said that there were too many calls.
func (s *Sender) throttled(err error) {
	if errors.Is(err, retry.ErrThrottled) {
		s.metrics.throttled.Add(retry.Delay(err).Seconds())
	}
}
