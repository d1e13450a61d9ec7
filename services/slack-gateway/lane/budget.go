package lane

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Slack allows 50 calls of reactions.add a minute and workspace, and 20 of reactions.remove (tiers 3 and 2). That goes with the usual pace; at another one it is taken to
// allow as much more or less.
const (
	addsPerMinute    = 50
	removesPerMinute = 20
	usualPace        = time.Second
)

// errBusy is met while a workspace has had as many reactions as Slack allows.
var errBusy = errors.New("Slack takes no more reactions now")

// budgets are what each workspace may be asked for. They are kept per replica: what several of them ask for too much, Slack answers with 429.
type budgets struct {
	mu    sync.Mutex
	teams map[string]*budget
}

// budget is what one workspace may be asked for.
type budget struct{ adds, removes *rate.Limiter }

// take takes one reaction that is added and some that are removed, all or nothing; it answers how long to wait where there is not enough.
func (b *budgets) take(team string, pace time.Duration, now time.Time, removes int) time.Duration {
	if pace <= 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.teams[team]
	if own == nil {
		own = &budget{perMinute(addsPerMinute, pace), perMinute(removesPerMinute, pace)}
		if b.teams == nil {
			b.teams = map[string]*budget{}
		}
		b.teams[team] = own
	}
	if wait := max(missing(own.adds, now, 1), missing(own.removes, now, removes)); wait > 0 {
		return wait
	}
	own.adds.AllowN(now, 1)
	own.removes.AllowN(now, removes)
	return 0
}

// perMinute allows no more than n in any minute: a fifth of them at once.
func perMinute(n int, pace time.Duration) *rate.Limiter {
	scale := float64(usualPace) / float64(pace)
	burst := max(n/5, int(float64(n)/5*scale))
	return rate.NewLimiter(rate.Limit(float64(n)*4/5/60*scale), burst)
}

// missing answers when there will be n.
func missing(l *rate.Limiter, now time.Time, n int) time.Duration {
	left := float64(n) - l.TokensAt(now)
	if left <= 0 {
		return 0
	}
	return time.Duration(left/float64(l.Limit())*float64(time.Second)) + time.Millisecond
}
