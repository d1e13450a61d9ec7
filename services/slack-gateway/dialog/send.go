package dialog

import (
	"context"
	"encoding/json"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/plain"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
)

// registerSend adds the shortcut that sends a line to the customer.
func (d *Dialogs) registerSend() {
	d.OnShortcut(element.SendToCustomer, d.sendAsked)
	d.OnSubmit(element.SendToCustomer, d.sendConfirmed)
}

// sending is what the dialog was opened with, kept in its private metadata: the line, and in whose name it was said to go.
type sending struct {
	inbound.LineRef

	Project, Operator string
}

// sendAsked shows what the customer would read, to be confirmed.
func (d *Dialogs) sendAsked(ctx context.Context, r Request) {
	d.Open(ctx, r, func(ctx context.Context) slack.ModalViewRequest { return d.sendLine(ctx, r) })
}

func (d *Dialogs) sendLine(ctx context.Context, r Request) slack.ModalViewRequest {
	said := r.Interaction.Said
	line := inbound.LineRef{Channel: r.Channel, Thread: r.ThreadTS, TS: r.MessageTS}
	if said != nil {
		line.Edited = said.Edited
	}
	if said == nil || !said.Person || !line.Valid() {
		return view.Told(r.Lang, view.SendWhere)
	}
	talk, say := d.talkAt(ctx, r, line.Channel, line.Thread)
	if say != "" {
		return view.Told(r.Lang, say)
	}
	names, err := d.Names(ctx, r.Team, said.Content)
	if err != nil {
		d.Log.WarnContext(ctx, "the names in a line are not known", "team", r.Team, "err", err)
		return view.Told(r.Lang, view.TryAgain)
	}
	text := names.Read(said.Content).Sendable()
	if plain.Blank(text) {
		return view.Told(r.Lang, view.SendNothing)
	}
	about, err := json.Marshal(sending{LineRef: line, Project: talk.project.ID, Operator: talk.project.Operator})
	if err != nil {
		return view.Told(r.Lang, view.TryAgain)
	}
	return view.Send(r.Lang, talk.project, talk.customer, text, string(about))
}

// sendConfirmed stores that the line is to be sent; the modal closes only then. What it says now, and whether it may be sent by this person, is looked at by whoever acts on it.
func (d *Dialogs) sendConfirmed(ctx context.Context, r Request) *slack.ViewSubmissionResponse {
	var about sending
	if err := json.Unmarshal([]byte(r.View.PrivateMetadata), &about); err != nil {
		return view.Failed(r.Lang, view.TryAgain)
	}
	fact := inbound.Confirmed(r.Team, r.Member, r.Interaction.UserTeam, r.View.ID, about.LineRef, about.Operator, d.Now())
	if fact == nil {
		return view.Failed(r.Lang, view.TryAgain)
	}
	if say := d.inVain(ctx, r, about.Project, about.Operator, about.Channel); say != "" {
		return view.Failed(r.Lang, say)
	}
	if err := d.Store(ctx, fact); err != nil {
		d.Log.ErrorContext(ctx, "a submission was not stored", "fact", fact.GetId(), "err", err)
		return view.Failed(r.Lang, view.TryAgain)
	}
	return nil
}
