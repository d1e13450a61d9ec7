package slackstandin

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// scopes of the methods, as the reference lists them; those that are not here need none. Of a private channel it is the groups: twin.
var scopes = map[string]string{
	"chat.delete": "chat:write", "chat.postEphemeral": "chat:write", "chat.postMessage": "chat:write", "chat.update": "chat:write",
	"conversations.history": "channels:history", "conversations.replies": "channels:history",
	"conversations.info": "channels:read", "conversations.list": "channels:read", "conversations.members": "channels:read",
	"conversations.join": "channels:join",
	"reactions.add":      "reactions:write", "reactions.remove": "reactions:write",
	"usergroups.list": "usergroups:read", "users.info": "users:read", "users.list": "users:read", "users.lookupByEmail": "users:read.email",
	"emoji.list": "emoji:read",
}

// AllScopes are the scopes that the methods and events of the stand-in need.
func AllScopes() []string {
	all := []string{"groups:history", "groups:read", "commands", "chat:write.customize"} // of private channels, slash commands and shortcuts, posts under another name
	for _, scope := range scopes {
		all = append(all, scope)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// missingScope refuses a call that the token is not allowed to make. The lock is held.
func (s *Server) missingScope(method string, a args) error {
	needed := scopes[method]
	if c := s.channels[a["channel"]]; c != nil && c.Private {
		needed = strings.NewReplacer("channels:history", "groups:history", "channels:read", "groups:read").Replace(needed)
	}
	if method == "chat.postMessage" && a["username"]+a["icon_url"]+a["icon_emoji"] != "" && slices.Contains(s.cfg.Scopes, needed) {
		needed = "chat:write.customize" // whether Slack refuses such a post or ignores the name is not documented: refused is the worse
	}
	if needed == "" || slices.Contains(s.cfg.Scopes, needed) {
		return nil
	}
	return detailedError{apiError("missing_scope"), reply{"needed": needed, "provided": strings.Join(s.cfg.Scopes, ",")}}
}

// headers puts on every answer what the token may do, and what time it is.
func (s *Server) headers(h http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Set("X-OAuth-Scopes", strings.Join(s.cfg.Scopes, ","))
	h.Set("Date", s.cfg.Clock().Add(s.dateSkew).UTC().Format(http.TimeFormat))
}

// SetScopes changes what the token may do, as an installation with other scopes does.
func (s *Server) SetScopes(granted ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Scopes = slices.Clone(granted)
}

// SetCredentials changes what calls must carry and what events are signed with; an empty one stays as it is.
func (s *Server) SetCredentials(botToken, signingSecret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if botToken != "" {
		s.cfg.BotToken = botToken
	}
	if signingSecret != "" {
		s.cfg.SigningSecret = signingSecret
	}
}

// SetDateSkew moves the time in the Date header of answers, so that the callers' clocks look wrong.
func (s *Server) SetDateSkew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dateSkew = d
}
