package send

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/effort"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

type metrics struct {
	calls     *prometheus.CounterVec
	parked    prometheus.Gauge
	throttled prometheus.Counter
	outcomes  telemetry.Outcomes
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
		outcomes: telemetry.NewOutcomes(registry, "to_karte"),
	}
	registry.MustRegister(m.calls, m.parked, m.throttled)
	return m
}

// arrived notes that KARTE has a command's text.
func (s *Sender) arrived(m bus.Message, command *eventv1.KarteCommand) {
	s.metrics.outcomes.Arrived(bus.ProjectToken(command.GetProject()), s.Now().Sub(m.Origin.Began))
}

// looked notes what a look for a lost answer has shown.
func (s *Sender) looked(ctx context.Context, took *eventv1.Effort, there bool, err error) {
	s.metrics.outcomes.Looked(ctx, there, err)
	effort.Looked(took, there, err, s.Now())
}

// lostOf notes that a command is given up.
func (s *Sender) lostOf(command *eventv1.KarteCommand) {
	s.metrics.outcomes.Failed(bus.ProjectToken(command.GetProject()))
}

// throttled notes the wait that is to come, where KARTE said that there were too many calls.
func (s *Sender) throttled(err error) {
	if errors.Is(err, retry.ErrThrottled) {
		s.metrics.throttled.Add(retry.Delay(err).Seconds())
	}
}
