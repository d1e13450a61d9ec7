package dialog

import (
	"context"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Stored says, in place of the private notice whose button was pressed, what was chosen: its buttons are gone and cannot be pressed again. It is no promise: where
// it cannot be said, the notice stays, and another press of it does nothing more. A text that the notice gave back stays.
func (d *Dialogs) Stored(ctx context.Context, self inbound.Self, in inbound.Interaction, fact *eventv1.SlackFact) {
	pressed := fact.GetActionPressed()
	if _, notice := render.Chosen(pressed, ""); !notice || in.ResponseURL == "" || outside(self, in) {
		return
	}
	r := requestOf(self, in)
	started := d.later(ctx, func(ctx context.Context) {
		lang := d.lang(ctx, r.Person)
		message, _ := render.Chosen(pressed, lang)
		if err := d.Slack(r.Team).Respond(ctx, r.ResponseURL, message.Keeping(in.Given, lang), true); err != nil {
			d.Log.Info("a notice was not replaced", "team", r.Team, "member", r.Member, "err", err)
		}
	})
	if !started {
		d.Log.Warn("too many dialogs at once", "at_once", atOnce)
	}
}
