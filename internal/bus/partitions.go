package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// ServePartitions works on every partition of a stream until ctx ends; token is the first token of the stream's subjects, service
// names the consumers. While the number of partitions is being raised (PARTITIONS_BEFORE), the new ones begin when the former ones are
// empty, so that no customer is overtaken by their own later message.
func (b *Bus) ServePartitions(ctx context.Context, service, stream, token string, handle Handler) error {
	group, ctx := errgroup.WithContext(ctx)
	former := b.queues(b.settings.PartitionsBefore, service, stream, token, handle)
	for _, q := range former {
		group.Go(func() error { return b.Serve(ctx, q) })
	}
	group.Go(func() error {
		for _, q := range former {
			b.awaitEmpty(ctx, q)
		}
		for _, q := range b.queues(b.settings.Partitions, service, stream, token, handle) {
			group.Go(func() error { return b.Serve(ctx, q) })
		}
		return nil
	})
	return group.Wait()
}

func (b *Bus) queues(p Partitions, service, stream, token string, handle Handler) []Queue {
	var queues []Queue
	for _, partition := range p.Tokens() {
		queues = append(queues, Queue{
			Stream: stream, Durable: service + "-" + partition, Filter: token + "." + partition + ".>", Handle: handle,
		})
	}
	return queues
}

// awaitEmpty returns when everything stored in q has been settled, or ctx ends.
func (b *Bus) awaitEmpty(ctx context.Context, q Queue) {
	for {
		empty, err := b.empty(ctx, q)
		if empty {
			return
		}
		if err != nil {
			b.log.Debug("former partition not looked at", "queue", q.Durable, "err", err)
		}
		if !sleep(ctx, scan/2) {
			return
		}
	}
}

func (b *Bus) empty(ctx context.Context, q Queue) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	consumer, err := b.js.Consumer(ctx, q.Stream, q.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return false, nil // Serve is about to make it
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", q.Durable, err)
	}
	info := consumer.CachedInfo()
	return info.NumPending == 0 && info.NumAckPending == 0, nil
}

// stream answers the handle of a stream, asking for it only once.
func (b *Bus) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	if known, ok := b.handles.Load(name); ok {
		return known.(jetstream.Stream), nil //nolint:forcetypeassert // only streams are stored under stream names
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := b.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", name, err)
	}
	b.handles.Store(name, handle)
	return handle, nil
}
