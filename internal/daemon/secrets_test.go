package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

// later are secrets that come when there says so.
type later struct{ there atomic.Bool }

func (l *later) Missing() error {
	if l.there.Load() {
		return nil
	}
	return errors.New("KARTE_API_TOKEN_FILE: read a secret: no such file")
}

func (l *later) Watch(ctx context.Context, _ *slog.Logger) { <-ctx.Done() }

func TestAMissingSecretIsNamedAndAwaited(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	var log bytes.Buffer
	secrets := &later{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- daemon.WithSecrets(ctx, addr, secrets, slog.New(slog.NewTextHandler(&log, nil)), func(ctx context.Context) error {
			close(began)
			<-ctx.Done()
			return nil
		})
	}()
	asked := func(path string) (int, string) {
		answer, err := http.Get("http://" + addr + path)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	eventually.Holds(t, 30*time.Second, "/readyz names the secret", func() bool {
		status, text := asked("/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "KARTE_API_TOKEN_FILE")
	})
	if status, _ := asked("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d: it lives", status)
	}
	select {
	case <-began:
		t.Fatal("it works without its secret")
	default:
	}
	secrets.there.Store(true)
	select {
	case <-began:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not begin when the secret is there")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "KARTE_API_TOKEN_FILE") {
		t.Errorf("the log does not name it: %s", text)
	}
}

func TestAStopDoesNotWaitForSecrets(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := daemon.WithSecrets(ctx, "127.0.0.1:0", &later{}, slog.New(slog.DiscardHandler), func(context.Context) error { return errors.New("must not run") })
	if err != nil {
		t.Error(err)
	}
}
