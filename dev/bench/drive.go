package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// load is how messages are sent.
type load struct {
	// window is how many are on their way at most; 0 is no bound.
	window int
	// rate is how many are sent a second; 0 is as fast as the window lets.
	rate float64
	// span is how long, after warm.
	warm, span time.Duration
	// senders send at once.
	senders int
	send    func(ctx context.Context, n int) error
}

// driven is what came of it.
type driven struct {
	messages  int     // altogether
	perSecond float64 // that arrived, after warm
	latencies []float64
	// behind is how many were still on their way when the last one had been sent.
	behind int
}

// errLost is wrapped by the error of a drive some of whose messages never arrive.
var errLost = errors.New("messages did not arrive")

// drive sends, and returns when everything has arrived.
func (w *world) drive(ctx context.Context, l load) (driven, error) {
	tokens := make(chan struct{}, max(l.window, 1))
	w.at.reset(func() {
		if l.window > 0 {
			<-tokens
		}
	})
	begin := time.Now()
	sending, cancel := context.WithDeadline(ctx, begin.Add(l.warm+l.span))
	defer cancel()
	failures := w.send(ctx, sending, l, begin, tokens)
	if !wait(ctx, begin.Add(l.warm)) {
		return driven{}, context.Cause(ctx)
	}
	from, before := time.Now(), 0
	before, _ = w.at.counts()
	<-sending.Done()
	until := time.Now()
	after, behind := w.at.counts()
	if err := <-failures; err != nil {
		return driven{}, err
	}
	if err := w.drained(ctx); err != nil {
		return driven{}, err
	}
	total, _ := w.at.counts()
	return driven{messages: total, perSecond: float64(after-before) / until.Sub(from).Seconds(), latencies: w.at.latencies(), behind: behind}, nil
}

// send lets the senders send until sending ends, and answers what failed when all have ended.
func (w *world) send(ctx, sending context.Context, l load, begin time.Time, tokens chan struct{}) <-chan error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	due := w.schedule(sending, l, begin, tokens)
	for range l.senders {
		group.Go(func() {
			for at := range due {
				if err := l.send(ctx, w.at.number(at)); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	result := make(chan error, 1)
	go func() {
		group.Wait()
		for range due { // nobody was left to send it
		}
		result <- failed
	}()
	return result
}

// schedule says when to send. A message that nobody could send when it was due counts from when it was.
func (w *world) schedule(sending context.Context, l load, begin time.Time, tokens chan struct{}) <-chan time.Time {
	due := make(chan time.Time)
	go func() {
		defer close(due)
		for n := 0; ; n++ {
			at := time.Now()
			if l.rate > 0 {
				at = begin.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
				if !wait(sending, at) {
					return
				}
			}
			if l.window > 0 {
				select {
				case tokens <- struct{}{}:
				case <-sending.Done():
					return
				}
				at = time.Now()
			}
			select {
			case due <- at:
			case <-sending.Done():
				return
			}
		}
	}()
	return due
}

// drained waits until everything that was sent has arrived.
func (w *world) drained(ctx context.Context) error {
	last, since := -1, time.Now()
	for {
		_, missing := w.at.counts()
		switch {
		case missing == 0:
			return nil
		case missing != last:
			last, since = missing, time.Now()
		case time.Since(since) > time.Minute:
			return fmt.Errorf("%w: %d", errLost, missing)
		}
		if !wait(ctx, time.Now().Add(10*time.Millisecond)) {
			return context.Cause(ctx)
		}
	}
}

// wait returns at a time; false when ctx ended first.
func wait(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// used is the CPU time that processes have used, by name.
type used map[string]time.Duration

// everybody is the name of this process, which is the stand-ins and whoever sends.
const everybody = "sender and stand-ins"

// meter answers the CPU time that everything in the world uses during do.
func (w *world) meter(do func() error) (used, error) {
	before, err := w.cpuTimes()
	if err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	after, err := w.cpuTimes()
	for name := range after {
		after[name] -= before[name]
	}
	return after, err
}

func (w *world) cpuTimes() (used, error) {
	times := used{}
	self, err := cpuTime(os.Getpid())
	if err != nil {
		return nil, err
	}
	times[everybody] = self
	for _, p := range w.processes {
		if p.ended() {
			continue
		}
		t, err := cpuTime(p.pid())
		if err != nil {
			return nil, err
		}
		times[p.name] = t
	}
	return times, nil
}

// of answers what some of them use for each of n messages, in milliseconds.
func (u used) of(n int, names ...string) float64 {
	var sum time.Duration
	for _, name := range names {
		sum += u[name]
	}
	return float64(sum) / float64(time.Millisecond) / float64(max(n, 1))
}

// shares collects what every process uses for a message, turn by turn.
type shares map[string][]float64

func (s shares) add(u used, n int) {
	for name := range u {
		s[name] = append(s[name], u.of(n, name))
	}
}

// String names those that matter, the greatest first.
func (s shares) String() string {
	names := slices.SortedFunc(maps.Keys(s), func(a, b string) int {
		return cmp.Or(cmp.Compare(median(s[b]), median(s[a])), cmp.Compare(a, b))
	})
	var said []string
	for _, name := range names {
		if v := median(s[name]); v >= 0.005 {
			said = append(said, fmt.Sprintf("%s %.2f", name, v))
		}
	}
	return strings.Join(said, ", ")
}
