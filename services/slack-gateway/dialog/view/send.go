package view

import (
	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/split"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// Sayings of the dialog that sends a line.
const (
	// SendWhere: the shortcut is for lines that people wrote in threads.
	SendWhere Saying = "say_send_where"
	// SendNothing: there are no words in the line.
	SendNothing Saying = "say_send_nothing"
)

const (
	// sectionLimit is Slack's for the text of a section, in UTF-16 units, with some room.
	sectionLimit = 2900
	// maxPreview is how many sections of a text are shown; no message of Slack's is longer.
	maxPreview = 20
)

// Send is the modal that shows exactly what the customer will read, to be confirmed. about is what the submission is told.
func Send(lang, text, about string) slack.ModalViewRequest {
	w := texts.In(lang)
	shown := blocks(paragraph(w.Say("send_lead")), slack.NewDividerBlock())
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
