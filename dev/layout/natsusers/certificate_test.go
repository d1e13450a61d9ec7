package natsusers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/slacktalk/slacktalk/internal/certtest"
)

// With components/tls, a reload takes over a renewed certificate, and new passwords as well: neither does when TLS is asked for by flags.
func TestAReloadReadsCertificateAndPasswords(t *testing.T) {
	path, folder := configuration(t, passwords), t.TempDir()
	replace(t, filepath.Join(filepath.Dir(path), "clients-tls.conf"), strings.ReplaceAll(manifestFile(t, "components/tls/clients-tls.conf"), "/etc/tls", folder))
	issue(t, folder)
	// What the pod does not need: the test's own port, folder and disk.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	own := strings.NewReplacer("port: 4222", "listen: \"127.0.0.1:-1\"", "http_port: 8222", "", "/data", t.TempDir(), "sync_interval: always", "").Replace(string(text))
	replace(t, path, own)
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	if err := enters(s, folder, "pw-router"); err != nil {
		t.Fatalf("before: %v", err)
	}
	issue(t, folder)
	if err := enters(s, folder, "pw-router"); err == nil {
		t.Fatal("it shows the renewed certificate before the reload: nothing is tested")
	}
	replace(t, filepath.Join(filepath.Dir(filepath.Dir(path)), "nats-secrets", "passwords.conf"), strings.Replace(passwords, "pw-router", "pw-renewed", 1))
	if err := s.Reload(); err != nil {
		t.Fatalf("reload: %v", err)
	}
	if err := enters(s, folder, "pw-renewed"); err != nil {
		t.Errorf("after: %v", err)
	}
	if err := enters(s, folder, "pw-router"); err == nil {
		t.Error("the former password is still good")
	}
}

func enters(s *server.Server, folder, password string) error {
	conn, err := nats.Connect(strings.Replace(s.ClientURL(), "nats://", "tls://", 1), nats.RootCAs(filepath.Join(folder, "ca.crt")), nats.UserInfo("router", password), nats.MaxReconnects(0))
	if err == nil {
		conn.Close()
	}
	return err
}

func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue puts a new certificate, of a new authority, where the Secret would be.
func issue(t *testing.T, folder string) {
	t.Helper()
	authority := certtest.NewAuthority()
	if _, _, err := authority.Valid().Write(folder); err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(folder, "ca.crt"), string(authority.PEM))
}
