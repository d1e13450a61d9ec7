package config_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/transcript"
)

type withSecrets struct {
	Inner struct {
		URL secret.String `env:"NATS_URL,required,notEmpty"`
	}
	Before secret.String `env:"SLACK_SIGNING_SECRET_BEFORE"`
}

func TestASecretMayComeLater(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	var s withSecrets
	if err := config.Load(&s, []string{"NATS_URL_FILE=" + at("url"), "SLACK_SIGNING_SECRET_BEFORE_FILE=" + at("before")}); err != nil {
		t.Fatal(err)
	}
	secrets := config.SecretsOf(&s)
	err := secrets.Missing()
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "NATS_URL_FILE") || strings.Contains(err.Error(), "BEFORE") {
		t.Fatalf("missing: %v", err)
	}
	if err := os.WriteFile(at("url"), []byte("nats://demo-1@nats\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, 30*time.Second, "nothing is missing", func() bool { return secrets.Missing() == nil })
	if s.Inner.URL.Reveal() != "nats://demo-1@nats" || !s.Before.IsZero() {
		t.Error("another secret than the one in the file")
	}
}

func TestAReplacedSecretIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("demo-first")
	var s withSecrets
	if err := config.Load(&s, []string{"NATS_URL_FILE=" + path}); err != nil {
		t.Fatal(err)
	}
	log := &transcript.Transcript{}
	has := func(words string) bool { return log.Count(words) > 0 }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		config.SecretsOf(&s).Watch(ctx, slog.New(slog.NewTextHandler(log, nil)))
	}()
	defer func() { cancel(); <-done }()
	// Another one at every look, because the watch may begin a little later.
	n := 0
	eventually.Holds(t, time.Minute, "the log tells of it", func() bool {
		n++
		write("demo-" + strings.Repeat("x", n))
		return has("replaced") && has("NATS_URL")
	})
	write("")
	eventually.Holds(t, time.Minute, "the log tells that it is gone", func() bool { return has("cannot be read") })
	if has("demo-") {
		t.Error("the log holds a secret")
	}
}
