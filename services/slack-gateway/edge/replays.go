package edge

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
)

// replays remembers the signatures that were accepted, as long as they would verify.
type replays struct {
	seen *expirable.LRU[string, struct{}]
}

func newReplays(window time.Duration) *replays {
	return &replays{seen: expirable.NewLRU[string, struct{}](100_000, nil, window)}
}

func (r *replays) has(signature string) bool {
	_, ok := r.seen.Get(signature)
	return ok
}

func (r *replays) add(signature string) { r.seen.Add(signature, struct{}{}) }
