// Package app wires the parts of slack-gateway.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/examination"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	"github.com/slacktalk/slacktalk/services/slack-gateway/catchup"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog"
	"github.com/slacktalk/slacktalk/services/slack-gateway/edge"
	"github.com/slacktalk/slacktalk/services/slack-gateway/examine"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/installation"
	"github.com/slacktalk/slacktalk/services/slack-gateway/lane"
	"github.com/slacktalk/slacktalk/services/slack-gateway/members"
	"github.com/slacktalk/slacktalk/services/slack-gateway/oauth"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/routerapi"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
	"github.com/slacktalk/slacktalk/services/slack-gateway/socket"
)

// Settings of slack-gateway.
type Settings struct {
	daemon.Settings
	Bus bus.Settings
	// HTTPAddr takes Slack's requests at POST /slack/events, /slack/interactions and /slack/commands.
	HTTPAddr string `env:"HTTP_ADDR" envDefault:":8080"`
	// Drain is how long connections that clients keep are answered once more, each for the last time, when the process was asked to stop.
	Drain time.Duration `env:"HTTP_DRAIN" envDefault:"2s"`
	// APIURL is Slack's Web API.
	APIURL string `env:"SLACK_API_URL" envDefault:"https://slack.com/api/"`
	// BotToken acts as the app in one workspace, beside or instead of what is installed by OAuth.
	BotToken secret.String `env:"SLACK_BOT_TOKEN"`
	// Installing is by OAuth, in any number of workspaces.
	Installing Installing
	// AppToken opens connections to Slack (Socket Mode), which then bring what would be requests.
	AppToken secret.String `env:"SLACK_APP_TOKEN"`
	// Sockets is how many connections each replica keeps; Slack allows ten for all together.
	Sockets int `env:"SLACK_SOCKET_CONNECTIONS" envDefault:"2"`
	// SigningSecret signs Slack's requests. Without it none is taken: there must be AppToken then.
	SigningSecret secret.String `env:"SLACK_SIGNING_SECRET"`
	// SigningSecretBefore is the former one while it is being changed.
	SigningSecretBefore secret.String `env:"SLACK_SIGNING_SECRET_BEFORE"`
	// Window is how far a request's time may be from ours; Slack says five minutes.
	Window time.Duration `env:"SLACK_SIGNATURE_WINDOW" envDefault:"5m"`
	// Pace is the least time between two posts to a channel; Slack allows about one a second.
	Pace time.Duration `env:"SLACK_PACE" envDefault:"1s"`
	// CardDelay is how long the times on a card may be behind: a lively conversation costs one update in that time.
	CardDelay time.Duration `env:"SLACK_CARD_DELAY" envDefault:"10s"`
	// GiveUp is how long a post is tried.
	GiveUp time.Duration `env:"SLACK_GIVE_UP_AFTER" envDefault:"1h"`
	// RepliesPerMinute is how many replies a minute are preceded by a look into their thread, for earlier ones that Slack has not delivered. Slack allows
	// about 50 such calls a minute; 0 looks at none.
	RepliesPerMinute int `env:"SLACK_THREAD_CHECKS_PER_MINUTE" envDefault:"40"`
	// ConsoleURL is the link to a conversation in the KARTE console, with {user} and {project}.
	ConsoleURL string `env:"KARTE_CONSOLE_URL"`
	// Images are the hosts of which images are shown in threads (`img.example.com`, `*.example.com`), `any`, or `none`: then it is said where they are.
	Images []string `env:"SLACK_IMAGES" envDefault:"any"`
	// Router is where dialogs ask and change settings.
	Router routerapi.Settings
	// Now tells the time; the system's clock when nil. It is no setting: tests run replicas whose clocks are wrong.
	Now func() time.Time `env:"-"`
}

