// Package api serves the gRPC API to callers with a token.
package api

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"slices"
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
	maxStreams = 100 // of one connection
	// workers are goroutines that serve call after call; one that is begun for a single call has to let its stack grow first, a sixth of what a short call costs. More calls at once get
	// goroutines of their own.
	workers = 32
	// defaultStreams is more than the watchers of one token, and few enough for the memory of a router.
	defaultStreams = 2000
	// defaultHandshake is how long a connection may take until its first frame, over TLS and HTTP/2.
	defaultHandshake = 10 * time.Second
	// defaultAge is how long a connection is used.
	defaultAge = 5 * time.Minute
)

// Options are what a server is made of. Store, Tokens and Logger are needed.
type Options struct {
	Store  *settings.Store
	Tokens *Tokens
	// Watches serves WatchTeamSettings; without it that is UNIMPLEMENTED. The caller runs it, and ends it before the server is to stop.
	Watches *settings.Hub
	// Operators answers ListOperators; without it that is UNIMPLEMENTED.
	Operators Operators
	// People says who the members are on whose behalf calls are made; without it none of those is allowed.
	People People
	// The other services; those that are nil are not served.
	Conversations adminv1.ConversationServiceServer
	DeadLetters   adminv1.DeadLetterServiceServer
	Audit         adminv1.AuditServiceServer
	Diagnostics   adminv1.DiagnosticsServiceServer
	// Recorder stores the audit entries of changes; without it they are only log lines.
	Recorder Recorder
	// Logger takes a line for each change, and failures.
	Logger *slog.Logger
	// TLS, when set, is how connections are protected; with ClientCAs and RequireAndVerifyClientCert on both sides. Without it the
	// tokens travel in the clear: only for loopback, or where something in front does TLS.
	TLS *tls.Config
	// Health is what grpc.health.v1 answers; the caller keeps it up to date. Without it everything is SERVING.
	Health *health.Server
	// Timeout ends calls that have no earlier deadline; 10 seconds when zero.
	Timeout time.Duration
	// Rate is how often each token may call; the zero Rate is no limit.
	Rate Rate
	// Streams is how many streams each token may have open at once, and each address where no token is needed; 2,000 when zero.
	Streams int
	// Guesses is how often each address may come without a valid token; the zero Rate is no limit.
	Guesses Rate
	// ConnectionAge is how long a connection is used before the client is asked to open a new one; 5 minutes when zero. A tenth of it, at least a
	// second, is left to calls under way.
	ConnectionAge time.Duration
	// Handshake is how long a connection may take until its first frame; 10 seconds when zero.
	Handshake time.Duration
	// Watch is for what watches calls from outside of everything that may refuse them.
	Watch []grpc.ServerOption
	// Extra are further options.
	Extra []grpc.ServerOption
}

// NewServer makes a server with the settings, health and reflection services. The caller serves and stops it. Every other
// service registered on it needs its rows in the access table.
func NewServer(o Options) *grpc.Server {
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	if o.Health == nil {
		o.Health = health.NewServer()
		o.Health.SetServingStatus(settingsv1.SettingsService_ServiceDesc.ServiceName, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	guard := newGuard(o)
	options := slices.Concat(o.Watch, limits(o), guard.interceptors())
	if o.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(o.TLS)))
	}
	server := grpc.NewServer(append(options, o.Extra...)...)
	settingsv1.RegisterSettingsServiceServer(server, &service{store: o.Store, watches: o.Watches, operators: o.Operators})
	settingsv1.RegisterSavedReplyServiceServer(server, &savedReplies{store: o.Store})
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
	for name, info := range server.GetServiceInfo() {
		for _, m := range info.Methods {
			guard.served["/"+name+"/"+m.Name] = true
		}
	}
	return server
}

// limits keep one caller from taking the server away from the others.
func limits(o Options) []grpc.ServerOption {
	age := cmp.Or(o.ConnectionAge, defaultAge)
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.NumStreamWorkers(workers),
		grpc.ConnectionTimeout(cmp.Or(o.Handshake, defaultHandshake)),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 20 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			// Connections end now and then so that calls find their way to new replicas.
			MaxConnectionAge:      age,
			MaxConnectionAgeGrace: max(age/10, time.Second),
			Time:                  time.Minute,
			Timeout:               20 * time.Second,
		}),
	}
}
