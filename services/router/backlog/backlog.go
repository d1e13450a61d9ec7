// Package backlog tells Prometheus what waits in the streams, when it is asked.
package backlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/slacktalk/slacktalk/internal/bus"
)

const (
	// askWithin bounds one look at everything; a scrape is given up after ten seconds, as a rule.
	askWithin = 5 * time.Second
	// fresh is how long what was seen is told again: there may be several who scrape.
	fresh = 2 * time.Second
	// atOnce is how many questions JetStream is asked at the same time.
	atOnce = 16
)

var (
	laneLabels = []string{"kind", "team", "channel"}

	known   = prometheus.NewDesc("slacktalk_backlog_known", "1 when JetStream has said what waits, 0 when it did not: then the other metrics of the backlog are missing.", nil, nil)
	pending = prometheus.NewDesc("slacktalk_stream_pending", "Messages that its consumers are not done with (JetStream's consumer lag), by stream.", []string{"stream"}, nil)
	oldest  = prometheus.NewDesc("slacktalk_stream_oldest_seconds", "Age of the oldest message that a consumer is not done with, by stream; 0 when there is none.", []string{"stream"}, nil)
	lagging = prometheus.NewDesc("slacktalk_stream_lagging_consumers", "Consumers that are not done, by stream.", []string{"stream"}, nil)
	lane    = prometheus.NewDesc("slacktalk_lane_pending", "Commands that wait in the lanes of a channel.", laneLabels, nil)
	since   = prometheus.NewDesc("slacktalk_lane_oldest_seconds", "Age of the oldest command that waits in a lane of a channel; 0 when there is none.", laneLabels, nil)
	stored  = prometheus.NewDesc("slacktalk_stream_messages", "Messages that a stream keeps, done or not. In DEAD these are the letters that nobody has replayed or discarded.", []string{"stream"}, nil)
	bytes   = prometheus.NewDesc("slacktalk_stream_bytes", "What a stream or bucket takes on each of its servers.", []string{"stream"}, nil)
)

// Collector is asked by Prometheus. Every router tells the same.
type Collector struct {
	js  jetstream.JetStream
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	seen time.Time
	last []prometheus.Metric
}

// New makes one.
func New(b *bus.Bus, now func() time.Time, log *slog.Logger) (*Collector, error) {
	js, err := jetstream.New(b.Conn(), jetstream.WithDefaultTimeout(askWithin))
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	return &Collector{js: js, log: log, now: now}, nil
}

// Describe is for Prometheus.
func (c *Collector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{known, pending, oldest, lagging, lane, since, stored, bytes} {
		descriptions <- d
	}
}

// Collect is for Prometheus.
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.seen) > fresh {
		c.last, c.seen = c.look(), time.Now()
	}
	for _, m := range c.last {
		metrics <- m
	}
}

func (c *Collector) look() []prometheus.Metric {
	ctx, cancel := context.WithTimeoutCause(context.Background(), askWithin, errors.New("JetStream took too long"))
	defer cancel()
	s := &sight{Collector: c, streams: map[string]*queue{}, lanes: map[[3]string]*queue{}}
	if err := s.see(ctx); err != nil {
		c.log.Debug("the backlog is not known", "err", err)
		return []prometheus.Metric{gauge(known, 0)}
	}
	return s.metrics()
}

// queue is what waits in one place.
type queue struct {
	waiting, lagging uint64
	first            time.Time
}

func (q *queue) add(waiting uint64, first time.Time) {
	q.waiting += waiting
	if waiting > 0 {
		q.lagging++
	}
	if !first.IsZero() && (q.first.IsZero() || first.Before(q.first)) {
		q.first = first
	}
}

// sight is one look at everything.
type sight struct {
	*Collector
	mu      sync.Mutex
	streams map[string]*queue
	lanes   map[[3]string]*queue
	sizes   []prometheus.Metric
}

// consumed are the streams whose consumers are looked at; HELD has one for each customer that waits, and is looked at as a whole.
var consumed = []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends}

func (s *sight) see(ctx context.Context) error {
	for _, name := range bus.StreamNames() {
		stream, err := s.js.Stream(ctx, name)
		if err != nil {
			return fmt.Errorf("stream %s: %w", name, err)
		}
		state := stream.CachedInfo().State
		s.sizes = append(s.sizes, gauge(stored, float64(state.Msgs), name), gauge(bytes, float64(state.Bytes), name))
		switch {
		case name == bus.Held:
			held := &queue{waiting: state.Msgs}
			if state.Msgs > 0 {
				held.first = state.FirstTime
			}
			s.streams[bus.Held] = held
		case slices.Contains(consumed, name):
			if err := s.consumers(ctx, stream, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sight) consumers(ctx context.Context, stream jetstream.Stream, name string) error {
	s.streams[name] = &queue{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.AckPolicy == jetstream.AckExplicitPolicy { // those of scans come and go
			group.Go(func() error { return s.consumer(ctx, stream, name, info) })
		}
	}
	if err := list.Err(); err != nil {
		return errors.Join(fmt.Errorf("consumers of %s: %w", name, err), group.Wait())
	}
	return group.Wait()
}

func (s *sight) consumer(ctx context.Context, stream jetstream.Stream, name string, info *jetstream.ConsumerInfo) error {
	waiting := info.NumPending + uint64(info.NumAckPending) //nolint:gosec // it is a count
	var first time.Time
	if waiting > 0 {
		raw, err := stream.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(info.Config.FilterSubject))
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("oldest of %s: %w", info.Name, err)
		}
		if err == nil {
			first = raw.Time
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[name].add(waiting, first)
	if name != bus.Posts {
		return nil
	}
	if l, ok := bus.ParseLane(strings.TrimSuffix(info.Config.FilterSubject, ".*")); ok {
		labels := [3]string{l.Kind, l.Team, l.Label()}
		if s.lanes[labels] == nil {
			s.lanes[labels] = &queue{}
		}
		s.lanes[labels].add(waiting, first)
	}
	return nil
}

func (s *sight) metrics() []prometheus.Metric {
	all := append(s.sizes, gauge(known, 1))
	for name, q := range s.streams {
		all = append(all, gauge(pending, float64(q.waiting), name), gauge(oldest, s.age(q), name))
		if name != bus.Held {
			all = append(all, gauge(lagging, float64(q.lagging), name))
		}
	}
	for labels, q := range s.lanes {
		all = append(all, gauge(lane, float64(q.waiting), labels[:]...), gauge(since, s.age(q), labels[:]...))
	}
	return all
}

func (s *sight) age(q *queue) float64 {
	if q.first.IsZero() {
		return 0
	}
	return max(s.now().Sub(q.first), 0).Seconds()
}

func gauge(about *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(about, prometheus.GaugeValue, value, labels...)
}
