package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// ErrUnavailable is matched by the errors of a stream that cannot be read now.
var ErrUnavailable = errors.New("audit entries cannot be read")

const (
	// JetStream reads forward and a list goes backward, so the stream is read window by window, each before and larger than the one read last.
	firstWindow = 1 << 10
	lastWindow  = 1 << 16
	// enough entries have been looked at for one page, whether they belong into the list or not.
	enough = 20_000
	batch  = 500
	// A consumer that was left behind goes by itself.
	inactive = 30 * time.Second
	// A page has no more patience than this with JetStream.
	stalled = 2 * time.Second
	// heardAfter is how often, and hearing how long apart, a new consumer is asked that nobody seems to have.
	heardAfter = 60
	hearing    = 50 * time.Millisecond
)

// stored is an entry with its place in the stream.
type stored struct {
	sequence uint64
	entry    *eventv1.AuditEntry
}

// stream reads AUDIT.
type stream struct {
	js  jetstream.JetStream
	log *slog.Logger
}

// latest answers at most n entries of the subjects that keep wants, the latest first, from before a sequence (0: from the end). next is what
// to go on with, 0 at the end of the list. It may answer fewer than n, even none, and a next.
func (s stream) latest(ctx context.Context, subjects string, before uint64, n int, keep func(*eventv1.AuditEntry) bool) (found []stored, next uint64, err error) {
	handle, err := s.js.Stream(ctx, bus.Audit)
	if err != nil {
		return nil, 0, unavailable(ctx, err)
	}
	state := handle.CachedInfo().State
	if high := state.LastSeq + 1; before == 0 || before > high {
		before = high
	}
	looked := 0
	for window := uint64(firstWindow); before > state.FirstSeq; window = min(2*window, lastWindow) {
		from := max(state.FirstSeq, before-min(before, window))
		entries, err := s.window(ctx, handle, subjects, from, before)
		if err != nil {
			return nil, 0, unavailable(ctx, err)
		}
		for i := len(entries) - 1; i >= 0; i-- {
			if !keep(entries[i].entry) {
				continue
			}
			if len(found) == n {
				return found, found[n-1].sequence, nil
			}
			found = append(found, entries[i])
		}
		before = from
		if looked += len(entries); looked >= enough && before > state.FirstSeq {
			return found, before, nil
		}
	}
	return found, 0, nil
}

// window answers the entries of the subjects from one sequence to before another, the oldest first.
func (s stream) window(ctx context.Context, handle jetstream.Stream, subjects string, from, before uint64) ([]stored, error) {
	consumer, err := handle.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1), FilterSubject: subjects,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: inactive,
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", subjects, err)
	}
	name, pending := consumer.CachedInfo().Name, consumer.CachedInfo().NumPending
	defer func() { _ = handle.DeleteConsumer(context.WithoutCancel(ctx), name) }()
	var entries []stored
	for unheard := 0; pending > 0; {
		wanted := int(min(pending, batch))
		got, err := consumer.Fetch(wanted, jetstream.FetchMaxWait(stalled))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", subjects, err)
		}
		came := 0
		for m := range got.Messages() {
			came++
			meta, err := m.Metadata()
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", subjects, err)
			}
			if meta.Sequence.Stream >= before {
				return entries, nil
			}
			pending = meta.NumPending
			entries = s.decode(entries, meta.Sequence.Stream, m.Data())
		}
		if err := got.Error(); errors.Is(err, nats.ErrNoResponders) && unheard < heardAfter {
			// In a cluster the server that we are connected to may hear of a new consumer a moment later than we do.
			unheard++
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(hearing):
			}
			continue
		} else if err != nil {
			return nil, fmt.Errorf("read %s: %w", subjects, err)
		}
		if came == 0 {
			return nil, fmt.Errorf("read %s: nothing came for %v", subjects, stalled)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// decode adds an entry; one that cannot be understood hides no other.
func (s stream) decode(entries []stored, sequence uint64, data []byte) []stored {
	entry := &eventv1.AuditEntry{}
	if err := proto.Unmarshal(data, entry); err != nil {
		s.log.Warn("audit entry is unreadable", "sequence", sequence, "err", err)
		return entries
	}
	return append(entries, stored{sequence, entry})
}

// unavailable is told of a stream that cannot be read, unless the caller's own patience has ended.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read audit entries: %w", ctx.Err())
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
