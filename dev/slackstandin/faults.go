package slackstandin

import (
	"cmp"
	"net/http"
	"time"
)

// FaultKind says what goes wrong with a Web API call.
type FaultKind string

// What goes wrong with calls; those that begin with Accept happen after the call took effect.
const (
	RateLimited       FaultKind = "rate_limited"      // 429 and Retry-After, no effect
	Status            FaultKind = "status"            // an HTTP status (500 when none is given), no effect
	Failed            FaultKind = "error"             // ok:false with Error, no effect
	Hang              FaultKind = "hang"              // no effect and no answer until the caller gives up
	Cut               FaultKind = "cut"               // no effect, the connection is closed without an answer
	Delay             FaultKind = "delay"             // waits, then answers as usual
	AcceptThenCut     FaultKind = "accept_then_cut"   // takes effect, then closes the connection
	AcceptThenStatus  FaultKind = "accept_then_500"   // takes effect, then answers an HTTP status
	AcceptThenFailed  FaultKind = "accept_then_error" // takes effect, then answers ok:false with Error
	AcceptThenHang    FaultKind = "accept_then_hang"  // takes effect, then gives no answer
	AcceptThenDelayed FaultKind = "accept_then_delay" // takes effect, then waits before the answer
)

// Fault is one thing going wrong with calls of the Web API. The first fault that fits a call acts on it.
type Fault struct {
	Method  string    `json:"method"`  // "" and "*" are every method
	Channel string    `json:"channel"` // "" is every channel
	Kind    FaultKind `json:"kind"`

	Status         int           `json:"status"`      // HTTP status, 500 when 0
	Error          string        `json:"error"`       // error name, "internal_error" when empty
	RetryAfter     int           `json:"retry_after"` // seconds, 1 when 0
	OmitRetryAfter bool          `json:"omit_retry_after"`
	Delay          time.Duration `json:"delay"` // nanoseconds in JSON

	After       int     `json:"after"`       // calls that pass before the first that fails
	Count       int     `json:"count"`       // calls that fail, then the fault is over; 0 is without end
	Probability float64 `json:"probability"` // of each call to fail; 0 is always

	spent bool
}

// AddFault makes calls fail from now on.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	s.touch()
}

// Faults returns the faults of calls that are not over.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := []Fault{}
	for _, f := range s.faults {
		if !f.spent {
			faults = append(faults, *f)
		}
	}
	return faults
}

// ClearFaults ends every fault of calls and of events, and lets go of the calls that hang.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.evFaults = nil, nil
	s.releaseHangs()
	s.touch()
}

func (s *Server) releaseHangs() {
	close(s.hangs)
	s.hangs = make(chan struct{})
}

// takeFault returns the fault that acts on this call, or nil. The lock is held.
func (s *Server) takeFault(method, channel string) *Fault {
	for _, f := range s.faults {
		fits := (f.Method == "" || f.Method == "*" || f.Method == method) && (f.Channel == "" || f.Channel == channel)
		if fits && s.strikes(&f.After, &f.Count, &f.spent, f.Probability) {
			hit := *f
			return &hit
		}
	}
	return nil
}

// strikes spends one chance of a fault and tells whether it acts.
func (s *Server) strikes(after, count *int, spent *bool, probability float64) bool {
	if *spent {
		return false
	}
	if *after > 0 {
		*after--
		return false
	}
	if probability > 0 && s.random.Float64() >= probability {
		return false
	}
	if *count > 0 {
		*count--
		*spent = *count == 0
	}
	return true
}

// failBefore acts before the call had any effect and tells whether the call is over.
func (s *Server) failBefore(w http.ResponseWriter, r *http.Request, f *Fault) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case RateLimited:
		writeRateLimited(w, time.Duration(f.RetryAfter)*time.Second, f.OmitRetryAfter)
	case Status:
		http.Error(w, "injected fault", cmp.Or(f.Status, http.StatusInternalServerError))
	case Failed:
		writeReply(w, nil, f.named())
	case Cut:
		panic(http.ErrAbortHandler)
	case Hang:
		s.hang(r)
	case Delay:
		s.pause(r, f.Delay)
		return false
	default:
		return false
	}
	return true
}

// failAfter acts when the call has taken effect and tells whether the answer is gone.
func (s *Server) failAfter(w http.ResponseWriter, r *http.Request, f *Fault) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case AcceptThenCut:
		panic(http.ErrAbortHandler)
	case AcceptThenStatus:
		http.Error(w, "injected fault", cmp.Or(f.Status, http.StatusInternalServerError))
	case AcceptThenFailed:
		writeReply(w, nil, f.named())
	case AcceptThenHang:
		s.hang(r)
	case AcceptThenDelayed:
		s.pause(r, f.Delay)
		return false
	default:
		return false
	}
	return true
}

func (f *Fault) named() error { return apiError(cmp.Or(f.Error, "internal_error")) }

// hang holds the call until the caller gives up or the faults are cleared, and then closes the connection.
func (s *Server) hang(r *http.Request) {
	s.mu.Lock()
	over := s.hangs
	s.mu.Unlock()
	select {
	case <-r.Context().Done():
	case <-over:
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// EventFaultKind says what goes wrong with the delivery of an event.
type EventFaultKind string

// What goes wrong with events.
const (
	Duplicate EventFaultKind = "duplicate" // sent again with a new event_id; with Delay later, past others
	Reorder   EventFaultKind = "reorder"   // sent after the next event of its channel, if one comes within Delay
	Late      EventFaultKind = "delay"     // sent after Delay; those behind it wait too
	Drop      EventFaultKind = "drop"      // never sent
	Aside     EventFaultKind = "aside"     // sent after Delay, beside the others: what happened later comes first
)

// EventFault is one thing going wrong with the delivery of events.
type EventFault struct {
	Kind    EventFaultKind `json:"kind"`
	Channel string         `json:"channel"` // "" is every channel
	Type    string         `json:"type"`    // event type, "" is every type
	Delay   time.Duration  `json:"delay"`   // nanoseconds in JSON; 250 ms for reorder when 0

	After       int     `json:"after"`
	Count       int     `json:"count"`
	Probability float64 `json:"probability"`

	spent bool
}

// AddEventFault makes the delivery of the events that are made from now on go wrong.
func (s *Server) AddEventFault(f EventFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evFaults = append(s.evFaults, &f)
}

func (s *Server) takeEventFault(kind, channel string) *EventFault {
	for _, f := range s.evFaults {
		fits := (f.Type == "" || f.Type == kind) && (f.Channel == "" || f.Channel == channel)
		if fits && s.strikes(&f.After, &f.Count, &f.spent, f.Probability) {
			hit := *f
			s.struck[f.Kind]++
			return &hit
		}
	}
	return nil
}
