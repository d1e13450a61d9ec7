package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
)

// Watch tells each record whose key begins with prefix, which ends in a dot, then known once all that were there have been told, then every later change, until ctx ends. It begins
// anew whenever the connection was lost, so the same may be told again.
func Watch[R any, T interface {
	*R
	proto.Message
}](ctx context.Context, b *Bus, bucket, prefix string, each func(key string, record T, revision uint64), known func()) {
	for ctx.Err() == nil {
		if err := watch(ctx, b, bucket, prefix, each, known); err != nil && ctx.Err() == nil {
			b.log.Warn("bucket not watched", "bucket", bucket, "err", err)
		}
		sleep(ctx, scan)
	}
}

func watch[R any, T interface {
	*R
	proto.Message
}](ctx context.Context, b *Bus, bucket, prefix string, each func(key string, record T, revision uint64), known func()) error {
	handle, err := b.bucket(ctx, bucket)
	if err != nil {
		return err
	}
	watcher, err := handle.Watch(ctx, prefix+">")
	if err != nil {
		return fmt.Errorf("watch %s: %w", bucket, err)
	}
	defer func() { _ = watcher.Stop() }()
	// A watch that lost its connection recovers by itself; looking again now and then covers what that may miss.
	again := time.NewTimer(time.Minute)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			return nil
		case entry, ok := <-watcher.Updates():
			switch {
			case !ok:
				return errors.New("the watch ended")
			case entry == nil:
				known()
			case strings.HasPrefix(entry.Key(), prefix) && entry.Operation() == jetstream.KeyValuePut:
				record := T(new(R))
				if err := proto.Unmarshal(entry.Value(), record); err != nil {
					b.log.Error("a record cannot be decoded", "bucket", bucket, "key", entry.Key(), "err", err)
					continue
				}
				each(entry.Key(), record, entry.Revision())
			}
		}
	}
}

// UseUp writes down that key is used, for as long as limit; false when it was already.
func (b *Bus) UseUp(ctx context.Context, bucket, key string, limit time.Duration) (first bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := b.bucket(ctx, bucket)
	if err != nil {
		return false, err
	}
	_, err = handle.Create(ctx, key, nil, jetstream.KeyTTL(limit))
	if errors.Is(err, jetstream.ErrKeyExists) || refusedAsThere(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("use up %s/%s: %w", bucket, key, err)
	}
	return true, nil
}