// Validate reports settings that cannot be.
func (s *Settings) Validate() error {
	problems := []error{s.Bus.Validate(), s.Traces.Validate(), s.Router.Validate(), s.Installing.Validate()}
	if s.Drain < 0 || s.Drain > 5*time.Second {
		problems = append(problems, errors.New("HTTP_DRAIN must be 0 to 5s"))
	}
	if u, err := url.Parse(s.APIURL); err != nil || u.Host == "" {
		problems = append(problems, errors.New("SLACK_API_URL is not a URL"))
	}
	if !s.SigningSecret.Given() && !s.AppToken.Given() {
		problems = append(problems, errors.New("there must be SLACK_SIGNING_SECRET, or SLACK_APP_TOKEN for Socket Mode"))
	}
	if s.Sockets < 1 || s.Sockets > 10 {
		problems = append(problems, errors.New("SLACK_SOCKET_CONNECTIONS must be 1 to 10"))
	}
	if !s.BotToken.Given() && s.Installing.ClientID == "" {
		problems = append(problems, errors.New("there must be SLACK_BOT_TOKEN, or SLACK_CLIENT_ID and what belongs to it"))
	}
	if s.Window <= 0 || s.GiveUp <= 0 || s.Pace < 0 || s.CardDelay < 0 {
		problems = append(problems, errors.New("SLACK_SIGNATURE_WINDOW and SLACK_GIVE_UP_AFTER must be positive, SLACK_PACE and SLACK_CARD_DELAY not negative"))
	}
	return errors.Join(problems...)
}

// images reads SLACK_IMAGES.
func images(hosts []string) render.Images {
	switch {
	case slices.Contains(hosts, "none"):
		return render.Images{Off: true}
	case slices.Contains(hosts, "any"):
		return render.Images{}
	}
	return render.Images{Off: len(hosts) == 0, Hosts: hosts}
}

