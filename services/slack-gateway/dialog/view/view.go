// Package view renders modals, the app's Home and what dialogs say: functions from values to values.
//
// As in package render, whatever comes from outside stands in plain_text objects, and a message's text is escaped.
package view

import (
	"embed"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/wording"
)

//go:embed locales/*.json
var locales embed.FS

var texts = wording.Load(locales)

// Saying is a text that dialogs say to people.
type Saying string

// The sayings.
const (
	// NotSetUp: there is no address of the router.
	NotSetUp Saying = "say_not_set_up"
	// Outside: a guest, or somebody of another workspace.
	Outside Saying = "say_outside"
	// PressAgain: the press was too long ago.
	PressAgain Saying = "say_press_again"
	// TryAgain: something does not answer.
	TryAgain Saying = "say_try_again"
	// NotAllowed: this is not for them.
	NotAllowed Saying = "say_not_allowed"
	// AdminsOnly: the settings list who may.
	AdminsOnly Saying = "say_admins_only"
	// NoLinking: admins have switched it off that members link themselves.
	NoLinking Saying = "say_no_linking"
	// NoProject: no project posts to the workspace.
	NoProject Saying = "say_no_project"
	// NotLinked: they are linked to no operator.
	NotLinked Saying = "say_not_linked"
	// KARTESilent: the operators cannot be listed.
	KARTESilent Saying = "say_karte_silent"
	// OperatorTaken, MemberTaken and NoOperator: why a link was not made. They take Operator.
	OperatorTaken Saying = "say_operator_taken"
	MemberTaken   Saying = "say_member_taken"
	NoOperator    Saying = "say_no_operator"
	// Linked and Unlinked: it is done.
	Linked   Saying = "say_linked"
	Unlinked Saying = "say_unlinked"
	// TestMessage and TestSent are about the message that shows that a link works. They take Operator and Project.
	TestMessage Saying = "say_test_message"
	TestSent    Saying = "say_test_sent"
	// Changed: somebody else was faster.
	Changed Saying = "say_changed"
	// Saved: the settings are; Invite: the app is not in the channel yet.
	Saved  Saying = "say_saved"
	Invite Saying = "say_invite"
	// Unclear: nobody knows whether it was done.
	Unclear Saying = "say_unclear"
	// NoConversations: there is nothing to assign.
	NoConversations Saying = "say_no_conversations"
	// Assigned: it was asked for.
	Assigned Saying = "say_assigned"
	// The problems of fields.
	PickOperator     Saying = "field_pick_operator"
	PickConversation Saying = "field_pick_conversation"
	NeedChannel      Saying = "field_need_channel"
	ChannelArchived  Saying = "field_channel_archived"
	ChannelUnseen    Saying = "field_channel_unseen"
	NeedTargets      Saying = "field_need_targets"
	NeedAdmin        Saying = "field_need_admin"
	NoFullMember     Saying = "field_no_full_member"
	NotMinutes       Saying = "field_not_minutes"
	EscalateLater    Saying = "field_escalate_later"
	NotPossible      Saying = "field_not_possible"
)

// Text is a saying alone, for the error of a field.
func Text(lang string, s Saying, pairs ...string) string {
	return texts.In(lang).Say(string(s), pairs...)
}

// Sayings lists them all.
func Sayings() []Saying {
	return []Saying{
		NotSetUp, Outside, PressAgain, TryAgain, NotAllowed, AdminsOnly, NoLinking, NoProject, NotLinked,
		KARTESilent, OperatorTaken, MemberTaken, NoOperator, Linked, Unlinked, TestMessage, TestSent, Changed,
		Saved, Invite, Unclear, NoConversations, Assigned, PickOperator, PickConversation, NeedChannel, ChannelArchived,
		ChannelUnseen, NeedTargets, NeedAdmin, NoFullMember, NotMinutes, EscalateLater, NotPossible, SendWhere, SendNothing, NotOurs, RepliesOff, NoteOnly, OperatorChanged,
		ThreadArchived, ThreadLeft, NoOpenConversations, PlacesLeft, OtherCustomer, OtherText, Composed,
	}
}

// Say renders a saying as a message.
func Say(lang string, s Saying, pairs ...string) render.Message {
	return message(texts.In(lang).Say(string(s), pairs...))
}

// SayInAll renders a saying in every language there is, for somebody whose language is not known.
func SayInAll(s Saying) render.Message {
	return message(Text("ja", s) + "\n" + Text("en", s))
}

// Help says what there is behind the command, and how replies reach the customer.
func Help(lang, member string) render.Message {
	return message(texts.In(lang).Say("command_help", "Member", member))
}

func message(text string) render.Message {
	return render.Message{Text: escape(text), Blocks: []slack.Block{paragraph(text)}}
}

// Failed is the answer to a submission that could not be carried out: the modal says why.
func Failed(lang string, s Saying, pairs ...string) *slack.ViewSubmissionResponse {
	modal := Told(lang, s, pairs...)
	return slack.NewUpdateViewSubmissionResponse(&modal)
}

// Told is a modal that only says something.
func Told(lang string, s Saying, pairs ...string) slack.ModalViewRequest {
	w := texts.In(lang)
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(w.Say("modal_title")), Close: plain(w.Say("modal_close")),
		Blocks: blocks(paragraph(w.Say(string(s), pairs...))),
	}
}

// Loading is a modal that will be replaced in a moment.
func Loading(lang string) slack.ModalViewRequest { return Told(lang, "modal_loading") }
