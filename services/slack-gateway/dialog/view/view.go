// Package view renders modals, the app's Home and what dialogs say: functions from values to values.
//
// As in package render, whatever comes from outside stands in plain_text objects, and a message's text is escaped.
package view

import (
	"embed"
	"strings"

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
)

// Say renders a saying as a message.
func Say(lang string, s Saying, pairs ...string) render.Message {
	return message(texts.In(lang).Say(string(s), pairs...))
}

// Help says what there is behind the command, and how replies reach the customer.
func Help(lang, member string) render.Message {
	return message(texts.In(lang).Say("command_help", "Member", member))
}

func message(text string) render.Message {
	return render.Message{Text: escape(text), Blocks: []slack.Block{paragraph("", text)}}
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
		Blocks: blocks(paragraph("", w.Say(string(s), pairs...))),
	}
}

// Loading is a modal that will be replaced in a moment.
func Loading(lang string) slack.ModalViewRequest { return Told(lang, "modal_loading") }

func blocks(all ...slack.Block) slack.Blocks { return slack.Blocks{BlockSet: all} }

func plain(text string) *slack.TextBlockObject {
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: text}
}

func paragraph(id, text string) *slack.SectionBlock {
	return &slack.SectionBlock{Type: slack.MBTSection, BlockID: id, Text: plain(text)}
}

// escape is for texts of messages, where Slack looks for its own signs.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escape(text string) string { return escaper.Replace(text) }
