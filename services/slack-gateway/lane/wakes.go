package lane

import (
	"context"
	"sync"
	"time"
)

// Wakes lets parked lanes go on as soon as their channel may take posts again.
type Wakes struct {
	mu      sync.Mutex
	waiting map[string]chan struct{}
}

// NewWakes makes one.
func NewWakes() *Wakes { return &Wakes{waiting: map[string]chan struct{}{}} }

// Wake lets the lanes of a channel go on.
func (w *Wakes) Wake(channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c, ok := w.waiting[channel]; ok {
		close(c)
		delete(w.waiting, channel)
	}
}

// WakeAll lets every parked lane try again.
func (w *Wakes) WakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.waiting {
		close(c)
	}
	clear(w.waiting)
}

// Wait returns when the channel is woken or after limit; an error only when ctx ends.
func (w *Wakes) Wait(ctx context.Context, channel string, limit time.Duration) error {
	w.mu.Lock()
	c, ok := w.waiting[channel]
	if !ok {
		c = make(chan struct{})
		w.waiting[channel] = c
	}
	w.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c:
	case <-timer.C:
	}
	return nil
}
