package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
)

// Outcomes counts what became of messages at the end of their way, for the edge that sends them in one direction.
type Outcomes struct {
	direction string
	lost      *prometheus.CounterVec
	messages  *prometheus.CounterVec
	whole     *prometheus.HistogramVec
}

// NewOutcomes registers them; direction is to_slack or to_karte.
func NewOutcomes(registry prometheus.Registerer, direction string) Outcomes {
	o := Outcomes{
		direction: direction,
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_lost_answers_total", Help: "Looks for what an attempt with an unknown outcome may have done, by verdict: found, absent, failed (not known, looked for again or given up).",
		}, []string{"verdict"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_messages_total", Help: "Messages that reached their end, by direction (to_slack, to_karte), project and result: ok, failed.",
		}, []string{"direction", "project", "result"}),
		whole: prometheus.NewHistogramVec(Seconds(
			"slacktalk_end_to_end_seconds", "From an event reaching us to the other side's word that it has what the event says, by direction (to_slack, to_karte) and project.", Long,
		), []string{"direction", "project"}),
	}
	registry.MustRegister(o.lost, o.messages, o.whole)
	return o
}

// Arrived notes that the other side has a message of a project, and how long that took since its event reached us.
func (o Outcomes) Arrived(project string, took time.Duration) {
	o.messages.WithLabelValues(o.direction, project, "ok").Inc()
	o.whole.WithLabelValues(o.direction, project).Observe(max(took, 0).Seconds())
}

// Failed notes that a message of a project is given up.
func (o Outcomes) Failed(project string) {
	o.messages.WithLabelValues(o.direction, project, "failed").Inc()
}

// Looked notes what a look for a lost answer has shown, in the trace as well.
func (o Outcomes) Looked(ctx context.Context, found bool, err error) {
	verdict := "absent"
	switch {
	case err != nil:
		verdict = "failed"
	case found:
		verdict = "found"
	}
	o.lost.WithLabelValues(verdict).Inc()
	if Recording(ctx) {
		Note(ctx, attribute.String("slacktalk.lost_answer", verdict))
	}
}
