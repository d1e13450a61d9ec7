package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
)

// atOnce is how many messages one request of a scan asks for.
const atOnce = 500

// Scan calls do with every message of a stream that matches filter and has the sequence from or a later one, oldest first, until there is none
// left or do fails. It answers where the next scan may go on. See Probe for streams that it cannot be used on.
func (b *Bus) Scan(ctx context.Context, stream, filter string, from uint64, do func(Message) error) (next uint64, err error) {
	next = max(from, 1)
	consumer, err := b.reader(ctx, stream, filter, next)
	if err != nil {
		return next, fmt.Errorf("scan %s: %w", filter, err)
	}
	seen, unheard := uint64(0), 0
	for pending := consumer.CachedInfo().NumPending; pending > 0; {
		batch, err := consumer.FetchNoWait(atOnce)
		if err != nil {
			return next, fmt.Errorf("scan %s: %w", filter, err)
		}
		before := seen
		for raw := range batch.Messages() {
			meta, err := raw.Metadata()
			if err != nil {
				return next, fmt.Errorf("scan %s: %w", filter, err)
			}
			if seen++; meta.Sequence.Consumer != seen {
				return next, fmt.Errorf("scan %s: %w", filter, errGap)
			}
			if operation := raw.Headers().Get("KV-Operation"); operation == "" {
				m := Message{Stream: stream, Subject: raw.Subject(), Data: raw.Data(), Sequence: meta.Sequence.Stream, StoredAt: meta.Timestamp}
				if err := do(m); err != nil {
					return next, err
				}
			}
			next, pending = meta.Sequence.Stream+1, meta.NumPending
		}
		err = errors.Join(batch.Error(), ctx.Err())
		if unheard++; errors.Is(err, nats.ErrNoResponders) && unheard < heardAfter && sleep(ctx, hearing) {
			continue
		}
		if err != nil {
			return next, fmt.Errorf("scan %s: %w", filter, err)
		}
		if unheard = 0; seen == before { // what was to come has been removed meanwhile
			return next, nil
		}
	}
	return next, nil
}

// In a cluster the server that we are connected to may hear of a new consumer a moment later than we do; until then it says that nobody is there to answer.
const (
	heardAfter = 60
	hearing    = 50 * time.Millisecond
)

var errGap = errors.New("a message was lost on its way; try again")

func (b *Bus) reader(ctx context.Context, stream, filter string, from uint64) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return b.js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		FilterSubject: filter, AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		// Nobody deletes it: who may delete consumers may delete those that others live on.
		MemoryStorage: true, InactiveThreshold: 15 * time.Second,
	})
}

// probes is how many requests a probe makes at the same time.
const probes = 16

// Probe is a scan without a consumer, for streams whose messages are handed to one reader only or may not be taken by the caller. It looks at several places at once, so the
// messages come in no order, one at a time. Those of HELD are told as they were before they were held, but with the sequence they have there.
func (b *Bus) Probe(ctx context.Context, stream, filter string, from uint64, do func(Message) error) (next uint64, err error) {
	handle, err := b.look(ctx, stream)
	if err != nil {
		return from, err
	}
	state := handle.CachedInfo().State
	first, end := max(from, state.FirstSeq, 1), state.LastSeq+1
	if first >= end {
		return max(from, end), nil
	}
	var one sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for begin, width := first, (end-first)/probes+1; begin < end; begin += width {
		group.Go(func() error {
			return probe(ctx, handle, filter, begin, min(begin+width, end), func(raw *jetstream.RawStreamMsg) error {
				m := Message{Stream: stream, Subject: raw.Subject, Data: raw.Data, Sequence: raw.Sequence, StoredAt: raw.Time}
				if stream == Held {
					m.comesFrom(raw.Header)
					m.Sequence = raw.Sequence
				}
				one.Lock()
				defer one.Unlock()
				return do(m)
			})
		})
	}
	return end, group.Wait()
}

// look asks for a stream as it is now.
func (b *Bus) look(ctx context.Context, stream string) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", stream, err)
	}
	return handle, nil
}

