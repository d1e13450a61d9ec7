package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog"
	"github.com/slacktalk/slacktalk/services/slack-gateway/examine"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/installation"
	"github.com/slacktalk/slacktalk/services/slack-gateway/manifest"
	"github.com/slacktalk/slacktalk/services/slack-gateway/oauth"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// Installing is what installing the app by OAuth needs. Without a client id there is only the token of the settings.
type Installing struct {
	// ClientID and ClientSecret are those of the app.
	ClientID     string        `env:"SLACK_CLIENT_ID"`
	ClientSecret secret.String `env:"SLACK_CLIENT_SECRET"`
	// RedirectURL is where Slack sends whoever installs the app back to: https://…/slack/oauth/callback.
	RedirectURL string `env:"SLACK_REDIRECT_URL"`
	// TokenKey encrypts the tokens of installations: 32 bytes in base64.
	TokenKey secret.String `env:"SLACK_TOKEN_KEY"`
	// TokenKeyBefore is the former one while it is being changed.
	TokenKeyBefore secret.String `env:"SLACK_TOKEN_KEY_BEFORE"`
	// Allowed are the workspaces (T…) and organisations (E…) that may install the app. Nobody may when it is empty.
	Allowed []string `env:"SLACK_ALLOWED_WORKSPACES"`
	// Every is how often installations are looked after, for tests.
	Every time.Duration `env:"-"`
}

var workspaceShape = regexp.MustCompile(`^[TE][A-Z0-9]{2,23}$`)

func (i *Installing) keys() installation.Keys {
	return installation.Keys{Current: i.TokenKey, Former: i.TokenKeyBefore}
}

// Validate reports settings that cannot be.
func (i *Installing) Validate() error {
	if i.ClientID == "" {
		if i.ClientSecret.Given() || i.RedirectURL != "" || i.TokenKey.Given() || len(i.Allowed) > 0 {
			return errors.New("SLACK_CLIENT_ID is missing beside the other settings for installing the app")
		}
		return nil
	}
	problems := []error{i.keys().Validate()}
	if !i.ClientSecret.Given() || !i.TokenKey.Given() {
		problems = append(problems, errors.New("with SLACK_CLIENT_ID there must be SLACK_CLIENT_SECRET and SLACK_TOKEN_KEY"))
	}
	if u, err := url.Parse(i.RedirectURL); err != nil || u.Host == "" || !strings.HasSuffix(u.Path, manifest.CallbackPath) {
		problems = append(problems, fmt.Errorf("SLACK_REDIRECT_URL must be the address that ends in %s", manifest.CallbackPath))
	}
	for n, id := range i.Allowed {
		if i.Allowed[n] = strings.TrimSpace(id); !workspaceShape.MatchString(i.Allowed[n]) {
			problems = append(problems, fmt.Errorf("SLACK_ALLOWED_WORKSPACES: %q is neither the id of a workspace nor of an organisation", id))
		}
	}
	return errors.Join(problems...)
}

// install makes what installing by OAuth needs, where it is set up.
func (a *App) install(s Settings) {
	if s.Installing.ClientID == "" {
		return
	}
	app := slackapi.AppCredentials{ClientID: s.Installing.ClientID, ClientSecret: s.Installing.ClientSecret, Redirect: s.Installing.RedirectURL}
	a.store = installation.NewStore(installation.Options{
		Bus: a.bus, Registry: a.workspaces, Client: a.nobody, App: app, Keys: s.Installing.keys(), Every: s.Installing.Every, Now: s.Now, Log: a.log, Metrics: a.registry,
	})
	a.oauth = oauth.New(oauth.Options{
		Slack: a.nobody, Installations: a.store, App: app, Allowed: s.Installing.Allowed, Now: s.Now, Log: a.log, Metrics: a.registry,
		Keys:   func() ([][]byte, error) { return s.Installing.keys().Derived("slacktalk oauth state") },
		Revoke: func(ctx context.Context, token secret.String) error { return a.nobody.As(token, "").Revoke(ctx) },
	})
}

func (a *App) handler() http.Handler {
	if a.oauth == nil {
		return a.edge.Handler()
	}
	mux := http.NewServeMux()
	mux.Handle("/", a.edge.Handler())
	a.oauth.Routes(mux)
	return mux
}

