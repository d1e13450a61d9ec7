package natsusers

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
)

const passwords = `
NATS_PASSWORD_INGEST_KARTE: "pw-ingest-karte"
NATS_PASSWORD_ROUTER: "pw-router"
NATS_PASSWORD_SLACK_GATEWAY: "pw-slack-gateway"
NATS_PASSWORD_TOPOLOGY: "pw-topology"
NATS_PASSWORD_BACKUP: "pw-backup"
`

// configuration lays the manifests' configuration out as it is in the pod and answers its path.
func configuration(t *testing.T, passwords string) string {
	t.Helper()
	t.Setenv("POD_NAME", "nats-0")
	conf, plain := manifestFile(t, "base/nats/nats.conf"), manifestFile(t, "base/nats/clients-tls.conf")
	etc := t.TempDir()
	path := filepath.Join(etc, "nats", "nats.conf")
	for name, text := range map[string]string{
		path: conf, filepath.Join(etc, "nats", "clients-tls.conf"): plain, filepath.Join(etc, "nats-secrets", "passwords.conf"): passwords,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func manifestFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../../deploy/k8s", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// start runs the server of the manifests on a port and in a folder of its own.
func start(t *testing.T) *server.Server {
	t.Helper()
	options, err := server.ProcessConfigFile(configuration(t, passwords))
	if err != nil {
		t.Fatal(err)
	}
	options.Host, options.Port, options.HTTPPort = "127.0.0.1", server.RANDOM_PORT, 0
	options.StoreDir, options.NoSigs, options.NoLog = t.TempDir(), true, true
	options.SyncAlways = false // the disk is not what is tried here
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// url answers the address with which user connects.
func url(s *server.Server, user string) string {
	return strings.Replace(s.ClientURL(), "nats://", "nats://"+user+":pw-"+user+"@", 1)
}

// connect opens user's bus; whatever the server refuses it fails the test.
func connect(t *testing.T, s *server.Server, user string) *bus.Bus {
	t.Helper()
	settings := bus.Settings{URL: secret.New(url(s, user)), Replicas: 1, Partitions: 2}
	b, err := bus.Connect(settings, user, slog.New(refusals{t, user}), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// refusals is a log that only listens for what the server does not permit.
type refusals struct {
	t    *testing.T
	user string
}

func (refusals) Enabled(context.Context, slog.Level) bool { return true }
func (r refusals) WithAttrs([]slog.Attr) slog.Handler     { return r }
func (r refusals) WithGroup(string) slog.Handler          { return r }

func (r refusals) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if text := a.Value.String(); strings.Contains(strings.ToLower(text), "permissions violation") {
			r.t.Errorf("%s needs something that deploy/k8s/base/nats/nats.conf does not permit: %s", r.user, text)
		}
		return true
	})
	return nil
}
