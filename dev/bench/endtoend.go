package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// toSlack measures how many messages per second of customers reach Slack.
func (b *bench) toSlack(ctx context.Context) ([]Measure, error) {
	measures, err := b.sustained(ctx, "customer to Slack", b.Sizes.Channels, func(t *talk, addr string) func(context.Context, int) error { return t.fromCustomer(addr) })
	if err != nil {
		return nil, err
	}
	one, err := b.sustained(ctx, "customer to Slack, all in one channel", 1, func(t *talk, addr string) func(context.Context, int) error { return t.fromCustomer(addr) })
	if err != nil {
		return nil, err
	}
	one[0].Goal = Goal{}
	one[0].Note = "One lane, which makes one post at a time and waits for Slack's answer; the reference has no lanes and posts from 32 partitions at once."
	return append(measures, one[0]), nil
}

// toKARTE measures how many messages per second of operators reach KARTE.
func (b *bench) toKARTE(ctx context.Context) ([]Measure, error) {
	return b.sustained(ctx, "Slack to customer", b.Sizes.Channels, func(t *talk, _ string) func(context.Context, int) error { return t.fromOperator })
}

func (b *bench) sustained(ctx context.Context, what string, channels int, from func(t *talk, addr string) func(context.Context, int) error) (_ []Measure, err error) {
	t, err := b.talk(ctx, b.Sizes.Customers, channels)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	hops, err := t.startReference(ctx, reference{Kind: twoHops})
	if err != nil {
		return nil, err
	}
	rate := Measure{What: what + ", messages per second", Unit: "/s", Against: "(d)", Goal: Goal{AtLeast: 0.85}}
	cost := Measure{What: what + ", CPU per message at that rate", Unit: "ms", Against: "(d)"}
	l := load{window: b.Sizes.Window, warm: b.Sizes.Warm, span: b.Sizes.Span, senders: b.Sizes.Connections}
	traffic := Measure{What: what + ", messages and requests that NATS takes for each", Against: "(d)"}
	messages := 0
	ours, theirs := shares{}, shares{}
	subject := t.turn(ctx, l, t.services[slackGateway], from(t, t.services[ingestKARTE].addr), func(d driven, cpu used) {
		messages = d.messages
		rate.Subject, cost.Subject = append(rate.Subject, d.perSecond), append(cost.Subject, cpu.of(d.messages, services...))
		ours.add(cpu, d.messages)
	})
	beside := t.turn(ctx, l, hops, from(t, hops.addr), func(d driven, cpu used) {
		messages = d.messages
		rate.Reference, cost.Reference = append(rate.Reference, d.perSecond), append(cost.Reference, cpu.of(d.messages, hops.name))
		theirs.add(cpu, d.messages)
	})
	counted := func(turn func() error, into *[]float64) func() error {
		return func() error {
			before, err := t.taken(ctx)
			if err == nil {
				err = turn()
			}
			if err != nil {
				return err
			}
			after, err := t.taken(ctx)
			*into = append(*into, (after-before)/float64(max(messages, 1)))
			return err
		}
	}
	if err := b.turns(counted(subject, &traffic.Subject), counted(beside, &traffic.Reference)); err != nil {
		return nil, err
	}
	cost.Note = fmt.Sprintf("of everything in ms: %s. Of (d): %s.", ours, theirs)
	return []Measure{rate, cost, traffic}, t.sane()
}

// direction is how messages are sent one way or the other.
type direction struct {
	what string
	from func(addr string) func(context.Context, int) error
}

func (t *talk) directions() []direction {
	return []direction{
		{"customer to Slack", t.fromCustomer},
		{"Slack to customer", func(string) func(context.Context, int) error { return t.fromOperator }},
	}
}

// turn is one turn of a load, during which listener gets Slack's events.
func (t *talk) turn(ctx context.Context, l load, listener *process, send func(context.Context, int) error, done func(driven, used)) func() error {
	return func() error {
		t.listen(listener.addr)
		l.send = send
		var d driven
		cpu, err := t.profiled(ctx, "endtoend", listener, func() (err error) { d, err = t.drive(ctx, l); return err })
		if err != nil {
			return err
		}
		done(d, cpu)
		return t.quiet(ctx)
	}
}

// sane makes sure that what was measured is the usual way: nobody's thread was opened anew.
func (t *talk) sane() error {
	if n := t.heads(); n != len(t.customers) {
		return fmt.Errorf("%d threads of %d customers", n, len(t.customers))
	}
	return nil
}

