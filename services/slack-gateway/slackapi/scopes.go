package slackapi

import (
	"net/http"
	"strings"
)

// Scope is a permission of the bot token.
type Scope struct {
	Name string
	// For says what the app cannot do without it.
	For string
	// Optional ones are not needed for messages to flow in public channels.
	Optional bool
}

// Scopes are what the app needs; the README lists the same.
func Scopes() []Scope {
	return []Scope{
		{Name: "chat:write", For: "posting what customers write"},
		{Name: "reactions:write", For: "marking replies as sent, noted, waiting or failed"},
		{Name: "channels:history", For: "events of replies in public channels, and finding a post whose answer was lost"},
		{Name: "channels:read", For: "looking at public channels"},
		{Name: "users:read", For: "knowing who wrote a reply"},
		{Name: "usergroups:read", For: "the names of user groups in replies", Optional: true},
		{Name: "groups:history", For: "events of replies in private channels", Optional: true},
		{Name: "groups:read", For: "looking at private channels", Optional: true},
	}
}

// Granted reads which scopes the token has from the headers of an answer; ok is false when Slack did not say. The header's name is
// slack-go's word, Slack's reference does not list it.
func Granted(header http.Header) (scopes map[string]bool, ok bool) {
	said := header.Get("X-Oauth-Scopes")
	scopes = map[string]bool{}
	for scope := range strings.SplitSeq(said, ",") {
		scopes[strings.TrimSpace(scope)] = true
	}
	return scopes, said != ""
}

// Missing answers what of the needed scopes is not granted.
func Missing(granted map[string]bool) []Scope {
	var missing []Scope
	for _, scope := range Scopes() {
		if !granted[scope.Name] {
			missing = append(missing, scope)
		}
	}
	return missing
}
