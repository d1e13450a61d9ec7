package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// partitions measures what more partitions, with a replica for each, bring when KARTE is slow.
func (b *bench) partitions(ctx context.Context) ([]Measure, error) {
	var measures []Measure
	alone := make([]float64, 0, b.Sizes.Repeats)
	for _, p := range b.Sizes.Partitions {
		rates, err := b.slow(ctx, p, p)
		if err != nil {
			return nil, err
		}
		m := Measure{What: fmt.Sprintf("%d partitions, %d replicas of ingest-karte, %v per call, messages per second", p, p, b.Sizes.Slow), Unit: "/s", Subject: rates}
		if p == 1 {
			alone = rates
		}
		for _, one := range alone {
			m.Reference = append(m.Reference, one*float64(p))
		}
		m.Against, m.Goal = fmt.Sprintf("%d × one", p), Goal{AtLeast: 0.95}
		measures = append(measures, m)
	}
	most := b.Sizes.Partitions[len(b.Sizes.Partitions)-1]
	rates, err := b.slow(ctx, most, 2*most)
	if err != nil {
		return nil, err
	}
	return append(measures, Measure{
		What: fmt.Sprintf("%d partitions, %d replicas", most, 2*most), Unit: "/s", Subject: rates, Reference: measures[len(measures)-1].Subject,
		Against: fmt.Sprintf("%d replicas", most), Note: "More replicas than partitions bring nothing: the partitions are used up.",
	}), nil
}

// slow measures how many commands a second reach KARTE when every call takes its time.
func (b *bench) slow(ctx context.Context, partitions, replicas int) (rates []float64, err error) {
	w, err := b.world(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	w.slowKARTE.delay.Store(int64(b.Sizes.Slow))
	for n := range replicas {
		if _, err := w.start(ctx, ingestKARTE, fmt.Sprintf("%s-%d", ingestKARTE, n), fmt.Sprintf("PARTITIONS=%d", partitions)); err != nil {
			return nil, err
		}
	}
	conversations := oneIn(bus.Partitions(partitions))
	l := load{
		window: 4 * partitions, warm: b.Sizes.Warm, span: b.Sizes.Span, senders: 2 * partitions,
		send: func(ctx context.Context, n int) error {
			return w.command(ctx, bus.Partitions(partitions), conversations[n%partitions], n)
		},
	}
	return rates, b.turns(func() error {
		d, err := w.drive(ctx, l)
		rates = append(rates, d.perSecond)
		return err
	})
}

// oneIn answers a conversation in each partition.
func oneIn(p bus.Partitions) []string {
	found := map[string]string{}
	for n := 0; len(found) < int(p); n++ {
		conversation := bus.Token(fmt.Sprint(n))
		found[p.Of(project+conversation)] = conversation
	}
	var all []string
	for _, partition := range p.Tokens() {
		all = append(all, found[partition])
	}
	return all
}

// command stores a command to KARTE, as the router does.
func (w *world) command(ctx context.Context, p bus.Partitions, conversation string, n int) error {
	id := "bench-" + mark(n)
	data, err := proto.Marshal(&eventv1.KarteCommand{
		Id: id, Project: project, Conversation: conversation, Customer: &eventv1.Customer{UserId: "member-" + conversation}, Operator: operator,
		Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Text: words + mark(n), IssuedAt: timestamppb.Now(),
		Origin: &eventv1.SlackMessageRef{Team: team, Channel: channelID(0), ThreadTs: "1790000000.000001", Ts: "1790000000.000002", Member: member},
	})
	if err != nil {
		return fmt.Errorf("make a command: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := w.js.Publish(ctx, bus.SendSubject(p, project, conversation, id), data); err != nil {
		return fmt.Errorf("store a command: %w", err)
	}
	return nil
}
