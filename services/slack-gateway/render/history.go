package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/split"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Limits of what was said before, in UTF-16 code units after escaping: it is there to remind of it, and has to fit into one post.
const (
	maxQuote   = 300
	maxHistory = 2600
)

// history is the line of what was said before the thread was opened: the latest messages that there is room for, oldest first. It says that the rest is at KARTE.
func (o Options) history(w words, h *eventv1.History) line {
	var quotes []quote
	spent := 0
	for i := len(h.GetEntries()) - 1; i >= 0; i-- {
		q := o.quote(w, h.GetEntries()[i])
		if spent += size(q.head) + size(q.body); spent > maxHistory {
			break
		}
		quotes = append([]quote{q}, quotes...)
	}
	return line{head: w.say("line_history", "N", strconv.Itoa(len(quotes))), quotes: quotes}
}

func (o Options) quote(w words, e *eventv1.HistoryEntry) quote {
	who := w.say("line_customer")
	text := buttonPress(w, e.GetText())
	if e.GetOperator() != nil {
		who, text = w.sender(e.GetOperator()), cardText(w, e.GetText())
		if name := label(e.GetOperator().GetName(), maxName); name == "" {
			who = firstOf(w.operator(e.GetOperator()), who)
		}
	}
	if size(text) > maxQuote {
		text = strings.TrimRight(split.Text(text, maxQuote, size)[0], " \n") + "…"
	}
	switch {
	case e.GetImage() && text != "":
		text += "\n" + w.say("line_image")
	case e.GetImage():
		text = w.say("line_image")
	case text == "":
		text = w.say("line_empty")
	}
	when := ""
	if e.GetOccurredAt().IsValid() {
		when = e.GetOccurredAt().AsTime().In(o.location()).Format(time.DateOnly + " 15:04 ")
	}
	return quote{head: when + who + ": ", body: text}
}

// quoted shows what was said before as a quotation. In it, too, bold is ours alone.
func (l line) quoted() slack.Block {
	var elements []slack.RichTextSectionElement
	for i, q := range l.quotes {
		if i > 0 {
			elements = append(elements, styled("\n", nil))
		}
		elements = append(elements, bold(q.head), styled(q.body, nil))
	}
	return &slack.RichTextBlock{Type: slack.MBTRichText, Elements: []slack.RichTextElement{
		&slack.RichTextSection{Type: slack.RTESection, Elements: []slack.RichTextSectionElement{styled(l.head, &slack.RichTextSectionTextStyle{Italic: true})}},
		&slack.RichTextQuote{Type: slack.RTEQuote, Elements: elements},
	}}
}
