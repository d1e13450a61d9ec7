package dialog

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

const (
	// langWithin is how long is asked for a person's language: a modal has to be open three seconds after the press.
	langWithin = 700 * time.Millisecond
	// openWithin is how long is worked on a modal before it is opened as one that is being loaded.
	openWithin = 900 * time.Millisecond
)

// lang answers a person's language as Slack knows it; Japanese when it does not say in time.
func (d *Dialogs) lang(ctx context.Context, p Person) string {
	if lang, ok := d.langs.Get(p.Team + p.Member); ok {
		return lang
	}
	ctx, cancel := context.WithTimeout(ctx, langWithin)
	defer cancel()
	user, err := d.Slack(p.Team).User(ctx, p.Member)
	if err != nil || user == nil {
		return "ja"
	}
	lang := "en"
	if user.Locale == "" || strings.HasPrefix(user.Locale, "ja") {
		lang = "ja"
	}
	d.langs.Add(p.Team+p.Member, lang)
	return lang
}

// Tell tells a person something in private: in answer to the press where that is possible, else where they are, else in the app's own conversation with them.
func (d *Dialogs) Tell(ctx context.Context, r Request, message render.Message) {
	at := d.Slack(r.Team)
	var err error
	switch {
	case !r.ResponseURL.IsZero():
		err = at.Respond(ctx, r.ResponseURL, message, false)
	case r.Channel != "":
		err = at.Private(ctx, r.Channel, r.ThreadTS, r.Member, message)
	default:
		err = at.Direct(ctx, r.Member, message)
	}
	if err != nil {
		d.Log.WarnContext(ctx, "a person was not told", "team", r.Team, "member", r.Member, "err", err)
	}
}

func (d *Dialogs) sayNotSetUp(ctx context.Context, r Request) {
	d.Tell(ctx, r, view.Say(r.Lang, view.NotSetUp))
}

// TurnAway says that a button is not for them to somebody of whom Slack names no workspace that the app is in: in a shared channel it may name theirs. Their language is
// not known here, so it is said in both.
func (d *Dialogs) TurnAway(ctx context.Context, in inbound.Interaction) {
	if in.ResponseURL == "" {
		return
	}
	// What takes the answer needs no token: the address is the permission.
	r := Request{Person: Person{Team: in.Team, Member: in.User}, ResponseURL: secret.New(in.ResponseURL)}
	if !d.later(ctx, func(ctx context.Context) { d.Tell(ctx, r, view.SayInAll(view.Outside)) }) {
		d.Log.Warn("too many dialogs at once", "at_once", atOnce)
	}
}

func (d *Dialogs) refuseOutsider(ctx context.Context, r Request) {
	d.Tell(ctx, r, view.Say(r.Lang, view.Outside))
}

// Open opens a modal: as modal answers it when that is quick, else first as one that is being loaded. Whoever pressed too long ago is asked to press again.
func (d *Dialogs) Open(ctx context.Context, r Request, modal func(ctx context.Context) slack.ModalViewRequest) {
	made := d.making(ctx, modal)
	slow := time.NewTimer(openWithin)
	defer slow.Stop()
	select {
	case done := <-made:
		d.open(ctx, r, done)
	case <-slow.C:
		at, ok := d.open(ctx, r, view.Loading(r.Lang))
		done := <-made
		if !ok {
			return
		}
		if _, err := d.Slack(r.Team).UpdateView(ctx, at, done); err != nil && !errors.Is(err, slackapi.ErrViewChanged) {
			d.Log.WarnContext(ctx, "a modal was not filled", "team", r.Team, "callback", done.CallbackID, "err", err)
		}
	}
}

func (d *Dialogs) making(ctx context.Context, modal func(ctx context.Context) slack.ModalViewRequest) <-chan slack.ModalViewRequest {
	made := newResult[slack.ModalViewRequest]()
	d.work.Go(func() { made <- modal(ctx) })
	return made
}

func newResult[T any]() chan T { return make(chan T, 1) }

func (d *Dialogs) open(ctx context.Context, r Request, modal slack.ModalViewRequest) (slackapi.View, bool) {
	at, err := d.Slack(r.Team).OpenView(ctx, r.TriggerID, modal)
	switch {
	case errors.Is(err, slackapi.ErrTriggerExpired):
		d.Tell(ctx, r, view.Say(r.Lang, view.PressAgain))
	case err != nil:
		d.Log.WarnContext(ctx, "a modal was not opened", "team", r.Team, "callback", modal.CallbackID, "err", err)
		d.Tell(ctx, r, view.Say(r.Lang, view.TryAgain))
	}
	return at, err == nil
}
