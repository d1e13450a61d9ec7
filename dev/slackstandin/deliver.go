package slackstandin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxInFlight bounds the event deliveries under way at once.
const maxInFlight = 64

// Delivery is what happened to one event on its way to the app.
type Delivery struct {
	EventID   string   `json:"event_id"`
	Type      string   `json:"type"`
	Subtype   string   `json:"subtype"`
	Channel   string   `json:"channel"`
	TS        string   `json:"ts"`
	ThreadTS  string   `json:"thread_ts"`
	Attempts  int      `json:"attempts"`
	Accepted  bool     `json:"accepted"`
	Reason    string   `json:"reason"`             // of the last failure: http_error, http_timeout, …, dropped, no_retry
	Failures  []string `json:"failures,omitempty"` // why attempts failed, in words
	ExtShared bool     `json:"ext_shared"`
}

type delivery struct {
	Delivery
	inner []byte
	body  []byte
	wait  time.Duration // before the first attempt
	hold  time.Duration // how long to let the next event of the lane go first
}

// laneName names an ordered row of events: a channel, or a thread when events are retried until accepted.
type laneName struct{ channel, thread, copy string }

type lane struct {
	queue []*delivery
	busy  bool          // a worker is on it
	more  chan struct{} // tells a worker that holds an event back of the next one
}

// enqueue puts an event at the end of its lane. The lock is held.
func (s *Server) enqueue(name laneName, d *delivery) {
	l := s.lanes[name]
	if l == nil {
		l = &lane{more: make(chan struct{}, 1)}
		s.lanes[name] = l
	}
	l.queue = append(l.queue, d)
	select {
	case l.more <- struct{}{}:
	default:
	}
	s.startLanes()
}

// startLanes puts a worker on every lane that has work and none, if Run is running and there is an address.
func (s *Server) startLanes() {
	if s.running == nil || s.running.Err() != nil || s.urls.Events == "" {
		return
	}
	ctx := s.running
	for name, l := range s.lanes {
		if !l.busy && len(l.queue) > 0 {
			l.busy = true
			s.workers.Go(func() { s.work(ctx, name, l) })
		}
	}
}

// Run delivers events until the context ends; events made before wait for it. It returns when all that it
// started has ended, and may be called again. Events that were waiting for a retry then count as undelivered,
// those not yet tried stay in line.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	if s.running != nil {
		s.mu.Unlock()
		return errors.New("slack stand-in runs already")
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

// work sends the events of one lane, one after the other, until none is left.
func (s *Server) work(ctx context.Context, name laneName, l *lane) {
	for {
		d := s.front(ctx, name, l)
		if d == nil {
			return
		}
		if !sleep(ctx, d.wait) || !s.deliver(ctx, d) {
			s.mu.Lock()
			l.busy = false
			s.mu.Unlock()
			return
		}
		s.mu.Lock()
		l.queue = l.queue[1:]
		s.touch()
		s.mu.Unlock()
	}
}

// front returns the next event of a lane, letting a later one go before an event held back. It gives the lane
// up and returns nil when the lane is empty or the context has ended.
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
		if d.hold == 0 {
			s.mu.Unlock()
			return d
		}
		if len(l.queue) > 1 {
			d.hold = 0
			l.queue[0], l.queue[1] = l.queue[1], l.queue[0]
			s.mu.Unlock()
			continue
		}
		s.mu.Unlock()
		timer := time.NewTimer(d.hold)
		select {
		case <-l.more:
		case <-timer.C:
			d.hold = 0
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// deliver tries an event until nothing more is to be done in its lane; it returns false when the context ended
// before that, and the event then stays in line.
func (s *Server) deliver(ctx context.Context, d *delivery) bool {
	for {
		reason, final := s.attempt(ctx, d)
		if ctx.Err() != nil && reason != "" {
			return false
		}
		switch {
		case reason == "" || final:
			s.settle(d, reason)
			return true
		case !s.cfg.RetryUntilAccepted, s.cfg.RetryAside:
			s.retryAside(ctx, d, reason)
			return true
		case !sleep(ctx, s.cfg.RetryInterval):
			return false
		}
	}
}

// retryAside repeats a failed event beside its lane, as Slack does: others may come past it meanwhile.
func (s *Server) retryAside(ctx context.Context, d *delivery, reason string) {
	s.mu.Lock()
	s.aside++
	s.mu.Unlock()
	s.workers.Go(func() {
		defer func() {
			s.mu.Lock()
			s.aside--
			s.touch()
			s.mu.Unlock()
		}()
		s.settle(d, s.retry(ctx, d, reason))
	})
}

// retry repeats a failed event and answers why it failed in the end, "" when it was accepted.
func (s *Server) retry(ctx context.Context, d *delivery, reason string) string {
	waits := []time.Duration{0, time.Minute, 5 * time.Minute}
	for n := 0; n < len(waits) || s.cfg.RetryUntilAccepted; n++ {
		wait := s.cfg.RetryInterval
		if !s.cfg.RetryUntilAccepted {
			wait = time.Duration(float64(waits[n]) * s.cfg.RetryScale)
		}
		if !sleep(ctx, wait) {
			break
		}
		var final bool
		if reason, final = s.attempt(ctx, d); reason == "" || final {
			break
		}
	}
	return reason
}

// settle writes down the end of an event.
func (s *Server) settle(d *delivery, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Accepted, d.Reason = reason == "", reason
	if d.Accepted {
		s.accepted++
	} else {
		s.lost = append(s.lost, d.Delivery)
	}
	s.log = append(s.log, d.Delivery)
	s.cfg.Log.Debug("event settled", "event_id", d.EventID, "type", d.Type, "channel", d.Channel, "ts", d.TS,
		"attempts", d.Attempts, "reason", reason)
	s.touch()
}

// attempt sends an event once. It returns why it failed, "" when it was accepted, and whether the app refused
// retries.
func (s *Server) attempt(ctx context.Context, d *delivery) (reason string, final bool) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return "unknown_error", false
	}
	s.mu.Lock()
	target := s.urls.Events
	header := http.Header{"Content-Type": {"application/json"}}
	if d.Attempts > 0 {
		header.Set("X-Slack-Retry-Num", fmt.Sprint(d.Attempts))
		header.Set("X-Slack-Retry-Reason", d.Reason)
	}
	d.Attempts++
	s.mu.Unlock()

	answer, err := s.post(ctx, target, header, d.body)
	var failed string
	switch {
	case errors.Is(err, errRedirects):
		reason = "too_many_redirects"
	case err != nil:
		reason = failure(err)
		failed = err.Error()
	case answer.Status/100 != 2:
		reason = "http_error"
		failed = fmt.Sprintf("status %d", answer.Status)
		final = answer.Header.Get("X-Slack-No-Retry") == "1"
	}
	s.mu.Lock()
	d.Reason = reason
	if failed != "" {
		d.Failures = append(d.Failures, time.Now().UTC().Format("15:04:05.000 ")+failed)
	}
	s.mu.Unlock()
	if final {
		reason = "no_retry"
	}
	return reason, final
}

// failure names an error of the connection as X-Slack-Retry-Reason does.
func failure(err error) string {
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return "http_timeout"
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		return "connection_failed"
	}
	return "unknown_error"
}

// sleep waits in real time and tells whether the wait was not cut short.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
