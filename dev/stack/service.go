package stack

import (
	"context"
	"net"
)

// How a service may have ended.
const (
	Stopped = "stopped"
	Killed  = "killed"
)

// State is what became of a service.
type State struct {
	Admin string // where its probes and metrics are; nothing when it does not run
	PID   int    // of its own process; 0 when it shares this one
	Ended string // Stopped, Killed, or what went wrong; nothing when it runs
}

// State answers what became of a service.
func (s *Stack) State(name string) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	svc := s.services[name]
	switch {
	case svc == nil:
		return State{Ended: s.ended[name]}
	case !svc.over():
		return State{Admin: svc.admin, PID: svc.pid}
	case svc.err != nil:
		return State{Ended: svc.err.Error()}
	}
	return State{Ended: Stopped}
}

// Processes tells whether every service is a process of its own.
func (s *Stack) Processes() bool { return s.options.Processes }

// place is where a service listens.
type place struct {
	Addr  string `json:"addr"`
	Admin string `json:"admin"`
	URL   string `json:"url"`
}

func placeOf(addr, admin net.Addr, path string) place {
	return place{Addr: addr.String(), Admin: admin.String(), URL: "http://" + addr.String() + path}
}

// service is one that was started, in this process or in its own.
type service struct {
	admin string
	pid   int
	stop  func()
	kill  func()
	done  chan struct{} // closed when it has ended
	err   error         // of its end; to be read after done
}

// launch runs a service in this process.
func launch(w wired) *service {
	ctx, stop := context.WithCancel(context.Background())
	svc := &service{admin: "http://" + w.Admin, stop: stop, done: make(chan struct{})}
	go func() {
		svc.err = w.run(ctx)
		close(svc.done)
	}()
	return svc
}

func (svc *service) askToStop() { svc.stop() }

func (svc *service) askToDie() { svc.kill() }

func (svc *service) wait() error {
	<-svc.done
	return svc.err
}

func (svc *service) over() bool {
	select {
	case <-svc.done:
		return true
	default:
		return false
	}
}
