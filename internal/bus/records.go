package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
)

// ErrConflict is answered by Write when the record is not at the revision that was read; nothing was written by this call. After a
// lost answer it may also mean that an earlier try of the same write succeeded: read again.
var ErrConflict = errors.New("record changed meanwhile")

// Records is a key-value bucket of one kind of protobuf message. What changes is changed by compare-and-set only.
type Records[T proto.Message] struct {
	bus    *Bus
	bucket string
}

// NewRecords makes one for an existing bucket.
func NewRecords[T proto.Message](b *Bus, bucket string) Records[T] {
	return Records[T]{bus: b, bucket: bucket}
}

// Read fills into and answers the record's revision, 0 when there is none. It asks the bucket's leader: any replica may answer for a bucket, one that
// lags behind, too, and by a checkpoint of before somebody takes for done what is not.
func (r Records[T]) Read(ctx context.Context, key string, into T) (revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	subject := "$KV." + r.bucket + "." + key
	raw, err := r.bus.leaders.GetLastMsg(Bucket(r.bucket), subject, nats.Context(ctx))
	if errors.Is(err, nats.ErrMsgNotFound) || err == nil && removed(raw) {
		proto.Reset(into)
		return 0, nil
	}
	if err == nil && raw.Subject != subject {
		err = errors.New("no key")
	}
	if err != nil {
		return 0, fmt.Errorf("read %s/%s: %w", r.bucket, key, err)
	}
	if err := proto.Unmarshal(raw.Data, into); err != nil {
		return 0, fmt.Errorf("decode %s/%s: %w", r.bucket, key, err)
	}
	return raw.Sequence, nil
}

// removed reports whether raw only marks that its key was deleted.
func removed(raw *nats.RawStreamMsg) bool {
	return raw.Header.Get("KV-Operation") != "" || raw.Header.Get(jetstream.MarkerReasonHeader) != ""
}

// Write stores record if the key is still at revision (0: does not exist) and answers the new one; else ErrConflict.
func (r Records[T]) Write(ctx context.Context, key string, record T, revision uint64) (uint64, error) {
	return r.store(ctx, key, record, func(ctx context.Context, bucket jetstream.KeyValue, data []byte) (uint64, error) {
		if revision == 0 {
			return bucket.Create(ctx, key, data)
		}
		return bucket.Update(ctx, key, data, revision)
	})
}

// Put stores a record that says the same whoever writes it and whenever, so that nothing has to be compared: the condition of Write stays with a record and
// takes more room than a short one itself.
func (r Records[T]) Put(ctx context.Context, key string, record T) error {
	_, err := r.store(ctx, key, record, func(ctx context.Context, bucket jetstream.KeyValue, data []byte) (uint64, error) {
		return bucket.Put(ctx, key, data)
	})
	return err
}

func (r Records[T]) store(ctx context.Context, key string, record T, as func(context.Context, jetstream.KeyValue, []byte) (uint64, error)) (revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	bucket, err := r.bus.bucket(ctx, r.bucket)
	if err != nil {
		return 0, err
	}
	data, err := proto.Marshal(record)
	if err != nil {
		return 0, fmt.Errorf("encode %s/%s: %w", r.bucket, key, err)
	}
	revision, err = as(ctx, bucket, data)
	if errors.Is(err, jetstream.ErrKeyExists) || refusedAsThere(err) {
		err = ErrConflict
	}
	if err != nil {
		return 0, fmt.Errorf("write %s/%s: %w", r.bucket, key, err)
	}
	return revision, nil
}

// bucket answers the handle of a bucket, asking for it only once.
func (b *Bus) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	if known, ok := b.handles.Load("kv." + name); ok {
		return known.(jetstream.KeyValue), nil //nolint:forcetypeassert // only buckets are stored under this prefix
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := b.js.KeyValue(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", name, err)
	}
	b.handles.Store("kv."+name, handle)
	return handle, nil
}
