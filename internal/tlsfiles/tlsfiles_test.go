package tlsfiles

import (
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slacktalk/slacktalk/internal/certtest"
	"github.com/slacktalk/slacktalk/internal/transcript"
)

// end is one end of a connection: a source with its files and what it logs.
type end struct {
	*Source
	t     *testing.T
	files Files
	log   transcript.Transcript
}

// newEnd makes one that shows own and knows the other end by authority.
func newEnd(t *testing.T, own certtest.Pair, authority *certtest.Authority) *end {
	t.Helper()
	e := &end{t: t, files: in(t.TempDir())}
	e.renews(own)
	e.trusts(authority)
	e.opens()
	return e
}

func in(dir string) Files {
	return Files{
		Cert: File{"DEMO_CERT", filepath.Join(dir, "tls.crt")}, Key: File{"DEMO_KEY", filepath.Join(dir, "tls.key")}, CA: File{"DEMO_CA", filepath.Join(dir, "ca.crt")},
	}
}

func (e *end) opens() {
	e.t.Helper()
	var err error
	if e.Source, err = Open(e.files, slog.New(slog.NewTextHandler(&e.log, nil))); err != nil {
		e.t.Fatal(err)
	}
}

func (e *end) writes(file File, content []byte) {
	e.t.Helper()
	if err := os.WriteFile(file.Path, content, 0o600); err != nil {
		e.t.Fatal(err)
	}
}

func (e *end) renews(pair certtest.Pair) {
	e.t.Helper()
	e.writes(e.files.Cert, pair.Cert)
	e.writes(e.files.Key, pair.Key)
}

func (e *end) trusts(authority *certtest.Authority) {
	e.t.Helper()
	e.writes(e.files.CA, authority.PEM)
}

// logged fails unless the log has what so many times.
func (e *end) logged(what string, times int) {
	e.t.Helper()
	if n := e.log.Count(what); n != times {
		e.t.Errorf("%q is logged %d times, want %d: %s", what, n, times, &e.log)
	}
}

// meet makes a connection between two ends by what is in force now, and answers why each of them refuses the other.
func meet(t *testing.T, server, client *end) (atServer, atClient error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ended := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			ended <- err
			return
		}
		defer conn.Close()
		ended <- tls.Server(conn, agreed(server, "")).HandshakeContext(t.Context())
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	atClient = tls.Client(conn, agreed(client, "localhost")).HandshakeContext(t.Context())
	return <-ended, atClient
}

// agreed is TLS 1.2 at both ends: by that a client learns within the handshake that its certificate is refused.
func agreed(e *end, serverName string) *tls.Config {
	m := e.Current()
	return &tls.Config{
		ServerName: serverName, Certificates: m.Certificates, RootCAs: m.Authorities, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: m.Authorities,
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12,
	}
}

func wellMet(t *testing.T, when string, server, client *end) {
	t.Helper()
	if atServer, atClient := meet(t, server, client); atServer != nil || atClient != nil {
		t.Errorf("%s: server %v, client %v", when, atServer, atClient)
	}
}

func refused(t *testing.T, when string, server, client *end) {
	t.Helper()
	if atServer, atClient := meet(t, server, client); atServer == nil || atClient == nil {
		t.Errorf("%s: taken: server %v, client %v", when, atServer, atClient)
	}
}

func TestRotatedFilesCountFromTheNextConnectionOn(t *testing.T) {
	former, next := certtest.NewAuthority(), certtest.NewAuthority()
	for name, rotate := range map[string]func(one, other *end){
		"the server's certificate": func(server, client *end) {
			server.renews(next.Valid())
			refused(t, "before the client knows the new authority", server, client)
			client.trusts(next)
		},
		"the client's certificate": func(server, client *end) {
			client.renews(next.Valid())
			refused(t, "before the server knows the new authority", server, client)
			server.trusts(next)
		},
		"the authority that the client knows": func(server, client *end) {
			client.trusts(next)
			refused(t, "before the server has a certificate of it", server, client)
			server.renews(next.Valid())
		},
		"the authority that the server knows": func(server, client *end) {
			server.trusts(next)
			refused(t, "before the client has a certificate of it", server, client)
			client.renews(next.Valid())
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := newEnd(t, former.Valid(), former), newEnd(t, former.Valid(), former)
			wellMet(t, "before", server, client)
			rotate(server, client)
			wellMet(t, "after", server, client)
		})
	}
}

// As in an orderly rotation: for a while a file holds both.
func TestAFileMayHoldSeveralAuthorities(t *testing.T) {
	former, next := certtest.NewAuthority(), certtest.NewAuthority()
	server, client := newEnd(t, former.Valid(), former), newEnd(t, former.Valid(), former)
	client.writes(client.files.CA, append(append([]byte{}, former.PEM...), next.PEM...))
	wellMet(t, "a certificate of the former one", server, client)
	server.renews(next.Valid())
	wellMet(t, "a certificate of the next one", server, client)
}