func probe(ctx context.Context, handle jetstream.Stream, filter string, next, end uint64, do func(*jetstream.RawStreamMsg) error) error {
	for next < end {
		raw, err := handle.GetMsg(ctx, next, jetstream.WithGetMsgSubject(filter))
		if errors.Is(err, jetstream.ErrMsgNotFound) || (err == nil && raw.Sequence >= end) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("probe %s: %w", filter, err)
		}
		if err := do(raw); err != nil {
			return err
		}
		next = raw.Sequence + 1
	}
	return nil
}

// Erase removes one stored message and overwrites it on the disk; there is false when it is gone already.
func (b *Bus) Erase(ctx context.Context, stream string, sequence uint64) (there bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := b.stream(ctx, stream)
	if err != nil {
		return false, err
	}
	err = handle.SecureDeleteMsg(ctx, sequence)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("erase %s/%d: %w", stream, sequence, err)
	}
	return true, nil
}

// gone tells from an error of the deletion that there was nothing to delete. The server says so in words only.
func gone(err error) bool {
	if !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return false
	}
	return slices.ContainsFunc([]string{"no message found", "deleted message", "EOF", "err_code=10043"}, func(words string) bool {
		return strings.Contains(err.Error(), words)
	})
}

// Latest answers the last stored message that matches filter; ok is false when there is none.
func (b *Bus) Latest(ctx context.Context, stream, filter string) (m Message, ok bool, err error) {
	handle, err := b.stream(ctx, stream)
	if err != nil {
		return Message{}, false, err
	}
	raw, err := handle.GetLastMsgForSubject(ctx, filter)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Message{}, false, nil
	}
	if err != nil {
		return Message{}, false, fmt.Errorf("look at %s: %w", filter, err)
	}
	return Message{Stream: stream, Subject: raw.Subject, Data: raw.Data, Sequence: raw.Sequence, StoredAt: raw.Time}, true, nil
}

// Each calls do with every record whose key matches pattern, in no order that means anything; records that change meanwhile may come twice.
func (r Records[T]) Each(ctx context.Context, pattern string, fresh func() T, do func(key string, record T, revision uint64, at time.Time) error) error {
	prefix := "$KV." + r.bucket + "."
	_, err := r.bus.Scan(ctx, Bucket(r.bucket), prefix+pattern, 1, func(m Message) error {
		record := fresh()
		key := strings.TrimPrefix(m.Subject, prefix)
		if err := proto.Unmarshal(m.Data, record); err != nil {
			return fmt.Errorf("decode %s/%s: %w", r.bucket, key, err)
		}
		return do(key, record, m.Sequence, m.StoredAt)
	})
	return err
}

// Erase removes a record so that nothing remains of it, not even a note that it was deleted. It answers the revision it had, 0 when there was none.
func (r Records[T]) Erase(ctx context.Context, key string, fresh func() T) (revision uint64, err error) {
	last := uint64(0)
	for range eraseTries {
		now, err := r.Read(ctx, key, fresh())
		if err != nil || now == 0 {
			return last, err
		}
		if err := r.purge(ctx, key, now); err != nil {
			return last, err
		}
		// Somebody may have written it anew: look again.
		if last == now && !sleep(ctx, eraseWait) {
			return last, context.Cause(ctx)
		}
		last = now
	}
	return last, fmt.Errorf("erase %s/%s: %w", r.bucket, key, ErrConflict)
}

// purge removes what the key holds up to a revision. Single messages of a bucket cannot be deleted.
func (r Records[T]) purge(ctx context.Context, key string, revision uint64) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := r.bus.stream(ctx, Bucket(r.bucket))
	if err != nil {
		return err
	}
	if err := handle.Purge(ctx, jetstream.WithPurgeSubject("$KV."+r.bucket+"."+key), jetstream.WithPurgeSequence(revision+1)); err != nil {
		return fmt.Errorf("purge %s/%s: %w", r.bucket, key, err)
	}
	return nil
}

const (
	eraseTries = 20
	eraseWait  = 100 * time.Millisecond
)
