package slackstandin

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Config describes the workspace and the app installed in it. The zero value of every optional field is the
// behaviour Slack documents; the knobs make the stand-in quicker or show what is not known about Slack.
type Config struct {
	Team     string // workspace id, "T0DEMO1" when empty
	TeamName string // workspace name and sub-domain, "demo" when empty
	AppID    string // "A0DEMO1" when empty
	BotUser  string // the app's user id, "U0BOT" when empty
	BotID    string // the app's bot id, "B0BOT" when empty
	BotName  string // "slacktalk" when empty

	BotToken      string // what every Web API call must carry
	SigningSecret string // signs events, interactions and commands

	// Scopes are what the token may do; all that the stand-in knows when nil. Answers carry them in X-OAuth-Scopes.
	Scopes []string

	EventsURL       string // where events go; without it they wait
	InteractionsURL string // where clicks and view submissions go
	CommandsURL     string // where slash commands go
	SelfURL         string // base of response_url; the host of the last Web API call when empty

	// Clock gives ts values, signatures, rate limits and expiry; time.Now when nil. Waiting (retries, timeouts)
	// is always in real time.
	Clock func() time.Time
	// Seed of the random numbers behind fault probabilities.
	Seed uint64
	// Log receives one line per call and delivery at debug level; nothing is logged when nil.
	Log *slog.Logger

	PostsPerSecond float64        // chat.postMessage per channel and second; 0 is no limit
	Burst          int            // posts a rested channel takes at once, at least 1
	PerMinute      map[string]int // calls of a method per minute window; absent is no limit
	PublicWrite    bool           // chat:write.public: post to public channels without being in them

	// GeneratedBlocks gives posts made of text alone rich_text blocks. Whether Slack does so is not known.
	GeneratedBlocks bool
	// NoEchoMetadata leaves metadata out of the echo events. Whether Slack always sends it is not known.
	NoEchoMetadata bool

	DeliveryTimeout time.Duration // how long an event or an interaction may stay unanswered, 3 s when 0
	TriggerLife     time.Duration // how long a trigger_id may be used, 3 s when 0
	RetryScale      float64       // shortens the waits of 0, 1 and 5 minutes before retries; 1 when 0
	// RetryUntilAccepted repeats each event every RetryInterval (1 s when 0) until it is accepted and sends the
	// next event of a thread only after that, where Slack gives up after three retries and promises no order.
	RetryUntilAccepted bool
	// RetryAside, together with it, does so beside the others, which come past it meanwhile, as they do in Slack.
	RetryAside    bool
	RetryInterval time.Duration

	platform *Platform // what the workspace is part of
}

func (c Config) withDefaults() Config {
	for field, value := range map[*string]string{
		&c.Team: "T0DEMO1", &c.TeamName: "demo", &c.AppID: "A0DEMO1", &c.BotUser: "U0BOT", &c.BotID: "B0BOT",
		&c.BotName: "slacktalk", &c.BotToken: "xoxb-demo", &c.SigningSecret: "demo-signing-secret",
	} {
		if *field == "" {
			*field = value
		}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Scopes == nil {
		c.Scopes = AllScopes()
	}
	c.Burst = max(c.Burst, 1)
	if c.DeliveryTimeout == 0 {
		c.DeliveryTimeout = 3 * time.Second
	}
	if c.TriggerLife == 0 {
		c.TriggerLife = 3 * time.Second
	}
	if c.RetryScale == 0 {
		c.RetryScale = 1
	}
	if c.RetryInterval == 0 {
		c.RetryInterval = time.Second
	}
	return c
}

// URLs are the addresses the stand-in calls, and its own. Empty fields leave the address as it is.
type URLs struct {
	Events       string `json:"events"`
	Interactions string `json:"interactions"`
	Commands     string `json:"commands"`
	Self         string `json:"self"`
}

// Server is one Slack workspace with one app installed. It is an http.Handler; its methods are safe for
// concurrent use.
type Server struct {
	cfg    Config
	client *http.Client
	routes http.Handler
	slots  chan struct{} // bounds the deliveries under way

	mu        sync.Mutex
	urls      URLs
	version   uint64
	changed   chan struct{} // closed and replaced at every change
	serial    int           // source of ids
	random    *rand.Rand
	hangs     chan struct{} // closed to let go of hanging calls
	running   context.Context
	workers   sync.WaitGroup
	lanes     map[laneName]*lane
	aside     int // events waiting outside their lane: retries and late duplicates
	log       []Delivery
	lost      []Delivery
	accepted  int
	calls     map[string]int
	faults    []*Fault
	evFaults  []*EventFault
	struck    map[EventFaultKind]int // how often each kind of event fault acted
	limiters  map[string]*rate.Limiter
	windows   map[string]window
	members   map[string]*Member
	groups    []UserGroup
	channels  map[string]*channel
	order     []string // channel ids as they were made
	ephemeral []Ephemeral
	views     map[string]*View
	triggers  map[string]*trigger
	hooks     map[string]*responseHook
	emoji     map[string]string
	dateSkew  time.Duration
	shortcuts []Shortcut
	commands  []SlashCommand
}

// New makes a workspace that holds only the app's own user.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg: cfg,
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: maxInFlight},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		slots:    make(chan struct{}, maxInFlight),
		urls:     URLs{Events: cfg.EventsURL, Interactions: cfg.InteractionsURL, Commands: cfg.CommandsURL, Self: cfg.SelfURL},
		changed:  make(chan struct{}),
		random:   rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)),
		hangs:    make(chan struct{}),
		struck:   map[EventFaultKind]int{},
		lanes:    map[laneName]*lane{},
		calls:    map[string]int{},
		limiters: map[string]*rate.Limiter{},
		windows:  map[string]window{},
		members:  map[string]*Member{},
		channels: map[string]*channel{},
		views:    map[string]*View{},
		triggers: map[string]*trigger{},
		hooks:    map[string]*responseHook{},
		emoji:    map[string]string{},
	}
	s.members[cfg.BotUser] = &Member{
		ID: cfg.BotUser, Name: cfg.BotName, RealName: cfg.BotName, Team: cfg.Team, Bot: true, botID: cfg.BotID,
	}
	s.routes = s.mux()
	return s
}

// SetURLs changes the addresses that are given; it is how a test names a server started after the stand-in.
func (s *Server) SetURLs(u URLs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := func(to *string, value string) {
		if value != "" {
			*to = value
		}
	}
	set(&s.urls.Events, u.Events)
	set(&s.urls.Interactions, u.Interactions)
	set(&s.urls.Commands, u.Commands)
	set(&s.urls.Self, u.Self)
	s.startLanes()
}

// touch records a change and wakes everybody in Await. The lock is held.
func (s *Server) touch() {
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
}

// nextSerial numbers the ids of everything that has one. The lock is held.
func (s *Server) nextSerial() int {
	s.serial++
	return s.serial
}
