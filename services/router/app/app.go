// Package app wires the router's parts.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	"github.com/slacktalk/slacktalk/internal/tlsfiles"
	"github.com/slacktalk/slacktalk/services/router/api"
	"github.com/slacktalk/slacktalk/services/router/audit"
	"github.com/slacktalk/slacktalk/services/router/backlog"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/conversationapi"
	"github.com/slacktalk/slacktalk/services/router/deadletter"
	"github.com/slacktalk/slacktalk/services/router/diagnose"
	"github.com/slacktalk/slacktalk/services/router/erasure"
	"github.com/slacktalk/slacktalk/services/router/history"
	"github.com/slacktalk/slacktalk/services/router/listing"
	"github.com/slacktalk/slacktalk/services/router/operators"
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
	// RedisURL is redis:// or rediss://, with user and password: of one server, of a Redis Cluster (addr=) or of Sentinel (master_name=).
	RedisURL secret.String `env:"REDIS_URL,required,notEmpty"`
	// RedisCA is the path of the certificate authority of a rediss:// server, looked at for every connection; without it the system's count.
	RedisCA string `env:"REDIS_CA"`
	// APITokensFile says who may call the API; read again when it changes.
	APITokensFile string `env:"API_TOKENS_FILE,required,notEmpty"`
	// TLSCert and TLSKey are the API's certificate; without them it speaks plain text.
	TLSCert string `env:"GRPC_TLS_CERT"`
	TLSKey  string `env:"GRPC_TLS_KEY"`
	// TLSClientCA, when given, asks every caller for a certificate of this authority.
	TLSClientCA string `env:"GRPC_TLS_CLIENT_CA"`
	// ConsoleURL is the link to a conversation in the KARTE console, with {user} and {project}.
	ConsoleURL string `env:"KARTE_CONSOLE_URL"`
	// APIRate is how often each API token may call, per second on average and per replica; APIBurst how often at once.
	APIRate  float64 `env:"API_RATE" envDefault:"50"`
	APIBurst int     `env:"API_BURST" envDefault:"100"`
	// EchoWindow: for so long a console message that equals what the bridge has just sent is taken for its echo; 0 turns this off.
	EchoWindow time.Duration `env:"ECHO_WINDOW" envDefault:"1m"`
	// HistoryLines is how much of what was said before stands under the head of a new thread, at most; 0 turns it off.
	HistoryLines int `env:"HISTORY_MESSAGES" envDefault:"10"`
	// Now tells the time; the system's clock when nil. It is no setting: tests run replicas whose clocks are wrong.
	Now func() time.Time `env:"-"`
}

// Validate reports settings that contradict each other.
func (s *Settings) Validate() error {
	if (s.TLSCert == "") != (s.TLSKey == "") || (s.TLSClientCA != "" && s.TLSCert == "") {
		return errors.New("GRPC_TLS_CERT and GRPC_TLS_KEY go together, and GRPC_TLS_CLIENT_CA with both")
	}
	if s.APIRate <= 0 || s.APIBurst < 1 {
		return errors.New("API_RATE must be more than 0, and API_BURST at least 1")
	}
	if s.HistoryLines < 0 || s.HistoryLines > 50 {
		return errors.New("HISTORY_MESSAGES must be 0 to 50")
	}
	return errors.Join(s.Bus.Validate(), s.Traces.Validate())
}

// settle is how long messages on their way are given before they are looked for again.
const settle = 500 * time.Millisecond

// App is a router that listens but does not work yet.
type App struct {
	bus   *bus.Bus
	redis redis.UniversalClient
	// channels knows which ids are the same channel's.
	channels *bus.Channels
	grpc     *grpc.Server
	health   *health.Server
	// certificates are those of the API, nil where it speaks plain text.
	certificates *tlsfiles.Source
	// watches end when the API does, so that nobody waits for them.
	watches *settings.Hub
	// healthEvery is how often it looks whether it is ready, and how late grpc.health.v1 may know.
	healthEvery time.Duration
	router      *routing.Router
	log         *slog.Logger
	registry    *prometheus.Registry
	tracing     *telemetry.Tracing
	// profiling says whether the admin port serves Go's profiles.
	profiling bool
	checks    []daemon.Check

	// API and Admin are where it listens.
	API   net.Listener
	Admin net.Listener
}

