package kartestandin

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// SignatureForm is the encoding of X-Karte-Signature; which one KARTE uses is not documented.
type SignatureForm string

// The encodings that earlier generations of hooks and other products use.
const (
	FormHex    SignatureForm = "hex"
	FormBase64 SignatureForm = "base64"
)

// Config describes one KARTE project and the API v2 app installed in it.
type Config struct {
	Project      string // api_key in hooks, "demo-project" when empty
	ClientID     string // client_id in hooks, "demo-client" when empty
	ClientSecret string // signs hooks, "demo-client-secret" when empty
	APIToken     string // what every REST call must carry, "demo-api-token" when empty
	HookURL      string // where hooks go; without it they wait

	SignatureForm   SignatureForm // FormHex when empty
	SignaturePrefix string        // put before the signature, such as "v1="

	// Operators of the project. While there are none, any sender is accepted.
	Operators []Operator
	Knobs     Knobs

	// Clock dates messages and signatures; time.Now when nil. Waiting is always in real time.
	Clock func() time.Time
	// Seed of the random numbers behind fault probabilities.
	Seed uint64
	// Logger receives one line per call and delivery at debug level; nothing is logged when nil.
	Logger *slog.Logger

	// KARTE's own timeout and retries are not documented.
	DeliveryTimeout time.Duration // how long a hook may stay unanswered, 5 s when 0
	RetryInterval   time.Duration // between attempts, 1 s when 0
	MaxAttempts     int           // after which a hook is given up; 0 is never
}

func (c Config) withDefaults() Config {
	c.Project = cmp.Or(c.Project, "demo-project")
	c.ClientID = cmp.Or(c.ClientID, "demo-client")
	c.ClientSecret = cmp.Or(c.ClientSecret, "demo-client-secret")
	c.APIToken = cmp.Or(c.APIToken, "demo-api-token")
	c.SignatureForm = cmp.Or(c.SignatureForm, FormHex)
	c.DeliveryTimeout = cmp.Or(c.DeliveryTimeout, 5*time.Second)
	c.RetryInterval = cmp.Or(c.RetryInterval, time.Second)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Knobs choose between behaviours of which it is not known which is KARTE's. They can be changed at any time.
type Knobs struct {
	// OldestFirst orders the answer of message/get, which begins with the newest otherwise. A limit keeps the newest
	// messages in both orders.
	OldestFirst bool `json:"oldest_first"`
	// ListNotes puts notes among the messages of message/get, without a mark.
	ListNotes bool `json:"list_notes"`
	// HideAPIMessages leaves out of message/get what came through the API.
	HideAPIMessages bool `json:"hide_api_messages"`
	// BareHistory leaves out of message/get what no caller of it was seen to read: sender_id, profile_name and, of what bots wrote, account_id.
	BareHistory bool `json:"bare_history"`
	// TrimTexts takes away the white space around texts that come through the API.
	TrimTexts bool `json:"trim_texts"`
	// MaxLimit refuses a larger options.limit; 0 is no maximum.
	MaxLimit int `json:"max_limit"`
	// MaxText refuses longer texts, in characters; 0 is no maximum.
	MaxText int `json:"max_text"`
	// EchoAPI hooks messages that came through the API. PLAID says that they are not.
	EchoAPI bool `json:"echo_api"`
	// EchoAssign hooks assignments that came through the API.
	EchoAssign bool `json:"echo_assign"`
	// HookNotes hooks the notes of console and, with EchoAPI, API as operator messages.
	HookNotes bool `json:"hook_notes"`
	// DeniedScopes are answered 403, such as "talk.message.get".
	DeniedScopes []string `json:"denied_scopes"`
}

// Server is one KARTE project. It is an http.Handler; its methods are safe for concurrent use.
type Server struct {
	cfg    Config // credentials, address, operators and knobs in it change under mu
	client *http.Client
	routes http.Handler
	slots  chan struct{} // bounds the deliveries under way

	mu            sync.Mutex
	version       uint64
	changed       chan struct{} // closed and replaced at every change
	random        *rand.Rand
	hangs         chan struct{} // closed to let go of hanging calls
	conversations []*conversation
	byID          map[string]*conversation // by user id and visitor id
	hooks         []*Hook
	lanes         map[laneName]*lane
	waiting       int // deliveries not yet settled
	copies        int // names the lanes of late duplicates
	running       context.Context
	workers       sync.WaitGroup
	calls         map[string]int
	faults        []*Fault
	hookFaults    []*HookFault
}

// New makes a project without customers.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	cfg.Operators = slices.Clone(cfg.Operators)
	s := &Server{
		cfg: cfg,
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: maxInFlight},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		slots:   make(chan struct{}, maxInFlight),
		changed: make(chan struct{}),
		random:  rand.New(rand.NewPCG(cfg.Seed, 0)),
		hangs:   make(chan struct{}),
		byID:    map[string]*conversation{},
		lanes:   map[laneName]*lane{},
		calls:   map[string]int{},
	}
	s.routes = s.mux()
	return s
}

// Knobs returns the behaviours in force.
func (s *Server) Knobs() Knobs {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Knobs
}

// SetKnobs changes the behaviours from now on.
func (s *Server) SetKnobs(k Knobs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.DeniedScopes = slices.Clone(k.DeniedScopes)
	s.cfg.Knobs = k
}

// SetOperators replaces the operators of the project.
func (s *Server) SetOperators(operators []Operator) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Operators = slices.Clone(operators)
}

// SetHookURL changes where hooks go, those that wait included.
func (s *Server) SetHookURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.HookURL = url
	s.startLanes()
}

// SetCredentials changes what hooks are signed with and what calls must carry; an empty one stays as it is.
func (s *Server) SetCredentials(clientSecret, apiToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.ClientSecret = cmp.Or(clientSecret, s.cfg.ClientSecret)
	s.cfg.APIToken = cmp.Or(apiToken, s.cfg.APIToken)
}

// touch wakes everybody in Await. The lock is held.
func (s *Server) touch() {
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
}
