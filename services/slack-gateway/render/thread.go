package render

import (
	"fmt"
	"strings"

	"github.com/slacktalk/slacktalk/internal/split"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Mergeable says whether b may stand in one message with a: both are lines of the same conversation. Whether both fit is
// for Fits to say.
func Mergeable(a, b *eventv1.ThreadPost) bool {
	return a != nil && b != nil && a.GetProject() == b.GetProject() && a.GetConversation() == b.GetConversation()
}

// Fits says whether posts can be shown in one message of a thread.
func Fits(posts []*eventv1.ThreadPost, o Options) bool { return fits(o.lines(posts)) }

// Thread renders posts of one conversation, in order, for its thread. Posts that can share a message do; one that is too
// long for a message is split over several, which say so in their first line.
func Thread(posts []*eventv1.ThreadPost, o Options) []Message {
	var messages []Message
	var open []line
	flush := func() {
		if len(open) > 0 {
			messages = append(messages, compose(open))
		}
		open = nil
	}
	for i, l := range o.lines(posts) {
		if len(open) > 0 && (!Mergeable(posts[i-1], posts[i]) || !fits(append(open, l))) {
			flush()
		}
		if fits([]line{l}) {
			open = append(open, l)
			continue
		}
		messages = append(messages, pieces(l)...)
	}
	flush()
	return messages
}

func (o Options) lines(posts []*eventv1.ThreadPost) []line {
	lines := make([]line, 0, len(posts))
	for i, p := range posts {
		l := o.line(p)
		if i == 0 && o.Mentioned {
			l.mentions = nil
		}
		lines = append(lines, l)
	}
	return lines
}

// fits leaves a block for the mentions. What stands under different names cannot share a message.
func fits(lines []line) bool {
	count := 0
	for _, l := range lines {
		if !l.sender.same(lines[0].sender) {
			return false
		}
		if count++; l.image != "" {
			count++
		}
	}
	return count < maxBlocks && roomFor(lines, 0, maxThreadText)
}

// compose shows lines in one message.
func compose(lines []line) Message {
	texts, blocks := opening(lines)
	for _, l := range lines {
		texts = append(texts, l.text())
		blocks = append(blocks, l.blocks()...)
	}
	m := Message{Text: strings.Join(texts, "\n\n"), Blocks: blocks}
	if len(lines) > 0 {
		m.Sender = lines[0].sender
	}
	return m
}

// pieces splits a line over several messages; only the first mentions anybody.
func pieces(l line) []Message {
	const count = len(" (10000/10000)")
	spent := len(strings.Join(l.mentions, " ")) + len("\n\n") + line{head: l.head}.size() + count
	parts := split.Text(l.body, maxThreadText-spent, size)
	messages := make([]Message, 0, len(parts))
	for i, part := range parts {
		p := line{head: fmt.Sprintf("%s (%d/%d)", l.head, i+1, len(parts)), body: part, sender: l.sender}
		if i == 0 {
			p.mentions = l.mentions
		}
		if i == len(parts)-1 {
			p.image = l.image
		}
		messages = append(messages, compose([]line{p}))
	}
	return messages
}
