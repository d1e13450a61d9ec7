package manifests

import (
	"context"
	"fmt"
	"log/slog"

	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/freeport"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// etc lays out what the NATS pods of production see under /etc, with the routes led to ports of this machine.
func etc(t *testing.T, m Manifests, made string, routes []int) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range Of[*corev1.ConfigMap](m) {
		if strings.HasPrefix(c.Name, "nats-config") {
			for name, text := range c.Data {
				write("nats/"+name, text)
			}
		}
	}
	for _, name := range []string{"passwords.conf", "cluster.conf"} {
		text, err := os.ReadFile(filepath.Join(made, "nats-passwords", name))
		if err != nil {
			t.Fatal(err)
		}
		led := string(text)
		for i, port := range routes {
			led = strings.Replace(led, fmt.Sprintf("nats-%d.nats:6222", i), fmt.Sprintf("127.0.0.1:%d", port), 1)
		}
		write("nats-secrets/"+name, led)
	}
	return filepath.Join(dir, "nats", "cluster.conf")
}

// ports answers free ports of this machine.
func ports(t *testing.T, n int) (all []int) {
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

// threeServers runs the NATS cluster of production.
func threeServers(t *testing.T, m Manifests, made string) []*server.Server {
	t.Helper()
	routes := ports(t, 3)
	conf := etc(t, m, made, routes)
	var servers []*server.Server
	for i, port := range routes {
		t.Setenv("POD_NAME", fmt.Sprintf("nats-%d", i))
		options, err := server.ProcessConfigFile(conf)
		if err != nil {
			t.Fatal(err)
		}
		options.Host, options.Port, options.HTTPPort = "127.0.0.1", server.RANDOM_PORT, 0
		options.Cluster.Host, options.Cluster.Port = "127.0.0.1", port
		options.StoreDir, options.NoSigs, options.NoLog = t.TempDir(), true, true
		options.SyncAlways = false // the disk is not what is tried here
		s, err := server.NewServer(options)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		servers = append(servers, s)
	}
	return servers
}

// The configuration of production makes one cluster of three servers, each service gets in with the password that was made for it,
// and the streams have three copies of which one may be lost.
func TestThreeServersAreOne(t *testing.T) {
	m, made := rendered(t, "overlays/production"), secrets(t, "overlays/production")
	servers := threeServers(t, m, made)
	address := servers[0].Addr().String()
	// Without a deadline of its own, so that what is asked before the servers have found each other is asked again.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	defer time.AfterFunc(2*time.Minute, cancel).Stop()
	for _, service := range []string{"router", "ingest-karte", "slack-gateway"} {
		url, err := os.ReadFile(filepath.Join(made, service, "nats-url"))
		if err != nil {
			t.Fatal(err)
		}
		here := strings.Replace(string(url), "nats:4222", address, 1)
		b, err := bus.Connect(bus.Settings{URL: secret.New(here), Replicas: 3, Partitions: 1}, service, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		if err := b.Ensure(ctx); err != nil {
			t.Fatalf("%s: %v", service, err)
		}
		if service == "router" {
			hasThreeCopies(t, b)
			readsThrough(t, b)
		}
	}
}

func hasThreeCopies(t *testing.T, b *bus.Bus) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends, bus.Held, bus.Dead} {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if got := stream.CachedInfo().Config.Replicas; got != 3 {
			t.Errorf("%s has %d copies", name, got)
		}
	}
}

// readsThrough looks through a stream again and again: the server that we are connected to hears of each new consumer, which may be at another, a moment later than we do.
func readsThrough(t *testing.T, b *bus.Bus) {
	t.Helper()
	lane := bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
	if _, err := b.OnceWithin(t.Context(), 30*time.Second, bus.Posts, lane.Subject("cmd-1"), &eventv1.Page{Title: "demo"}); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		seen := 0
		if _, err := b.Scan(t.Context(), bus.Posts, lane.Filter(), 1, func(bus.Message) error { seen++; return nil }); err != nil || seen != 1 {
			t.Fatalf("look %d: %d messages, %v", i, seen, err)
		}
	}
}

// The permissions stand in one file, whichever overlay it is.
func TestThePermissionsAreTheSameEverywhere(t *testing.T) {
	users := regexp.MustCompile(`(?s)\nauthorization \{\n  users.*`)
	var found []string
	for _, overlay := range []string{"overlays/dev", "overlays/production"} {
		for _, c := range Of[*corev1.ConfigMap](rendered(t, overlay)) {
			for name, text := range c.Data {
				if users.MatchString(text) {
					found = append(found, overlay+" "+name+" "+users.FindString(text))
				}
			}
		}
	}
	if len(found) != 2 || strings.SplitN(found[0], " nats.conf ", 2)[1] != strings.SplitN(found[1], " nats.conf ", 2)[1] {
		t.Errorf("%d lists of users, or different ones", len(found))
	}
}
