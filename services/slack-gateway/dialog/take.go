package dialog

import (
	"context"
	"strings"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Interaction takes what somebody pressed, submitted or typed into a menu, and answers the body for Slack, nil for none. self is the app in the workspace.
func (d *Dialogs) Interaction(ctx context.Context, self inbound.Self, in inbound.Interaction) (result string, body any) {
	r := requestOf(self, in)
	kind := in.Type
	defer func() { d.used.WithLabelValues(kindName(kind), result).Inc() }()
	switch kind {
	case "view_submission":
		return d.submit(ctx, self, r, in)
	case "block_suggestion":
		return d.suggest(ctx, self, r, in)
	}
	do := d.workFor(in)
	if do == nil {
		return "ignored", nil
	}
	if outside(self, in) {
		do = d.refuseOutsider
	}
	return d.start(ctx, r, do), nil
}

func requestOf(self inbound.Self, in inbound.Interaction) Request {
	r := Request{
		Person: Person{Team: self.Team, Member: in.User}, Channel: in.Channel, MessageTS: in.MessageTS, ThreadTS: in.ThreadTS, TriggerID: in.TriggerID,
		ResponseURL: secret.New(in.ResponseURL), View: in.View, Text: in.Query, Interaction: in,
	}
	if len(in.Actions) > 0 {
		r.Action = in.Actions[0]
	}
	return r
}

// kindName keeps the label of the metric a closed list.
func kindName(kind string) string {
	switch kind {
	case "block_actions", "message_action", "shortcut", "view_submission", "view_closed", "block_suggestion", "command", "home":
		return kind
	}
	return "other"
}

// outside tells whether somebody of another workspace did it. That the router does not allow them anything is sure; here they are told why.
func outside(self inbound.Self, in inbound.Interaction) bool {
	return self.Team == "" || in.Team != "" && in.Team != self.Team || in.UserTeam != "" && in.UserTeam != self.Team
}

func (d *Dialogs) workFor(in inbound.Interaction) Work {
	switch in.Type {
	case "block_actions":
		for _, action := range in.Actions {
			if do := d.presses[action.ID]; do != nil {
				return do
			}
		}
	case "message_action", "shortcut":
		return d.shortcuts[in.CallbackID]
	case "view_closed":
		if in.View != nil {
			return d.closes[in.View.CallbackID]
		}
	}
	return nil
}

// start does the work after the answer, in the person's language.
func (d *Dialogs) start(ctx context.Context, r Request, do Work) (result string) {
	if d.Router == nil {
		do = d.sayNotSetUp
	}
	if !d.later(ctx, func(ctx context.Context) { r.Lang = d.lang(ctx, r.Person); do(ctx, r) }) {
		d.Log.Warn("too many dialogs at once", "at_once", atOnce)
		return "busy"
	}
	return "dialog"
}

func (d *Dialogs) submit(ctx context.Context, self inbound.Self, r Request, in inbound.Interaction) (result string, body any) {
	if in.View == nil || d.submits[in.View.CallbackID] == nil {
		return "ignored", nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	r.Lang = d.lang(ctx, r.Person)
	switch {
	case outside(self, in):
		return "refused", view.Failed(r.Lang, view.Outside)
	case d.Router == nil:
		return "not_set_up", view.Failed(r.Lang, view.NotSetUp)
	}
	if answer := d.submits[in.View.CallbackID](ctx, r); answer != nil {
		return "dialog", answer
	}
	return "dialog", nil
}

func (d *Dialogs) suggest(ctx context.Context, self inbound.Self, r Request, in inbound.Interaction) (result string, body any) {
	empty := map[string]any{"options": []any{}}
	do := d.suggests[r.Action.ID]
	if do == nil || d.Router == nil || outside(self, in) {
		return "ignored", empty
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	r.Lang = d.lang(ctx, r.Person)
	if options := do(ctx, r); len(options) > 0 {
		return "dialog", map[string]any{"options": options}
	}
	return "dialog", empty
}

// Command takes a slash command and answers the body for Slack, nil for none.
func (d *Dialogs) Command(ctx context.Context, self inbound.Self, c inbound.Command) (result string, body any) {
	defer func() { d.used.WithLabelValues("command", result).Inc() }()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	word, text, _ := strings.Cut(strings.TrimSpace(c.Text), " ")
	r := Request{
		Person: Person{Team: self.Team, Member: c.User}, Channel: c.Channel, TriggerID: c.TriggerID, ResponseURL: secret.New(c.ResponseURL), Text: strings.TrimSpace(text),
	}
	r.Lang = d.lang(ctx, r.Person)
	if c.Team != self.Team {
		return "refused", said(view.Say(r.Lang, view.Outside))
	}
	do := d.commands[strings.ToLower(word)]
	switch {
	case do == nil:
		return "help", said(view.Help(r.Lang, r.Member))
	case d.Router == nil:
		return "not_set_up", said(view.Say(r.Lang, view.NotSetUp))
	}
	if answer := do(ctx, r); answer.Text != "" {
		return "dialog", said(answer)
	}
	return "dialog", nil
}

// said is the body of an answer that only whoever typed the command sees.
func said(message render.Message) any {
	body := map[string]any{"response_type": "ephemeral", "text": message.Text}
	if len(message.Blocks) > 0 {
		body["blocks"] = message.Blocks
	}
	return body
}

// HomeOpened takes that somebody has opened the app's Home.
func (d *Dialogs) HomeOpened(ctx context.Context, self inbound.Self, member string) {
	result := "ignored"
	if d.home != nil {
		result = "dialog"
		if !d.later(ctx, func(ctx context.Context) {
			r := Request{Person: Person{Team: self.Team, Member: member}}
			r.Lang = d.lang(ctx, r.Person)
			d.home(ctx, r)
		}) {
			result = "busy"
		}
	}
	d.used.WithLabelValues("home", result).Inc()
}