// App is a slack-gateway that listens but does not work yet.
type App struct {
	bus *bus.Bus
	// slack is the client of the token in the settings.
	slack      *slackapi.Client
	workspaces *installation.Registry
	// nobody has no token: Slack refuses all it asks.
	nobody *slackapi.Client
	// static says that there is a token in the settings; learned that Slack has said whose it is.
	static  bool
	learned atomic.Bool
	// store and oauth are nil where the app is not installed by OAuth.
	store *installation.Store
	// sockets is nil where Slack sends requests.
	sockets  *socket.Connections
	oauth    *oauth.Flow
	edge     *edge.Edge
	router   *routerapi.Client
	dialogs  *dialog.Dialogs
	lanes    *lane.Lanes
	wakes    *lane.Wakes
	channels *bus.Channels
	members  *members.Answerer
	examiner *examine.Examiner
	catchup  *catchup.Answerer
	log      *slog.Logger
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

// New opens the listeners and the connection, without waiting for NATS or Slack.
func New(s Settings, log *slog.Logger) (*App, error) {
	a := &App{
		registry: daemon.NewRegistry("slack-gateway"), slack: slackapi.New(s.APIURL, s.BotToken), workspaces: installation.NewRegistry(), wakes: lane.NewWakes(), log: log, profiling: s.Profiling, drain: s.Drain,
	}
	a.slack.Measure(a.registry)
	a.nobody = a.slack.As(secret.String{}, "")
	if s.Now == nil {
		s.Now = time.Now
	}
	var err error
	if a.bus, err = bus.Connect(s.Bus, "slack-gateway", log, a.registry); err != nil {
		return nil, err
	}
	if a.tracing, err = telemetry.Start(s.Traces, "slack-gateway", log); err != nil {
		return nil, err
	}
	a.bus.TraceWith(a.tracing)
	if a.router, err = routerapi.New(s.Router, a.tracing, log); err != nil {
		return nil, err
	}
	a.channels = a.bus.NewChannels(a.wakes.WakeAll)
	a.workspaces.Latest = a.channels.Latest
	a.static = s.BotToken.Given()
	a.install(s)
	a.dialogs = dialog.New(dialog.Options{
		Router: a.router, Slack: a.acting, Store: a.storeFact, Thread: a.thread, Names: a.names, Latest: a.channels.Latest, Now: s.Now, Log: log, Metrics: a.registry,
	})
	journal := examination.New(s.Now)
	a.edge = edge.New(edge.Options{
		Publisher: a.bus, Partitions: s.Bus.Partitions, Secrets: []secret.String{s.SigningSecret, s.SigningSecretBefore}, Window: s.Window,
		Self: a.whom, Wake: a.wake, Ended: a.ended, Granted: a.granted, Dialogs: a.dialogs, Channels: a.channels, Turn: a.dialogs.TurnAway, Now: s.Now, Log: log, Metrics: a.registry, Journal: journal, Tracing: a.tracing,
	})
	if s.AppToken.Given() {
		a.sockets = socket.New(socket.Options{Base: s.APIURL, Token: s.AppToken, Number: s.Sockets, Edge: a.edge, Log: log, Metrics: a.registry})
	}
	a.lanes = lane.New(lane.Options{
		Bus: a.bus, Workspace: installation.For(a.workspaces, func(c *slackapi.Client) lane.Workspace { return c }), Pace: s.Pace, CardDelay: s.CardDelay, CallTime: slackapi.CallTime, GiveUp: s.GiveUp, Wakes: a.wakes, Ended: a.ended, Latest: a.channels.Latest, Now: s.Now, Log: log, Metrics: a.registry,
	})
	a.lanes.Render.ConsoleURL, a.lanes.Render.Images = s.ConsoleURL, images(s.Images)
	a.members = members.New(a.bus, installation.For(a.workspaces, func(c *slackapi.Client) members.Slack { return c }), log)
	a.examiner = examine.New(examine.Options{Bus: a.bus, Slack: a.examined, Journal: journal, Now: s.Now, Log: log})
	a.catchup = catchup.New(catchup.Options{
		Bus: a.bus, Slack: installation.For(a.workspaces, func(c *slackapi.Client) catchup.Slack { return c }), Self: a.workspaces.Self, Channels: a.channels, PerMinute: s.RepliesPerMinute, Now: s.Now, Log: log, Metrics: a.registry,
	})
	if a.HTTP, err = daemon.Listen(s.HTTPAddr); err != nil {
		return nil, err
	}
	a.Admin, err = daemon.Listen(s.AdminAddr)
	return a, err
}

// Run works until ctx ends: first the requests stop, then the lanes, then the connection.
func (a *App) Run(ctx context.Context) error {
	checks := []daemon.Check{
		{Name: "nats", Check: a.bus.Check(bus.Slack, bus.Posts, bus.Bucket(bus.Threads), bus.Bucket(bus.Lanes), bus.Bucket(bus.Checkpoints))},
		{Name: "slack credentials", Check: a.unknown},
		{Name: "socket mode", Check: a.connected},
		// Without the router customers and operators are served; what members do with buttons and commands is not.
		{Name: "router certificates", Check: func(context.Context) error { return daemon.Warn(a.router.Certificates()) }},
	}
	err := daemon.Run(ctx, daemon.Grace,
		daemon.Stage{Name: "requests", Tasks: []daemon.Task{daemon.ServeDraining(a.HTTP, a.handler(), a.drain), a.listen}},
		daemon.Stage{Name: "lanes", Tasks: []daemon.Task{a.work, a.examiner.Serve, a.dialogs.Wait, a.router.Watch}},
		daemon.Stage{Name: "admin", Tasks: []daemon.Task{daemon.ServeHTTP(a.Admin, daemon.WithProfiles(daemon.AdminHandler(a.registry, checks), a.profiling))}})
	a.slack.Close()
	a.bus.Close()
	err = errors.Join(err, a.router.Close())
	a.tracing.Stop(ctx)
	return err
}

func (a *App) work(ctx context.Context) error {
	if a.bus.Ensure(ctx) != nil {
		return nil // stopped before NATS was there
	}
	wakes, err := a.bus.Conn().Subscribe("wake.>", func(m *nats.Msg) { a.wakes.Wake(string(m.Data)) })
	if err != nil {
		return fmt.Errorf("listen for wakes: %w", err)
	}
	defer func() { _ = wakes.Unsubscribe() }()
	tasks, ok := a.know(ctx)
	if !ok {
		return nil
	}
	return daemon.Together(ctx, append(tasks,
		a.channels.Serve,
		func(ctx context.Context) error {
			if !a.settled(ctx) {
				return nil
			}
			return a.bus.ServeLanes(ctx, a.lanes.Handler)
		},
		func(ctx context.Context) error {
			return a.bus.ServeExhausted(ctx, bus.Posts, "lane-", a.lanes.Exhausted)
		},
		func(ctx context.Context) error { return a.workspaces.Serve(ctx, a.answer) },
		func(ctx context.Context) error { return a.workspaces.Changes(ctx, a.wakes.WakeAll) })...)
}

// answer answers the questions about one workspace.
func (a *App) answer(ctx context.Context, team string) error {
	return daemon.Together(ctx,
		func(ctx context.Context) error { return a.members.Serve(ctx, team) },
		func(ctx context.Context) error { return a.examiner.ServeWorkspace(ctx, team) },
		func(ctx context.Context) error { return a.catchup.Serve(ctx, team) },
		func(ctx context.Context) error { return a.catchup.ServeLines(ctx, team) })
}

// wake tells every replica: the parked message is at one of them.
func (a *App) wake(w inbound.Wake) {
	if err := a.bus.Conn().Publish("wake."+w.Team+"."+w.Channel, []byte(w.Channel)); err != nil {
		a.log.Debug("wake not published", "err", err) // the lane tries by itself before long
	}
}
