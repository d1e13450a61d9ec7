// Package replay remembers the signed requests that were accepted, so that nobody sends one of them a second time.
package replay

import (
	"crypto/sha256"
	"io"
	"sync"
	"time"
)

// Memory of requests. There may be very many, and what they are kept in has no pointers: the garbage collector passes over it, where it followed
// every entry of a list and took more time for that than for anything else of a request.
type Memory struct {
	window time.Duration
	most   int
	now    func() time.Time

	mu sync.Mutex
	// young takes what is added; when it is full or window old it takes the place of old, which is forgotten.
	young, old map[Request]struct{}
	since      time.Time
}

// Request is what a signature is made of, beside the secret.
type Request [sha256.Size]byte

// Of answers the request with a time, as it stands in its header, and a body.
func Of(stamp string, body []byte) Request {
	sum := sha256.New()
	_, _ = io.WriteString(sum, stamp+"\x00") // fails never; no header holds the byte
	sum.Write(body)
	var r Request
	sum.Sum(r[:0])
	return r
}

// New makes a memory that keeps requests for window at least, but only the latest most of them for certain.
func New(window time.Duration, most int, now func() time.Time) *Memory {
	return &Memory{window: window, most: most, now: now, young: map[Request]struct{}{}, since: now()}
}

// Has reports whether a request was added.
func (m *Memory) Has(r Request) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn()
	if _, ok := m.young[r]; ok {
		return true
	}
	_, ok := m.old[r]
	return ok
}

// Add remembers a request.
func (m *Memory) Add(r Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn()
	m.young[r] = struct{}{}
}

// turn forgets what is old when its time has come.
func (m *Memory) turn() {
	now := m.now()
	passed := now.Sub(m.since)
	if passed < m.window && len(m.young) < m.most {
		return
	}
	m.old = m.young
	if passed >= 2*m.window {
		m.old = nil
	}
	m.young, m.since = map[Request]struct{}{}, now
}
