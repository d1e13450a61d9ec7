package render

import (
	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/split"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// givingBack adds what its reader wrote in a dialog, and what they can do with it. It stands in a code block of its own, which is easy to copy whole, on a phone as well.
func (m Message) givingBack(n *eventv1.Notice, lang string) Message {
	lead := wordsIn(lang).say(giveBackKey(n))
	m.Text += "\n" + escape(lead)
	if room := maxThreadText - size(m.Text) - len("\n…"); room > 0 {
		m.Text += "\n" + excerptOf(n.GetText(), room)
	}
	m.Blocks = append(m.Blocks, &slack.SectionBlock{Type: slack.MBTSection, Text: plainText(lead), Expand: true}, given(n.GetText()))
	return m
}

// Keeping adds a text that was given back by the notice in whose place m stands: it may be nowhere else.
func (m Message) Keeping(text, lang string) Message {
	if text == "" {
		return m
	}
	m.Blocks = append(m.Blocks, &slack.SectionBlock{Type: slack.MBTSection, Text: plainText(wordsIn(lang).say("give_back_kept"))}, given(text))
	return m
}

// given shows a text as it is.
func given(text string) slack.Block {
	return &slack.RichTextBlock{Type: slack.MBTRichText, Elements: []slack.RichTextElement{
		&slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{styled(text, nil)}},
	}}
}

// excerptOf is as much of a text as there is room for, for what shows no blocks; these have it whole.
func excerptOf(text string, room int) string {
	parts := split.Text(text, room, size)
	if len(parts) == 0 {
		return ""
	}
	if len(parts) > 1 {
		return escape(parts[0]) + "…"
	}
	return escape(parts[0])
}

// giveBackKey chooses the words for what to do next.
func giveBackKey(n *eventv1.Notice) string {
	switch n.GetKind() {
	case eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED, eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED:
		return "give_back_linked"
	case eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED:
		return "give_back_colleague"
	case eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOTE_ONLY, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOWHERE:
		return "give_back_console"
	case eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED, eventv1.NoticeKind_NOTICE_KIND_OUTCOME_UNKNOWN:
		if n.GetCommandId() != "" {
			return "give_back_retry"
		}
		return "give_back_rewrite"
	default:
		return "give_back"
	}
}
