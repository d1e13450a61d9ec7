package bus_test

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/certtest"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/transcript"
)

// configured runs a server from a file, which reload writes anew and lets it read again.
func configured(t *testing.T, text string) (s *server.Server, reload func(text string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.conf")
	write(t, path, text)
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	if s, err = server.NewServer(options); err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	// A port of its own would be another one after reading the file again.
	port := s.Addr().(*net.TCPAddr).Port
	return s, func(text string) {
		t.Helper()
		write(t, path, strings.Replace(text, "port: -1", fmt.Sprintf("port: %d", port), 1))
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func withUser(t *testing.T, name, password string) string {
	t.Helper()
	return fmt.Sprintf("host: 127.0.0.1\nport: -1\njetstream { store_dir: %q }\nauthorization { users = [ { user: %s, password: %s } ] }\n", t.TempDir(), name, password)
}

func TestAPasswordIsReplacedWithoutARestart(t *testing.T) {
	first := withUser(t, "demo", "first-password")
	s, reload := configured(t, first)
	file := filepath.Join(t.TempDir(), "nats-url")
	address := func(user, password string) string {
		return strings.Replace(s.ClientURL(), "nats://", "nats://"+user+":"+password+"@", 1)
	}
	write(t, file, address("stranger", "first-password"))
	log := &transcript.Transcript{}
	b, err := bus.Connect(bus.Settings{URL: secret.FromFile(file), Replicas: 1, Partitions: 1}, "test", slog.New(slog.NewTextHandler(log, nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	becomes := func(what string, holds func(err error) bool) {
		t.Helper()
		var last error
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(last, log)
			}
		})
		eventually.Holds(t, patience, what, func() bool { last = b.Connected(); return holds(last) })
	}
	well := func(err error) bool { return err == nil }
	becomes("a wrong user is named", func(err error) bool {
		return err != nil && strings.Contains(err.Error(), `refuses the user "stranger"`) && strings.Contains(log.String(), `user \"stranger\"`)
	})
	write(t, file, address("demo", "first-password"))
	becomes("the right user gets in", well)
	reload(strings.Replace(first, "first-password", "second-password", 1))
	becomes("the former password is refused", func(err error) bool { return err != nil })
	write(t, file, address("demo", "second-password"))
	becomes("the new one is taken", well)
	if text := log.String(); strings.Contains(text, "first-password") || strings.Contains(text, "second-password") {
		t.Errorf("a password is in the log: %s", text)
	}
}

// secure puts a certificate of an authority where the server and its clients look for them.
func secure(t *testing.T, dir string, authority *certtest.Authority, pair certtest.Pair) {
	t.Helper()
	if _, _, err := pair.Write(dir); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ca.crt"), string(authority.PEM))
}

func TestAnExpiredCertificateIsNamedAndItsSuccessorTaken(t *testing.T) {
	dir := t.TempDir()
	former, next := certtest.NewAuthority(), certtest.NewAuthority()
	secure(t, dir, former, former.Expired())
	text := fmt.Sprintf("host: 127.0.0.1\nport: -1\njetstream { store_dir: %q }\ntls { cert_file: %q, key_file: %q }\n", t.TempDir(), filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	s, reload := configured(t, text)
	log := &transcript.Transcript{}
	address := "tls://" + s.Addr().String()
	b, err := bus.Connect(bus.Settings{URL: secret.New(address), CA: filepath.Join(dir, "ca.crt"), Replicas: 1, Partitions: 1}, "test", slog.New(slog.NewTextHandler(log, nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	eventually.Holds(t, patience, "the expired certificate is named", func() bool {
		err := b.Connected()
		return err != nil && strings.Contains(log.String(), "expired")
	})
	// The new one is of another authority as well: both are read again.
	secure(t, dir, next, next.Valid())
	reload(text)
	eventually.Holds(t, patience, "the new certificate is taken", func() bool { return b.Connected() == nil })
}
