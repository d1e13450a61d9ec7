package app

import (
	"context"
	"crypto/tls"
	"log/slog"
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

	"github.com/slacktalk/slacktalk/internal/certtest"
	"github.com/slacktalk/slacktalk/internal/transcript"
	"github.com/slacktalk/slacktalk/services/router/api"
)

// protected is an API behind the certificates of files.
type protected struct {
	t       *testing.T
	files   Settings
	address string
	log     *transcript.Transcript
}

func protect(t *testing.T, server, clients *certtest.Authority) *protected {
	t.Helper()
	folder := t.TempDir()
	p := &protected{t: t, log: &transcript.Transcript{}, files: Settings{
		TLSCert: filepath.Join(folder, "tls.crt"), TLSKey: filepath.Join(folder, "tls.key"), TLSClientCA: filepath.Join(folder, "ca.crt"),
	}}
	p.renew(server.Valid())
	p.write(p.files.TLSClientCA, clients.PEM)
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

func (p *protected) renew(pair certtest.Pair) {
	p.t.Helper()
	p.write(p.files.TLSCert, pair.Cert)
	p.write(p.files.TLSKey, pair.Key)
}

// with answers what a client shows.
func with(pair certtest.Pair) []tls.Certificate { return []tls.Certificate{pair.TLS()} }

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
	server, clients, strangers := certtest.NewAuthority(), certtest.NewAuthority(), certtest.NewAuthority()
	p := protect(t, server, clients)
	valid := with(clients.Valid())
	p.want("certificate of the authority", &tls.Config{RootCAs: server.Pool(), Certificates: valid}, true)
	p.want("no certificate", &tls.Config{RootCAs: server.Pool()}, false)
	p.want("another authority of the same name", &tls.Config{RootCAs: server.Pool(), Certificates: with(strangers.Valid())}, false)
	p.want("the server's authority", &tls.Config{RootCAs: server.Pool(), Certificates: with(server.Valid())}, false)
	p.want("expired", &tls.Config{RootCAs: server.Pool(), Certificates: with(clients.Expired())}, false)
	p.want("a caller who does not know the server's authority", &tls.Config{RootCAs: strangers.Pool(), Certificates: valid}, false)
	p.want("TLS 1.2", &tls.Config{RootCAs: server.Pool(), Certificates: valid, MaxVersion: tls.VersionTLS12}, true)
	old := &tls.Config{RootCAs: server.Pool(), Certificates: valid, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", p.address, old); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v, %v", conn, err)
	}
}

func TestARenewedCertificateIsShownFromTheNextHandshakeOn(t *testing.T) {
	server, clients := certtest.NewAuthority(), certtest.NewAuthority()
	p := protect(t, server, clients)
	config := &tls.Config{RootCAs: server.Pool(), Certificates: with(clients.Valid()), NextProtos: []string{"h2"}}
	first := p.serial(config)
	renewed := server.Valid()
	p.write(p.files.TLSCert, renewed.Cert) // in the middle of a renewal it does not fit the key
	for range 3 {
		if got := p.serial(config); got != first {
			t.Errorf("half renewed: certificate %s, want %s", got, first)
		}
	}
	if n := p.log.Count("not taken over"); n != 1 {
		t.Errorf("told %d times", n)
	}
	p.write(p.files.TLSKey, renewed.Key)
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
	server, former, next := certtest.NewAuthority(), certtest.NewAuthority(), certtest.NewAuthority()
	p := protect(t, server, former)
	// A session that could be resumed would go past the renewed authority.
	sessions := tls.NewLRUClientSessionCache(8)
	of := func(a *certtest.Authority) *tls.Config {
		return &tls.Config{RootCAs: server.Pool(), Certificates: with(a.Valid()), ClientSessionCache: sessions}
	}
	old := of(former)
	p.want("former, before", old, true)
	p.want("next, before", of(next), false)
	p.write(p.files.TLSClientCA, append(append([]byte{}, former.PEM...), next.PEM...))
	p.want("former, while both hold", old, true)
	p.want("next, while both hold", of(next), true)
	p.write(p.files.TLSClientCA, next.PEM)
	p.want("former, after", old, false)
	p.want("next, after", of(next), true)
	p.write(p.files.TLSClientCA, []byte("no certificate"))
	p.want("next, after a mistake", of(next), true)
	p.want("former, after a mistake", old, false)
}

// It starts with an expired certificate, so that a renewed one is enough; until then /readyz and the log say so.
func TestTheExpiredCertificateOfTheAPIIsNamed(t *testing.T) {
	server := certtest.NewAuthority()
	p := protect(t, server, server)
	p.renew(server.Expired())
	source, err := certificates(p.files, slog.New(slog.NewTextHandler(p.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Problem(); err == nil || !strings.Contains(err.Error(), "GRPC_TLS_CERT "+p.files.TLSCert+" has expired") {
		t.Errorf("it says %v", err)
	}
	if n := p.log.Count("has expired"); n != 1 {
		t.Errorf("the log names it %d times", n)
	}
	p.renew(server.Valid())
	if err := source.Problem(); err != nil {
		t.Errorf("renewed, it says %v", err)
	}
}

func TestMistakesInCertificatesStopTheStart(t *testing.T) {
	server, other := certtest.NewAuthority(), certtest.NewAuthority()
	p := protect(t, server, server)
	discard := slog.New(slog.DiscardHandler)
	for name, spoil := range map[string]func(s *Settings){
		"no certificate":  func(s *Settings) { s.TLSCert = "missing" },
		"no key":          func(s *Settings) { s.TLSKey = "missing" },
		"no authority":    func(s *Settings) { s.TLSClientCA = "missing" },
		"empty authority": func(s *Settings) { s.TLSClientCA = p.files.TLSKey },
		"another's key": func(s *Settings) {
			s.TLSKey = filepath.Join(t.TempDir(), "other.key")
			p.write(s.TLSKey, other.Valid().Key)
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
