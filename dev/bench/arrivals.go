package bench

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A message carries a mark with its number, which is the same in every encoding on its way.
const (
	markBegin  = "zq"
	markDigits = 9
)

func mark(n int) string { return fmt.Sprintf("%s%0*d", markBegin, markDigits, n) }

// marksIn calls yield with the number of every mark in data.
func marksIn(data []byte, yield func(n int)) {
	for {
		i := bytes.Index(data, []byte(markBegin))
		if i < 0 || len(data) < i+len(markBegin)+markDigits {
			return
		}
		data = data[i+len(markBegin):]
		if n, err := strconv.Atoi(string(data[:markDigits])); err == nil {
			yield(n)
		}
	}
}

// arrivals notes when messages were sent and when they first arrived.
type arrivals struct {
	mu   sync.Mutex
	next int
	sent map[int]time.Time
	took map[int]time.Duration // of those that have arrived
	gone func()                // called at every first arrival
}

// number answers the number of the next message, sent at a time.
func (a *arrivals) number(at time.Time) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next++
	a.sent[a.next] = at
	return a.next
}

// reset forgets everything; gone is called at every arrival from now on.
func (a *arrivals) reset(gone func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent, a.took, a.gone = map[int]time.Time{}, map[int]time.Duration{}, gone
}

func (a *arrivals) arrived(n int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, known := a.sent[n]
	if !known { // again, or of an earlier measurement
		return
	}
	delete(a.sent, n)
	a.took[n] = now.Sub(at)
	if a.gone != nil {
		a.gone()
	}
}

// counts answers how many have arrived and how many have not.
func (a *arrivals) counts() (arrived, missing int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.took), len(a.sent)
}

// latencies answers how long each took, in milliseconds.
func (a *arrivals) latencies() []float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []float64
	for _, took := range a.took {
		all = append(all, float64(took)/float64(time.Millisecond))
	}
	return all
}

// watch notes the messages in calls of path on their way to a stand-in, which the gate may hold up or refuse.
func (w *world) watch(path string, g *gate, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			next.ServeHTTP(rw, r)
			return
		}
		now := time.Now()
		if g.refuses(now) {
			rw.Header().Set("Retry-After", "1")
			rw.WriteHeader(http.StatusTooManyRequests)
			_, _ = rw.Write([]byte(`{"ok":false,"error":"ratelimited"}`))
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(rw, "not read", http.StatusBadRequest)
			return
		}
		marksIn(body, func(n int) { w.at.arrived(n, now) })
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.wait()
		next.ServeHTTP(rw, r)
	})
}

// gate is what makes a stand-in slow. The zero value does nothing.
type gate struct {
	delay, gap, last atomic.Int64
}

// wait holds a call up.
func (g *gate) wait() {
	if delay := g.delay.Load(); delay > 0 {
		time.Sleep(time.Duration(delay))
	}
}

// refuses reports whether a call comes too soon after the last one that was taken.
func (g *gate) refuses(now time.Time) bool {
	gap := g.gap.Load()
	if gap == 0 {
		return false
	}
	last := g.last.Load()
	return now.UnixNano()-last < gap || !g.last.CompareAndSwap(last, now.UnixNano())
}
