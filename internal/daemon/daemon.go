// Package daemon is what every service's process does besides its work: settings, logs, health, and an ordered stop.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slacktalk/slacktalk/internal/telemetry"
)

// Grace is how long an ordered stop may take; Kubernetes is told to wait a little longer.
const Grace = 25 * time.Second

// errStop is the cause of a context that ends because the process was asked to stop.
var errStop = errors.New("asked to stop")

// Settings are the ones every service has.
type Settings struct {
	// AdminAddr serves /healthz, /readyz and /metrics.
	AdminAddr string `env:"ADMIN_ADDR" envDefault:":8081"`
	// LogLevel is DEBUG, INFO, WARN or ERROR.
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"INFO"`
	// LogFormat is json or text.
	LogFormat string `env:"LOG_FORMAT" envDefault:"json"`
	// Profiling serves Go's profiles at ADMIN_ADDR under /debug/pprof/, to everybody who reaches it.
	Profiling bool `env:"PROFILING"`
	// Traces are recorded where there is an endpoint for them.
	Traces telemetry.Settings
}

// Logger makes the service's logger.
func (s Settings) Logger(service string, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	var handler slog.Handler = slog.NewJSONHandler(w, options)
	if s.LogFormat == "text" {
		handler = slog.NewTextHandler(w, options)
	}
	return slog.New(telemetry.LogHandler(handler)).With("service", service)
}

// Main runs a service until SIGINT or SIGTERM and exits non-zero when it failed. A second signal ends the process at once.
func Main(service string, run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", service, err)
		os.Exit(1)
	}
}

// Task is a part of a service: it works until its context ends, stops what it started, and returns.
type Task func(ctx context.Context) error

// Stage is a group of tasks that are stopped together.
type Stage struct {
	Name  string
	Tasks []Task
}

// Run starts all stages at once and waits. When ctx ends, or when a task fails, it stops the stages one after the
// other in the given order (intake first, connections last), each only after the one before has returned, all within
// grace. It answers the first failure; ending because ctx ended is none.
func Run(ctx context.Context, grace time.Duration, stages ...Stage) error {
	failed, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	groups := make([]*running, len(stages))
	for i, stage := range stages {
		groups[i] = start(context.WithoutCancel(ctx), stage, fail)
	}
	<-failed.Done()
	var problems []error
	if cause := context.Cause(failed); ctx.Err() == nil {
		problems = append(problems, cause)
	}
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	for i, group := range groups {
		group.stop(errStop)
		select {
		case err := <-group.done:
			if err != nil && len(problems) == 0 {
				problems = append(problems, err)
			}
		case <-deadline.C:
			return errors.Join(append(problems, fmt.Errorf("stop: %s did not end within %v", stages[i].Name, grace))...)
		}
	}
	return errors.Join(problems...)
}

type running struct {
	stop context.CancelCauseFunc
	done chan error
}

func start(ctx context.Context, stage Stage, fail context.CancelCauseFunc) *running {
	ctx, cancel := context.WithCancelCause(ctx)
	r := &running{stop: cancel, done: make(chan error, 1)}
	var group errgroup.Group
	for _, task := range stage.Tasks {
		group.Go(func() error {
			err := task(ctx)
			if err == nil || (ctx.Err() != nil && errors.Is(err, context.Canceled)) {
				return nil
			}
			err = fmt.Errorf("%s: %w", stage.Name, err)
			fail(err)
			return err
		})
	}
	go func() { r.done <- group.Wait() }()
	return r
}

// Together runs tasks at once until all have returned; the first failure ends the others.
func Together(ctx context.Context, tasks ...Task) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, task := range tasks {
		group.Go(func() error { return task(ctx) })
	}
	return group.Wait()
}
