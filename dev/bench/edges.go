package bench

import (
	"context"
	"errors"
	"fmt"
)

// ingest measures how fast KARTE's hooks are acknowledged; nobody reads what is stored.
func (b *bench) ingest(ctx context.Context) ([]Measure, error) {
	return b.edge(ctx, ingestKARTE, karteForm, func(n int) []byte {
		return hookBody(customer{user: fmt.Sprintf("member-%05d", n%1000), path: "/"}, hookID(n), words+mark(n))
	})
}

// events measures the same of Slack's events.
func (b *bench) events(ctx context.Context) ([]Measure, error) {
	return b.edge(ctx, slackGateway, slackForm, eventBody)
}

func (b *bench) edge(ctx context.Context, service string, f form, body func(n int) []byte) (_ []Measure, err error) {
	w, err := b.world(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	// The router makes the rest of the topology, and must not read meanwhile: it is not there.
	subject, err := w.start(ctx, service, service)
	if err != nil {
		return nil, err
	}
	var processes []*process
	for _, kind := range []string{published, signedOnly} {
		p, err := w.startReference(ctx, reference{Kind: kind})
		if err != nil {
			return nil, err
		}
		processes = append(processes, p)
	}
	stored := Measure{What: service + ", requests acknowledged per second", Unit: "/s", Against: "(b)", Goal: Goal{AtLeast: 0.9}}
	signed := Measure{What: "the same, beside no broker", Unit: "/s", Against: "(a)"}
	distance := 0
	costs := []shares{{}, {}, {}}
	measure := func(p *process, into *[]float64, cost shares) func() error {
		return func() error {
			from := distance
			distance += 10_000_000 // ids are never used twice
			var all int
			cpu, err := w.profiled(ctx, service, p, func() (err error) {
				var perSecond float64
				all, perSecond, err = hammer(ctx, b.Sizes, p.addr, f, func(n int) []byte { return body(from + n) })
				*into = append(*into, perSecond)
				return err
			})
			cost.add(cpu, all)
			return err
		}
	}
	err = b.turns(measure(subject, &stored.Subject, costs[0]), measure(processes[0], &stored.Reference, costs[1]), measure(processes[1], &signed.Reference, costs[2]))
	signed.Subject = stored.Subject
	stored.Note = fmt.Sprintf("CPU per request in ms: %s. Of (b): %s. Of (a): %s.", costs[0], costs[1], costs[2])
	return []Measure{stored, signed}, err
}
