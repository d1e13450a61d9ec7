package routerapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/internal/secret"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// mutual is a router that asks for certificates, whose own one and authority of callers can be replaced.
type mutual struct {
	t    *testing.T
	addr string

	mu   sync.Mutex
	pair tls.Certificate
	pool *x509.CertPool
}

func newMutual(t *testing.T, own, callers *authority) *mutual {
	t.Helper()
	m := &mutual{t: t}
	m.shows(own.issue("router"))
	m.accepts(callers)
	m.addr = serve(t, &router{}, grpc.Creds(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}, Certificates: []tls.Certificate{m.pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: m.pool,
			SessionTicketsDisabled: true,
		}, nil
	}})))
	return m
}

func (m *mutual) shows(cert, key string) {
	m.t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pair = pair
}

func (m *mutual) accepts(callers *authority) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pool = x509.NewCertPool()
	m.pool.AddCert(callers.cert)
}

// caller is a client whose connection is made anew for each call.
type caller struct {
	*Client
	t   *testing.T
	log *lines
}

func newCaller(t *testing.T, s Settings) *caller {
	t.Helper()
	c := &caller{t: t, log: &lines{}}
	s.Token = secret.New("demo-token")
	var err error
	if c.Client, err = New(s, nil, slog.New(slog.NewTextHandler(c.log, nil))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// again calls over a new connection by the same certificates.
func (c *caller) again(addr string) codes.Code {
	c.t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(c.transport.credentials()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	_, err = settingsv1.NewSettingsServiceClient(conn).GetTeamSettings(c.t.Context(), &settingsv1.GetTeamSettingsRequest{})
	return status.Code(err)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Both authorities are replaced by others while slack-gateway runs: the router's first, then the one that its own certificate is of.
func TestRotatedCertificatesCountFromTheNextConnectionOn(t *testing.T) {
	former, next := newAuthority(t), newAuthority(t)
	router := newMutual(t, former, former)
	s := Settings{Addr: router.addr, CA: former.dir + "/ca.crt"}
	s.Cert, s.Key = former.issue("slack-gateway")
	c := newCaller(t, s)
	if got := c.again(router.addr); got != codes.OK {
		t.Fatalf("before: %v", got)
	}
	router.shows(next.issue("router"))
	if got := c.again(router.addr); got != codes.Unavailable {
		t.Errorf("a certificate of an authority that it does not know: %v", got)
	}
	copyFile(t, next.dir+"/ca.crt", s.CA)
	if got := c.again(router.addr); got != codes.OK {
		t.Errorf("with the new authority: %v", got)
	}
	router.accepts(next)
	if got := c.again(router.addr); got != codes.Unavailable {
		t.Errorf("with the former certificate: %v", got)
	}
	cert, key := next.issue("renewed")
	copyFile(t, cert, s.Cert) // in the middle of a renewal it does not fit the key
	if got := c.again(router.addr); got != codes.Unavailable {
		t.Errorf("half renewed: %v", got)
	}
	copyFile(t, key, s.Key)
	if got := c.again(router.addr); got != codes.OK {
		t.Errorf("with the renewed certificate: %v", got)
	}
	if err := c.Certificates(); err != nil {
		t.Errorf("all is well again, and it says %v", err)
	}
	if n := c.log.count("not taken over"); n != 1 {
		t.Errorf("told %d times of the half renewed certificate", n)
	}
}

func TestARoutersExpiredCertificateIsNamed(t *testing.T) {
	ours := newAuthority(t)
	router := newMutual(t, ours, ours)
	s := Settings{Addr: router.addr, CA: ours.dir + "/ca.crt"}
	s.Cert, s.Key = ours.issue("slack-gateway")
	c := newCaller(t, s)
	router.shows(ours.until("expired", time.Now().Add(-time.Minute)))
	for range 2 {
		if got := c.again(router.addr); got != codes.Unavailable {
			t.Errorf("got %v", got)
		}
	}
	err := c.Certificates()
	if err == nil || !strings.Contains(err.Error(), "the router's certificate") || !strings.Contains(err.Error(), "expired") {
		t.Errorf("it says %v", err)
	}
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		t.Errorf("it is %v", err)
	}
	if c.log.count("the router's certificate is not accepted") == 0 {
		t.Error("the log does not name it")
	}
	router.shows(ours.issue("renewed"))
	if got := c.again(router.addr); got != codes.OK || c.Certificates() != nil {
		t.Errorf("renewed: %v, %v", got, c.Certificates())
	}
}

func TestTheOwnExpiredCertificateIsNamed(t *testing.T) {
	ours := newAuthority(t)
	router := newMutual(t, ours, ours)
	s := Settings{Addr: router.addr, CA: ours.dir + "/ca.crt"}
	s.Cert, s.Key = ours.until("slack-gateway", time.Now().Add(-time.Minute))
	c := newCaller(t, s)
	if got := c.again(router.addr); got != codes.Unavailable {
		t.Errorf("got %v", got)
	}
	if err := c.Certificates(); err == nil || !strings.Contains(err.Error(), "ROUTER_CLIENT_CERT "+s.Cert+" has expired") {
		t.Errorf("it says %v", err)
	}
	if c.log.count("has expired") != 1 {
		t.Error("the log does not name it")
	}
	cert, key := ours.issue("renewed")
	copyFile(t, cert, s.Cert)
	copyFile(t, key, s.Key)
	if got := c.again(router.addr); got != codes.OK || c.Certificates() != nil {
		t.Errorf("renewed: %v, %v", got, c.Certificates())
	}
}
