package render_test

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/split"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

type fataler interface{ Fatalf(string, ...any) }

var (
	ourMention  = regexp.MustCompile(`<@[UW][A-Z0-9]{2,20}>|<!subteam\^S[A-Z0-9]{2,20}>|<!here>|<!channel>`)
	ourMentions = regexp.MustCompile(`^(?:(?:` + ourMention.String() + `)(?: |$))+$`)
	publicImage = regexp.MustCompile(`^https?://[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z-]+(/[!-;=?-~]*)?([?#][!-;=?-~]*)?$`)
	ourEscapes  = regexp.MustCompile(`&(?:amp|lt|gt);`)
)

// checkLimits holds m against Slack's limits and our own, which are stricter. Source of the limits: docs.slack.dev, Block Kit and
// chat.postMessage; about 13,200 characters in all blocks are reported by users.
func checkLimits(t fataler, m render.Message, maxText int) {
	if n := split.UTF16(m.Text); n > maxText || n == 0 {
		t.Fatalf("text has %d units, want 1 to %d", n, maxText)
	}
	if n := len(m.Blocks); n > 40 || n == 0 {
		t.Fatalf("%d blocks, want 1 to 40", n)
	}
	total := 0
	for _, s := range shownStrings(t, m) {
		total += split.UTF16(s)
	}
	if total > 13000 {
		t.Fatalf("blocks hold %d units together, want at most 13,000", total)
	}
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case *slack.SectionBlock:
			if n := split.UTF16(b.Text.Text); n > 3000 || n == 0 {
				t.Fatalf("section has %d units, want 1 to 3,000", n)
			}
		case *slack.HeaderBlock:
			if n := split.UTF16(b.Text.Text); n > 150 || n == 0 {
				t.Fatalf("header has %d units, want 1 to 150", n)
			}
		}
	}
}

// checkSafe fails when anything but our own mentions could mean something to Slack.
func checkSafe(t fataler, m render.Message) {
	if rest := ourEscapes.ReplaceAllString(ourMention.ReplaceAllString(m.Text, ""), ""); strings.ContainsAny(rest, "&<>") {
		t.Fatalf("text holds unescaped signs: %q", m.Text)
	}
	mentions := false
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case *slack.SectionBlock:
			if b.Text.Type == slack.MarkdownType {
				mentions = true
				if !ourMentions.MatchString(b.Text.Text) || !strings.HasPrefix(m.Text, b.Text.Text) {
					t.Fatalf("mrkdwn holds more than mentions, or the text does not begin with them: %q", b.Text.Text)
				}
			}
		case *slack.HeaderBlock, *slack.RichTextBlock, *slack.ActionBlock, *slack.ImageBlock:
			// Checked as JSON below.
		default:
			t.Fatalf("block of unexpected type %T", b)
		}
	}
	if s := m.Sender; s != nil && (strings.ContainsAny(s.Name, "<>&:\n") || !strings.HasSuffix(s.Name, " (KARTE)") || split.UTF16(s.Name) > 80 ||
		s.Picture != "" && !publicImage.MatchString(s.Picture)) {
		t.Fatalf("the sender could be somebody else: %v", s)
	}
	if !mentions && ourMention.MatchString(m.Text) {
		t.Fatalf("the text mentions somebody, the blocks do not: %q", m.Text)
	}
	walk(t, m, func(o map[string]any) { checkObject(t, o) })
}

// checkObject allows the objects that cannot ping, link or draw anything from outside.
func checkObject(t fataler, o map[string]any) {
	switch o["type"] {
	case "section", "header", "rich_text", "rich_text_section", "rich_text_quote", "rich_text_preformatted", "text", "mrkdwn", "actions", "external_select":
	case "image":
		u, _ := o["image_url"].(string)
		alt, _ := o["alt_text"].(string)
		if !publicImage.MatchString(u) || alt == "" || split.UTF16(alt) > 2000 || len(u) > 3000 {
			t.Fatalf("an image from somewhere, or without words: %v", o)
		}
	case "plain_text":
		if o["emoji"] != false {
			t.Fatalf("plain_text draws emoji: %v", o)
		}
	case "button":
		if o["action_id"] != "link" {
			if o["url"] != nil {
				t.Fatalf("a button that leads somewhere: %v", o)
			}
			return
		}
		fallthrough
	case "link":
		u, _ := o["url"].(string)
		ours := strings.HasPrefix(u, "https://admin.karte.io/communication/v2/redirect_from_v1/") || strings.HasPrefix(u, "https://app.slack.com/client/T0DEMO1/") ||
			strings.HasPrefix(u, "https://demo.slack.com/archives/C0SUPPORT/")
		if !ours || strings.ContainsAny(u, "<>|\" \n") {
			t.Fatalf("link to somewhere else: %v", o)
		}
	case "channel": // It shows a name to whoever may know it, and pings nobody.
		if id, _ := o["channel_id"].(string); !regexp.MustCompile(`^[CG][A-Z0-9]+$`).MatchString(id) {
			t.Fatalf("no channel: %v", o)
		}
	case nil: // A style.
	default:
		t.Fatalf("object of unexpected type: %v", o)
	}
}

// walk calls f for every JSON object in the blocks of m.
func walk(t fataler, m render.Message, f func(map[string]any)) {
	raw, err := json.Marshal(m.Blocks)
	if err != nil {
		t.Fatalf("marshal blocks: %v", err)
	}
	var blocks any
	if err := json.Unmarshal(raw, &blocks); err != nil {
		t.Fatalf("unmarshal blocks: %v", err)
	}
	visit(blocks, f)
}

func visit(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, e := range v {
			visit(e, f)
		}
	case []any:
		for _, e := range v {
			visit(e, f)
		}
	}
}

// shownStrings returns every text in the blocks of m, in no particular order.
func shownStrings(t fataler, m render.Message) []string {
	var all []string
	walk(t, m, func(o map[string]any) {
		for _, field := range []string{"text", "url"} {
			if s, ok := o[field].(string); ok {
				all = append(all, s)
			}
		}
	})
	return all
}

// bodies returns what people wrote, in the order shown: the text elements without a style that follow a bold head.
func bodies(messages ...render.Message) []string {
	var all []string
	for _, m := range messages {
		for _, b := range m.Blocks {
			if b, ok := b.(*slack.RichTextBlock); ok {
				all = append(all, bodyOf(b)...)
			}
		}
	}
	return all
}

func bodyOf(b *slack.RichTextBlock) []string {
	elements := b.Elements[0].(*slack.RichTextSection).Elements
	if len(elements) < 2 {
		return nil
	}
	head, isText := elements[0].(*slack.RichTextSectionTextElement)
	body, isBody := elements[1].(*slack.RichTextSectionTextElement)
	if !isText || !isBody || head.Style == nil || !head.Style.Bold || body.Style != nil || !strings.HasSuffix(head.Text, "\n") {
		return nil
	}
	return []string{body.Text}
}
