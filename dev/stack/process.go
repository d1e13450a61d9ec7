package stack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/slacktalk/slacktalk/internal/daemon"
)

// asService names the service that a process is to be.
const asService = "SLACKTALK_DEMO_SERVICE"

// withLog lets it log to its standard error.
const withLog = "SLACKTALK_DEMO_LOG"

const (
	// spawnWithin is how long a process may take to say where it listens; it may have to wait for a busy machine.
	spawnWithin = 60 * time.Second
	// stopWithin is a little more than a service grants itself.
	stopWithin = daemon.Grace + 5*time.Second
)

// Main is the whole life of a process that a stack started to be a service. In every other process it returns at once.
func Main() {
	name := os.Getenv(asService)
	if name == "" {
		return
	}
	if err := serveAs(name); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveAs says on its standard output where it listens, and serves until SIGTERM. It stops as well when its standard input ends, which it does
// when whoever started it is gone.
func serveAs(name string) error {
	// Ctrl-C reaches every process of a terminal; the one that started this one stops it in order.
	signal.Ignore(syscall.SIGINT)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the other end does
		stop()
	}()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv(withLog) != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("service", name)
	}
	w, err := wire(name, os.Environ(), time.Now, 0, log)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(w.place); err != nil {
		return fmt.Errorf("say where it listens: %w", err)
	}
	return w.run(ctx)
}

// spawn starts a service as a process of its own, and answers where it listens.
func (s *Stack) spawn(name, addr string) (*service, place, error) {
	environ, err := s.environ(name, addr)
	if err != nil {
		return nil, place{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, place{}, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(environ, asService+"="+name, "TMPDIR="+os.TempDir(), "PATH="+os.Getenv("PATH"))
	var said bytes.Buffer
	if cmd.Stderr = &said; s.options.Log != nil {
		cmd.Stderr, cmd.Env = os.Stderr, append(cmd.Env, withLog+"=yes")
	}
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, place{}, fmt.Errorf("make a pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, place{}, errors.Join(fmt.Errorf("make a pipe: %w", err), life.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, place{}, fmt.Errorf("start the process: %w", err)
	}
	svc, at, err := watch(cmd, out)
	if err != nil {
		return nil, place{}, fmt.Errorf("%w\n%s", err, said.Bytes())
	}
	svc.admin = "http://" + at.Admin
	return svc, at, nil
}

// watch waits until a process says where it listens, and keeps looking how it ends.
func watch(cmd *exec.Cmd, out io.Reader) (*service, place, error) {
	svc := &service{pid: cmd.Process.Pid, done: make(chan struct{})}
	var killed atomic.Bool
	svc.kill = func() {
		killed.Store(true)
		_ = cmd.Process.Kill() // it may just have ended
	}
	svc.stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		time.AfterFunc(stopWithin, func() { _ = cmd.Process.Kill() })
	}
	told := make(chan place, 1)
	go func() {
		defer close(svc.done)
		defer close(told)
		lines := bufio.NewReader(out)
		var at place
		if line, err := lines.ReadBytes('\n'); err == nil && json.Unmarshal(line, &at) == nil {
			told <- at
		}
		_, _ = io.Copy(io.Discard, lines) // nothing more is said; it ends with the process
		if err := cmd.Wait(); err != nil && !killed.Load() {
			svc.err = fmt.Errorf("its process ended: %w", err)
		}
	}()
	timer := time.NewTimer(spawnWithin)
	defer timer.Stop()
	select {
	case at, ok := <-told:
		if ok {
			return svc, at, nil
		}
		return nil, place{}, errors.Join(errors.New("it did not say where it listens"), svc.wait())
	case <-timer.C:
		svc.kill()
		return nil, place{}, errors.Join(fmt.Errorf("it did not say where it listens within %v", spawnWithin), svc.wait())
	}
}