// guesses is how often an address may call without a valid token; a person who mistypes does not notice.
var guesses = api.Rate{PerSecond: 0.5, Burst: 20}

// New opens the listeners and the connections, without waiting for what they lead to.
func New(s Settings, log *slog.Logger) (*App, error) {
	if s.Now == nil {
		s.Now = time.Now
	}
	a := &App{log: log, registry: daemon.NewRegistry("router"), healthEvery: 2 * time.Second, profiling: s.Profiling}
	tokens, err := api.LoadTokens(s.APITokensFile, log, s.Now)
	if err != nil {
		return nil, fmt.Errorf("API_TOKENS_FILE: %w", err)
	}
	if err := a.connect(s); err != nil {
		return nil, err
	}
	if err := a.assemble(s, tokens); err != nil {
		return nil, err
	}
	if a.API, err = daemon.Listen(s.GRPCAddr); err != nil {
		return nil, err
	}
	a.Admin, err = daemon.Listen(s.AdminAddr)
	return a, err
}

// connect opens what the router works with: Redis, the certificates of the API, NATS and tracing.
func (a *App) connect(s Settings) error {
	trusted, err := redisAuthorities(s, a.log)
	if err != nil {
		return err
	}
	if a.redis, err = newRedis(s.RedisURL, trusted); err != nil {
		return err
	}
	if a.certificates, err = certificates(s, a.log); err != nil {
		return fmt.Errorf("certificates of the API: %w", err)
	}
	if a.bus, err = bus.Connect(s.Bus, "router", a.log, a.registry); err != nil {
		return err
	}
	if a.tracing, err = telemetry.Start(s.Traces, "router", a.log); err != nil {
		return err
	}
	a.bus.TraceWith(a.tracing)
	if err := a.watchRedis(); err != nil {
		return fmt.Errorf("trace Redis: %w", err)
	}
	return nil
}

// assemble makes the parts of the API and of the routing, and joins them.
func (a *App) assemble(s Settings, tokens *api.Tokens) error {
	waiting, err := backlog.New(a.bus, s.Now, a.log)
	if err != nil {
		return err
	}
	a.registry.MustRegister(waiting)
	store := settings.New(a.redis, s.Now)
	conversations := conversation.New(a.redis, a.bus)
	service := &conversationapi.Service{
		Overview: &overview.Overview{Bus: a.bus, Conversations: conversations, Pages: listing.Pages{Secrets: store}, ConsoleURL: s.ConsoleURL},
		Eraser:   &erasure.Eraser{Bus: a.bus, Conversations: conversations, Settle: settle},
	}
	entries, err := audit.NewService(a.bus, store, a.log)
	if err != nil {
		return err
	}
	who := people.New(a.bus)
	letters, asked := deadletter.New(a.bus, conversations, store), operators.New(a.bus)
	doctor := diagnose.New(diagnose.Options{
		Bus: a.bus, Redis: a.redis, Settings: store, Operators: asked, Conversations: service, Customers: conversations, DeadLetters: letters, Now: s.Now, Log: a.log,
	})
	a.watches = settings.NewHub(store, a.log)
	a.health = health.NewServer()
	a.grpc = api.NewServer(api.Options{
		Watches: a.watches, Operators: asked, People: who, Conversations: service, DeadLetters: letters, Diagnostics: doctor, Audit: entries, Store: store, Tokens: tokens, Logger: a.log, TLS: serverTLS(a.certificates), Health: a.health,
		Recorder: audit.NewRecorder(a.bus, a.log, a.registry), Watch: a.watchCalls(), Rate: api.Rate{PerSecond: s.APIRate, Burst: s.APIBurst}, Guesses: guesses,
	})
	a.setHealth(false) // until it was looked at
	a.channels = a.bus.NewChannels(nil)
	a.router = routing.New(routing.Parts{
		Settings: store, Conversations: conversations, People: who, Threads: threads.New(a.bus), Stored: a.bus, Letters: a.bus, Publisher: a.bus, Operators: asked,
		Histories: history.New(a.bus), HistoryLines: s.HistoryLines,
		Lanes: a.bus.NewLaneRegistry(), Timers: a.bus, Channels: a.channels, Workspaces: store, Partitions: s.Bus.Partitions, EchoWindow: s.EchoWindow, Now: s.Now, Log: a.log, Metrics: a.registry,
	})
	service.Router = a.router
	a.checks = []daemon.Check{
		{Name: "nats", Check: a.bus.Check(bus.Talk, bus.Slack, bus.Posts, bus.Sends, bus.Held, bus.Bucket(bus.Conversations), bus.Bucket(bus.Threads), bus.Bucket(bus.Lanes), bus.Audit, bus.Timers)},
		{Name: "redis", Check: store.Ping},
		{Name: "api tokens", Check: func(context.Context) error { return tokens.Ready() }},
		{Name: "api certificate", Check: func(context.Context) error { return a.certificates.Problem() }},
	}
	return nil
}

