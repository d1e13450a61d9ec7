package command

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/services/router/api"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const adminToken = "token-of-the-admin"

// talkctl is the program with what it runs in.
type talkctl struct {
	t        *testing.T
	ctx      context.Context
	env      map[string]string
	in       string
	terminal bool
	typed    string           // where a password is asked for
	written  func(out string) // is told what is on the standard output, whenever there is more

	out, err string
}

// at makes a talkctl whose calls go to an address.
func at(t *testing.T, address string) *talkctl {
	t.Helper()
	return &talkctl{t: t, ctx: t.Context(), env: map[string]string{
		"TALKCTL_CONFIG": filepath.Join(t.TempDir(), "talkctl", "config.yaml"), "TALKCTL_ADDRESS": address, "TALKCTL_PROJECT": "demo", "TALKCTL_TOKEN": adminToken,
	}}
}

// do runs a command line.
func (c *talkctl) do(args ...string) (status int) {
	c.t.Helper()
	var out, errs locked
	out.written = c.written
	status = Run(c.ctx, args, Host{
		In: strings.NewReader(c.in), Out: &out, Err: &errs, Getenv: func(name string) string { return c.env[name] }, Location: time.FixedZone("JST", 9*3600),
		InTerminal: c.terminal, OutTerminal: c.terminal, ErrTerminal: c.terminal, Password: func() (string, error) { return c.typed, nil },
	})
	c.out, c.err = out.String(), errs.String()
	if strings.Contains(c.out+c.err, adminToken) {
		c.t.Errorf("talkctl %q shows the token:\n%s%s", args, c.out, c.err)
	}
	return status
}

// want runs a command line that has to end with a status.
func (c *talkctl) want(status int, args ...string) {
	c.t.Helper()
	if got := c.do(args...); got != status {
		c.t.Fatalf("talkctl %q: status %d, want %d\n%s%s", args, got, status, c.out, c.err)
	}
}

// says wants parts in what was written to the standard error.
func (c *talkctl) says(parts ...string) {
	c.t.Helper()
	for _, part := range parts {
		if !strings.Contains(c.err, part) {
			c.t.Errorf("%q is not said:\n%s", part, c.err)
		}
	}
}

// golden compares what was written to the standard output with a file.
func (c *talkctl) golden(name string) {
	c.t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(c.out), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || c.out != string(want) {
		c.t.Errorf("not as in %s (%v):\n%s\nwant:\n%s", path, err, c.out, want)
	}
}

// locked is a buffer that may be read while it is written.
type locked struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	written func(string)
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.buf.Write(p)
	if l.written != nil {
		l.written(l.buf.String())
	}
	return n, err
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// serve serves on loopback and answers the address.
func serve(t *testing.T, server *grpc.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { server.Serve(listener) })
	t.Cleanup(func() { server.Stop(); served.Wait() })
	return listener.Addr().String()
}

// router serves the router's own API over an in-process Redis; its other services are those of o.
func router(t *testing.T, o api.Options) string {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	tokens, err := api.LoadTokens(tokensFile(t), log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	clock := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	o.Store, o.Tokens, o.Logger = settings.New(client, func() time.Time { return clock }), tokens, log
	return serve(t, api.NewServer(o))
}

func tokensFile(t *testing.T) string {
	t.Helper()
	var file strings.Builder
	for token, who := range map[string]string{
		adminToken: `name: admin, role: admin, projects: ["*"]`, "token-of-a-viewer": "name: viewer, role: viewer, projects: [demo]",
	} {
		sum := sha256.Sum256([]byte(token))
		fmt.Fprintf(&file, "- {sha256: %s, %s}\n", hex.EncodeToString(sum[:]), who)
	}
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// minute answers a time in the tests' hour.
func minute(m int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 1, 31, 1, m, 30, 250_000_000, time.UTC))
}

// file writes a file for a command to read.
func (c *talkctl) file(name, content string) string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}
