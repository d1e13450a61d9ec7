// Package dialog answers what people open, fill in and submit in Slack: modals, the app's Home, slash commands and what menus suggest.
//
// Whoever adds a dialog writes a file with a method register… that names its buttons, modals and command words, and calls it in [New]. Nothing that
// must not be lost is done here: what a dialog submits for a customer becomes a fact before it is answered.
package dialog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/plain"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/routerapi"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

const (
	// answerWithin leaves something of the three seconds that Slack waits for an answer.
	answerWithin = 2500 * time.Millisecond
	// workWithin bounds what goes on after a press was acknowledged.
	workWithin = 10 * time.Second
	// atOnce is how many people are worked for at the same time.
	atOnce = 64
	// rememberFor is how long a person's language is remembered.
	rememberFor = 10 * time.Minute
)

// Views are the modals and Homes of a workspace.
type Views interface {
	OpenView(ctx context.Context, trigger string, view slack.ModalViewRequest) (slackapi.View, error)
	UpdateView(ctx context.Context, at slackapi.View, view slack.ModalViewRequest) (slackapi.View, error)
	PublishHome(ctx context.Context, member, hash string, view slack.HomeTabViewRequest) (slackapi.View, error)
}

// Voice tells one member something in private.
type Voice interface {
	Respond(ctx context.Context, responseURL secret.String, message render.Message, replace bool) error
	Private(ctx context.Context, channel, thread, member string, message render.Message) error
	Direct(ctx context.Context, member string, message render.Message) error
}

// Places knows the people and channels of a workspace.
type Places interface {
	User(ctx context.Context, id string) (*slack.User, error)
	Place(ctx context.Context, channel string) (*slackapi.Place, error)
}

// Slack is what a workspace is asked and told.
type Slack interface {
	Views
	Voice
	Places
}

// Options of Dialogs.
type Options struct {
	// Router is asked on behalf of whoever is in front of a dialog; without it dialogs say that they are not set up.
	Router *routerapi.Client
	// Slack answers how to speak to a workspace.
	Slack func(team string) Slack
	// Store stores a fact before what told it is answered. It answers ErrOtherText where the same dialog has told another text before.
	Store func(ctx context.Context, fact *eventv1.SlackFact) error
	// Thread answers what is known of a thread of ours, nil when it is none.
	Thread func(ctx context.Context, team, channel, thread string) (*eventv1.ThreadRecord, error)
	// Names answers what a customer may read of what content mentions.
	Names func(ctx context.Context, team string, content *eventv1.Content) (plain.Names, error)
	// Latest answers by which id Slack knows a channel now; nil where ids do not change.
	Latest  func(team, channel string) string
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Dialogs is the registry of all dialogs, and what they are made with.
type Dialogs struct {
	Options
	handlers
	used  *prometheus.CounterVec
	langs *expirable.LRU[string, string]
	// places has one for each person who is worked for after the answer, and work counts them.
	places chan struct{}
	work   sync.WaitGroup
}

// New makes the dialogs.
func New(o Options) *Dialogs {
	d := &Dialogs{
		Options: o, handlers: newHandlers(), places: make(chan struct{}, atOnce), langs: expirable.NewLRU[string, string](10_000, nil, rememberFor),
		used: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_slack_dialogs_total", Help: "Presses, submissions, commands and views of the Home by what became of them.",
		}, []string{"kind", "result"}),
	}
	o.Metrics.MustRegister(d.used)
	d.registerSend()
	d.registerSaved()
	d.registerHome()
	d.registerPersonal()
	d.registerTeam()
	d.registerAssign()
	d.registerCommands()
	return d
}

// Wait returns when ctx has ended and everybody has been worked for. Requests have to stop before ctx ends.
func (d *Dialogs) Wait(ctx context.Context) error {
	<-ctx.Done()
	d.work.Wait()
	return nil
}

// later works for a person after they were answered; false when too much is being done already.
func (d *Dialogs) later(ctx context.Context, do func(ctx context.Context)) bool {
	select {
	case d.places <- struct{}{}:
	default:
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workWithin)
	d.work.Go(func() {
		defer func() { cancel(); <-d.places }()
		do(ctx)
	})
	return true
}