// know finds out where the app is installed, and goes on doing so beside what is answered; false when ctx ended first.
func (a *App) know(ctx context.Context) (tasks []daemon.Task, ok bool) {
	learn := func(ctx context.Context) bool {
		learned := a.workspaces.Learn(ctx, a.slack, a.log)
		a.learned.Store(learned)
		return learned
	}
	if a.store == nil {
		return nil, learn(ctx)
	}
	tasks = []daemon.Task{
		a.store.Serve, func(ctx context.Context) error { return a.store.Keep(ctx, a.tellEnded) },
	}
	if a.static {
		// A token of the settings that Slack refuses keeps nobody else waiting.
		tasks = append(tasks, func(ctx context.Context) error { learn(ctx); return nil })
	}
	return tasks, true
}

// settling is how long lanes wait for Slack to say whose the token of the settings is, where others are installed by OAuth.
const settling = 10 * time.Second

// settled returns when it is known where the app is installed, so that no lane parks for not knowing; false when ctx ended first.
func (a *App) settled(ctx context.Context) bool {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); ; {
		if a.unknown(ctx) == nil && (!a.static || a.learned.Load() || time.Since(begun) > settling) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-look.C:
		}
	}
}

// unknown answers why it is not known yet where the app is installed; nil when it is.
func (a *App) unknown(context.Context) error {
	switch {
	case a.store != nil && !a.store.Loaded():
		return errors.New("the installations have not been read yet")
	case a.store == nil && !a.learned.Load():
		return errors.New("auth.test has not answered yet")
	case !a.channels.Loaded():
		return errors.New("it has not been read yet which channels have other ids now")
	}
	return nil
}

// whom answers who the app is in the workspace that something is for.
func (a *App) whom(ctx context.Context, origin inbound.Origin) (inbound.Self, error) {
	if err := a.unknown(ctx); err != nil {
		return inbound.Self{}, err
	}
	if a.store != nil {
		return a.store.Resolve(ctx, origin)
	}
	return a.workspaces.Resolve(origin)
}

// acting answers what dialogs do in a workspace: whoever is in front of one is in a workspace that is known, or was a moment ago.
func (a *App) acting(team string) dialog.Slack {
	if client, err := a.workspaces.Client(team); err == nil {
		return client
	}
	return a.nobody
}

// examined answers the client of a workspace, else the one of the settings: it says that it belongs to another workspace, or why Slack refuses it.
func (a *App) examined(team string) (examine.Slack, error) {
	client, err := a.workspaces.Client(team)
	switch {
	case err == nil:
		return client, nil
	case a.static && (a.store == nil || a.learned.Load()):
		return a.slack, nil
	case a.store != nil:
		return nil, a.store.Problem(team)
	}
	return nil, err
}

// granted is called when Slack says that an organisation's installation was added to workspaces or taken from some.
func (a *App) granted(ctx context.Context, enterprise string) error {
	if a.store == nil {
		return nil
	}
	return a.store.Spread(ctx, enterprise)
}

// ended is called when Slack says that the app was removed from a workspace or its token revoked. It may say so late, and twice.
func (a *App) ended(ctx context.Context, team, why string) error {
	if a.store != nil {
		ended, err := a.store.End(ctx, team, why)
		if err != nil || !ended {
			return err
		}
		return a.tellEnded(ctx, team, why)
	}
	if _, err := a.slack.Self(ctx); slackapi.Ended(err) == "" {
		return nil
	}
	return a.tellEnded(ctx, team, why)
}

// tellEnded tells the router, at most once an hour.
func (a *App) tellEnded(ctx context.Context, team, why string) error {
	now := time.Now()
	id := "ended-" + team + "-" + now.UTC().Format("2006-01-02T15")
	_, err := a.bus.Once(ctx, bus.Slack, bus.SlackSubject(a.bus.Partitions(), team, "-", "", "installation-ended", id), &eventv1.SlackFact{
		Id: id, Team: team, OccurredAt: timestamppb.New(now), ReceivedAt: timestamppb.New(now),
		Fact: &eventv1.SlackFact_InstallationEnded{InstallationEnded: &eventv1.InstallationEnded{Event: why}},
	})
	return err
}

// listen keeps the connections in Socket Mode, where there are to be any.
func (a *App) listen(ctx context.Context) error {
	if a.sockets == nil {
		return nil
	}
	return a.sockets.Serve(ctx)
}

// connected answers why nothing arrives in Socket Mode; nil where something may.
func (a *App) connected(context.Context) error {
	if a.sockets != nil && a.sockets.Open() == 0 {
		return errors.New("there is no connection to Slack in Socket Mode")
	}
	return nil
}
