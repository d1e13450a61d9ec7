package routerapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/internal/certtest"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/transcript"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// mutual is a router that asks for certificates, whose own one and authority of callers can be replaced.
type mutual struct {
	addr string

	mu   sync.Mutex
	pair tls.Certificate
	pool *x509.CertPool
}

func newMutual(t *testing.T, own, callers *certtest.Authority) *mutual {
	t.Helper()
	m := &mutual{}
	m.shows(own.Valid())
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

func (m *mutual) shows(pair certtest.Pair) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pair = pair.TLS()
}

func (m *mutual) accepts(callers *certtest.Authority) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pool = callers.Pool()
}

// caller is a client whose connection is made anew for each call.
type caller struct {
	*Client
	t   *testing.T
	log *transcript.Transcript
}

func newCaller(t *testing.T, s Settings) *caller {
	t.Helper()
	c := &caller{t: t, log: &transcript.Transcript{}}
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

// Both authorities are replaced by others while slack-gateway runs: the router's first, then the one that its own certificate is of.
func TestRotatedCertificatesCountFromTheNextConnectionOn(t *testing.T) {
	former, next := certtest.NewAuthority(), certtest.NewAuthority()
	router := newMutual(t, former, former)
	s := Settings{Addr: router.addr, CA: authorities(t, former)}
	s.Cert, s.Key = files(t, former.Valid())
	c := newCaller(t, s)
	if got := c.again(router.addr); got != codes.OK {
		t.Fatalf("before: %v", got)
	}
	router.shows(next.Valid())
	if got := c.again(router.addr); got != codes.Unavailable {
		t.Errorf("a certificate of an authority that it does not know: %v", got)
	}
	write(t, s.CA, next.PEM)
	if got := c.again(router.addr); got != codes.OK {
		t.Errorf("with the new authority: %v", got)
	}
	router.accepts(next)
	if got := c.again(router.addr); got != codes.Unavailable {
		t.Errorf("with the former certificate: %v", got)
	}
	renewed := next.Valid()
	write(t, s.Cert, renewed.Cert) // in the middle of a renewal it does not fit the key
	if got := c.again(router.addr); got != codes.Unavailable {
		t.Errorf("half renewed: %v", got)
	}
	write(t, s.Key, renewed.Key)
	if got := c.again(router.addr); got != codes.OK {
		t.Errorf("with the renewed certificate: %v", got)
	}
	if err := c.Certificates(); err != nil {
		t.Errorf("all is well again, and it says %v", err)
	}
	if n := c.log.Count("not taken over"); n != 1 {
		t.Errorf("told %d times of the half renewed certificate", n)
	}
}

func TestARoutersExpiredCertificateIsNamed(t *testing.T) {
	ours := certtest.NewAuthority()
	router := newMutual(t, ours, ours)
	s := Settings{Addr: router.addr, CA: authorities(t, ours)}
	s.Cert, s.Key = files(t, ours.Valid())
	c := newCaller(t, s)
	router.shows(ours.Expired())
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
	if c.log.Count("the router's certificate is not accepted") == 0 {
		t.Error("the log does not name it")
	}
	router.shows(ours.Valid())
	if got := c.again(router.addr); got != codes.OK || c.Certificates() != nil {
		t.Errorf("renewed: %v, %v", got, c.Certificates())
	}
}

func TestTheOwnExpiredCertificateIsNamed(t *testing.T) {
	ours := certtest.NewAuthority()
	router := newMutual(t, ours, ours)
	s := Settings{Addr: router.addr, CA: authorities(t, ours)}
	s.Cert, s.Key = files(t, ours.Expired())
	c := newCaller(t, s)
	if got := c.again(router.addr); got != codes.Unavailable {
		t.Errorf("got %v", got)
	}
	if err := c.Certificates(); err == nil || !strings.Contains(err.Error(), "ROUTER_CLIENT_CERT "+s.Cert+" has expired") {
		t.Errorf("it says %v", err)
	}
	if c.log.Count("has expired") != 1 {
		t.Error("the log does not name it")
	}
	renewed := ours.Valid()
	write(t, s.Cert, renewed.Cert)
	write(t, s.Key, renewed.Key)
	if got := c.again(router.addr); got != codes.OK || c.Certificates() != nil {
		t.Errorf("renewed: %v, %v", got, c.Certificates())
	}
}