// histories is the queue of threads under whose heads it is told what was said before. A project whose KARTE is slow delays no other one.
func (a *App) histories() bus.Queue {
	return bus.Queue{Stream: bus.Slack, Durable: "router-history", Filter: bus.SlackKindFilter("thread-opened"), Handle: a.router.History, Apart: routing.ProjectOfThread}
}

// Run works until ctx ends: first the API stops, then the consumers, then the connections.
func (a *App) Run(ctx context.Context) error {
	err := daemon.Run(ctx, daemon.Grace,
		daemon.Stage{Name: "api", Tasks: []daemon.Task{a.serveAPI, a.watches.Run, a.keepHealth, a.certificates.Watch}},
		daemon.Stage{Name: "consumers", Tasks: []daemon.Task{a.consume}},
		daemon.Stage{Name: "admin", Tasks: []daemon.Task{daemon.ServeHTTP(a.Admin, daemon.WithProfiles(daemon.AdminHandler(a.registry, a.checks), a.profiling))}})
	a.bus.Close()
	err = errors.Join(err, a.redis.Close())
	a.tracing.Stop(ctx)
	return err
}

// consume handles facts until ctx ends; first it learns which channels have other ids by now.
func (a *App) consume(ctx context.Context) error {
	if a.bus.Ensure(ctx) != nil {
		return nil //nolint:nilerr // it fails only when the service is stopped before NATS is there
	}
	talk, slack, due := a.bus.NewHolder("talk", a.router.Talk), a.bus.NewHolder("slack", a.router.Slack), a.bus.NewHolder("due", a.router.Due)
	slack.Idle = routing.Idle
	known := func(task daemon.Task) daemon.Task {
		return func(ctx context.Context) error {
			if !a.channels.Await(ctx) {
				return nil
			}
			return task(ctx)
		}
	}
	return daemon.Together(ctx, a.channels.Serve,
		known(func(ctx context.Context) error {
			return a.bus.ServePartitions(ctx, "router-talk", bus.Talk, "talk", talk.Handle)
		}),
		known(func(ctx context.Context) error {
			return a.bus.ServePartitions(ctx, "router-slack", bus.Slack, "slack", slack.Handle)
		}),
		known(func(ctx context.Context) error { return a.bus.Serve(ctx, a.histories()) }),
		known(func(ctx context.Context) error { return a.bus.ServeTimers(ctx, "router-timers", due.Handle) }),
		known(talk.Serve), known(slack.Serve), known(due.Serve),
		func(ctx context.Context) error { return a.bus.ServeExhausted(ctx, bus.Talk, "router-talk-", nil) },
		func(ctx context.Context) error { return a.bus.ServeExhausted(ctx, bus.Slack, "router-slack-", nil) },
		func(ctx context.Context) error { return a.bus.ServeExhausted(ctx, bus.Timers, "router-timers-", nil) },
		func(ctx context.Context) error { return a.bus.ServeExhausted(ctx, bus.Held, "held-talk-", nil) },
		func(ctx context.Context) error { return a.bus.ServeExhausted(ctx, bus.Held, "held-due-", nil) },
		func(ctx context.Context) error { return a.bus.ServeExhausted(ctx, bus.Held, "held-slack-", nil) })
}