// cpu measures what a message costs at a steady rate, and the memory of each service before and meanwhile.
func (b *bench) cpu(ctx context.Context) (_ []Measure, err error) {
	t, err := b.talk(ctx, b.Sizes.Customers, b.Sizes.Channels)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	hops, err := t.startReference(ctx, reference{Kind: twoHops})
	if err != nil {
		return nil, err
	}
	memory, err := t.idle(ctx)
	if err != nil {
		return nil, err
	}
	rest, err := t.rest(ctx)
	if err != nil {
		return nil, err
	}
	measures := []Measure{rest}
	for _, d := range t.directions() {
		cost := Measure{What: fmt.Sprintf("CPU per message at %s/s, %s, all three services", number(b.Sizes.Rate), d.what), Unit: "ms", Against: "(d)", Goal: Goal{AtMost: 1.25}}
		l := load{rate: b.Sizes.Rate, warm: b.Sizes.Warm, span: b.Sizes.Span, senders: b.Sizes.Connections}
		var reached []float64
		ours, theirs := shares{}, shares{}
		subject := t.turn(ctx, l, t.services[slackGateway], d.from(t.services[ingestKARTE].addr), func(d driven, cpu used) {
			cost.Subject, reached = append(cost.Subject, cpu.of(d.messages, services...)), append(reached, d.perSecond)
			ours.add(cpu, d.messages)
		})
		weigh := func() error { return t.weigh(memory) }
		beside := t.turn(ctx, l, hops, d.from(hops.addr), func(d driven, cpu used) {
			cost.Reference = append(cost.Reference, cpu.of(d.messages, hops.name))
			theirs.add(cpu, d.messages)
		})
		if err := b.turns(subject, weigh, beside); err != nil {
			return nil, err
		}
		cost.Note = fmt.Sprintf("%s/s arrived while they were sent. Of everything in ms: %s. Of (d): %s.", spread(reached), ours, theirs)
		measures = append(measures, cost)
	}
	for _, m := range memory {
		measures = append(measures, *m)
	}
	return measures, t.sane()
}

// idle measures the memory of services that have just started, and prepares what weigh measures under load.
func (t *talk) idle(ctx context.Context) ([]*Measure, error) {
	var all []*Measure
	for _, service := range []string{ingestKARTE, router, slackGateway} {
		// A fresh replica has seen no message; it shares the partitions with the other one.
		p, err := t.start(ctx, service, service+"-idle", "SLACK_PACE=0")
		if err != nil {
			return nil, err
		}
		if !wait(ctx, time.Now().Add(5*t.Sizes.Warm)) {
			return nil, context.Cause(ctx)
		}
		bytes, err := resident(p.pid())
		if err != nil {
			return nil, err
		}
		p.stop()
		all = append(all, &Measure{What: service + ", resident memory, idle", Unit: "MB", Subject: []float64{bytes / 1e6}, Goal: Goal{AtMost: 30}})
	}
	for _, service := range []string{ingestKARTE, router, slackGateway} {
		all = append(all, &Measure{What: fmt.Sprintf("%s, resident memory at %s/s", service, number(t.Sizes.Rate)), Unit: "MB", Goal: Goal{AtMost: 60}})
	}
	return all, nil
}

// rest measures what everything uses while nobody writes.
func (t *talk) rest(ctx context.Context) (Measure, error) {
	m := Measure{What: "CPU at rest, all three services and NATS", Unit: "% of one CPU"}
	each := shares{}
	for range t.Sizes.Repeats {
		began := time.Now()
		cpu, err := t.meter(func() error {
			if !wait(ctx, began.Add(3*t.Sizes.Warm)) {
				return context.Cause(ctx)
			}
			return nil
		})
		if err != nil {
			return m, err
		}
		percent := time.Since(began).Seconds() * 10 // milliseconds in a hundredth of that time
		for name := range cpu {
			each[name] = append(each[name], cpu.of(1, name)/percent)
		}
		m.Subject = append(m.Subject, cpu.of(1, append([]string{"nats"}, services...)...)/percent)
	}
	m.Note = fmt.Sprintf("Of everything in %%: %s.", each)
	return m, nil
}

// weigh adds the memory that the services have now.
func (t *talk) weigh(memory []*Measure) error {
	for i, p := range t.all() {
		bytes, err := resident(p.pid())
		if err != nil {
			return err
		}
		m := memory[len(memory)-len(t.all())+i]
		m.Subject = append(m.Subject, bytes/1e6)
	}
	return nil
}

// latency measures how long a message is on its way, at a rate that leaves the machine idle for most of the time.
func (b *bench) latency(ctx context.Context) (_ []Measure, err error) {
	t, err := b.talk(ctx, b.Sizes.Customers, b.Sizes.Channels)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	line, err := t.startReference(ctx, reference{Kind: straight})
	if err != nil {
		return nil, err
	}
	l := load{rate: b.Sizes.LatencyRate, warm: b.Sizes.Warm, span: b.Sizes.Span, senders: b.Sizes.Connections}
	var measures []Measure
	for _, d := range t.directions() {
		p50 := Measure{What: fmt.Sprintf("%s at %s/s, p50", d.what, number(b.Sizes.LatencyRate)), Unit: "ms", Against: "(c)", Goal: Goal{AtMost: 2.5}}
		p99 := Measure{What: fmt.Sprintf("%s at %s/s, p99", d.what, number(b.Sizes.LatencyRate)), Unit: "ms", Against: "(c)", Goal: Goal{AtMost: 3}}
		subject := t.turn(ctx, l, t.services[slackGateway], d.from(t.services[ingestKARTE].addr), func(d driven, _ used) {
			p50.Subject, p99.Subject = append(p50.Subject, quantile(d.latencies, 0.5)), append(p99.Subject, quantile(d.latencies, 0.99))
		})
		beside := t.turn(ctx, l, line, d.from(line.addr), func(d driven, _ used) {
			p50.Reference, p99.Reference = append(p50.Reference, quantile(d.latencies, 0.5)), append(p99.Reference, quantile(d.latencies, 0.99))
		})
		if err := b.turns(subject, beside); err != nil {
			return nil, err
		}
		measures = append(measures, p50, p99)
	}
	return measures, t.sane()
}
