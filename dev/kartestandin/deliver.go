package kartestandin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// maxInFlight bounds the deliveries under way at once.
const maxInFlight = 64

// delivery is one way of a hook to the bridge; a duplicate is another delivery of the same hook.
type delivery struct {
	hook  *Hook
	tries int
	wait  time.Duration // before the first attempt
	hold  time.Duration // how long to let the next hook of the customer go first
}

// laneName names an ordered row of deliveries: those of a conversation, or one late duplicate.
type laneName struct {
	conversation *conversation
	copy         int
}

type lane struct {
	queue []*delivery
	busy  bool          // a worker is on it
	more  chan struct{} // tells a worker that holds a hook back of the next one
}

func (s *Server) laneOf(c Customer) laneName { return laneName{conversation: s.byAnyID(c.id())} }

// enqueueHook lets a new hook go its way, with what the faults make of it. The lock is held.
func (s *Server) enqueueHook(conv *conversation, h *Hook) {
	s.hooks = append(s.hooks, h)
	if h.Held {
		return
	}
	name := laneName{conversation: conv}
	d := &delivery{hook: h}
	f := s.takeHookFault(conv, h)
	if f == nil {
		s.enqueue(name, d)
		return
	}
	switch f.Kind {
	case HookDrop:
		h.Dropped = true
		return
	case HookDelay:
		d.wait = f.Delay
	case HookReorder:
		d.hold = f.Delay
		if d.hold == 0 {
			d.hold = time.Second
		}
	case HookDuplicate:
	}
	s.enqueue(name, d)
	if f.Kind != HookDuplicate {
		return
	}
	if f.Delay > 0 {
		s.copies++
		name.copy = s.copies
	}
	for range max(f.Copies, 1) {
		s.enqueue(name, &delivery{hook: h, wait: f.Delay})
	}
}

// enqueue puts a delivery at the end of its lane. The lock is held.
func (s *Server) enqueue(name laneName, d *delivery) {
	l := s.lanes[name]
	if l == nil {
		l = &lane{more: make(chan struct{}, 1)}
		s.lanes[name] = l
	}
	l.queue = append(l.queue, d)
	s.waiting++
	select {
	case l.more <- struct{}{}:
	default:
	}
	s.startLanes()
}

// startLanes puts a worker on every lane that has none, if Run is running and there is an address. The lock is held.
func (s *Server) startLanes() {
	if s.running == nil || s.running.Err() != nil || s.cfg.HookURL == "" {
		return
	}
	for name, l := range s.lanes {
		if !l.busy {
			l.busy = true
			s.workers.Go(func() { s.work(s.running, name, l) })
		}
	}
}

// Run delivers hooks until the context ends, those made before included. It returns when all that it started has
// ended, and may be called again: hooks that were not accepted by then stay in line.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	if s.running != nil {
		s.mu.Unlock()
		return errors.New("the KARTE stand-in runs already")
	}
	s.running = ctx
	s.startLanes()
	s.mu.Unlock()

	<-ctx.Done()
	s.mu.Lock()
	s.releaseHangs()
	s.mu.Unlock()
	s.workers.Wait()
	s.client.CloseIdleConnections()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = nil
	return nil
}

// work delivers what is in a lane, one after the other, until nothing is left or the context ends.
func (s *Server) work(ctx context.Context, name laneName, l *lane) {
	for {
		d := s.front(ctx, name, l)
		if d == nil {
			return
		}
		wait := d.wait
		d.wait = 0
		if !sleep(ctx, wait) || !s.deliver(ctx, d) {
			continue // front gives the lane up
		}
		s.mu.Lock()
		l.queue = l.queue[1:]
		s.waiting--
		s.touch()
		s.mu.Unlock()
	}
}

// front returns the next delivery of a lane, letting a later one go before one held back. It gives the lane up and
// returns nil when the lane is empty or the context has ended.
func (s *Server) front(ctx context.Context, name laneName, l *lane) *delivery {
	for {
		s.mu.Lock()
		if len(l.queue) == 0 || ctx.Err() != nil {
			l.busy = false
			if len(l.queue) == 0 {
				delete(s.lanes, name)
			}
			s.mu.Unlock()
			return nil
		}
		d := l.queue[0]
		if d.hold > 0 && len(l.queue) > 1 {
			d.hold = 0
			l.queue[0], l.queue[1] = l.queue[1], d
			d = l.queue[0]
		}
		hold := d.hold
		s.mu.Unlock()
		if hold == 0 {
			return d
		}
		timer := time.NewTimer(hold)
		select {
		case <-l.more:
		case <-timer.C:
			d.hold = 0
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// deliver repeats a delivery until it is accepted or given up; it returns false when the context ended before.
func (s *Server) deliver(ctx context.Context, d *delivery) bool {
	for {
		status, err := s.attempt(ctx, d.hook.Body, nil)
		if err != nil && ctx.Err() != nil {
			return false
		}
		d.tries++
		ended := s.note(d, status, err)
		if ended {
			return true
		}
		if !sleep(ctx, s.cfg.RetryInterval) {
			return false
		}
	}
}

// note writes down an attempt and tells whether it was the last.
func (s *Server) note(d *delivery, status int, err error) (ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.touch()
	h := d.hook
	h.Attempts++
	h.Status, h.Error = status, ""
	if err != nil {
		h.Error = err.Error()
	}
	s.cfg.Logger.Debug("hook delivered", "id", h.ID, "type", h.Type, "attempt", h.Attempts, "status", status, "err", err)
	if status/100 == 2 {
		h.Accepted++
		return true
	}
	h.Failures = append(h.Failures, fmt.Sprintf("%s status %d %s", time.Now().UTC().Format("15:04:05.000"), status, h.Error))
	h.GaveUp = s.cfg.MaxAttempts > 0 && d.tries >= s.cfg.MaxAttempts
	return h.GaveUp
}

// Deliver signs a body, sends it once, at once and past the line, and returns the HTTP status. Headers given here
// replace the usual ones; one without values is left out.
func (s *Server) Deliver(ctx context.Context, body []byte, headers http.Header) (status int, err error) {
	return s.attempt(ctx, body, headers)
}

func (s *Server) attempt(ctx context.Context, body []byte, headers http.Header) (status int, err error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return 0, fmt.Errorf("deliver hook: %w", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.DeliveryTimeout, errors.New("the hook was not answered in time"))
	defer cancel()
	s.mu.Lock()
	target, secret := s.cfg.HookURL, s.cfg.ClientSecret
	s.mu.Unlock()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("deliver hook: %w", err)
	}
	stamp := strconv.FormatInt(s.cfg.Clock().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "kartestandin")
	req.Header.Set("X-Karte-Request-Timestamp", stamp)
	req.Header.Set("X-Karte-Signature", s.cfg.SignaturePrefix+Sign(secret, s.cfg.SignatureForm, stamp, body))
	maps.Copy(req.Header, headers)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("deliver hook: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // lets the connection be used again
	return resp.StatusCode, nil
}

// sleep waits and tells whether the time was up before the context.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
