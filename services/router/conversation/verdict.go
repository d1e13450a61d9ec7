package conversation

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/bus"
)

// A Verdict is what was decided about a reply. It may have its turn more than once, and settings and links may change between two of them.
type Verdict string

// The verdicts. Undecided is that of a reply that has not had its turn, or so long ago that its commands are not recognised either.
const (
	Undecided Verdict = ""
	Taken     Verdict = "taken"
	Refused   Verdict = "refused"
)

func verdictKey(fact string) string { return "verdict:" + bus.Token(fact) }

// Verdict answers what was decided about a reply, by the id of its fact.
func (s *Store) Verdict(ctx context.Context, fact string) (Verdict, error) {
	before, err := s.redis.Get(ctx, verdictKey(fact)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Undecided, fmt.Errorf("read verdict from Redis: %w", err)
	}
	return Verdict(before), nil
}

// Decided remembers what was decided about a reply, unless something was before.
func (s *Store) Decided(ctx context.Context, fact string, v Verdict) error {
	if err := s.redis.SetNX(ctx, verdictKey(fact), string(v), bus.Retention).Err(); err != nil {
		return fmt.Errorf("write verdict to Redis: %w", err)
	}
	return nil
}
