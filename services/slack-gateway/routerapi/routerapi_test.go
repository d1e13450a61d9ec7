package routerapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
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

	"github.com/slacktalk/slacktalk/internal/secret"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// authority signs certificates and keeps them in files, as they are mounted.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "demo authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.key = a.newKey()
	a.cert = a.sign(template, template, a.key)
	a.write("ca.crt", "CERTIFICATE", a.cert.Raw)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func (a *authority) write(name, kind string, raw []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue makes a certificate for 127.0.0.1 and answers its files.
func (a *authority) issue(name string) (cert, key string) {
	a.t.Helper()
	return a.until(name, time.Now().Add(time.Hour))
}

// until is issue with another end.
func (a *authority) until(name string, end time.Time) (cert, key string) {
	a.t.Helper()
	own := a.newKey()
	signed := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: end.Add(-2 * time.Hour), NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, own)
	raw, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".crt", "CERTIFICATE", signed.Raw), a.write(name+".key", "EC PRIVATE KEY", raw)
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
	ours, others := newAuthority(t), newAuthority(t)
	cert, key := ours.issue("router")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	mine, myKey := ours.issue("slack-gateway")
	theirs, theirKey := others.issue("stranger")
	for name, c := range map[string]struct {
		ask  tls.ClientAuthType
		s    Settings
		want codes.Code
	}{
		"known":                         {tls.NoClientCert, Settings{CA: ours.dir + "/ca.crt"}, codes.OK},
		"another authority's":           {tls.NoClientCert, Settings{CA: others.dir + "/ca.crt"}, codes.DeadlineExceeded},
		"with a certificate":            {tls.RequireAndVerifyClientCert, Settings{CA: ours.dir + "/ca.crt", Cert: mine, Key: myKey}, codes.OK},
		"without the certificate":       {tls.RequireAndVerifyClientCert, Settings{CA: ours.dir + "/ca.crt"}, codes.DeadlineExceeded},
		"with a stranger's":             {tls.RequireAndVerifyClientCert, Settings{CA: ours.dir + "/ca.crt", Cert: theirs, Key: theirKey}, codes.DeadlineExceeded},
		"in the clear, where it is TLS": {tls.NoClientCert, Settings{}, codes.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &router{}
			c.s.Addr = serve(t, r, grpc.Creds(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: c.ask, ClientCAs: pool})))
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
	if err := ask(t, Settings{Addr: addr, CA: newAuthority(t).dir + "/ca.crt"}); status.Code(err) != codes.DeadlineExceeded || len(r.asked()) != 0 {
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
