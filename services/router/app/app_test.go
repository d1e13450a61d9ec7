package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/slacktalk/slacktalk/internal/config"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/api"
)

func TestMain(m *testing.M) {
	// The caches' own sweepers last as long as the process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/golang-lru/v2/expirable.NewLRU[...].func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"))
}

// whole is a router with what it needs.
type whole struct {
	t     *testing.T
	redis *miniredis.Miniredis
	nats  *server.Server
	conn  *grpc.ClientConn
	token string
	// stop asks it to stop; stopped is closed when it has.
	stop    context.CancelFunc
	stopped chan struct{}
}

func start(t *testing.T) *whole {
	t.Helper()
	w := &whole{t: t, redis: miniredis.RunT(t), stopped: make(chan struct{})}
	var err error
	w.nats, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	w.nats.Start()
	t.Cleanup(func() { w.nats.Shutdown(); w.nats.WaitForShutdown() })
	if !w.nats.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	var minted strings.Builder
	if err := api.NewToken([]string{"-name", "ops", "-role", "admin", "-project", "demo"}, &minted, time.Now()); err != nil {
		t.Fatal(err)
	}
	token, entry, _ := strings.Cut(minted.String(), "\n")
	w.token = token
	tokens := filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(tokens, []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	var settings Settings
	if err := config.Load(&settings, []string{"NATS_URL=" + w.nats.ClientURL(), "REDIS_URL=redis://" + w.redis.Addr(), "API_TOKENS_FILE=" + tokens,
		"GRPC_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "PARTITIONS=1"}); err != nil {
		t.Fatal(err)
	}
	a, err := New(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a.healthEvery = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	go func() {
		defer close(w.stopped)
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	if w.conn, err = grpc.NewClient(a.API.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.conn.Close(); cancel(); <-w.stopped })
	return w
}

// awaits polls until every service, and the whole server, has the status.
func (w *whole) awaits(want grpc_health_v1.HealthCheckResponse_ServingStatus) {
	w.t.Helper()
	names := []string{"", "slacktalk.settings.v1.SettingsService", "slacktalk.admin.v1.AuditService"}
	for deadline := time.Now().Add(20 * time.Second); len(names) > 0; {
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		answer, err := grpc_health_v1.NewHealthClient(w.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: names[0]}, grpc.WaitForReady(true))
		cancel()
		if err == nil && answer.GetStatus() == want {
			names = names[1:]
		} else if time.Now().After(deadline) {
			w.t.Fatalf("%q is %v (%v), want %v", names[0], answer.GetStatus(), err, want)
		}
	}
}

func TestHealthIsServingOnlyWhileRedisAndNATSAre(t *testing.T) {
	w := start(t)
	w.awaits(grpc_health_v1.HealthCheckResponse_SERVING)
	w.redis.SetError("LOADING")
	w.awaits(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	w.redis.SetError("")
	w.awaits(grpc_health_v1.HealthCheckResponse_SERVING)
	w.nats.Shutdown()
	w.awaits(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
}

func TestWhoeverWatchesHealthIsToldBeforeTheServerStops(t *testing.T) {
	w := start(t)
	w.awaits(grpc_health_v1.HealthCheckResponse_SERVING)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	watch, err := grpc_health_v1.NewHealthClient(w.conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := watch.Recv(); err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Fatalf("before: %v, %v", answer, err)
	}
	w.stop()
	if answer, err := watch.Recv(); err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("while stopping: %v, %v", answer, err)
	}
	cancel()
	<-w.stopped
}

func TestAChangeThroughTheAPIStandsInTheAudit(t *testing.T) {
	w := start(t)
	w.awaits(grpc_health_v1.HealthCheckResponse_SERVING)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+w.token)
	if _, err := settingsv1.NewSettingsServiceClient(w.conn).SetOperatorLink(ctx, &settingsv1.SetOperatorLinkRequest{
		OperatorLink: &settingsv1.OperatorLink{Name: "projects/demo/operators/op1", SlackMember: "U0DEMO1"}}); err != nil {
		t.Fatal(err)
	}
	answer, err := adminv1.NewAuditServiceClient(w.conn).ListAuditEntries(ctx, &adminv1.ListAuditEntriesRequest{Parent: "projects/demo"})
	if err != nil || len(answer.GetAuditEntries()) != 1 {
		t.Fatalf("%v, %v", answer, err)
	}
	got := answer.GetAuditEntries()[0]
	if got.GetActor() != "ops" || got.GetAction() != "SetOperatorLink" || got.GetResource() != "projects/demo/operators/op1" || got.GetResult() != "OK" ||
		!strings.HasPrefix(got.GetName(), "projects/demo/auditEntries/") || time.Since(got.GetTime().AsTime()) > time.Minute {
		t.Errorf("the entry is %v", got)
	}
}
