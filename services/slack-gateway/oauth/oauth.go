// Package oauth lets people install the Slack app into their workspace, with their browser.
package oauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/manifest"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

const (
	// InstallPath is where an installation begins.
	InstallPath = "/slack/install"
	// cookie holds what binds an installation to the browser that began it.
	cookie = "slacktalk_install"
	// patience bounds what one callback does.
	patience = 12 * time.Second
	// remembered is how long a used state is remembered: it has expired by then.
	remembered = 2 * valid
)

// Slack is where an installation is agreed to and its code exchanged.
type Slack interface {
	AuthorizeURL() string
	Exchange(ctx context.Context, app slackapi.AppCredentials, code string) (slackapi.Grant, error)
}

// Installations keeps what was granted.
type Installations interface {
	Install(ctx context.Context, grant slackapi.Grant) error
	UseUp(ctx context.Context, what string, limit time.Duration) (first bool, err error)
}

// Options of a Flow.
type Options struct {
	Slack         Slack
	Installations Installations
	App           slackapi.AppCredentials
	// Keys sign states, the current one first.
	Keys func() ([][]byte, error)
	// Allowed are the workspaces and organisations that may install the app. Nobody may when it is empty.
	Allowed []string
	// Revoke ends a token that was granted to a workspace that may not install the app.
	Revoke  func(ctx context.Context, token secret.String) error
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Flow serves the installation.
type Flow struct {
	Options
	results *prometheus.CounterVec
}

// New makes one.
func New(o Options) *Flow {
	f := &Flow{Options: o, results: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "slacktalk_slack_installs_total", Help: "Steps of installing the Slack app with a browser, by result: begun, or the name of the page that was shown.",
	}, []string{"result"})}
	o.Metrics.MustRegister(f.results)
	return f
}

// Routes adds the pages to mux.
func (f *Flow) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+InstallPath, f.begin)
	mux.HandleFunc("GET "+manifest.CallbackPath, f.end)
}

func (f *Flow) show(w http.ResponseWriter, r *http.Request, name, detail string) {
	f.results.WithLabelValues(name).Inc()
	show(w, r, name, detail)
}

// begin sends the browser to Slack, where an administrator agrees.
func (f *Flow) begin(w http.ResponseWriter, r *http.Request) {
	if len(f.Allowed) == 0 {
		f.show(w, r, "not_open", "")
		return
	}
	keys, err := f.Keys()
	if err != nil {
		f.Log.Error("no installation can begin", "err", err)
		f.show(w, r, "broken", "")
		return
	}
	browser := newBrowser()
	f.setCookie(w, browser, int(valid/time.Second))
	var scopes []string
	for _, scope := range manifest.Scopes() {
		scopes = append(scopes, scope.Name)
	}
	query := url.Values{
		"client_id": {f.App.ClientID}, "scope": {strings.Join(scopes, ",")}, "state": {newState(keys, browser, f.Now())}, "redirect_uri": {f.App.Redirect},
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	f.results.WithLabelValues("begun").Inc()
	http.Redirect(w, r, f.Slack.AuthorizeURL()+"?"+query.Encode(), http.StatusFound)
}

func (f *Flow) setCookie(w http.ResponseWriter, value string, seconds int) {
	// Lax, because Slack sends the browser back from another site.
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // it is insecure only where the address of the callback is
		Name: cookie, Value: value, Path: manifest.CallbackPath, MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(f.App.Redirect, "https:"),
	})
}

// end takes the browser that Slack sends back.
func (f *Flow) end(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), patience, errors.New("the installation took too long"))
	defer cancel()
	browser := ""
	if c, err := r.Cookie(cookie); err == nil {
		browser = c.Value
	}
	f.setCookie(w, "", -1)
	name, detail := f.finish(ctx, r.URL.Query(), browser)
	f.show(w, r, name, detail)
}

// finish answers the page to show. Nothing of the query is believed before its state is checked.
func (f *Flow) finish(ctx context.Context, query url.Values, browser string) (page, detail string) {
	keys, err := f.Keys()
	if err != nil {
		f.Log.Error("no installation can end", "err", err)
		return "broken", ""
	}
	state := query.Get("state")
	if err := checkState(keys, state, browser, f.Now()); err != nil {
		f.Log.Warn("an installation was refused", "err", err)
		if errors.Is(err, errExpired) {
			return "expired", ""
		}
		return "forged", ""
	}
	first, err := f.Installations.UseUp(ctx, state, remembered)
	switch {
	case err != nil:
		f.Log.Error("it is not known whether a state was used", "err", err)
		return "broken", ""
	case !first:
		return "used", ""
	}
	if problem := query.Get("error"); problem != "" {
		if problem == "access_denied" {
			return "cancelled", ""
		}
		return "refused", word(problem)
	}
	if query.Get("code") == "" {
		return "forged", ""
	}
	return f.install(ctx, query.Get("code"))
}

func (f *Flow) install(ctx context.Context, code string) (page, detail string) {
	grant, err := f.Slack.Exchange(ctx, f.App, code)
	if err != nil {
		f.Log.Warn("slack gave no token", "err", err)
		if said := slackapi.Code(err); said != "" && !errors.Is(err, retry.ErrUnknown) {
			return "refused", word(said)
		}
		return "broken", ""
	}
	if !f.allowed(grant) {
		f.Log.Warn("a workspace that may not install the app has tried", "workspace", grant.Team, "organisation", grant.Enterprise)
		if err := f.Revoke(ctx, grant.Access); err != nil {
			f.Log.Warn("its token was not revoked", "err", err)
		}
		return "not_allowed", either(grant.Team, grant.Enterprise)
	}
	if err := f.Installations.Install(ctx, grant); err != nil {
		f.Log.Error("an installation was not kept", "workspace", grant.Team, "organisation", grant.Enterprise, "err", err)
		return "broken", ""
	}
	f.Log.Info("the app was installed", "workspace", grant.Team, "organisation", grant.Enterprise)
	return "installed", either(grant.TeamName, grant.EnterpriseName)
}

// allowed says whether the app may be installed where it was: in the whole of an organisation only if the organisation itself is named.
func (f *Flow) allowed(grant slackapi.Grant) bool {
	return grant.Team != "" && slices.Contains(f.Allowed, grant.Team) || grant.Enterprise != "" && slices.Contains(f.Allowed, grant.Enterprise)
}

// word lets through what looks like one of Slack's error codes.
func word(code string) string {
	if len(code) > 60 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return code
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
