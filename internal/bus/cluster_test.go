package bus_test

import (
	"context"
	"fmt"
	"log/slog"

	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/freeport"
	"github.com/slacktalk/slacktalk/internal/secret"
)

// startCluster runs three real servers with JetStream on disk that know each other.
func startCluster(t *testing.T, adjust func(i int, o *server.Options)) []*server.Server {
	t.Helper()
	const size = 3
	ports := freePorts(t, size)
	var routes []*url.URL
	for _, port := range ports {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	var all []*server.Server
	for i := range size {
		o := &server.Options{
			ServerName: fmt.Sprintf("node-%d", i), Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]}, Routes: routes,
		}
		if adjust != nil {
			adjust(i, o)
		}
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		all = append(all, s)
	}
	eventually.Holds(t, patience, "the cluster knows who leads", func() bool {
		leads := false
		for _, s := range all {
			leads = leads || s.JetStreamIsLeader()
		}
		return leads && all[0].JetStreamIsCurrent() && all[1].JetStreamIsCurrent() && all[2].JetStreamIsCurrent()
	})
	return all
}

// freePorts answers ports that nobody listens on.
func freePorts(t *testing.T, n int) (all []int) {
	t.Helper()
	for range n {
		port, err := freeport.TCP()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, port)
	}
	return all
}

// member connects to one server of a cluster; streams have a copy on each.
func member(t *testing.T, s *server.Server) *bus.Bus {
	t.Helper()
	b, err := bus.Connect(bus.Settings{URL: secret.New(s.ClientURL()), Replicas: 3, Partitions: 4}, "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// ensured makes the streams.
func ensured(t *testing.T, b *bus.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.Ensure(ctx); err != nil {
		t.Fatal(err)
	}
}
