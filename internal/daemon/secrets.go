package daemon

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Secrets are what a service cannot work without.
type Secrets interface {
	// Missing answers which ones are not there.
	Missing() error
	// Watch logs until ctx ends when one is replaced.
	Watch(ctx context.Context, log *slog.Logger)
}

// awaitEvery is how often it is looked whether a missing secret has come.
const awaitEvery = time.Second

// WithSecrets runs a service as soon as its secrets are there. Until then nothing listens but addr, which says in /readyz what is missing; so does
// the log.
func WithSecrets(ctx context.Context, addr string, secrets Secrets, log *slog.Logger, run Task) error {
	if missing := secrets.Missing(); missing != nil {
		log.Error("secrets are missing, waiting for them", "err", missing)
		if err := await(ctx, addr, secrets); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was stopped before they were there
		}
		log.Info("all secrets are there")
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	return Together(watching, func(context.Context) error {
		defer stop()
		return run(ctx)
	}, func(ctx context.Context) error {
		secrets.Watch(ctx, log)
		return nil
	})
}

// await returns when nothing is missing or ctx has ended.
func await(ctx context.Context, addr string, secrets Secrets) error {
	listener, err := Listen(addr)
	if err != nil {
		return err
	}
	check := Check{Name: "secrets", Check: func(context.Context) error { return secrets.Missing() }}
	waiting, enough := context.WithCancel(ctx)
	defer enough()
	return Together(waiting, ServeHTTP(listener, AdminHandler(prometheus.NewRegistry(), []Check{check})), func(ctx context.Context) error {
		defer enough()
		tick := time.NewTicker(awaitEvery)
		defer tick.Stop()
		for secrets.Missing() != nil {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
		return nil
	})
}
