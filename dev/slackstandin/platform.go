package slackstandin

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Platform is Slack around several workspaces: it lets an app be installed by OAuth, gives out tokens and takes them back. It is an http.Handler for the API of
// all its workspaces.
type Platform struct {
	ClientID, ClientSecret string
	// Rotation is how long tokens live; they do not end when it is 0.
	Rotation time.Duration
	// Enterprise is the organisation that the workspaces belong to; none when empty. The app is installed in all of it by agreeing for it instead of a workspace.
	Enterprise string

	mu      sync.Mutex
	servers map[string]*Server
	serial  int
	codes   map[string]*installed
	refresh map[string]*installed
	tokens  map[string]*liveToken
	sockets sockets
}

// installed is one installation of the app.
type installed struct {
	// team is the workspace, or the organisation.
	team string
	live []*liveToken
}

type liveToken struct {
	value   string
	in      *installed
	ends    time.Time
	revoked bool
}

// NewPlatform makes one without workspaces.
func NewPlatform(clientID, clientSecret string) *Platform {
	return &Platform{
		ClientID: clientID, ClientSecret: clientSecret, servers: map[string]*Server{}, codes: map[string]*installed{}, refresh: map[string]*installed{}, tokens: map[string]*liveToken{},
	}
}

// Add adds a workspace.
func (p *Platform) Add(s *Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.servers[s.cfg.Team] = s
	s.cfg.platform = p
}

// Tokens answers everything secret that was ever given out.
func (p *Platform) Tokens() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Concat(slices.Collect(maps.Keys(p.tokens)), slices.Collect(maps.Keys(p.refresh)))
}

// Uninstall removes the app from a workspace, or an organisation, as an administrator does: its tokens are revoked, and Slack tells so.
func (p *Platform) Uninstall(team string) error {
	p.mu.Lock()
	for _, t := range p.tokens {
		if t.in.team == team {
			t.revoked = true
		}
	}
	s := p.servers[team]
	if team == p.Enterprise && team != "" {
		s = p.at(&installed{team: team})
	}
	p.mu.Unlock()
	if s == nil {
		return nil
	}
	if err := s.EmitEvent("", map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []string{}, "bot": []string{s.cfg.BotUser}}}); err != nil {
		return err
	}
	return s.EmitEvent("", map[string]any{"type": "app_uninstalled"})
}

// ServeHTTP serves the pages and methods of the platform, and passes what is for a workspace on to it.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/oauth/v2/authorize":
		p.authorize(w, r)
	case "/api/oauth.v2.access":
		p.access(w, r)
	case "/api/apps.connections.open":
		p.openSocket(w, r)
	case socketPath:
		p.serveSocket(w, r)
	default:
		p.call(w, r)
	}
}

// ids answers the workspaces of the organisation.
func (p *Platform) ids() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.servers))
}

// wide reports whether the app is installed in the whole organisation.
func (p *Platform) wide() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tokens {
		if t.in.team == p.Enterprise && !t.revoked {
			return true
		}
	}
	return false
}

