// Package render turns commands to Slack into Slack messages: functions from values to values.
//
// Whatever comes from outside (a customer's words, names, ids, titles, addresses) is shown in plain_text objects and in
// text elements of rich_text, where nothing can become a mention, a link or an emoji, and is escaped in Message.Text.
// A mrkdwn object holds our own mentions and nothing else. Whoever posts a Message has to switch unfurling off and must
// not set parse or link_names, which would look for mentions in plain words again.
package render

import (
	"time"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Message is a Slack message without its destination.
type Message struct {
	// Text is the whole content once more, escaped for Slack: notifications and screen readers use it alone.
	Text string
	// Blocks is what people see.
	Blocks []slack.Block
	// Sender is under whose name it stands; nil when under the app's. Only posts in threads have one.
	Sender *Sender `json:",omitempty"`
}

// Options say how posts are shown. The zero value is good.
type Options struct {
	// Lang is the BCP 47 tag of the language. There is Japanese and English; empty is Japanese, and another language gets
	// the one that golang.org/x/text/language takes to be closer.
	Lang string
	// Location is where times of day are read; nil is Japan.
	Location *time.Location
	// ConsoleURL is the address of a customer's conversation in the KARTE console, with {user} and {project} in it, which
	// are replaced percent-encoded. Empty is DefaultConsoleURL.
	ConsoleURL string
	// PreviousThreadGone makes Head say that the former thread was deleted, or locked, and goes on here.
	PreviousThreadGone bool
	// FormerTeam, FormerChannel and FormerThread make Head say that the conversation was moved here, and from where. The thread may be unknown.
	FormerTeam, FormerChannel, FormerThread string
	// Images says which images are shown; the others are said where they are.
	Images Images
	// Mentioned makes Thread leave out the mentions of the first post, because the head has made them already. That is the
	// case for a post of which Head has shown an excerpt.
	Mentioned bool
}

// DefaultConsoleURL opens one customer's conversation. Source: PLAID's sample new-assignment-slack-notification; whether a
// member id with special characters wants to be encoded once or twice is not documented.
const DefaultConsoleURL = "https://admin.karte.io/communication/v2/redirect_from_v1/{user}?project={project}"

// Limits in UTF-16 code units after escaping. Slack recommends 4,000 for the text of a message, enforces it on updates,
// and cuts off after 40,000; it takes 50 blocks of about 13,200 characters together. We stay clear of all of them.
const (
	maxThreadText = 3500
	maxHeadText   = 2800
	maxExcerpt    = 300
	maxBlocks     = 40
	maxMentions   = 20 // TeamSettings allows no more
)

// Limits of labels, in the same unit. What people wrote has none.
const (
	maxName       = 80
	maxTitle      = 150
	maxURL        = 500
	maxDetail     = 500
	maxImageURL   = 2000
	maxConsoleURL = 600
)

// japan has had no summer time since 1951, so that no time zone database is needed.
var japan = time.FixedZone("Asia/Tokyo", 9*60*60)

// Reaction returns the name of the emoji that shows r on an operator's line, empty for a receipt not known here.
func Reaction(r eventv1.Receipt) string {
	switch r {
	case eventv1.Receipt_RECEIPT_WAITING:
		return "hourglass_flowing_sand"
	case eventv1.Receipt_RECEIPT_SENT:
		return "white_check_mark"
	case eventv1.Receipt_RECEIPT_NOTED:
		return "memo"
	case eventv1.Receipt_RECEIPT_FAILED:
		return "warning"
	default:
		return ""
	}
}