func TestABrokenFileKeepsWhatWasBeforeAndIsReportedOnce(t *testing.T) {
	authority := certtest.NewAuthority()
	for name, c := range map[string]struct {
		spoil func(e *end)
		named string
	}{
		"a certificate of another key": {func(e *end) { e.writes(e.files.Cert, authority.Valid().Cert) }, "DEMO_CERT"},
		"a key of another certificate": {func(e *end) { e.writes(e.files.Key, authority.Valid().Key) }, "DEMO_KEY"},
		"a certificate that is none":   {func(e *end) { e.writes(e.files.Cert, []byte("none")) }, "DEMO_CERT"},
		"an empty key":                 {func(e *end) { e.writes(e.files.Key, nil) }, "DEMO_KEY"},
		"authorities that are none":    {func(e *end) { e.writes(e.files.CA, []byte("none")) }, "DEMO_CA"},
		"no certificate any more":      {func(e *end) { _ = os.Remove(e.files.Cert.Path) }, "DEMO_CERT"},
		"no authorities any more":      {func(e *end) { _ = os.Remove(e.files.CA.Path) }, "DEMO_CA"},
	} {
		for _, side := range []string{"server", "client"} {
			t.Run(name+", "+side, func(t *testing.T) {
				server, client := newEnd(t, authority.Valid(), authority), newEnd(t, authority.Valid(), authority)
				broken := server
				if side == "client" {
					broken = client
				}
				c.spoil(broken)
				for range 3 {
					wellMet(t, "broken", server, client)
				}
				broken.logged("not taken over", 1)
				if broken.log.Count(c.named) == 0 {
					t.Errorf("%s is not named: %s", c.named, &broken.log)
				}
				broken.renews(authority.Valid())
				broken.trusts(authority)
				wellMet(t, "mended", server, client)
				broken.logged("not taken over", 1)
			})
		}
	}
}

func TestMistakesAreFoundAtTheStart(t *testing.T) {
	authority := certtest.NewAuthority()
	for name, spoil := range map[string]func(e *end){
		"no certificate":            func(e *end) { e.files.Cert.Path += ".missing" },
		"no key":                    func(e *end) { e.files.Key.Path += ".missing" },
		"no authorities":            func(e *end) { e.files.CA.Path += ".missing" },
		"a key that does not fit":   func(e *end) { e.writes(e.files.Key, authority.Valid().Key) },
		"authorities that are none": func(e *end) { e.writes(e.files.CA, []byte("none")) },
	} {
		e := newEnd(t, authority.Valid(), authority)
		spoil(e)
		if source, err := Open(e.files, slog.New(slog.DiscardHandler)); err == nil || source != nil {
			t.Errorf("%s: %v, %v", name, source, err)
		}
	}
}

func TestFilesThatAreNotNamedAreNotNeeded(t *testing.T) {
	authority := certtest.NewAuthority()
	e := newEnd(t, authority.Valid(), authority)
	for name, c := range map[string]struct {
		files Files
		own   int
		knows bool
	}{
		"none":                 {Files{}, 0, false},
		"authorities only":     {Files{CA: e.files.CA}, 0, true},
		"own certificate only": {Files{Cert: e.files.Cert, Key: e.files.Key}, 1, false},
	} {
		source, err := Open(c.files, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m := source.Current(); len(m.Certificates) != c.own || (m.Authorities != nil) != c.knows {
			t.Errorf("%s: %d certificates of its own, knows others: %v", name, len(m.Certificates), m.Authorities != nil)
		}
		if err := source.Problem(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var none *Source
	if err := none.Problem(); err != nil {
		t.Error(err)
	}
	if err := none.Watch(t.Context()); err != nil {
		t.Error(err)
	}
}

// An expired certificate is no mistake in a file: a service starts with it, says so, and a renewed one is enough.
func TestACertificateThatIsNotValidIsNamed(t *testing.T) {
	authority := certtest.NewAuthority()
	for name, c := range map[string]struct {
		pair certtest.Pair
		want string
	}{
		"expired":   {authority.Expired(), "has expired at "},
		"too early": {authority.Issue(time.Now().Add(30 * time.Hour)), "only: is the clock right?"},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := newEnd(t, c.pair, authority), newEnd(t, authority.Valid(), authority)
			err := server.Problem()
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "DEMO_CERT "+server.files.Cert.Path) {
				t.Errorf("it says %v", err)
			}
			server.logged("certificate not valid", 1)
			refused(t, "shown to a client", server, client)
			server.renews(authority.Valid())
			if err := server.Problem(); err != nil {
				t.Errorf("renewed, it says %v", err)
			}
			wellMet(t, "renewed", server, client)
		})
	}
}

func TestWatchLogsWhenTheCertificateExpiresAndWhenItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock starts in the year 2000
		authority := certtest.NewAuthority()
		e := newEnd(t, authority.Issue(time.Now().Add(time.Minute)), authority)
		watched := make(chan error, 1)
		go func() { watched <- e.Watch(t.Context()) }()
		t.Cleanup(func() {
			if err := <-watched; err != nil {
				t.Error(err)
			}
		})
		at := func(d time.Duration) { // sets the clock forward, and nobody waits
			<-time.After(d)
			synctest.Wait()
		}
		at(50 * time.Second)
		e.logged("certificate not valid", 0)
		at(20 * time.Second)
		e.logged("certificate not valid", 1)
		at(time.Minute)
		e.logged("certificate not valid", 1) // it is told once
		e.renews(authority.Valid())
		at(2 * lookEvery)
		e.logged("the certificate is valid", 1)
	})
}
