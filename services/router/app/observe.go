package app

import (
	"context"
	"errors"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"

	"github.com/slacktalk/slacktalk/internal/telemetry"
)

// watchCalls answers what watches the calls of the API.
func (a *App) watchCalls() []grpc.ServerOption {
	calls := grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram(grpcprom.WithHistogramOpts(&prometheus.HistogramOpts{
		Buckets: telemetry.Short, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	})))
	a.registry.MustRegister(calls)
	options := []grpc.ServerOption{grpc.ChainUnaryInterceptor(calls.UnaryServerInterceptor()), grpc.ChainStreamInterceptor(calls.StreamServerInterceptor())}
	if a.tracing.On() {
		// Nobody has said yet who calls: a call begins a trace of its own, which is linked to the caller's later.
		nobodys := propagation.NewCompositeTextMapPropagator()
		options = append(options, grpc.StatsHandler(otelgrpc.NewServerHandler(
			otelgrpc.WithTracerProvider(a.tracing.Provider()), otelgrpc.WithPropagators(nobodys), otelgrpc.WithFilter(filters.Not(filters.HealthCheck())),
		)))
	}
	return options
}

// watchRedis measures the calls to Redis and makes their spans, without what is asked: keys name customers.
func (a *App) watchRedis() error {
	a.redis.AddHook(newRedisTimes(a.registry))
	if !a.tracing.On() {
		return nil
	}
	return redisotel.InstrumentTracing(a.redis, redisotel.WithTracerProvider(a.tracing.Provider()), redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false),
		redisotel.WithCommandFilter(func(cmd redis.Cmder) bool { return cmd.Name() == "ping" })) // of the probes
}

// redisTimes measures calls. Its labels are few: there is no command that somebody outside can choose.
type redisTimes struct{ calls *prometheus.HistogramVec }

func newRedisTimes(metrics prometheus.Registerer) redisTimes {
	t := redisTimes{prometheus.NewHistogramVec(telemetry.Seconds(
		"slacktalk_redis_seconds", "Calls to Redis, by command (pipeline: several at once) and result: ok or failed.", telemetry.Short,
	), []string{"command", "result"})}
	metrics.MustRegister(t.calls)
	return t
}

func (t redisTimes) DialHook(next redis.DialHook) redis.DialHook { return next }

func (t redisTimes) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmd)
		t.observe(cmd.Name(), began, err)
		return err
	}
}

func (t redisTimes) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		t.observe("pipeline", began, err)
		return err
	}
}

func (t redisTimes) observe(command string, began time.Time, err error) {
	result := "ok"
	var said redis.Error
	// Redis said something: that there is nothing, or what a script of ours answers.
	if err != nil && !errors.As(err, &said) {
		result = "failed"
	}
	t.calls.WithLabelValues(command, result).Observe(time.Since(began).Seconds())
}
