// Package app wires the parts of ingest-karte.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/examination"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	"github.com/slacktalk/slacktalk/services/ingest-karte/edge"
	"github.com/slacktalk/slacktalk/services/ingest-karte/examine"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
	"github.com/slacktalk/slacktalk/services/ingest-karte/send"
)

// Settings of ingest-karte.
type Settings struct {
	daemon.Settings
	Bus bus.Settings
	// HTTPAddr takes KARTE's hooks at POST /hooks/karte.
	HTTPAddr string `env:"HTTP_ADDR" envDefault:":8080"`
	// Drain is how long connections that clients keep are answered once more, each for the last time, when the process was asked to stop.
	Drain time.Duration `env:"HTTP_DRAIN" envDefault:"2s"`
	// APIURL is KARTE's, without a path.
	APIURL string `env:"KARTE_API_URL" envDefault:"https://api.karte.io"`
	// APIToken is the access token of the API v2 app.
	APIToken secret.String `env:"KARTE_API_TOKEN,required,notEmpty"`
	// ClientSecret signs the hooks.
	ClientSecret secret.String `env:"KARTE_CLIENT_SECRET,required,notEmpty"`
	// ClientSecretBefore is the former one while it is being changed.
	ClientSecretBefore secret.String `env:"KARTE_CLIENT_SECRET_BEFORE"`
	// Project is the project's id, the api_key of its hooks.
	Project string `env:"KARTE_PROJECT,required,notEmpty"`
	// Window is how far a hook's time may be from ours; KARTE documents no number.
	Window time.Duration `env:"KARTE_SIGNATURE_WINDOW" envDefault:"5m"`
	// TextLimit is the longest text sent in one piece, in UTF-16 units; KARTE documents none.
	TextLimit int `env:"KARTE_TEXT_LIMIT" envDefault:"1000"`
	// History lists what `talk/message/get` shows of what the API sent: messages, notes. What it does not show is never sent twice
	// after a lost answer, but reported.
	History []string `env:"KARTE_HISTORY" envDefault:"messages,notes"`
	// HistoryLimit is how many lines `talk/message/get` is asked for at once; KARTE documents no maximum. What it does not reach is not looked up.
	HistoryLimit int `env:"KARTE_HISTORY_LIMIT" envDefault:"100"`
	// Unassign is how a conversation is made nobody's: null or empty, see karte.Unassign.
	Unassign string `env:"KARTE_UNASSIGN" envDefault:"null"`
	// GiveUp is how long a reply is tried.
	GiveUp time.Duration `env:"KARTE_GIVE_UP_AFTER" envDefault:"24h"`
	// Now tells the time; the system's clock when nil. It is no setting: tests run replicas whose clocks are wrong.
	Now func() time.Time `env:"-"`
}

// Validate reports settings that cannot be.
func (s *Settings) Validate() error {
	problems := []error{s.Bus.Validate(), s.Traces.Validate()}
	if s.Drain < 0 || s.Drain > 5*time.Second {
		problems = append(problems, errors.New("HTTP_DRAIN must be 0 to 5s"))
	}
	if u, err := url.Parse(s.APIURL); err != nil || u.Host == "" {
		problems = append(problems, errors.New("KARTE_API_URL is not a URL"))
	}
	if s.TextLimit < 100 {
		problems = append(problems, errors.New("KARTE_TEXT_LIMIT must be at least 100"))
	}
	if s.HistoryLimit < 1 {
		problems = append(problems, errors.New("KARTE_HISTORY_LIMIT must be at least 1"))
	}
	if s.Window <= 0 || s.GiveUp <= 0 {
		problems = append(problems, errors.New("KARTE_SIGNATURE_WINDOW and KARTE_GIVE_UP_AFTER must be positive"))
	}
	if _, err := karte.ParseUnassign(s.Unassign); err != nil {
		problems = append(problems, fmt.Errorf("KARTE_UNASSIGN: %w", err))
	}
	for _, kind := range s.History {
		if kind != "messages" && kind != "notes" && kind != "none" {
			problems = append(problems, fmt.Errorf("KARTE_HISTORY: %q is not messages, notes or none", kind))
		}
	}
	return errors.Join(problems...)
}

