package app

import (
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/slacktalk/slacktalk/internal/certtest"
	"github.com/slacktalk/slacktalk/internal/secret"
)

func TestRedisIsJudgedByTheAuthorityOfTheMoment(t *testing.T) {
	former, next := certtest.NewAuthority(), certtest.NewAuthority()
	var shown atomic.Pointer[tls.Certificate]
	shows := func(pair certtest.Pair) { shown.Store(new(pair.TLS())) }
	shows(former.Valid())
	server := miniredis.NewMiniRedis()
	if err := server.StartTLS(&tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.Load(), nil }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	write := func(a *certtest.Authority) {
		if err := os.WriteFile(ca, a.PEM, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(former)
	trusted, err := redisAuthorities(Settings{RedisCA: ca}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	// Each connects for the first time when it is asked.
	ask := func(host, query string) error {
		client, err := newRedis(secret.New("rediss://"+host+":"+server.Port()+query), trusted)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = client.Close() }()
		return client.Ping(t.Context()).Err()
	}
	const address = "127.0.0.1"
	wants := func(what, reason string, err error) {
		t.Helper()
		if (reason == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: got %v, want %q", what, err, reason)
		}
	}
	wants("its authority", "", ask(address, ""))
	wants("under a name", "", ask("localhost", ""))
	other := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "redis.example.com"}
	trust(other, trusted)
	conn, err := tls.Dial("tcp", server.Addr(), other)
	if err == nil {
		_ = conn.Close()
	}
	wants("under another name", "redis.example.com", err)
	wants("a cluster", "", ask(address, "?addr=127.0.0.1:"+server.Port()))
	shows(next.Valid())
	wants("another authority's", "unknown authority", ask(address, ""))
	wants("another authority's, of a cluster", "unknown authority", ask(address, "?addr=127.0.0.1:"+server.Port()))
	write(next)
	wants("the renewed authority", "", ask(address, ""))
	shows(next.Expired())
	wants("expired", "expired", ask(address, ""))
	if _, err := redisAuthorities(Settings{RedisCA: filepath.Join(t.TempDir(), "missing")}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a missing file is no mistake")
	}
}
