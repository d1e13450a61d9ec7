package target

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/internal/certtest"
)

func listen(t *testing.T, server *grpc.Server) string {
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

// check calls the health service.
func check(t *testing.T, target Target) error {
	t.Helper()
	conn, err := target.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	return err
}

func TestAServerThatWantsACertificateGetsOne(t *testing.T) {
	servers, callers := certtest.NewAuthority(), certtest.NewAuthority()
	ca := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, servers.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	cert, key, err := callers.Valid().Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{servers.Valid().TLS()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: callers.Pool(), MinVersion: tls.VersionTLS12,
	})))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	address := listen(t, server)
	if err := check(t, Target{Context: Context{Address: address, CA: ca, Cert: cert, Key: key}}); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
	if err := check(t, Target{Context: Context{Address: address, CA: ca}}); status.Code(err) != codes.Unavailable {
		t.Errorf("without one: %v", err)
	}
}
