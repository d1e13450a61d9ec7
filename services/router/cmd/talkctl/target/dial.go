package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// keepalives notice a dead server behind a stream on which nothing happens; the router allows them every 20 seconds.
var keepalives = keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}

// maxAnswer in bytes is far above the largest answer.
const maxAnswer = 16 << 20

// Dial answers a connection that authenticates every call. Nothing is sent yet.
func (t *Target) Dial() (*grpc.ClientConn, error) {
	transport, err := t.transport()
	if err != nil {
		return nil, err
	}
	address := t.Address
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer{token: t.Token, plain: t.plain()}),
		grpc.WithKeepaliveParams(keepalives),
		grpc.WithUserAgent("talkctl"),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return conn, nil
}

func (t *Target) transport() (credentials.TransportCredentials, error) {
	if t.plain() {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read the certificate authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the certificate authority: %s holds no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read the certificate and its key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

// bearer adds the token to every call.
type bearer struct {
	token Token
	plain bool
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b.token)}, nil
}

// RequireTransportSecurity makes the library itself refuse to send the token in the clear where that was not decided.
func (b bearer) RequireTransportSecurity() bool { return !b.plain }
