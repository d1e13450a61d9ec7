package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
)

// certificates are the API's certificate and the authority of its callers, from files that are looked at for every handshake, so that renewed ones
// need no restart. While the files do not fit each other, as in the middle of a renewal, or hold a mistake, the former ones stay in force.
type certificates struct {
	certFile, keyFile, clientCAFile string
	log                             *slog.Logger

	mu     sync.Mutex
	seen   [][]byte // what the files held, good or not
	config *tls.Config
}

// tlsConfig answers how the API's connections are protected, nil for not at all.
func tlsConfig(s Settings, log *slog.Logger) (*tls.Config, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	c := &certificates{certFile: s.TLSCert, keyFile: s.TLSKey, clientCAFile: s.TLSClientCA, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current(), nil },
	}, nil
}

func (c *certificates) current() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.read(); err != nil {
		c.log.Error("certificates not taken over, the former ones stay in force", "err", err)
	}
	return c.config
}

// read takes over the files if they changed. An error is answered once for each broken content.
func (c *certificates) read() error {
	var contents [][]byte
	var problems []error
	for _, path := range []string{c.certFile, c.keyFile, c.clientCAFile} {
		if path == "" {
			continue
		}
		content, err := os.ReadFile(path) //nolint:gosec // the path is the operator's own setting
		if err != nil {
			// The error takes the place of the content, so that it too is told once.
			content, problems = []byte(err.Error()), append(problems, err)
		}
		contents = append(contents, content)
	}
	if slices.EqualFunc(c.seen, contents, bytes.Equal) {
		return nil
	}
	c.seen = contents
	if len(problems) > 0 {
		return fmt.Errorf("certificates of the API: %w", errors.Join(problems...))
	}
	config, err := c.parse(contents)
	if err != nil {
		return err
	}
	c.config = config
	return nil
}

func (c *certificates) parse(contents [][]byte) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, fmt.Errorf("GRPC_TLS_CERT %s with GRPC_TLS_KEY %s: %w", c.certFile, c.keyFile, err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}, Certificates: []tls.Certificate{pair},
		// A resumed session would go by the authority of its first handshake.
		SessionTicketsDisabled: true,
	}
	if c.clientCAFile == "" {
		return config, nil
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(contents[2]) {
		return nil, errors.New("GRPC_TLS_CLIENT_CA " + c.clientCAFile + " holds no certificate")
	}
	return config, nil
}
