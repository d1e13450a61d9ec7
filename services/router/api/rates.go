package api

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/peer"
)

// Rate is how often something may happen on average, and how often at once. The zero Rate is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// limited is how many tokens or addresses are remembered; who was forgotten begins with a full allowance.
const limited = 10_000

// limiters are one limiter per key.
type limiters struct {
	rate Rate
	mu   sync.Mutex
	keys *lru.Cache[string, *rate.Limiter]
}

func newLimiters(r Rate) *limiters {
	keys, _ := lru.New[string, *rate.Limiter](limited) // fails for no size only
	return &limiters{rate: r, keys: keys}
}

// take uses one of the key's allowance; if there is none it uses nothing and answers how long it takes until there is.
func (l *limiters) take(key string) time.Duration { return l.reserve(key, true) }

// wait answers how long it takes until the key has an allowance again, 0 when it has.
func (l *limiters) wait(key string) time.Duration { return l.reserve(key, false) }

func (l *limiters) reserve(key string, keep bool) time.Duration {
	if l.rate.PerSecond == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, ok := l.keys.Get(key)
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(l.rate.PerSecond), l.rate.Burst)
		l.keys.Add(key, limiter)
	}
	now := time.Now()
	reservation := limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 || !keep {
		reservation.CancelAt(now)
	}
	return wait
}

// guesses slow down whoever tries tokens.
//
// An address that has used up its allowance of invalid tokens is refused in the same words whether its next token is valid or not, so that it cannot
// go on guessing at full speed. Tokens that were used from that address before go on working: behind it may be a proxy, with others.
type guesses struct {
	invalid *limiters // by address
	known   *lru.Cache[[2]string, struct{}]
}

func newGuesses(r Rate) *guesses {
	known, _ := lru.New[[2]string, struct{}](limited) // fails for no size only
	return &guesses{invalid: newLimiters(r), known: known}
}

// try answers how long an address has to wait before it may call as a caller, "" for an invalid token; 0: it may now.
func (g *guesses) try(address, caller string) time.Duration {
	if caller == "" {
		return g.invalid.take(address)
	}
	key := [2]string{address, caller}
	if g.known.Contains(key) {
		g.known.Get(key) // it was used just now
		return 0
	}
	wait := g.invalid.wait(address)
	if wait == 0 {
		g.known.Add(key, struct{}{})
	}
	return wait
}

// addressOf answers where a call comes from, without its port; of an IPv6 address the network, because a whole one belongs to each user.
func addressOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	host, _, err := net.SplitHostPort(p.Addr.String())
	if err != nil {
		return p.Addr.String()
	}
	address, err := netip.ParseAddr(host)
	if address = address.Unmap(); err != nil || address.Is4() {
		return host
	}
	network, err := address.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return network.String()
}
