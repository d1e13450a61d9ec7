package render

import (
	"strings"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/split"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Head renders the card that opens a conversation's thread: who, on which page, whose, and how it begins. The first shown
// posts stand in it whole and need not be posted again. When shown is 0, the card holds at most the beginning of the first
// post, marked as such, and the mentions of that post (see Options.Mentioned); all posts are still to be posted.
func Head(posts []*eventv1.ThreadPost, o Options) (msg Message, shown int) {
	if len(posts) > 0 && posts[0].GetCard() != nil {
		return cardHead(posts, o)
	}
	c := o.headCard(posts)
	lines := o.lines(posts)
	spent, most := c.size(), min(len(lines), maxBlocks-headBlocks)
	for shown < most && lines[shown].image == "" && roomFor(lines[:shown+1], spent, maxHeadText) {
		shown++
	}
	if shown == 0 && len(lines) > 0 {
		return c.compose([]line{c.excerpt(lines[0])}), 0
	}
	return c.compose(lines[:shown]), shown
}

// headBlocks is how many blocks a card has besides its lines: mentions, title, details.
const headBlocks = 3

// headCard is what a card says besides the words of its posts.
type headCard struct {
	words words
	title string
	// details, one per line; the second of a pair is from outside.
	details [][2]string
	// links to places of ours, each with its name.
	links [][2]string
}

func (o Options) headCard(posts []*eventv1.ThreadPost) headCard {
	w := wordsIn(o.Lang)
	c := headCard{words: w, title: w.say("head_unknown")}
	if o.FormerChannel != "" {
		c.details = append(c.details, [2]string{w.say("head_moved")})
	}
	if former := threadURL(o.FormerTeam, o.FormerChannel, o.FormerThread); former != "" {
		c.links = append(c.links, [2]string{former, w.say("head_former")})
	}
	if o.PreviousThreadGone {
		c.details = append(c.details, [2]string{w.say("head_previous_gone")})
	}
	if len(posts) == 0 {
		return c
	}
	first, last := posts[0], posts[len(posts)-1]
	c.title = w.customer(first.GetCustomer())
	if page := firstPage(posts); page != nil {
		c.details = append(c.details, pageDetails(w, page)...)
	}
	c.details = append(c.details, [2]string{"", w.assignee(last.GetAssignee())})
	user := firstOf(first.GetCustomer().GetUserId(), first.GetCustomer().GetVisitorId())
	if console := consoleURL(o.ConsoleURL, user, first.GetProject()); console != "" {
		c.links = append(c.links, [2]string{console, w.say("head_console")})
	}
	return c
}

// customer names a member by the site's id and a visitor by the beginning of KARTE's.
func (w words) customer(c *eventv1.Customer) string {
	if id := label(c.GetUserId(), maxName); id != "" {
		return w.say("head_member", "ID", id)
	}
	const enough = 8 // characters, to tell visitors apart by eye
	id := strings.TrimPrefix(label(c.GetVisitorId(), maxName), "vis-")
	if id == "" {
		return w.say("head_unknown")
	}
	return w.say("head_visitor", "ID", label(id, enough+1))
}

func firstPage(posts []*eventv1.ThreadPost) *eventv1.Page {
	for _, p := range posts {
		if page := p.GetCustomerMessage().GetPage(); page.GetUrl() != "" || page.GetTitle() != "" {
			return page
		}
	}
	return nil
}

func pageDetails(w words, page *eventv1.Page) [][2]string {
	var details [][2]string
	if title := label(page.GetTitle(), maxTitle); title != "" {
		details = append(details, [2]string{w.say("head_page"), title})
	}
	if address := label(page.GetUrl(), maxURL); address != "" {
		details = append(details, [2]string{w.say("head_url"), address})
	}
	return details
}

// size is the size of the card's text without any line.
func (c headCard) size() int {
	n := size(c.title)
	for _, d := range c.details {
		n += size(d[0]) + size(d[1]) + 1
	}
	for _, l := range c.links {
		n += size(l[0]) + size(l[1]) + 8
	}
	return n
}

// excerpt shortens l. What labels and mentions may take at most leaves room for it.
func (c headCard) excerpt(l line) line {
	if l.body != "" {
		l.body = split.Text(l.body, maxExcerpt, size)[0]
		l.marker = c.words.say("head_more")
	}
	return l
}

func (c headCard) compose(lines []line) Message {
	texts, blocks := opening(lines)
	texts = append(texts, escape(c.title))
	blocks = append(blocks, &slack.HeaderBlock{Type: slack.MBTHeader, Text: plainText(c.title)})
	for _, l := range lines {
		texts = append(texts, l.text())
		blocks = append(blocks, l.block())
	}
	if details, elements := c.render(); len(elements) > 0 {
		texts = append(texts, details)
		blocks = append(blocks, richText(elements...))
	}
	return Message{Text: strings.Join(texts, "\n\n"), Blocks: blocks}
}

// render shows the details and the links, the only real ones of a card: their addresses are ours.
func (c headCard) render() (string, []slack.RichTextSectionElement) {
	var texts []string
	var elements []slack.RichTextSectionElement
	for i, d := range c.details {
		if i > 0 {
			elements = append(elements, styled("\n", nil))
		}
		texts = append(texts, escape(d[0]+d[1]))
		for j, s := range d {
			if s != "" {
				elements = append(elements, []slack.RichTextSectionElement{bold(s), styled(s, nil)}[j])
			}
		}
	}
	for _, l := range c.links {
		texts = append(texts, escape(l[1]+": "+l[0]))
		elements = append(elements, styled("\n", nil), link(l[0], l[1]))
	}
	return strings.Join(texts, "\n"), elements
}

func plainText(s string) *slack.TextBlockObject {
	emoji := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: s, Emoji: &emoji}
}
