package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/slacktalk/slacktalk/dev/spawn"
)

// process is a program that can be started, killed and started again.
type process struct {
	name string
	path string
	args []string
	env  []string
	log  string // file that takes what it writes
	addr string // where a replica of a service listens
	// ready answers nil when it can do its work; see awaitReady.
	ready func() error
	spawn *spawn.Spawner

	mu    sync.Mutex
	cmd   *exec.Cmd
	done  chan struct{}
	asked bool // its end was asked for
	// ended collects ends that nobody asked for.
	ended []string
}

// start starts it; it must not be running.
func (p *process) start() error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer func() { _ = out.Close() }() // the child has its own
	cmd := exec.Command(p.path, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, out, out
	if err := p.spawn.Start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	done := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.done, p.asked = cmd, done, false
	p.mu.Unlock()
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		if !p.asked {
			p.ended = append(p.ended, fmt.Sprintf("%s ended by itself: %v", p.name, err))
		}
		p.mu.Unlock()
		close(done)
	}()
	return nil
}

// signal sends s and answers what to wait for; nil when it does not run.
func (p *process) signal(s os.Signal) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	p.asked = true
	_ = p.cmd.Process.Signal(s) // it may just have ended
	return p.done
}

// kill ends it at once, as a crash does.
func (p *process) kill() {
	if done := p.signal(syscall.SIGKILL); done != nil {
		<-done
	}
}

// freeze lets it stand still until the function that it answers is called.
func (p *process) freeze() (thaw func()) {
	p.mu.Lock()
	running := p.cmd.Process
	p.mu.Unlock()
	_ = running.Signal(syscall.SIGSTOP)
	return func() { _ = running.Signal(syscall.SIGCONT) }
}

// stop asks it to end and kills it when it does not within grace, which is an error.
func (p *process) stop(grace time.Duration) error { return p.stopBy(syscall.SIGTERM, grace) }

func (p *process) stopBy(s os.Signal, grace time.Duration) error {
	done := p.signal(s)
	if done == nil {
		return nil
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		p.kill()
		return fmt.Errorf("%s did not stop within %v", p.name, grace)
	}
}

// complaints answers the ends that nobody asked for.
func (p *process) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// errNotReady is the state of a program that has not answered yet.
var errNotReady = errors.New("not ready")
