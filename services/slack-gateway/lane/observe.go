package lane

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/effort"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// metrics of the lanes. Their labels name channels that settings name; what is said to single members goes under one name.
type metrics struct {
	calls    *prometheus.CounterVec
	merged   prometheus.Counter
	parked   *parking
	held     *prometheus.CounterVec
	outcomes telemetry.Outcomes
}

var laneLabels = []string{"kind", "team", "channel"}

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_slack_calls_total",
			Help: "Attempts to carry out a command at Slack, by kind and result: ok, found (a lost answer), unknown, parked, rejected, throttled, later.",
		}, []string{"kind", "result"}),
		merged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "slacktalk_lane_merged_total", Help: "Waiting messages that went out in a post together with an earlier one.",
		}),
		parked: newParking(),
		held: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_lane_held_back_seconds_total", Help: "Time in which a lane with something to do did nothing, by cause: pace, throttled (Slack's 429), parked.",
		}, append([]string{"cause"}, laneLabels...)),
		outcomes: telemetry.NewOutcomes(registry, "to_slack"),
	}
	registry.MustRegister(m.calls, m.merged, m.parked, m.held)
	return m
}

// heldBack adds to the time in which the lane did nothing.
func (w *worker) heldBack(cause string, d time.Duration) {
	w.metrics.held.WithLabelValues(cause, w.lane.Kind, w.lane.Team, w.lane.Label()).Add(d.Seconds())
}

// throttled notes the wait that is to come, where Slack said that there were too many calls.
func (w *worker) throttled(err error) {
	if errors.Is(err, retry.ErrThrottled) {
		w.heldBack("throttled", retry.Delay(err))
	}
}

// arrived notes that Slack has a customer's messages, all in one post at ts, and in the trace of each where it went.
func (l *Lanes) arrived(ctx context.Context, ts string, carried []bus.Message, commands []*eventv1.SlackCommand) {
	for i, m := range carried {
		project := bus.ProjectToken(commands[i].GetThreadPost().GetProject())
		l.metrics.outcomes.Arrived(project, l.Now().Sub(m.Origin.Began))
		if !telemetry.Recording(ctx) {
			continue
		}
		if i == 0 {
			telemetry.Note(ctx, attribute.String("slack.ts", ts), attribute.Int("slacktalk.carried", len(carried)))
			continue
		}
		l.merge(ctx, m, ts)
	}
}

// looked notes what a look for a lost answer has shown.
func (a *attempt) looked(ctx context.Context, found bool, err error) {
	a.metrics.outcomes.Looked(ctx, found, err)
	effort.Looked(a.took, found, err, a.Now())
}

// merge joins the trace of a message that went along to the one of the post that carried it, in both directions.
func (l *Lanes) merge(ctx context.Context, m bus.Message, ts string) {
	carrier := trace.SpanFromContext(ctx)
	carrier.AddLink(trace.Link{SpanContext: m.Trace, Attributes: []attribute.KeyValue{attribute.String("slacktalk.link", "carried along")}})
	own := trace.ContextWithRemoteSpanContext(ctx, m.Trace)
	_, span := carrier.TracerProvider().Tracer("github.com/slacktalk/slacktalk").Start(own, "posted with an earlier message", trace.WithLinks(trace.Link{
		SpanContext: carrier.SpanContext(), Attributes: []attribute.KeyValue{attribute.String("slacktalk.link", "carried by")},
	}), trace.WithAttributes(attribute.String("slack.ts", ts), attribute.String("slacktalk.event_id", m.Origin.Event)))
	span.End()
}

// lostOf notes that a customer's message is given up.
func (l *Lanes) lostOf(command *eventv1.SlackCommand) {
	if post := command.GetThreadPost(); post != nil && post.GetMoved() == nil {
		l.metrics.outcomes.Failed(bus.ProjectToken(post.GetProject()))
	}
}

// parking tells which lanes are parked. Several lanes may share their labels.
type parking struct {
	mu     sync.Mutex
	parked map[bus.Lane]bool
	about  *prometheus.Desc
}

func newParking() *parking {
	return &parking{parked: map[bus.Lane]bool{}, about: prometheus.NewDesc("slacktalk_lane_parked", "How many lanes of a channel do not take posts until a person mends something.", laneLabels, nil)}
}

// Set notes whether a lane is parked.
func (p *parking) Set(lane bus.Lane, parked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, seen := p.parked[lane]; seen && known == parked {
		return
	}
	p.parked[lane] = parked
}

// Describe is for Prometheus.
func (p *parking) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- p.about }

// Collect is for Prometheus.
func (p *parking) Collect(metrics chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	numbers := map[[3]string]float64{}
	for lane, parked := range p.parked {
		labels := [3]string{lane.Kind, lane.Team, lane.Label()}
		numbers[labels] += 0
		if parked {
			numbers[labels]++
		}
	}
	for labels, n := range numbers {
		metrics <- prometheus.MustNewConstMetric(p.about, prometheus.GaugeValue, n, labels[:]...)
	}
}
