package fence

import (
	"strings"

	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// A meaning is what the writer of a generated message wanted, known from how it was put together.
type meaning struct {
	kind eventv1.ReplyKind
	// text is what the customer is to read, to the letter; only of a message.
	text string
	// words stand in a note, in this order.
	words []string
	// told is what the writer is told about what they wrote.
	told []eventv1.NoticeKind
	// unsaid: all that is known is that nothing may be sent.
	unsaid bool
}

func message(text string) meaning {
	return meaning{kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, text: text}
}

func note(words ...string) meaning {
	return meaning{kind: eventv1.ReplyKind_REPLY_KIND_NOTE, words: words}
}

// mixed is a note whose writer tried to send something.
func mixed(words ...string) meaning {
	m := note(words...)
	m.told = []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_MIXED}
	return m
}

func empty() meaning {
	return meaning{told: []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_EMPTY}}
}

// content is what stands in `text` and `blocks` of a message.
type content struct {
	shape  string // names the class, so that the test can say that each occurred
	text   string
	blocks []any
	meant  meaning
}

func object(kind string, fields ...any) map[string]any {
	o := map[string]any{"type": kind}
	for i := 0; i < len(fields); i += 2 {
		o[fields[i].(string)] = fields[i+1]
	}
	return o
}

func richText(children ...any) []any {
	return []any{object("rich_text", "block_id", "b1", "elements", children)}
}

// escape is what Slack does to what somebody typed before it puts it into `text`.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// names are what the router was told about the ids below.
var names = decide.Names{
	Members: map[string]string{"U0DEMO2": "佐藤 花子"}, UserGroups: map[string]string{"S0DEMO1": "support"}, Channels: map[string]string{"C0DEMO1": "general"},
}

// An inline is one thing within a line: as the composer writes it into blocks and text, and as a customer reads it.
type inline struct {
	element map[string]any
	text    string
	plain   string
}

func typed(s string) inline {
	return inline{object("text", "text", s), escape(s), s}
}

// inCode answers the things that a code block can hold beside what was typed.
func inCode() []inline {
	return []inline{
		{object("link", "url", "https://example.com/a?b=1&c=2"), "<https://example.com/a?b=1&amp;c=2>", "https://example.com/a?b=1&c=2"},
		{object("link", "url", "https://example.com/", "text", "こちら"), "<https://example.com/|こちら>", "こちら (https://example.com/)"},
		{object("link", "url", "http://example.com", "text", "example.com"), "<http://example.com|example.com>", "http://example.com"},
		{object("link", "url", "mailto:desk@example.com", "text", "desk@example.com"), "<mailto:desk@example.com|desk@example.com>", "desk@example.com"},
		{object("user", "user_id", "U0DEMO2"), "<@U0DEMO2>", "@佐藤 花子"},
		{object("user", "user_id", "U0NOBODY"), "<@U0NOBODY|secret.name>", "@担当者"},
		{object("usergroup", "usergroup_id", "S0DEMO1"), "<!subteam^S0DEMO1>", "@support"},
		{object("channel", "channel_id", "C0DEMO1"), "<#C0DEMO1|general>", "#general"},
		{object("channel", "channel_id", "C0PRIVATE"), "<#C0PRIVATE|board>", ""},
		{object("broadcast", "range", "here"), "<!here>", "@here"},
	}
}

// emoji stand in blocks only: inside a fence of `text` their name stays as it is.
func emoji() []inline {
	return []inline{
		{object("emoji", "name", "tada", "unicode", "1f389"), ":tada:", "🎉"},
		{object("emoji", "name", "family", "unicode", "1f468-200d-1f469-200d-1f467"), ":family:", "👨‍👩‍👧"},
		{object("emoji", "name", "our_own"), ":our_own:", ":our_own:"},
	}
}

// alphabet is what bodies are typed from: everything that means something to Slack somewhere, but three backticks.
var alphabet = []string{
	"a", "B", "9", " ", "\t", "日本語", "、", "é", "🎉", "👩‍💻", "*", "_", "~", "&", "<", ">", "&amp;", "&lt;", "|", "@", "#", "!", ":", "tada:",
	";", "\\", "/", "\"", "'", ".", "-", "> ", "• ", "1. ", "{}", "`", "``", "<@U0DEMO2>", "<!channel>", "https://example.com", "\n", "\n\n", "~~~", "｀｀｀",
}

// edge begins and ends bodies, so that what is cut at the edges is decided on purpose and not by chance.
var edge = []string{"x", "終", "9", "🎉", "&", "<", ">", "*", "."}

// body draws what somebody types into a code block. It neither begins nor ends with white space or a backtick.
func body(t *rapid.T) string {
	var out strings.Builder
	out.WriteString(rapid.SampledFrom(edge).Draw(t, "first"))
	for _, piece := range rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 10).Draw(t, "pieces") {
		if strings.HasSuffix(out.String(), "`") && strings.HasPrefix(piece, "`") {
			continue // two runs would make one of three
		}
		out.WriteString(piece)
	}
	out.WriteString(rapid.SampledFrom(edge).Draw(t, "last"))
	if rapid.IntRange(0, 50).Draw(t, "long") == 0 {
		return strings.Repeat(out.String()+"\n", rapid.IntRange(200, 600).Draw(t, "times")) + "終"
	}
	return out.String()
}

// word draws something that can be recognised in a note and that means nothing to Slack.
func word(t *rapid.T) string {
	return "語" + rapid.StringMatching(`[a-z]{3,8}`).Draw(t, "word") + "。"
}

var whitespace = []string{"", "", " ", "\n", "  \n", "\u3000", "\t", "\n\n"}

func blank(t *rapid.T) string { return rapid.SampledFrom(whitespace).Draw(t, "white space") }

// blanks is at least one character of white space.
func blanks(t *rapid.T) string {
	return rapid.SampledFrom([]string{" ", "\n", " \n ", "\u3000", "\t\n", "\n\n\n"}).Draw(t, "only white space")
}

// edges draws the empty lines in front of and behind a body. One before it goes with the fence; those behind it are nothing to read.
func edges(t *rapid.T) (before, kept, behind string) {
	before = strings.Repeat("\n", rapid.IntRange(0, 3).Draw(t, "lines before"))
	behind = strings.Repeat("\n", rapid.IntRange(0, 3).Draw(t, "lines behind"))
	return before, strings.TrimPrefix(before, "\n"), behind
}
