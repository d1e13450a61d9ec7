package app

import (
	"bytes"
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
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/services/router/api"
)

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

var serials = big.NewInt(0)

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = template, nil
	a.cert, a.key, a.pem = a.sign(template, time.Now().Add(time.Hour))
	return a
}

func (a *authority) sign(template *x509.Certificate, until time.Time) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = new(big.Int).Set(serials.Add(serials, big.NewInt(1)))
	template.NotBefore, template.NotAfter = time.Now().Add(-2*time.Hour), until
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// issue answers a certificate and its key as files hold them.
func (a *authority) issue(until time.Time) (cert, key []byte) {
	a.t.Helper()
	_, private, cert := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "demo"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, until)
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// pair answers a certificate for a client.
func (a *authority) pair(until time.Time) []tls.Certificate {
	a.t.Helper()
	pair, err := tls.X509KeyPair(a.issue(until))
	if err != nil {
		a.t.Fatal(err)
	}
	return []tls.Certificate{pair}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// protected is an API behind the certificates of files.
type protected struct {
	t       *testing.T
	files   Settings
	address string
	log     *safeBuffer
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) count(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.buf.String(), what)
}

func protect(t *testing.T, server, clients *authority) *protected {
	t.Helper()
	folder := t.TempDir()
	p := &protected{t: t, log: &safeBuffer{}, files: Settings{
		TLSCert: filepath.Join(folder, "tls.crt"), TLSKey: filepath.Join(folder, "tls.key"), TLSClientCA: filepath.Join(folder, "ca.crt"),
	}}
	p.renew(server.issue(time.Now().Add(time.Hour)))
	p.write(p.files.TLSClientCA, clients.pem)
	source, err := certificates(p.files, slog.New(slog.NewTextHandler(p.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = listener.Addr().String()
	s := api.NewServer(api.Options{Logger: slog.New(slog.DiscardHandler), TLS: serverTLS(source)})
	var served sync.WaitGroup
	served.Go(func() { s.Serve(listener) })
	t.Cleanup(func() { s.Stop(); served.Wait() })
	return p
}

func (p *protected) write(path string, content []byte) {
	p.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *protected) renew(cert, key []byte) {
	p.t.Helper()
	p.write(p.files.TLSCert, cert)
	p.write(p.files.TLSKey, key)
}

// call makes a call over a connection of its own.
func (p *protected) call(config *tls.Config) error {
	p.t.Helper()
	conn, err := grpc.NewClient(p.address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	_, err = grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err
}

// want fails unless a call is answered, or the connection refused.
func (p *protected) want(name string, config *tls.Config, answered bool) {
	p.t.Helper()
	err := p.call(config)
	if answered && err != nil || !answered && status.Code(err) != codes.Unavailable {
		p.t.Errorf("%s: got %v, want an answer: %v", name, err, answered)
	}
}

// serial answers the number of the certificate that the API shows now.
func (p *protected) serial(config *tls.Config) string {
	p.t.Helper()
	conn, err := tls.Dial("tcp", p.address, config)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestOnlyCallersWithACertificateOfTheAuthorityAreAnswered(t *testing.T) {
	server, clients, strangers := newAuthority(t, "server"), newAuthority(t, "clients"), newAuthority(t, "clients")
	p := protect(t, server, clients)
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	p.want("certificate of the authority", &tls.Config{RootCAs: server.pool(), Certificates: clients.pair(later)}, true)
	p.want("no certificate", &tls.Config{RootCAs: server.pool()}, false)
	p.want("another authority of the same name", &tls.Config{RootCAs: server.pool(), Certificates: strangers.pair(later)}, false)
	p.want("the server's authority", &tls.Config{RootCAs: server.pool(), Certificates: server.pair(later)}, false)
	p.want("expired", &tls.Config{RootCAs: server.pool(), Certificates: clients.pair(before)}, false)
	p.want("a caller who does not know the server's authority", &tls.Config{RootCAs: strangers.pool(), Certificates: clients.pair(later)}, false)
	p.want("TLS 1.2", &tls.Config{RootCAs: server.pool(), Certificates: clients.pair(later), MaxVersion: tls.VersionTLS12}, true)
	old := &tls.Config{RootCAs: server.pool(), Certificates: clients.pair(later), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", p.address, old); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v, %v", conn, err)
	}
}

func TestARenewedCertificateIsShownFromTheNextHandshakeOn(t *testing.T) {
	server, clients := newAuthority(t, "server"), newAuthority(t, "clients")
	p := protect(t, server, clients)
	later := time.Now().Add(time.Hour)
	config := &tls.Config{RootCAs: server.pool(), Certificates: clients.pair(later), NextProtos: []string{"h2"}}
	first := p.serial(config)
	cert, key := server.issue(later)
	p.write(p.files.TLSCert, cert) // in the middle of a renewal it does not fit the key
	for range 3 {
		if got := p.serial(config); got != first {
			t.Errorf("half renewed: certificate %s, want %s", got, first)
		}
	}
	if n := p.log.count("not taken over"); n != 1 {
		t.Errorf("told %d times", n)
	}
	p.write(p.files.TLSKey, key)
	second := p.serial(config)
	if second == first {
		t.Error("the renewed certificate is not shown")
	}
	if err := os.Remove(p.files.TLSCert); err != nil {
		t.Fatal(err)
	}
	if got := p.serial(config); got != second {
		t.Errorf("without a file: certificate %s, want %s", got, second)
	}
	p.want("calls go on", config, true)
}

func TestARenewedAuthorityHoldsFromTheNextHandshakeOn(t *testing.T) {
	server, former, next := newAuthority(t, "server"), newAuthority(t, "former"), newAuthority(t, "next")
	p := protect(t, server, former)
	later := time.Now().Add(time.Hour)
	// A session that could be resumed would go past the renewed authority.
	sessions := tls.NewLRUClientSessionCache(8)
	of := func(a *authority) *tls.Config {
		return &tls.Config{RootCAs: server.pool(), Certificates: a.pair(later), ClientSessionCache: sessions}
	}
	old := of(former)
	p.want("former, before", old, true)
	p.want("next, before", of(next), false)
	p.write(p.files.TLSClientCA, append(append([]byte{}, former.pem...), next.pem...))
	p.want("former, while both hold", old, true)
	p.want("next, while both hold", of(next), true)
	p.write(p.files.TLSClientCA, next.pem)
	p.want("former, after", old, false)
	p.want("next, after", of(next), true)
	p.write(p.files.TLSClientCA, []byte("no certificate"))
	p.want("next, after a mistake", of(next), true)
	p.want("former, after a mistake", old, false)
}

// It starts with an expired certificate, so that a renewed one is enough; until then /readyz and the log say so.
func TestTheExpiredCertificateOfTheAPIIsNamed(t *testing.T) {
	server := newAuthority(t, "server")
	p := protect(t, server, server)
	p.renew(server.issue(time.Now().Add(-time.Minute)))
	source, err := certificates(p.files, slog.New(slog.NewTextHandler(p.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Problem(); err == nil || !strings.Contains(err.Error(), "GRPC_TLS_CERT "+p.files.TLSCert+" has expired") {
		t.Errorf("it says %v", err)
	}
	if n := p.log.count("has expired"); n != 1 {
		t.Errorf("the log names it %d times", n)
	}
	p.renew(server.issue(time.Now().Add(time.Hour)))
	if err := source.Problem(); err != nil {
		t.Errorf("renewed, it says %v", err)
	}
}

func TestMistakesInCertificatesStopTheStart(t *testing.T) {
	server, other := newAuthority(t, "server"), newAuthority(t, "other")
	p := protect(t, server, server)
	discard := slog.New(slog.DiscardHandler)
	for name, spoil := range map[string]func(s *Settings){
		"no certificate":  func(s *Settings) { s.TLSCert = "missing" },
		"no key":          func(s *Settings) { s.TLSKey = "missing" },
		"no authority":    func(s *Settings) { s.TLSClientCA = "missing" },
		"empty authority": func(s *Settings) { s.TLSClientCA = p.files.TLSKey },
		"another's key": func(s *Settings) {
			_, key := other.issue(time.Now().Add(time.Hour))
			s.TLSKey = filepath.Join(t.TempDir(), "other.key")
			p.write(s.TLSKey, key)
		},
	} {
		s := p.files
		spoil(&s)
		if source, err := certificates(s, discard); err == nil || source != nil {
			t.Errorf("%s: %v, %v", name, source, err)
		}
	}
	if source, err := certificates(Settings{}, discard); err != nil || serverTLS(source) != nil {
		t.Errorf("without TLS: %v, %v", source, err)
	}
}
