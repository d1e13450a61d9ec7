package app

import (
	"crypto/tls"
	"log/slog"

	"github.com/slacktalk/slacktalk/internal/tlsfiles"
)

// certificates answers the API's certificate and the authority of its callers, nil where it speaks plain text.
func certificates(s Settings, log *slog.Logger) (*tlsfiles.Source, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	return tlsfiles.Open(tlsfiles.Files{
		Cert: tlsfiles.File{Setting: "GRPC_TLS_CERT", Path: s.TLSCert}, Key: tlsfiles.File{Setting: "GRPC_TLS_KEY", Path: s.TLSKey},
		CA: tlsfiles.File{Setting: "GRPC_TLS_CLIENT_CA", Path: s.TLSClientCA},
	}, log)
}

// serverTLS answers how the API's connections are protected, each by what is in force at its handshake; nil for not at all.
func serverTLS(source *tlsfiles.Source) *tls.Config {
	if source == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			now := source.Current()
			config := &tls.Config{
				MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}, Certificates: now.Certificates,
				// A resumed session would go by the authority of its first handshake.
				SessionTicketsDisabled: true,
			}
			if now.Authorities != nil {
				config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, now.Authorities
			}
			return config, nil
		},
	}
}
