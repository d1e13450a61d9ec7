package daemon_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/slacktalk/slacktalk/internal/daemon"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStagesStopInOrder(t *testing.T) {
	var mu sync.Mutex
	var ended []string
	part := func(name string) daemon.Task {
		return func(ctx context.Context) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, name)
			return ctx.Err()
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- daemon.Run(ctx, time.Minute,
			daemon.Stage{Name: "intake", Tasks: []daemon.Task{part("intake")}},
			daemon.Stage{Name: "consumers", Tasks: []daemon.Task{part("consumers")}},
			daemon.Stage{Name: "connections", Tasks: []daemon.Task{part("connections")}})
	}()
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("a stop that was asked for is no failure: %v", err)
	}
	if want := []string{"intake", "consumers", "connections"}; !slices.Equal(ended, want) {
		t.Fatalf("ended %v, want %v", ended, want)
	}
}

func TestAFailingTaskStopsTheRest(t *testing.T) {
	broken := errors.New("broken")
	stopped := false
	err := daemon.Run(context.Background(), time.Minute,
		daemon.Stage{Name: "a", Tasks: []daemon.Task{func(context.Context) error { return broken }}},
		daemon.Stage{Name: "b", Tasks: []daemon.Task{func(ctx context.Context) error { <-ctx.Done(); stopped = true; return nil }}})
	if !errors.Is(err, broken) || !stopped {
		t.Fatalf("err %v, stopped %v", err, stopped)
	}
}

func TestAStopThatTakesTooLongIsNamed(t *testing.T) {
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := daemon.Run(ctx, time.Millisecond, daemon.Stage{Name: "stubborn", Tasks: []daemon.Task{func(context.Context) error { <-release; return nil }}})
	close(release)
	if err == nil || !strings.Contains(err.Error(), "stubborn") {
		t.Fatalf("got %v", err)
	}
}

func TestReadyzTellsWhatIsWrong(t *testing.T) {
	broken := errors.New("nobody answers")
	var err error
	handler := daemon.AdminHandler(prometheus.NewRegistry(), []daemon.Check{{Name: "nats", Check: func(context.Context) error { return err }}})
	get := func() (int, string) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		body, _ := io.ReadAll(recorder.Body)
		return recorder.Code, string(body)
	}
	if code, _ := get(); code != http.StatusOK {
		t.Fatalf("got %d", code)
	}
	err = broken
	if code, body := get(); code != http.StatusServiceUnavailable || !strings.Contains(body, "nobody answers") {
		t.Fatalf("got %d %s", code, body)
	}
	err = daemon.Warn(broken)
	if code, body := get(); code != http.StatusOK || !strings.Contains(body, "warning: nobody answers") {
		t.Fatalf("warned of: %d %s", code, body)
	}
}
