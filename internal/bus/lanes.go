package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
)

// LaneRegistry makes lanes known to those who serve them. It is used by whoever publishes to lanes.
type LaneRegistry struct {
	bus   *Bus
	known sync.Map
}

// NewLaneRegistry makes one.
func (b *Bus) NewLaneRegistry() *LaneRegistry { return &LaneRegistry{bus: b} }

// Register makes lane known; after the first time it costs nothing. It must succeed before the first publish to the lane.
func (r *LaneRegistry) Register(ctx context.Context, lane Lane) error {
	if _, ok := r.known.Load(lane); ok {
		return nil
	}
	bucket, err := r.bus.bucket(ctx, Lanes)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := bucket.Create(ctx, lane.Key(), nil); err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
		return fmt.Errorf("register lane %s: %w", lane.Key(), err)
	}
	r.known.Store(lane, true)
	return nil
}

// ServeLanes works on every lane there is, and on new ones as they become known, until ctx ends.
func (b *Bus) ServeLanes(ctx context.Context, handle func(Lane) Handler) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	running := map[Lane]bool{}
	begin := func(key string) {
		lane, ok := ParseLane(key)
		if !ok || running[lane] {
			return
		}
		running[lane] = true
		queue := Queue{Stream: Posts, Durable: "lane-" + strings.ReplaceAll(key, ".", "-"), Filter: lane.Filter(), Handle: handle(lane)}
		serving.Go(func() { _ = b.Serve(ctx, queue) })
	}
	for ctx.Err() == nil {
		if err := b.watchLanes(ctx, begin); err != nil && ctx.Err() == nil {
			b.log.Warn("lanes not watched", "err", err)
		}
		sleep(ctx, scan)
	}
	return nil
}

func (b *Bus) watchLanes(ctx context.Context, begin func(key string)) error {
	bucket, err := b.bucket(ctx, Lanes)
	if err != nil {
		return err
	}
	watcher, err := bucket.WatchAll(ctx, jetstream.MetaOnly())
	if err != nil {
		return fmt.Errorf("watch lanes: %w", err)
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
			if !ok {
				return errors.New("the watch ended")
			}
			if entry != nil {
				begin(entry.Key())
			}
		}
	}
}

// Waiting answers, oldest first, up to limit messages that stand in lane behind the message with sequence after.
// Whoever carries them out with an earlier one writes so in the lane's checkpoint.
func (b *Bus) Waiting(ctx context.Context, lane Lane, after uint64, limit int) ([]Message, error) {
	handle, err := b.stream(ctx, Posts)
	if err != nil {
		return nil, err
	}
	var waiting []Message
	for next := after + 1; len(waiting) < limit; {
		raw, err := handle.GetMsg(ctx, next, jetstream.WithGetMsgSubject(lane.Filter()))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("look ahead in %s: %w", lane.Key(), err)
		}
		m := Message{Stream: Posts, Subject: raw.Subject, Data: raw.Data, Sequence: raw.Sequence, StoredAt: raw.Time}
		m.tells(raw.Header) //nolint:contextcheck // headers hold a context of their own
		waiting = append(waiting, m)
		next = raw.Sequence + 1
	}
	return waiting, nil
}

// Before answers the messages that match filter and were stored before the one at subject, oldest first.
func (b *Bus) Before(ctx context.Context, stream, filter, subject string) ([]Message, error) {
	handle, err := b.stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	var before []Message
	for next := uint64(1); ; {
		raw, err := handle.GetMsg(ctx, next, jetstream.WithGetMsgSubject(filter))
		if errors.Is(err, jetstream.ErrMsgNotFound) || (err == nil && raw.Subject == subject) {
			return before, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", filter, err)
		}
		before = append(before, Message{Stream: stream, Subject: raw.Subject, Data: raw.Data, Sequence: raw.Sequence, StoredAt: raw.Time})
		next = raw.Sequence + 1
	}
}

// Find fills into with the message at subject, in whichever partition it was stored; ok is false when there is none.
func (b *Bus) Find(ctx context.Context, stream, subject string, into proto.Message) (ok bool, err error) {
	handle, err := b.stream(ctx, stream)
	if err != nil {
		return false, err
	}
	raw, err := handle.GetLastMsgForSubject(ctx, anyPartition(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", subject, err)
	}
	return true, Decode(Message{Subject: subject, Data: raw.Data}, into)
}

// Position answers the sequence of the message at subject, in whichever partition it was stored; ok is false when there is none.
func (b *Bus) Position(ctx context.Context, stream, subject string) (sequence uint64, ok bool, err error) {
	handle, err := b.stream(ctx, stream)
	if err != nil {
		return 0, false, err
	}
	raw, err := handle.GetLastMsgForSubject(ctx, anyPartition(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look at %s: %w", subject, err)
	}
	return raw.Sequence, true, nil
}
