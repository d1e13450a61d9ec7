package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
)

// backlog measures how soon a channel that is behind has everything, when Slack takes one post in each gap. Nothing is compared: without putting messages together it takes as many gaps as messages.
func (b *bench) backlog(ctx context.Context) (_ []Measure, err error) {
	t, err := b.talk(ctx, b.Sizes.BacklogCustomers, 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	m := Measure{
		What: fmt.Sprintf("%s waiting messages of %d customers in one channel, one post in %v", number(float64(b.Sizes.Backlog)), b.Sizes.BacklogCustomers, b.Sizes.Gap),
		Unit: "s until all are there", Goal: Goal{AtMost: 70 * b.Sizes.Gap.Seconds()},
	}
	if err := t.fill(ctx); err != nil {
		return nil, err
	}
	t.slackGaps.gap.Store(int64(b.Sizes.Gap))
	began := time.Now()
	if _, err := t.start(ctx, slackGateway, slackGateway, "SLACK_PACE="+b.Sizes.Gap.String()); err != nil {
		return nil, err
	}
	t.listen(t.services[slackGateway].addr)
	if err := t.drained(ctx); err != nil {
		return nil, err
	}
	m.Subject = []float64{time.Since(began).Seconds()}
	m.Note = "From the start of slack-gateway, whose absence made the backlog."
	return []Measure{m}, t.sane()
}

// fill lets messages wait in the channel's lane.
func (t *talk) fill(ctx context.Context) error {
	t.services[slackGateway].stop()
	posts, err := t.js.Stream(ctx, bus.Posts)
	if err != nil {
		return fmt.Errorf("look at the lane: %w", err)
	}
	count := func() (n uint64, err error) {
		info, err := posts.Info(ctx, jetstream.WithSubjectFilter(bus.Lane{Kind: bus.PostLane, Team: team, Channel: channelID(0)}.Filter()))
		if err != nil {
			return 0, fmt.Errorf("look at the lane: %w", err)
		}
		return uint64(len(info.State.Subjects)), nil
	}
	before, err := count()
	if err != nil {
		return err
	}
	t.at.reset(nil)
	for i := range t.Sizes.Backlog {
		if err := t.hook(ctx, t.services[ingestKARTE].addr, t.customers[i%len(t.customers)], t.at.number(time.Now())); err != nil {
			return err
		}
	}
	for {
		now, err := count()
		if err != nil || now-before == uint64(t.Sizes.Backlog) {
			return err
		}
		if !wait(ctx, time.Now().Add(50*time.Millisecond)) {
			return context.Cause(ctx)
		}
	}
}

// starts measures how long a service takes from its start until it is ready, with everything there that it needs.
func (b *bench) starts(ctx context.Context) (_ []Measure, err error) {
	w, err := b.world(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	var measures []Measure
	for _, service := range []string{router, ingestKARTE, slackGateway} {
		m := Measure{What: service + ", start to ready", Unit: "ms", Goal: Goal{AtMost: 300}}
		for range b.Sizes.Starts + 1 { // the first one makes the streams
			began := time.Now()
			p, err := w.begin(service, service)
			if err != nil {
				return nil, err
			}
			if err := p.await(ctx, time.Millisecond, func() error { return probe(ctx, p.admin+"/readyz") }); err != nil {
				return nil, fmt.Errorf("%w; see %s", err, filepath.Join(w.dir, service+".log"))
			}
			m.Subject = append(m.Subject, float64(time.Since(began))/float64(time.Millisecond))
			p.stop()
		}
		m.Subject = m.Subject[1:]
		measures = append(measures, m)
	}
	return measures, nil
}
