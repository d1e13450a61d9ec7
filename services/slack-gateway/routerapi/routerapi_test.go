package routerapi

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/internal/certtest"
	"github.com/slacktalk/slacktalk/internal/secret"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// files answers where a certificate with its key is, in a folder of its own.
func files(t *testing.T, pair certtest.Pair) (cert, key string) {
	t.Helper()
	cert, key, err := pair.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// authorities answers where an authority's own certificate is, in a folder of its own.
func authorities(t *testing.T, a *certtest.Authority) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ca.crt")
	write(t, path, a.PEM)
	return path
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// router remembers what it was asked with, and hangs where it is told to.
type router struct {
	settingsv1.UnimplementedSettingsServiceServer
	hang bool

	mu    sync.Mutex
	calls []metadata.MD
}

func (r *router) GetTeamSettings(ctx context.Context, _ *settingsv1.GetTeamSettingsRequest) (*settingsv1.GetTeamSettingsResponse, error) {
	asked, _ := metadata.FromIncomingContext(ctx)
	r.mu.Lock()
	r.calls = append(r.calls, asked)
	r.mu.Unlock()
	if r.hang {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return &settingsv1.GetTeamSettingsResponse{}, nil
}

func (r *router) asked() []metadata.MD {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

func serve(t *testing.T, r *router, options ...grpc.ServerOption) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	settingsv1.RegisterSettingsServiceServer(server, r)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	return listener.Addr().String()
}

func ask(t *testing.T, s Settings) error {
	t.Helper()
	s.Token = secret.New("demo-token")
	client, err := New(s, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	_, err = client.Settings.GetTeamSettings(As(t.Context(), "T0DEMO1", "U0DEMO1"), &settingsv1.GetTeamSettingsRequest{})
	return err
}

func TestCallsGoToTheRouterThatTheAuthorityKnows(t *testing.T) {
	ours, others := certtest.NewAuthority(), certtest.NewAuthority()
	known, unknown := authorities(t, ours), authorities(t, others)
	mine, myKey := files(t, ours.Valid())
	theirs, theirKey := files(t, others.Valid())
	for name, c := range map[string]struct {
		ask  tls.ClientAuthType
		s    Settings
		want codes.Code
	}{
		"known":                         {tls.NoClientCert, Settings{CA: known}, codes.OK},
		"another authority's":           {tls.NoClientCert, Settings{CA: unknown}, codes.DeadlineExceeded},
		"with a certificate":            {tls.RequireAndVerifyClientCert, Settings{CA: known, Cert: mine, Key: myKey}, codes.OK},
		"without the certificate":       {tls.RequireAndVerifyClientCert, Settings{CA: known}, codes.DeadlineExceeded},
		"with a stranger's":             {tls.RequireAndVerifyClientCert, Settings{CA: known, Cert: theirs, Key: theirKey}, codes.DeadlineExceeded},
		"in the clear, where it is TLS": {tls.NoClientCert, Settings{}, codes.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &router{}
			c.s.Addr = serve(t, r, grpc.Creds(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ours.Valid().TLS()}, ClientAuth: c.ask, ClientCAs: ours.Pool()})))
			if err := ask(t, c.s); status.Code(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if calls := r.asked(); (c.want == codes.OK) != (len(calls) == 1) {
				t.Errorf("the router was asked %d times", len(calls))
			}
		})
	}
}

func TestTheTokenNeverGoesInTheClearWhereThereIsAnAuthority(t *testing.T) {
	r := &router{}
	addr := serve(t, r) // in the clear
	if err := ask(t, Settings{Addr: addr, CA: authorities(t, certtest.NewAuthority())}); status.Code(err) != codes.DeadlineExceeded || len(r.asked()) != 0 {
		t.Errorf("%v, asked %v", err, r.asked())
	}
}

func TestACallSaysForWhomItIs(t *testing.T) {
	r := &router{}
	if err := ask(t, Settings{Addr: serve(t, r)}); err != nil {
		t.Fatal(err)
	}
	call := r.asked()[0]
	if got := call.Get("slacktalk-member"); !slices.Equal(got, []string{"T0DEMO1/U0DEMO1"}) {
		t.Errorf("for %v", got)
	}
	if got := call.Get("authorization"); !slices.Equal(got, []string{"Bearer demo-token"}) {
		t.Errorf("with %v", got)
	}
}

// Slack waits for three seconds: a call ends before, and is made once.
func TestACallEndsInTimeAndIsNotRepeated(t *testing.T) {
	r := &router{hang: true}
	addr := serve(t, r)
	began := time.Now()
	err := ask(t, Settings{Addr: addr})
	if took := time.Since(began); status.Code(err) != codes.DeadlineExceeded || took < callTimeout || len(r.asked()) != 1 {
		t.Errorf("%v after %v, asked %d times", err, took, len(r.asked()))
	}
	// Nobody listens there.
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	if err := ask(t, Settings{Addr: closed.Addr().String()}); status.Code(err) != codes.DeadlineExceeded && status.Code(err) != codes.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}
