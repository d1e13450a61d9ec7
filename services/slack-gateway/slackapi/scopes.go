package slackapi

import (
	"net/http"
	"strings"
)

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
