package routerapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/slacktalk/slacktalk/internal/tlsfiles"
)

// transport makes each connection by the certificates that are in force at its handshake.
type transport struct {
	credentials.TransportCredentials
	source *tlsfiles.Source
	log    *slog.Logger
	// refused is why the router's certificate was not accepted the last time.
	refused atomic.Pointer[tls.CertificateVerificationError]
}

// transport answers nil for plain text.
func (s Settings) transport(log *slog.Logger) (*transport, error) {
	if s.CA == "" {
		return nil, nil
	}
	source, err := tlsfiles.Open(tlsfiles.Files{
		Cert: tlsfiles.File{Setting: "ROUTER_CLIENT_CERT", Path: s.Cert}, Key: tlsfiles.File{Setting: "ROUTER_CLIENT_KEY", Path: s.Key},
		CA: tlsfiles.File{Setting: "ROUTER_CA", Path: s.CA},
	}, log)
	if err != nil {
		return nil, fmt.Errorf("certificates for the router: %w", err)
	}
	return &transport{TransportCredentials: credentials.NewTLS(config(source)), source: source, log: log}, nil
}

func (t *transport) credentials() credentials.TransportCredentials {
	if t == nil {
		return insecure.NewCredentials()
	}
	return t
}

func config(source *tlsfiles.Source) *tls.Config {
	now := source.Current()
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: now.Authorities, Certificates: now.Certificates}
}

// ClientHandshake implements credentials.TransportCredentials.
func (t *transport) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := credentials.NewTLS(config(t.source)).ClientHandshake(ctx, authority, raw)
	t.judge(err)
	return conn, info, err //nolint:wrapcheck // gRPC looks into it
}

// Clone implements credentials.TransportCredentials: what it learns is learned for all.
func (t *transport) Clone() credentials.TransportCredentials { return t }

// judge keeps whether the router's certificate was accepted, and logs when that changes.
func (t *transport) judge(err error) {
	var refused *tls.CertificateVerificationError
	switch errors.As(err, &refused); {
	case refused != nil:
		if before := t.refused.Swap(refused); before == nil || before.Error() != refused.Error() {
			t.log.Error("the router's certificate is not accepted", "err", refused)
		}
	case err == nil && t.refused.Swap(nil) != nil:
		t.log.Info("the router's certificate is accepted again")
	}
}

// Watch takes over renewed certificates until ctx ends.
func (c *Client) Watch(ctx context.Context) error {
	if c == nil || c.transport == nil {
		return nil
	}
	return c.transport.source.Watch(ctx)
}

// Certificates answers what is wrong with the own certificate or with the router's; nil while both are accepted, or there are none.
func (c *Client) Certificates() error {
	if c == nil || c.transport == nil {
		return nil
	}
	err := c.transport.source.Problem()
	if refused := c.transport.refused.Load(); refused != nil {
		err = errors.Join(err, fmt.Errorf("the router's certificate is not accepted by ROUTER_CA: %w", refused))
	}
	return err
}