// App is an ingest-karte that listens but does not work yet.
type App struct {
	bus     *bus.Bus
	karte   *karte.Client
	sender  *send.Sender
	project string
	// lookBack is how many lines of a history are asked for: in which order KARTE gives them is not documented, so the last ones have to be among them.
	lookBack int
	examiner *examine.Examiner
	handler  http.Handler
	registry *prometheus.Registry
	tracing  *telemetry.Tracing
	// profiling says whether the admin port serves Go's profiles.
	profiling bool
	// drain is how long clients are told to let go of their connections.
	drain time.Duration

	// HTTP and Admin are where it listens.
	HTTP  net.Listener
	Admin net.Listener
}

// New opens the listeners and the connection, without waiting for NATS.
func New(s Settings, log *slog.Logger) (*App, error) {
	a := &App{registry: daemon.NewRegistry("ingest-karte"), karte: karte.New(s.APIURL, s.APIToken), project: s.Project, lookBack: s.HistoryLimit, profiling: s.Profiling, drain: s.Drain}
	a.karte.Measure(a.registry)
	a.karte.Unassign, _ = karte.ParseUnassign(s.Unassign)
	if s.Now == nil {
		s.Now = time.Now
	}
	var err error
	if a.bus, err = bus.Connect(s.Bus, "ingest-karte", log, a.registry); err != nil {
		return nil, err
	}
	if a.tracing, err = telemetry.Start(s.Traces, "ingest-karte", log); err != nil {
		return nil, err
	}
	a.bus.TraceWith(a.tracing)
	journal := examination.New(s.Now)
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/karte", edge.New(edge.Options{
		Publisher: a.bus, Partitions: s.Bus.Partitions, Project: s.Project, Secrets: []secret.String{s.ClientSecret, s.ClientSecretBefore},
		Window: s.Window, Now: s.Now, Log: log, Metrics: a.registry, Journal: journal, Tracing: a.tracing,
	}))
	a.handler = mux
	a.sender = send.New(send.Options{
		Bus: a.bus, KARTE: a.karte, Changes: a.karte, Project: s.Project, TextLimit: s.TextLimit, GiveUp: s.GiveUp, CallTime: karte.CallTime,
		History:      send.History{Messages: slices.Contains(s.History, "messages"), Notes: slices.Contains(s.History, "notes")},
		HistoryLimit: s.HistoryLimit,
		Now:          s.Now, Log: log, Metrics: a.registry,
	})
	if a.HTTP, err = daemon.Listen(s.HTTPAddr); err != nil {
		return nil, err
	}
	a.examiner = examine.New(examine.Options{
		Bus: a.bus, KARTE: a.karte, Journal: journal, Project: s.Project, Secret: s.ClientSecret, HookURL: examine.OwnURL(a.HTTP.Addr()), Now: s.Now, Log: log,
	})
	a.Admin, err = daemon.Listen(s.AdminAddr)
	return a, err
}

// Run works until ctx ends: first the hooks stop, then the sends, then the connection.
func (a *App) Run(ctx context.Context) error {
	holder := a.bus.NewHolder("send", a.sender.Handle)
	holder.OnHeld, holder.SetAside = a.sender.Waiting, a.sender.SetAside
	checks := []daemon.Check{{Name: "nats", Check: a.bus.Check(bus.Talk, bus.Sends, bus.Held, bus.Bucket(bus.Checkpoints))}}
	err := daemon.Run(ctx, daemon.Grace,
		daemon.Stage{Name: "hooks", Tasks: []daemon.Task{daemon.ServeDraining(a.HTTP, a.handler, a.drain)}},
		daemon.Stage{Name: "sends", Tasks: []daemon.Task{func(ctx context.Context) error {
			if a.bus.Ensure(ctx) != nil {
				return nil //nolint:nilerr // it fails only when the service is stopped before NATS is there
			}
			return daemon.Together(ctx,
				func(ctx context.Context) error {
					return a.bus.ServePartitions(ctx, "ingest-karte", bus.Sends, "send", holder.Handle)
				},
				holder.Serve,
				func(ctx context.Context) error {
					return a.bus.ServeExhausted(ctx, bus.Sends, "ingest-karte-", a.sender.Exhausted)
				},
				func(ctx context.Context) error {
					return a.bus.ServeExhausted(ctx, bus.Held, "held-send-", a.sender.Exhausted)
				})
		}, a.examiner.Serve, a.answerOperators, a.answerHistory}},
		daemon.Stage{Name: "admin", Tasks: []daemon.Task{daemon.ServeHTTP(a.Admin, daemon.WithProfiles(daemon.AdminHandler(a.registry, checks), a.profiling))}})
	a.karte.Close()
	a.bus.Close()
	a.tracing.Stop(ctx)
	return err
}
