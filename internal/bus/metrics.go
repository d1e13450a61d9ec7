package bus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/telemetry"
)

type metrics struct {
	handled   *prometheus.CounterVec
	published *prometheus.CounterVec
	dead      *prometheus.CounterVec
	// waited and worked are by stream; what was held counts for HELD.
	waited *prometheus.HistogramVec
	worked *prometheus.HistogramVec
	stored *prometheus.HistogramVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_messages_handled_total",
			Help: "Messages taken from a stream, by what became of them: done, retried, held, dead.",
		}, []string{"stream", "result"}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_messages_published_total",
			Help: "Messages given to a stream: stored, duplicate (it was there already) or failed.",
		}, []string{"stream", "result"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_dead_letters_total",
			Help: "Messages that were given up, by the stream they came from and the reason: rejected, outcome_unknown, exhausted, malformed.",
		}, []string{"stream", "reason"}),
		waited: prometheus.NewHistogramVec(telemetry.Seconds(
			"slacktalk_message_wait_seconds", "From a message being stored to its first delivery, by stream.", telemetry.Long,
		), []string{"stream"}),
		worked: prometheus.NewHistogramVec(telemetry.Seconds(
			"slacktalk_message_work_seconds", "From a delivery to its end, by stream. A lane's pace is in it.", telemetry.Short,
		), []string{"stream"}),
		stored: prometheus.NewHistogramVec(telemetry.Seconds(
			"slacktalk_message_store_seconds", "From giving a message to JetStream to its word that it is stored, repeats and retries included, by stream.", telemetry.Short,
		), []string{"stream"}),
	}
	registry.MustRegister(m.handled, m.published, m.dead, m.waited, m.worked, m.stored)
	return m
}
