package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/split"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// Limits of a card, in UTF-16 code units after escaping.
const (
	// maxFirstWords is how long a first message may be that stands in the head alone.
	maxFirstWords = 1300
	maxAliases    = 3
)

// Opening is what the head of a thread keeps of the post that opened it, whatever its card shows: an update that left it out would take it back.
type Opening struct {
	Mentions []*eventv1.Mention
	// Words are what a customer wrote, or with More the beginning of it.
	Words string
	More  bool
}

// OpeningOf answers what a head keeps of the post that opens it. Whole says that it shows the post as it is, so that it need not be posted again.
func OpeningOf(post *eventv1.ThreadPost) (o Opening, whole bool) {
	said := post.GetCustomerMessage()
	o = Opening{Mentions: post.GetMentions(), Words: said.GetText()}
	if size(o.Words) > maxFirstWords {
		o.Words, o.More = split.Text(o.Words, maxExcerpt, size)[0], true
	}
	return o, said.GetText() != "" && said.GetImageUrl() == "" && !o.More
}

// Card renders the head of a thread from the state of its conversation. It shows everything in few rows, because it is mostly read on a phone.
func Card(project string, card *eventv1.Card, began Opening, o Options) Message {
	c := conversation{words: wordsIn(o.Lang), options: o, card: card, project: project, began: began}
	texts, blocks := opening([]line{{mentions: mentionTokens(began.Mentions)}})
	title := c.words.customer(card.GetCustomer())
	texts = append(texts, escape(title), c.text())
	blocks = append(blocks, &slack.HeaderBlock{Type: slack.MBTHeader, Text: plainText(title)}, c.body(), c.actions())
	return Message{Text: strings.Join(texts, "\n"), Blocks: blocks}
}

// cardHead is Head for a post that comes with a card.
func cardHead(posts []*eventv1.ThreadPost, o Options) (msg Message, shown int) {
	began, whole := OpeningOf(posts[0])
	if whole {
		shown = 1
	}
	return Card(posts[0].GetProject(), posts[0].GetCard(), began, o), shown
}

// conversation is a card in the making.
type conversation struct {
	words   words
	options Options
	card    *eventv1.Card
	project string
	began   Opening
}

// A row is a name in our words and what stands behind it.
type row struct{ name, value string }

// state is what matters first: whose it is, and how it stands.
func (c conversation) state() []row {
	rows := []row{{c.words.say("card_assignee"), c.pending(c.assignee(), c.card.GetAssigneePending())}}
	if status := c.words.status(c.card.GetStatus()); status != "" {
		rows = append(rows, row{c.words.say("card_status"), c.pending(status, c.card.GetStatusPending())})
	}
	return rows
}

func (c conversation) assignee() string {
	if name := c.words.operator(c.card.GetAssignee()); name != "" {
		return name
	}
	return c.words.say("card_nobody")
}

// pending says that KARTE has not confirmed something yet.
func (c conversation) pending(value string, pending bool) string {
	if pending {
		return c.words.say("card_pending", "Value", value)
	}
	return value
}

// operator names an operator, by the id where there is no name; empty when there is nobody.
func (w words) operator(op *eventv1.Operator) string {
	name := firstOf(label(op.GetName(), maxName), label(op.GetId(), maxName))
	if name != "" && op.GetBot() {
		return w.say("sender_bot", "Name", name)
	}
	return name
}

// status names KARTE's status; empty when it is not known.
func (w words) status(status eventv1.ChatStatus) string {
	switch status {
	case eventv1.ChatStatus_CHAT_STATUS_OPEN:
		return w.say("card_status_open")
	case eventv1.ChatStatus_CHAT_STATUS_WAITING:
		return w.say("card_status_waiting")
	case eventv1.ChatStatus_CHAT_STATUS_CLOSED:
		return w.say("card_status_closed")
	default:
		return ""
	}
}

// details are what one looks up now and then.
func (c conversation) details() []row {
	var rows []row
	for _, d := range pageDetails(c.words, c.card.GetPage()) {
		rows = append(rows, row{d[0], d[1]})
	}
	for _, at := range []struct {
		key  string
		time *timestamppb.Timestamp
	}{{"card_opened", c.card.GetOpenedAt()}, {"card_customer_wrote", c.card.GetCustomerWroteAt()}, {"card_operator_wrote", c.card.GetOperatorWroteAt()}} {
		if shown := c.moment(at.time); shown != "" {
			rows = append(rows, row{c.words.say(at.key), shown})
		}
	}
	if aliases := c.aliases(); aliases != "" {
		rows = append(rows, row{c.words.say("card_aliases"), aliases})
	}
	return append(rows, c.notes()...)
}

// notes say why the conversation goes on here, where that is not plain.
func (c conversation) notes() []row {
	var rows []row
	if c.options.FormerChannel != "" {
		rows = append(rows, row{name: c.words.say("head_moved")})
	}
	if c.options.PreviousThreadGone {
		rows = append(rows, row{name: c.words.say("head_previous_gone")})
	}
	return rows
}

func (c conversation) moment(at *timestamppb.Timestamp) string {
	if !at.IsValid() || at.AsTime().Unix() <= 0 {
		return ""
	}
	return at.AsTime().In(c.options.location()).Format(c.words.say("card_time"))
}

