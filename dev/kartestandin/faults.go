package kartestandin

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// FaultKind says what goes wrong with a REST call.
type FaultKind string

// The kinds of faults. Those that begin with "accept" take effect first.
const (
	FaultStatus          FaultKind = "status"            // answers Status, no effect
	FaultCut             FaultKind = "cut"               // closes the connection, no effect
	FaultHang            FaultKind = "hang"              // gives no answer until the caller gives up, no effect
	FaultDelay           FaultKind = "delay"             // waits, then answers as usual
	FaultAcceptThenCut   FaultKind = "accept_then_cut"   // closes the connection without an answer
	FaultAcceptThen500   FaultKind = "accept_then_500"   // answers Status, 500 when 0
	FaultAcceptThenHang  FaultKind = "accept_then_hang"  // gives no answer until the caller gives up
	FaultAcceptThenDelay FaultKind = "accept_then_delay" // answers as usual, after waiting
)

// Fault is one thing going wrong with REST calls. The first fault that fits a call acts on it.
type Fault struct {
	Path     string    `json:"path"`     // such as /v2/talk/message/get; "" and "*" are every path
	Customer string    `json:"customer"` // user id or visitor id; "" is every customer
	Kind     FaultKind `json:"kind"`

	Status         int           `json:"status"`           // HTTP status, 500 when 0
	RetryAfter     int           `json:"retry_after"`      // seconds told with a 429, 1 when 0
	OmitRetryAfter bool          `json:"omit_retry_after"` // a 429 without Retry-After
	Delay          time.Duration `json:"delay"`            // nanoseconds in JSON

	After       int     `json:"after"`       // calls that pass before the first that fails
	Count       int     `json:"count"`       // calls that fail, then the fault is over; 0 is without end
	Probability float64 `json:"probability"` // of each call to fail; 0 is always

	spent bool
}

// HookFaultKind says what goes wrong with the delivery of a hook.
type HookFaultKind string

// The kinds of hook faults.
const (
	HookDuplicate HookFaultKind = "duplicate" // delivered again with the same id; with Delay later, past others
	HookReorder   HookFaultKind = "reorder"   // delivered after the next hook of its customer, if one comes within Delay
	HookDelay     HookFaultKind = "delay"     // delivered after Delay; those behind it wait too
	HookDrop      HookFaultKind = "drop"      // never delivered
)

// HookFault is one thing going wrong with hooks that are made from now on.
type HookFault struct {
	Kind     HookFaultKind `json:"kind"`
	Customer string        `json:"customer"` // user id or visitor id; "" is every customer
	Type     string        `json:"type"`     // event type; "" is every type
	Delay    time.Duration `json:"delay"`    // nanoseconds in JSON; 1 s for reorder when 0
	Copies   int           `json:"copies"`   // of a duplicate besides the first, 1 when 0

	After       int     `json:"after"`
	Count       int     `json:"count"`
	Probability float64 `json:"probability"`

	spent bool
}

// AddFault makes REST calls go wrong from now on.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	s.touch()
}

// Faults returns the faults of REST calls that are not over.
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

// AddHookFault makes the delivery of hooks go wrong from now on.
func (s *Server) AddHookFault(f HookFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hookFaults = append(s.hookFaults, &f)
}

// ClearFaults ends every fault of both kinds, and lets go of the calls that hang by closing their connections.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.hookFaults = nil, nil
	s.releaseHangs()
	s.touch()
}

func (s *Server) releaseHangs() {
	close(s.hangs)
	s.hangs = make(chan struct{})
}

// takeFault returns the fault that acts on this call, or nil. The lock is held.
func (s *Server) takeFault(path, customer string) *Fault {
	for _, f := range s.faults {
		fits := (f.Path == "" || f.Path == "*" || f.Path == path) && s.same(f.Customer, customer)
		if fits && s.strikes(&f.After, &f.Count, &f.spent, f.Probability) {
			hit := *f
			return &hit
		}
	}
	return nil
}

func (s *Server) takeHookFault(conv *conversation, h *Hook) *HookFault {
	for _, f := range s.hookFaults {
		fits := (f.Type == "" || f.Type == h.Type) && (f.Customer == "" || s.byID[f.Customer] == conv)
		if fits && s.strikes(&f.After, &f.Count, &f.spent, f.Probability) {
			return f
		}
	}
	return nil
}

// same tells whether two ids are of one customer; an empty wanted is anybody.
func (s *Server) same(wanted, id string) bool {
	return wanted == "" || wanted == id || s.byID[wanted] != nil && s.byID[wanted] == s.byID[id]
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
	case FaultStatus:
		writeFault(w, f)
	case FaultCut:
		panic(http.ErrAbortHandler)
	case FaultHang:
		s.hang(r)
	case FaultDelay:
		return !sleep(r.Context(), f.Delay)
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
	case FaultAcceptThenCut:
		panic(http.ErrAbortHandler)
	case FaultAcceptThen500:
		writeFault(w, f)
	case FaultAcceptThenHang:
		s.hang(r)
	case FaultAcceptThenDelay:
		return !sleep(r.Context(), f.Delay)
	default:
		return false
	}
	return true
}

func writeFault(w http.ResponseWriter, f *Fault) {
	status := cmp.Or(f.Status, http.StatusInternalServerError)
	if status == http.StatusTooManyRequests && !f.OmitRetryAfter {
		w.Header().Set("Retry-After", strconv.Itoa(cmp.Or(f.RetryAfter, 1)))
	}
	writeError(w, status, "injected fault: "+http.StatusText(status))
}

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
