package view

import (
	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/split"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// Sayings of the dialog that sends a line.
const (
	// SendWhere: the shortcut is for lines that people wrote in threads.
	SendWhere Saying = "say_send_where"
	// SendNothing: there are no words in the line.
	SendNothing Saying = "say_send_nothing"
	// NotOurs: the thread is of no customer.
	NotOurs Saying = "say_not_ours"
	// RepliesOff and NoteOnly: the settings say that nothing is sent.
	RepliesOff Saying = "say_replies_off"
	NoteOnly   Saying = "say_note_only"
	// OperatorChanged: they are linked to another operator by now than the dialog says.
	OperatorChanged Saying = "say_operator_changed"
	// ThreadArchived and ThreadLeft: nothing can be shown in the channel.
	ThreadArchived Saying = "say_thread_archived"
	ThreadLeft     Saying = "say_thread_left"
)

const (
	// sectionLimit is Slack's for the text of a section, in UTF-16 units, with some room.
	sectionLimit = 2900
	// maxPreview is how many sections of a text are shown; no message of Slack's is longer.
	maxPreview = 20
)

// Send is the modal that shows exactly what the customer will read, and in whose name it is sent, to be confirmed. about is what the submission is told.
func Send(lang string, p Project, customer *eventv1.Customer, text, about string) slack.ModalViewRequest {
	w := texts.In(lang)
	shown := blocks(paragraph(w.Say("send_lead", "Customer", Customer(lang, customer), "Operator", named(p.OperatorName, p.Operator))), slack.NewDividerBlock())
	for i, part := range split.Text(text, sectionLimit, nil) {
		if i == maxPreview {
			break
		}
		shown.BlockSet = append(shown.BlockSet, exact(part))
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: element.SendToCustomer, PrivateMetadata: about, Title: plain(w.Say("send_title")),
		Submit: plain(w.Say("send_submit")), Close: plain(w.Say("modal_cancel")), Blocks: shown,
	}
}

// exact shows a text as a code block, in which nothing is drawn as anything else.
func exact(text string) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(text, nil)},
	})
}
