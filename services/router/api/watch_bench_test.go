package api

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

const (
	benchWatchers = 1000
	benchGets     = 10_000
	// benchChanges is the time between two changes of what is watched: many more than people make.
	benchChanges = 100 * time.Millisecond
)

// BenchmarkGetBesideAThousandWatchers tells how long GetTeamSettings takes over the wire without watchers and with 1,000 on one router, while what they
// watch changes ten times a second, and the ratio of the two. Run it with -benchtime 1x.
func BenchmarkGetBesideAThousandWatchers(b *testing.B) {
	for b.Loop() {
		address := serveBench(b)
		client := dialBench(b, address)
		getMany(b, client, benchGets) // connections and scripts are there from here on
		alone := getMany(b, client, benchGets)
		var told atomic.Int64
		stop := watchMany(b, address, &told)
		before := told.Load()
		changing, stopChanging := context.WithCancel(asAdmin(b.Context()))
		var changes sync.WaitGroup
		changes.Go(func() { keepChanging(changing, b, client) })
		beside := getMany(b, client, benchGets)
		stopChanging()
		changes.Wait()
		stop()
		for name, at := range map[string]int{"median": 50, "p99": 99} {
			with, without := beside[len(beside)*at/100], alone[len(alone)*at/100]
			b.ReportMetric(float64(without.Microseconds()), name+"-alone-µs")
			b.ReportMetric(float64(with.Microseconds()), name+"-beside-µs")
			b.ReportMetric(float64(with)/float64(without), name+"-ratio")
		}
		b.ReportMetric(float64(told.Load()-before), "told")
	}
}

func serveBench(b *testing.B) (address string) {
	b.Helper()
	file := filepath.Join(b.TempDir(), "tokens.yaml")
	if err := os.WriteFile(file, []byte(tokensFile()), 0o600); err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	tokens, err := LoadTokens(file, log, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	stored := redis.NewClient(&redis.Options{Addr: miniredis.RunT(b).Addr(), ContextTimeoutEnabled: true})
	b.Cleanup(func() { stored.Close() })
	store := settings.New(stored, time.Now)
	server := NewServer(Options{Store: store, Tokens: tokens, Logger: log, Watches: (&running{}).runHub(b, store)})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { server.Serve(listener) })
	b.Cleanup(func() {
		server.Stop()
		served.Wait()
	})
	return listener.Addr().String()
}

func dialBench(b *testing.B, address string) settingsv1.SettingsServiceClient {
	b.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return settingsv1.NewSettingsServiceClient(conn)
}

func asAdmin(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+adminAll)
}

// getMany answers how long each of n calls took, in order of length.
func getMany(b *testing.B, client settingsv1.SettingsServiceClient, n int) (took []time.Duration) {
	b.Helper()
	for range n {
		began := time.Now()
		if _, err := client.GetTeamSettings(asAdmin(b.Context()), &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}

// watchMany returns when all watchers have been told once.
func watchMany(b *testing.B, address string, told *atomic.Int64) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(asAdmin(b.Context()))
	var watchers, ready sync.WaitGroup
	ready.Add(benchWatchers)
	for i := 0; i < benchWatchers; i += maxStreams {
		client := dialBench(b, address)
		for range min(maxStreams, benchWatchers-i) {
			watchers.Go(func() {
				first := sync.OnceFunc(ready.Done)
				defer first()
				stream, err := client.WatchTeamSettings(ctx, &settingsv1.WatchTeamSettingsRequest{Name: settings.TeamName("demo")})
				if err != nil {
					b.Error(err)
					return
				}
				for {
					if _, err := stream.Recv(); err != nil {
						if ctx.Err() == nil {
							b.Error(err)
						}
						return
					}
					told.Add(1)
					first()
				}
			})
		}
	}
	ready.Wait()
	return func() {
		cancel()
		watchers.Wait()
	}
}

func keepChanging(ctx context.Context, b *testing.B, client settingsv1.SettingsServiceClient) {
	b.Helper()
	tick := time.NewTicker(benchChanges)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := client.UpdateTeamSettings(ctx, update("demo", on(), "*")); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		}
	}
}
