package render

import (
	"strings"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// A line is one post as it stands in a thread.
type line struct {
	// head says when and who, or everything when there is no body; made of our words and labels.
	head string
	// body is what was written, whole.
	body string
	// marker stands in our words after a body that is only an excerpt.
	marker   string
	mentions []string
	// quotes are what was said before, in place of a body.
	quotes []quote
	// image is the address of an image that Slack is to show below; its address stands in the body as well.
	image string
	// sender is under whose name and picture the line stands; nil when under the app's.
	sender *Sender
}

// A quote is a message in a line: when and who, in our words and labels, and what was written.
type quote struct{ head, body string }

// line renders p. A body that is not known here is said to be there, so that nobody believes to have seen everything.
func (o Options) line(p *eventv1.ThreadPost) line {
	w := wordsIn(o.Lang)
	l := line{mentions: mentionTokens(p.GetMentions())}
	switch b := p.GetBody().(type) {
	case *eventv1.ThreadPost_CustomerMessage:
		l.head = w.say("line_customer")
		l.body = w.message(buttonPress(w, b.CustomerMessage.GetText()), b.CustomerMessage.GetImageUrl())
		l.image = o.shown(b.CustomerMessage.GetImageUrl())
	case *eventv1.ThreadPost_OperatorMessage:
		l.head = w.sender(b.OperatorMessage.GetOperator())
		l.body = w.message(cardText(w, b.OperatorMessage.GetText()), b.OperatorMessage.GetImageUrl())
		l.image = o.shown(b.OperatorMessage.GetImageUrl())
		if p.GetUnderOwnName() {
			l.sender = senderOf(b.OperatorMessage.GetOperator())
		}
	case *eventv1.ThreadPost_Assigned:
		l.head = w.assignee(b.Assigned.GetOperator())
	case *eventv1.ThreadPost_Moved:
		l.head = w.say("line_moved")
	case *eventv1.ThreadPost_Reminder:
		l.head = o.reminder(w, p)
	case *eventv1.ThreadPost_StatusSet:
		l.head = w.statusSet(b.StatusSet)
	case *eventv1.ThreadPost_SentReply:
		l.head = w.sentReply(b.SentReply.GetOperator())
		l.body = b.SentReply.GetText()
	case *eventv1.ThreadPost_Merged:
		l.head = w.say("line_merged")
	case *eventv1.ThreadPost_History:
		return o.history(w, b.History)
	default:
		l.head = w.say("line_unknown")
	}
	l.head = o.clock(p) + l.head
	return l
}

// clock returns the time of day with a space after it, or nothing when the time is not known.
func (o Options) clock(p *eventv1.ThreadPost) string {
	if !p.GetOccurredAt().IsValid() {
		return ""
	}
	return p.GetOccurredAt().AsTime().In(o.location()).Format("15:04 ")
}

// message is the body of a message: its text as it came, and its image.
func (w words) message(text, image string) string {
	switch {
	case image == "" && text == "":
		return w.say("line_empty")
	case image == "":
		return text
	case text == "":
		return w.image(image)
	}
	return text + "\n" + w.image(image)
}

func (w words) image(address string) string {
	if address, ok := webAddress(address); ok {
		return w.say("line_image_at", "URL", address)
	}
	return w.say("line_image")
}

// sender names who wrote from KARTE's side.
func (w words) sender(op *eventv1.Operator) string {
	name := label(op.GetName(), maxName)
	switch {
	case op.GetBot() && name == "":
		return w.say("sender_bot_unnamed")
	case op.GetBot():
		return w.say("sender_bot", "Name", name)
	case name == "":
		return w.say("sender_operator_unnamed")
	}
	return w.say("sender_operator", "Name", name)
}

// sentReply says in whose name something was sent. An operator without a name is called by the id.
func (w words) sentReply(op *eventv1.Operator) string {
	name := label(op.GetName(), maxName)
	if name == "" {
		name = label(op.GetId(), maxName)
	}
	return w.say("line_sent_reply", "Name", name)
}

// assignee says who has the conversation. An operator without a name is called by the id.
func (w words) assignee(op *eventv1.Operator) string {
	name := label(op.GetName(), maxName)
	if name == "" {
		name = label(op.GetId(), maxName)
	}
	switch {
	case name == "":
		return w.say("assignee_nobody")
	case op.GetBot():
		return w.say("assignee", "Name", w.say("sender_bot", "Name", name))
	}
	return w.say("assignee", "Name", name)
}

// text is the line in Message.Text.
func (l line) text() string {
	parts := []string{escape(l.head)}
	if l.body != "" {
		parts = append(parts, escape(l.body))
	}
	if l.marker != "" {
		parts = append(parts, escape(l.marker))
	}
	for _, q := range l.quotes {
		parts = append(parts, escape(q.head+q.body))
	}
	return strings.Join(parts, "\n")
}

// size is at least the size of text with what separates it from other lines.
func (l line) size() int {
	n := size(l.head) + size(l.body) + size(l.marker) + len("\n\n\n\n")
	for _, q := range l.quotes {
		n += size(q.head) + size(q.body) + len("\n")
	}
	return n
}

// blocks show the line, and its image.
func (l line) blocks() []slack.Block {
	if l.image == "" {
		return []slack.Block{l.block()}
	}
	return []slack.Block{l.block(), &slack.ImageBlock{Type: slack.MBTImage, ImageURL: l.image, AltText: label(l.head, maxName)}}
}

// block shows the words of the line. Bold and italics are ours alone: no text element of a body has a style, so that a body cannot look
// like the head of a line.
func (l line) block() slack.Block {
	if len(l.quotes) > 0 {
		return l.quoted()
	}
	if l.body == "" {
		return richText(styled(l.head, &slack.RichTextSectionTextStyle{Italic: true}))
	}
	elements := []slack.RichTextSectionElement{bold(l.head + "\n"), styled(l.body, nil)}
	if l.marker != "" {
		elements = append(elements, styled("\n"+l.marker, &slack.RichTextSectionTextStyle{Italic: true}))
	}
	return richText(elements...)
}

func bold(s string) slack.RichTextSectionElement {
	return styled(s, &slack.RichTextSectionTextStyle{Bold: true})
}

func styled(s string, style *slack.RichTextSectionTextStyle) slack.RichTextSectionElement {
	return &slack.RichTextSectionTextElement{Type: slack.RTSEText, Text: s, Style: style}
}

func richText(elements ...slack.RichTextSectionElement) slack.Block {
	return &slack.RichTextBlock{
		Type:     slack.MBTRichText,
		Elements: []slack.RichTextElement{&slack.RichTextSection{Type: slack.RTESection, Elements: elements}},
	}
}
