package render

import (
	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// Private renders a private notice about a line of a thread, with the buttons that its kind offers. They name the line, and the edit or the command that they
// are about.
func Private(n *eventv1.Notice, lang string) Message { return private(n, "", lang) }

// Elsewhere renders the same for the app's own conversation with somebody: it says where it is about, and so do its buttons. channel is
// by which id Slack knows the channel now.
func Elsewhere(n *eventv1.Notice, channel, lang string) Message {
	m := private(n, n.GetTarget().GetChannel(), lang)
	if address := threadURL(n.GetTarget().GetTeam(), channel, n.GetTarget().GetThreadTs()); address != "" {
		name := wordsIn(lang).say("notice_open")
		m.Text += "\n" + escape(name+": "+address)
		m.Blocks = append(m.Blocks, richText(link(address, name)))
	}
	return m
}

func private(n *eventv1.Notice, channel, lang string) Message {
	m := said(keyOf(n), n.GetDetail(), lang)
	if n.GetText() != "" {
		m = m.givingBack(n, lang)
	}
	var elements []slack.BlockElement
	for _, b := range offered(n) {
		if n.GetTarget().GetTs() == "" && b.action != element.Retry {
			continue // it would be about no line
		}
		line := element.Line{Thread: n.GetTarget().GetThreadTs(), TS: n.GetTarget().GetTs(), Edited: n.GetEditedTs(), Channel: channel}
		if b.action == element.Retry {
			line.Edited, line.Command = "", n.GetCommandId()
		}
		elements = append(elements, &slack.ButtonBlockElement{
			Type: slack.METButton, ActionID: b.action, Value: line.Value(), Style: b.style, Text: plainText(wordsIn(lang).say(b.label)),
		})
	}
	if len(elements) > 0 {
		m.Blocks = append(m.Blocks, &slack.ActionBlock{Type: slack.MBTAction, Elements: &slack.BlockElements{ElementSet: elements}})
	}
	return m
}

// keyOf chooses the words of a notice: where no command can be tried again, they must not speak of the button.
func keyOf(n *eventv1.Notice) string {
	switch {
	case n.GetCommandId() == "" && n.GetKind() == eventv1.NoticeKind_NOTICE_KIND_FAILED:
		return "notice_failed_for_good"
	case n.GetCommandId() == "" && n.GetKind() == eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED:
		return "notice_composed_failed_for_good"
	}
	return noticeKey(n.GetKind())
}

// button is one choice below a notice.
type button struct {
	action, label string
	style         slack.Style
}

var (
	sendBlock = button{element.SendBlock, "button_send_block", slack.StylePrimary}
	sendAll   = button{element.SendAll, "button_send_all", slack.StyleDefault}
	keepNote  = button{element.KeepNote, "button_keep_note", slack.StyleDefault}
)

// offered answers the choices below a notice.
func offered(n *eventv1.Notice) []button {
	switch n.GetKind() {
	case eventv1.NoticeKind_NOTICE_KIND_MIXED:
		return []button{sendBlock, sendAll, keepNote}
	case eventv1.NoticeKind_NOTICE_KIND_SEVERAL_BLOCKS, eventv1.NoticeKind_NOTICE_KIND_UNCLOSED_BLOCK:
		return []button{sendAll, keepNote}
	case eventv1.NoticeKind_NOTICE_KIND_EDIT_WOULD_SEND:
		return []button{{element.SendAll, "button_send", slack.StylePrimary}, keepNote}
	case eventv1.NoticeKind_NOTICE_KIND_EDIT_NOT_SENT:
		if n.GetEditedTs() != "" {
			return []button{{element.SendFollowUp, "button_send_follow_up", slack.StyleDefault}}
		}
	case eventv1.NoticeKind_NOTICE_KIND_NOTE_EDITED:
		if n.GetEditedTs() != "" {
			return []button{{element.NoteFollowUp, "button_note_follow_up", slack.StyleDefault}}
		}
	case eventv1.NoticeKind_NOTICE_KIND_FAILED, eventv1.NoticeKind_NOTICE_KIND_OUTCOME_UNKNOWN, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED:
		if n.GetCommandId() != "" {
			return []button{{element.Retry, "button_retry", slack.StyleDefault}}
		}
	default:
	}
	return nil
}

// Chosen renders what stands in place of a notice whose button was pressed; ok is false for actions that belong to no notice.
func Chosen(pressed *eventv1.ActionPressed, lang string) (m Message, ok bool) {
	key := ""
	switch pressed.GetAction() {
	case eventv1.Action_ACTION_SEND_BLOCK:
		key = "chosen_send_block"
	case eventv1.Action_ACTION_SEND_ALL:
		key = "chosen_send_all"
	case eventv1.Action_ACTION_KEEP_NOTE:
		key = "chosen_keep_note"
	case eventv1.Action_ACTION_SEND_FOLLOW_UP:
		key = "chosen_send_follow_up"
	case eventv1.Action_ACTION_NOTE_FOLLOW_UP:
		key = "chosen_note_follow_up"
	case eventv1.Action_ACTION_RETRY:
		if key = "chosen_retry"; pressed.GetTs() == "" {
			key = "chosen_retry_composed" // there is no line to mark
		}
	default:
		return Message{}, false
	}
	s := wordsIn(lang).say(key)
	return Message{Text: escape(s), Blocks: []slack.Block{&slack.SectionBlock{Type: slack.MBTSection, Text: plainText(s), Expand: true}}}, true
}
