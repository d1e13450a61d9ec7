// Package settings keeps the settings of projects and the links between operators and Slack members in Redis.
package settings

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
)

// EmptyEtag is the etag of what was never set. Given with a change it means: only if there is still nothing.
const EmptyEtag = "empty"

// patience is how long one step in Redis may take. It is shorter than the deadline of an API call, so that a Redis which hangs
// is reported as such.
const patience = 4 * time.Second

// maxAttempts bounds how often a change that names no etag starts over because others were faster.
const maxAttempts = 100

// Clock tells the time; time.Now outside tests.
type Clock func() time.Time

// Store reads and changes settings. Each change is one script or one transaction in Redis: it happens whole or not at all, also
// when Redis dies in the middle. A Store may be used by any number of goroutines and of processes.
type Store struct {
	redis redis.UniversalClient
	now   Clock
	// asked are the projects whose settings somebody is asking for.
	asked topics
}

// New makes a Store on a client, which stays the caller's to close. A client made with ContextTimeoutEnabled lets calls end at
// their own deadline.
func New(client redis.UniversalClient, now Clock) *Store {
	return &Store{redis: client, now: now}
}

// Ping tells whether Redis answers; its error matches ErrUnavailable.
func (s *Store) Ping(ctx context.Context) error {
	return s.step(ctx, "ping", func(ctx context.Context) error { return s.redis.Ping(ctx).Err() })
}

// Secret answers 32 random bytes which are the same for a purpose in every process on this Redis. They are made when first
// asked for, and are new ones after Redis lost its data.
func (s *Store) Secret(ctx context.Context, purpose string) ([]byte, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails
	var secret []byte
	err := s.step(ctx, "read shared secret", func(ctx context.Context) error {
		if err := s.redis.SetNX(ctx, SecretKey(purpose), fresh, 0).Err(); err != nil {
			return err
		}
		var err error
		secret, err = s.redis.Get(ctx, SecretKey(purpose)).Bytes()
		return err
	})
	if err == nil && len(secret) != len(fresh) {
		err = fmt.Errorf("shared secret %s has %d bytes: %w", purpose, len(secret), ErrCorrupt)
	}
	return secret, err
}

// step runs one exchange with Redis and sorts its errors: the caller's own end of patience stays what it is, everything else
// means that Redis cannot serve us. An absent value (redis.Nil) is no error.
func (s *Store) step(ctx context.Context, doing string, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := do(bounded)
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		return nil
	case ended(ctx) != nil:
		return fmt.Errorf("%s: %w", doing, ended(ctx))
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return fmt.Errorf("%s: %w: %w", doing, ErrCorrupt, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}

// ended answers the caller's own end. A connection that was given the context's deadline may notice it before the context does.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ctx.Err() == nil && ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// run executes a script that answers with one word.
func (s *Store) run(ctx context.Context, doing string, script *redis.Script, keys []string, args ...any) (verdict string, err error) {
	err = s.step(ctx, doing, func(ctx context.Context) error {
		verdict, err = script.Run(ctx, s.redis, keys, args...).Text()
		return err
	})
	return verdict, err
}

// newEtag is random rather than a count or a digest, so that no two states ever share one, not even a state that comes back.
func newEtag() string { return rand.Text() }

// decode reads a stored message; nothing stored leaves m as it is.
func decode(raw string, m proto.Message) error {
	if raw == "" {
		return nil
	}
	if err := proto.Unmarshal([]byte(raw), m); err != nil {
		return fmt.Errorf("decode %s: %w: %w", m.ProtoReflect().Descriptor().Name(), ErrCorrupt, err)
	}
	return nil
}

func encode(m proto.Message) (string, error) {
	raw, err := proto.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return string(raw), nil
}
