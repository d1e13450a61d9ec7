// Package api serves the settings over gRPC to callers with a token.
package api

import (
	"crypto/tls"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

const (
	defaultTimeout = 10 * time.Second
	// maxRequest in bytes is far above the largest request that keeps the rules.
	maxRequest = 256 << 10
	// maxHeaders in bytes bounds what a caller may send before it is known.
	maxHeaders = 16 << 10
	maxStreams = 100
	handshake  = 10 * time.Second
)

// Options are what a server is made of. Store, Tokens and Logger are needed.
type Options struct {
	Store  *settings.Store
	Tokens *Tokens
	// Operators answers ListOperators; without it that is UNIMPLEMENTED.
	Operators Operators
	// The other services; those that are nil are not served.
	Conversations adminv1.ConversationServiceServer
	DeadLetters   adminv1.DeadLetterServiceServer
	Audit         adminv1.AuditServiceServer
	Diagnostics   adminv1.DiagnosticsServiceServer
	// Logger takes the audit log and failures.
	Logger *slog.Logger
	// TLS, when set, is how connections are protected; with ClientCAs and RequireAndVerifyClientCert on both sides. Without it the
	// tokens travel in the clear: only for loopback, or where something in front does TLS.
	TLS *tls.Config
	// Health is what grpc.health.v1 answers; the caller keeps it up to date. Without it everything is SERVING.
	Health *health.Server
	// Timeout ends calls that have no earlier deadline; 10 seconds when zero.
	Timeout time.Duration
	// Extra is for what watches calls, like a stats handler for traces.
	Extra []grpc.ServerOption
}

// NewServer makes a server with the settings, health and reflection services. The caller serves and stops it. Every other
// service registered on it needs its rows in the access table.
func NewServer(o Options) *grpc.Server {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Health == nil {
		o.Health = health.NewServer()
		o.Health.SetServingStatus(settingsv1.SettingsService_ServiceDesc.ServiceName, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	guard := &guard{tokens: o.Tokens, log: o.Logger, timeout: o.Timeout}
	options := append(limits(), guard.interceptors()...)
	if o.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(o.TLS)))
	}
	server := grpc.NewServer(append(options, o.Extra...)...)
	settingsv1.RegisterSettingsServiceServer(server, &service{store: o.Store, operators: o.Operators})
	if o.Conversations != nil {
		adminv1.RegisterConversationServiceServer(server, o.Conversations)
	}
	if o.DeadLetters != nil {
		adminv1.RegisterDeadLetterServiceServer(server, o.DeadLetters)
	}
	if o.Audit != nil {
		adminv1.RegisterAuditServiceServer(server, o.Audit)
	}
	if o.Diagnostics != nil {
		adminv1.RegisterDiagnosticsServiceServer(server, o.Diagnostics)
	}
	grpc_health_v1.RegisterHealthServer(server, o.Health)
	reflection.Register(server)
	return server
}

// limits keep one caller from taking the server away from the others.
func limits() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshake),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 20 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			// Connections end now and then so that calls find their way to new replicas.
			MaxConnectionAge:      5 * time.Minute,
			MaxConnectionAgeGrace: 30 * time.Second,
			Time:                  time.Minute,
			Timeout:               20 * time.Second,
		}),
	}
}
