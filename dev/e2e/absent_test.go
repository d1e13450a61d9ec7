package e2e

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/freeport"
	router "github.com/slacktalk/slacktalk/services/router/app"
)

// free answers an address where nobody listens.
func free(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", freePort(t))
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := freeport.TCP()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestAServiceStartsWithoutItsDependenciesAndIsReadyWhenTheyAppear(t *testing.T) {
	natsAddr, redisAddr, tokens := free(t), free(t), filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(tokens, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var settings router.Settings
	err := config.Load(&settings, []string{
		"NATS_URL=nats://" + natsAddr, "REDIS_URL=redis://" + redisAddr, "API_TOKENS_FILE=" + tokens, "GRPC_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	app, err := router.New(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	awaitReady(t, app.Admin.Addr().String(), func(status int, body string) bool {
		return status == http.StatusServiceUnavailable && strings.Contains(body, "NATS") && strings.Contains(body, "nobody has access")
	})

	host, port, _ := net.SplitHostPort(natsAddr)
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	nats, err := server.NewServer(&server.Options{Host: host, Port: number, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	nats.Start()
	t.Cleanup(func() { nats.Shutdown(); nats.WaitForShutdown() })
	redis := miniredis.NewMiniRedis()
	if err := redis.StartAddr(redisAddr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Close)
	line := "- {name: demo, sha256: " + strings.Repeat("ab", 32) + ", role: viewer, projects: [demo]}\n"
	if err := os.WriteFile(tokens, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, app.Admin.Addr().String(), func(status int, _ string) bool {
		// A server that is stopped while a stream is being made leaves something of it behind.
		streams, err := nats.Jsz(&server.JSzOptions{})
		return status == http.StatusOK && err == nil && streams.Streams == len(bus.Topology(1))
	})
}

func awaitReady(t *testing.T, addr string, want func(status int, body string) bool) {
	t.Helper()
	last := ""
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("/readyz said last: " + last)
		}
	})
	eventually.Holds(t, within, "/readyz as it should be", func() bool {
		status, body := readyz(t, addr)
		last = fmt.Sprint(status, " ", body)
		return want(status, body)
	})
}

func readyz(t *testing.T, addr string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}
