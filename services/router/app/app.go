// Package app wires the router's parts.
package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/router/api"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/conversationapi"
	"github.com/slacktalk/slacktalk/services/router/listing"
	"github.com/slacktalk/slacktalk/services/router/overview"
	"github.com/slacktalk/slacktalk/services/router/people"
	"github.com/slacktalk/slacktalk/services/router/routing"
	"github.com/slacktalk/slacktalk/services/router/settings"
	"github.com/slacktalk/slacktalk/services/router/threads"
)

// Settings of the router.
type Settings struct {
	daemon.Settings
	Bus bus.Settings
	// GRPCAddr serves the gRPC API.
	GRPCAddr string `env:"GRPC_ADDR" envDefault:":9090"`
	// RedisURL is redis:// or rediss://, with user and password.
	RedisURL secret.String `env:"REDIS_URL,required,notEmpty"`
	// APITokensFile says who may call the API; read again when it changes.
	APITokensFile string `env:"API_TOKENS_FILE,required,notEmpty"`
	// TLSCert and TLSKey are the API's certificate; without them it speaks plain text.
	TLSCert string `env:"GRPC_TLS_CERT"`
	TLSKey  string `env:"GRPC_TLS_KEY"`
	// TLSClientCA, when given, asks every caller for a certificate of this authority.
	TLSClientCA string `env:"GRPC_TLS_CLIENT_CA"`
	// ConsoleURL is the link to a conversation in the KARTE console, with {user} and {project}.
	ConsoleURL string `env:"KARTE_CONSOLE_URL"`
	// EchoWindow: for so long a console message that equals what the bridge has just sent is taken for its echo; 0 turns this off.
	EchoWindow time.Duration `env:"ECHO_WINDOW" envDefault:"1m"`
}

// Validate reports settings that contradict each other.
func (s *Settings) Validate() error {
	if (s.TLSCert == "") != (s.TLSKey == "") || (s.TLSClientCA != "" && s.TLSCert == "") {
		return errors.New("GRPC_TLS_CERT and GRPC_TLS_KEY go together, and GRPC_TLS_CLIENT_CA with both")
	}
	return s.Bus.Validate()
}

// App is a router that listens but does not work yet.
type App struct {
	bus      *bus.Bus
	redis    redis.UniversalClient
	grpc     *grpc.Server
	router   *routing.Router
	log      *slog.Logger
	registry *prometheus.Registry
	checks   []daemon.Check

	// API and Admin are where it listens.
	API   net.Listener
	Admin net.Listener
}

// New opens the listeners and the connections, without waiting for what they lead to.
func New(s Settings, log *slog.Logger) (*App, error) {
	a := &App{log: log, registry: daemon.NewRegistry()}
	options, err := redis.ParseURL(s.RedisURL.Reveal())
	if err != nil {
		return nil, errors.New("REDIS_URL is not a Redis URL") // its own words would quote the password
	}
	options.ContextTimeoutEnabled = true
	a.redis = redis.NewClient(options)
	tokens, err := api.LoadTokens(s.APITokensFile, log, time.Now)
	if err != nil {
		return nil, fmt.Errorf("API_TOKENS_FILE: %w", err)
	}
	transport, err := tlsConfig(s)
	if err != nil {
		return nil, err
	}
	if a.bus, err = bus.Connect(s.Bus, "router", log, a.registry); err != nil {
		return nil, err
	}
	store := settings.New(a.redis, time.Now)
	conversations := conversation.New(a.redis, a.bus)
	service := &conversationapi.Service{Overview: &overview.Overview{Bus: a.bus, Conversations: conversations, Pages: listing.Pages{Secrets: store}, ConsoleURL: s.ConsoleURL}}
	a.grpc = api.NewServer(api.Options{Conversations: service, Store: store, Tokens: tokens, Logger: log, TLS: transport})
	a.router = routing.New(routing.Parts{
		Settings: store, Conversations: conversations, People: people.New(a.bus), Threads: threads.New(a.bus), Publisher: a.bus,
		Lanes: a.bus.NewLaneRegistry(), Partitions: s.Bus.Partitions, EchoWindow: s.EchoWindow, Log: log, Metrics: a.registry,
	})
	a.checks = []daemon.Check{
		{Name: "nats", Check: a.bus.Check(bus.Talk, bus.Slack, bus.Posts, bus.Sends, bus.Held, bus.Bucket(bus.Conversations), bus.Bucket(bus.Threads), bus.Bucket(bus.Lanes))},
		{Name: "redis", Check: store.Ping},
		{Name: "api tokens", Check: func(context.Context) error { return tokens.Ready() }},
	}
	if a.API, err = daemon.Listen(s.GRPCAddr); err != nil {
		return nil, err
	}
	a.Admin, err = daemon.Listen(s.AdminAddr)
	return a, err
}

// Run works until ctx ends: first the API stops, then the consumers, then the connections.
func (a *App) Run(ctx context.Context) error {
	talk, slack := a.bus.NewHolder("talk", a.router.Talk), a.bus.NewHolder("slack", a.router.Slack)
	err := daemon.Run(ctx, daemon.Grace,
		daemon.Stage{Name: "api", Tasks: []daemon.Task{a.serveAPI}},
		daemon.Stage{Name: "consumers", Tasks: []daemon.Task{func(ctx context.Context) error {
			if a.bus.Ensure(ctx) != nil {
				return nil //nolint:nilerr // it fails only when the service is stopped before NATS is there
			}
			return daemon.Together(ctx,
				func(ctx context.Context) error {
					return a.bus.ServePartitions(ctx, "router-talk", bus.Talk, "talk", talk.Handle)
				},
				func(ctx context.Context) error {
					return a.bus.ServePartitions(ctx, "router-slack", bus.Slack, "slack", slack.Handle)
				},
				talk.Serve, slack.Serve)
		}}},
		daemon.Stage{Name: "admin", Tasks: []daemon.Task{daemon.ServeHTTP(a.Admin, daemon.AdminHandler(a.registry, a.checks))}})
	a.bus.Close()
	return errors.Join(err, a.redis.Close())
}

func (a *App) serveAPI(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- a.grpc.Serve(a.API) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve gRPC: %w", err)
	case <-ctx.Done():
	}
	// Streams that do not end by themselves are cut, so that the consumers still have time to finish.
	force := time.AfterFunc(daemon.Grace/3, a.grpc.Stop)
	defer force.Stop()
	a.grpc.GracefulStop()
	<-failed //nolint:errcheck // it only tells that it was stopped
	return nil
}

func tlsConfig(s Settings) (*tls.Config, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Read at every handshake, so that a renewed certificate needs no restart.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
			return &pair, err
		},
	}
	if _, err := config.GetCertificate(nil); err != nil {
		return nil, fmt.Errorf("GRPC_TLS_CERT: %w", err)
	}
	if s.TLSClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(s.TLSClientCA)
	if err != nil {
		return nil, fmt.Errorf("GRPC_TLS_CLIENT_CA: %w", err)
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("GRPC_TLS_CLIENT_CA holds no certificate")
	}
	return config, nil
}