func (o Options) location() *time.Location {
	if o.Location == nil {
		return japan
	}
	return o.Location
}

// aliases names the other ids of the customer.
func (c conversation) aliases() string {
	var names []string
	for _, alias := range c.card.GetAliases() {
		names = append(names, c.words.customer(alias))
	}
	if len(names) > maxAliases {
		more := c.words.say("card_more", "N", strconv.Itoa(len(names)-maxAliases))
		names = append(names[:maxAliases], more)
	}
	return strings.Join(names, c.words.say("card_comma"))
}

// firstWords is how the thread began.
func (c conversation) firstWords() string {
	words := buttonPress(c.words, c.began.Words)
	if c.began.More {
		words += "\n" + c.words.say("head_more")
	}
	return words
}

// text says all of it in plain words.
func (c conversation) text() string {
	var lines []string
	add := func(rows []row) {
		for _, r := range rows {
			lines = append(lines, escape(r.name+r.value))
		}
	}
	add(c.state())
	if words := c.firstWords(); words != "" {
		lines = append(lines, escape(words))
	}
	add(c.details())
	for _, l := range c.links() {
		lines = append(lines, escape(l[1]+": "+l[0]))
	}
	return strings.Join(lines, "\n")
}

// links are addresses of ours.
func (c conversation) links() (links [][2]string) {
	customer := c.card.GetCustomer()
	if console := consoleURL(c.options.ConsoleURL, firstOf(customer.GetUserId(), customer.GetVisitorId()), c.project); console != "" {
		links = append(links, [2]string{console, c.words.say("head_console")})
	}
	if former := threadURL(c.options.FormerTeam, c.options.FormerChannel, c.options.FormerThread); former != "" {
		links = append(links, [2]string{former, c.words.say("head_former")})
	}
	return links
}

// body is one block of rich text, in which nothing from outside can become a mention, a link or an emoji. Slack refuses an update that takes rich text
// out of a message, so there is always some.
func (c conversation) body() slack.Block {
	elements := []slack.RichTextElement{section(c.state())}
	if words := c.firstWords(); words != "" {
		elements = append(elements, &slack.RichTextQuote{Type: slack.RTEQuote, Elements: []slack.RichTextSectionElement{styled(words, nil)}})
	}
	if details := c.details(); len(details) > 0 {
		elements = append(elements, section(details))
	}
	return &slack.RichTextBlock{Type: slack.MBTRichText, Elements: elements}
}

func section(rows []row) slack.RichTextElement {
	var elements []slack.RichTextSectionElement
	for i, r := range rows {
		if i > 0 {
			elements = append(elements, styled("\n", nil))
		}
		elements = append(elements, bold(r.name))
		if r.value != "" {
			elements = append(elements, styled(r.value, nil))
		}
	}
	return &slack.RichTextSection{Type: slack.RTESection, Elements: elements}
}

// actions are the buttons that make sense as things stand, the most likely first. See
// element.CardBlock for the name of the block.
func (c conversation) actions() slack.Block {
	var elements []slack.BlockElement
	if c.words.operator(c.card.GetAssignee()) == "" {
		elements = append(elements, c.button(element.Claim, "card_claim", slack.StylePrimary))
	} else {
		elements = append(elements, c.button(element.Unassign, "card_unassign", slack.StyleDefault))
	}
	if c.card.GetStatus() == eventv1.ChatStatus_CHAT_STATUS_CLOSED {
		elements = append(elements, c.button(element.Reopen, "card_reopen", slack.StyleDefault))
	} else {
		elements = append(elements, c.button(element.Resolve, "card_resolve", slack.StyleDefault))
	}
	elements = append(elements, c.menu())
	for i, l := range c.links() {
		open := &slack.ButtonBlockElement{Type: slack.METButton, ActionID: element.Link, Text: plainText(l[1]), URL: l[0]}
		if i > 0 {
			open.ActionID += "_" + strconv.Itoa(i) // action_ids of a block are all different
		}
		elements = append(elements, open)
	}
	return &slack.ActionBlock{
		Type: slack.MBTAction, BlockID: element.CardBlock(c.card.GetRevision(), c.project), Elements: &slack.BlockElements{ElementSet: elements},
	}
}

func (c conversation) button(action, key string, style slack.Style) slack.BlockElement {
	return &slack.ButtonBlockElement{Type: slack.METButton, ActionID: action, Text: plainText(c.words.say(key)), Style: style}
}

// menu lists the linked operators when it is opened: see package dialog.
func (c conversation) menu() slack.BlockElement {
	least := 0
	return &slack.SelectBlockElement{
		Type: slack.OptTypeExternal, ActionID: element.Assign, Placeholder: plainText(c.words.say("card_assign")), MinQueryLength: &least,
	}
}

// statusSet says that the conversation has a new status, and by whom where that is known.
func (w words) statusSet(set *eventv1.StatusSet) string {
	status := firstOf(w.status(set.GetStatus()), "?")
	if name := w.operator(set.GetOperator()); name != "" {
		return w.say("line_status_by", "Status", status, "Name", name)
	}
	return w.say("line_status", "Status", status)
}