// authorize is the page on which somebody agrees: whoever asks for it agrees, for the workspace or organisation in `team`, or declines with `deny`.
func (p *Platform) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != p.ClientID || q.Get("scope") == "" {
		http.Error(w, "Invalid client_id, redirect_uri or scope", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if q.Get("deny") != "" {
		answer.Set("error", "access_denied")
	} else {
		answer.Set("code", p.agree(q.Get("team")))
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Platform) agree(team string) (code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	code = p.name("code-")
	p.codes[code] = &installed{team: team}
	return code
}

// name makes something that is there once. The lock is held.
func (p *Platform) name(prefix string) string {
	p.serial++
	return fmt.Sprintf("%s%d-demo-%d", prefix, p.serial, 1000+p.serial)
}

func (p *Platform) access(w http.ResponseWriter, r *http.Request) {
	a, err := readArgs(r)
	if err != nil {
		writeReply(w, nil, apiError("invalid_form_data"))
		return
	}
	answer, err := p.grant(a)
	writeReply(w, answer, err)
}

func (p *Platform) grant(a args) (reply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case a["client_id"] != p.ClientID:
		return nil, apiError("invalid_client_id")
	case a["client_secret"] != p.ClientSecret:
		return nil, apiError("bad_client_secret")
	case a["grant_type"] == "refresh_token":
		in := p.refresh[a["refresh_token"]]
		if in == nil {
			return nil, apiError("invalid_refresh_token")
		}
		p.refresh[a["refresh_token"]] = nil // single use
		return p.issue(in), nil
	}
	in, known := p.codes[a["code"]]
	p.codes[a["code"]] = nil
	switch {
	case !known:
		return nil, apiError("invalid_code")
	case in == nil:
		return nil, apiError("code_already_used")
	}
	return p.issue(in), nil
}

// issue makes a new token; of one installation at most two live.
func (p *Platform) issue(in *installed) reply {
	token := &liveToken{value: p.name("xoxb-"), in: in}
	s := p.at(in)
	answer := reply{
		"token_type": "bot", "scope": strings.Join(s.cfg.Scopes, ","), "bot_user_id": s.cfg.BotUser, "app_id": s.cfg.AppID,
		"team": map[string]any{"id": s.cfg.Team, "name": s.cfg.TeamName}, "enterprise": nil, "is_enterprise_install": in.team == p.Enterprise && p.Enterprise != "",
		"authed_user": map[string]any{"id": "U0ADMIN"},
	}
	if p.Enterprise != "" {
		answer["enterprise"] = map[string]any{"id": p.Enterprise, "name": "organisation"}
	}
	if in.team == p.Enterprise {
		answer["team"] = nil
	}
	if p.Rotation > 0 {
		token.value, token.ends = p.name("xoxe.xoxb-"), time.Now().Add(p.Rotation)
		refresh := p.name("xoxe-")
		p.refresh[refresh] = in
		answer["refresh_token"], answer["expires_in"] = refresh, max(1, int(p.Rotation/time.Second))
		if in.live = append(in.live, token); len(in.live) > 2 {
			in.live[len(in.live)-3].revoked = true
		}
	}
	p.tokens[token.value] = token
	answer["access_token"] = token.value
	return answer
}

// at answers the workspace of an installation, one of several for an organisation's.
func (p *Platform) at(in *installed) *Server {
	if s := p.servers[in.team]; s != nil {
		return s
	}
	return p.servers[slices.Min(slices.Collect(maps.Keys(p.servers)))]
}

// call passes a call on to the workspace that its token is of.
func (p *Platform) call(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	again := func() { r.Body = io.NopCloser(bytes.NewReader(body)) }
	again()
	a, _ := readArgs(r)
	given := token(r, a)
	again()
	s, err := p.whose(given, a)
	if err != nil {
		writeReply(w, nil, err)
		return
	}
	switch r.URL.Path {
	case "/api/auth.revoke":
		p.mu.Lock()
		p.tokens[given].revoked = true
		p.mu.Unlock()
		writeReply(w, reply{"revoked": true}, nil)
	case "/api/auth.teams.list":
		writeReply(w, reply{"teams": p.teams(), "response_metadata": map[string]any{"next_cursor": ""}}, nil)
	default:
		passed := r.Clone(r.Context())
		passed.Body, passed.ContentLength = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(body), url.QueryEscape(given), url.QueryEscape(s.cfg.BotToken)))), -1
		if passed.Header.Get("Authorization") != "" {
			passed.Header.Set("Authorization", "Bearer "+s.cfg.BotToken)
		}
		passed.Form, passed.PostForm = nil, nil
		s.ServeHTTP(w, passed)
	}
}

// whose answers the workspace that a call is for.
func (p *Platform) whose(given string, a args) (*Server, error) {
	p.mu.Lock()
	t, servers := p.tokens[given], maps.Clone(p.servers)
	err := refusal(given, t)
	p.mu.Unlock() // a workspace that is at work asks the platform
	if err != nil {
		return nil, err
	}
	if servers[t.in.team] != nil {
		return servers[t.in.team], nil
	}
	for _, s := range servers {
		if s.cfg.Team == a["team_id"] || s.knows(a["channel"]) {
			return s, nil
		}
	}
	return p.at(t.in), nil
}

// refusal answers why a token is not accepted. The lock is held.
func refusal(given string, t *liveToken) error {
	switch {
	case given == "":
		return apiError("not_authed")
	case t == nil:
		return apiError("invalid_auth")
	case t.revoked:
		return apiError("token_revoked")
	case !t.ends.IsZero() && time.Now().After(t.ends):
		return apiError("token_expired")
	}
	return nil
}

func (s *Server) knows(channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channels[channel] != nil
}

func (p *Platform) teams() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	var teams []any
	for _, id := range slices.Sorted(maps.Keys(p.servers)) {
		teams = append(teams, map[string]any{"id": id, "name": p.servers[id].cfg.TeamName})
	}
	return teams
}
