package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/slacktalk/slacktalk/internal/daemon"
)

// serveAPI serves until ctx ends: then it says so to those who watch its health, takes no new calls and waits for those under way.
func (a *App) serveAPI(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- a.grpc.Serve(a.API) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve gRPC: %w", err)
	case <-ctx.Done():
	}
	a.health.Shutdown()
	// Streams that do not end by themselves are cut, so that the consumers still have time to finish.
	force := time.AfterFunc(daemon.Grace/3, a.grpc.Stop)
	defer force.Stop()
	a.grpc.GracefulStop()
	<-failed //nolint:errcheck // it only tells that it was stopped
	return nil
}

const checkLimit = 2 * time.Second

// keepHealth says SERVING while every check passes, and NOT_SERVING while one does not, until ctx ends.
func (a *App) keepHealth(ctx context.Context) error {
	tick := time.NewTicker(a.healthEvery)
	defer tick.Stop()
	for {
		a.setHealth(a.ready(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// setHealth sets what grpc.health.v1 says of the whole server ("") and of each of its services. After Shutdown it has no effect.
func (a *App) setHealth(ready bool) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if ready {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	a.health.SetServingStatus("", status)
	for name := range a.grpc.GetServiceInfo() {
		a.health.SetServingStatus(name, status)
	}
}

func (a *App) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeoutCause(ctx, checkLimit, errors.New("health check took too long"))
	defer cancel()
	for _, check := range a.checks {
		if check.Check(ctx) != nil {
			return false
		}
	}
	return true
}
