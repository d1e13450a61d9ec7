package dialog

import (
	"context"
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/plain"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
)

// ErrOtherText is answered when a dialog was submitted before with another text, which goes out: Slack, or we, did not hear that it was taken.
var ErrOtherText = errors.New("the dialog has told another text before")

// submitSaved stores what is to be sent; the modal closes only then. What is wrong is said at the text, so that nobody has to write it again. The same modal,
// submitted twice, is one fact.
func (d *Dialogs) submitSaved(ctx context.Context, r Request) *slack.ViewSubmissionResponse {
	about, ok := savingOf(r.View)
	if !ok {
		return view.Failed(r.Lang, view.TryAgain)
	}
	text, chosen := only(filled(r, element.SavedReplyText)), about.Thread == ""
	if chosen {
		if about.Channel, about.Thread, ok = strings.Cut(only(filled(r, element.Conversation)), ":"); !ok {
			return wrong(element.Conversation, view.Text(r.Lang, view.PickConversation))
		}
	}
	say := textProblem(text)
	if say == "" {
		say = d.inVain(ctx, r, about.Project, about.Operator, about.Channel)
	}
	if say == "" && chosen {
		say = d.otherCustomer(ctx, r, about, text)
	}
	if say != "" {
		return wrong(about.block(), view.Text(r.Lang, say))
	}
	fact := inbound.Composed(inbound.Dialog{
		Team: r.Team, Channel: about.Channel, Thread: about.Thread, View: r.View.ID, Author: &eventv1.Author{Member: r.Member, Team: r.Interaction.UserTeam}, Received: d.Now(),
	}, &eventv1.MessageComposed{Text: text, SavedReply: only(filled(r, element.SavedReplyMenu)), Operator: about.Operator})
	if fact == nil {
		return wrong(about.block(), view.Text(r.Lang, view.TryAgain))
	}
	err := d.Store(ctx, fact)
	if errors.Is(err, ErrOtherText) {
		return wrong(about.block(), view.Text(r.Lang, view.OtherText))
	}
	if err != nil {
		d.Log.ErrorContext(ctx, "what was written in a dialog was not stored", "id", fact.GetId(), "err", err)
		return wrong(about.block(), view.Text(r.Lang, view.TryAgain))
	}
	if chosen {
		return view.Failed(r.Lang, view.Composed) // the thread in which the result will stand is somewhere else
	}
	return nil
}

// textProblem answers why no customer should read a text.
func textProblem(text string) view.Saying {
	switch {
	case plain.Blank(text):
		return view.SendNothing
	case strings.Contains(text, view.CustomerPlace), strings.Contains(text, view.OperatorPlace):
		return view.PlacesLeft
	}
	return ""
}

// otherCustomer answers why a text cannot go to the conversation that was chosen: it is none, or the text was made out to somebody else.
func (d *Dialogs) otherCustomer(ctx context.Context, r Request, about saving, text string) view.Saying {
	record, err := d.Thread(ctx, r.Team, about.Channel, about.Thread)
	switch {
	case err != nil:
		d.Log.WarnContext(ctx, "a thread was not looked up", "team", r.Team, "channel", about.Channel, "err", err)
		return view.TryAgain
	case record == nil, record.GetProject() != about.Project:
		return view.NotOurs
	case about.For != "" && about.Of != about.Channel+":"+about.Thread && strings.Contains(text, about.For):
		return view.OtherCustomer
	}
	return ""
}
