package inbound

import (
	"slices"
	"strings"
	"testing"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// escaped is what Slack does to the words of its members before it puts them into `text`.
func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// words draws text in which nothing but the escapes means anything to Slack.
func words(t *rapid.T, label string) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune("ab日語🎉 &<>;|@#!lgtamp\n.")), 1, 30, -1).Draw(t, label)
}

func TestUnescapeOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := words(t, "words")
		times := rapid.IntRange(1, 4).Draw(t, "times")
		once, sent := s, escaped(s)
		for range times - 1 {
			once, sent = escaped(once), escaped(sent)
		}
		for prefix, kind := range map[string]eventv1.Block_Kind{
			"x": eventv1.Block_KIND_TEXT, "```x": eventv1.Block_KIND_CODE,
		} {
			suffix := "x" + strings.TrimSuffix(prefix, "x")
			got := content(prefix+sent+suffix, nil)
			want := oneBlock(kind, "x"+once+"x")
			if !proto.Equal(got, want) {
				t.Fatalf("%q: got %q, want %q", prefix+sent+suffix, shown(got), shown(want))
			}
		}
	})
}

func oneBlock(kind eventv1.Block_Kind, text string) *eventv1.Content {
	return &eventv1.Content{Blocks: []*eventv1.Block{{
		Kind:    kind,
		Inlines: []*eventv1.Inline{{Inline: &eventv1.Inline_Text{Text: text}}},
	}}}
}

// What a person composes of text and code comes out the same from the text that Slack makes of it and from the blocks.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		var text strings.Builder
		var children []any
		isCode := rapid.Bool().Draw(t, "code first")
		n := rapid.IntRange(1, 5).Draw(t, "blocks")
		for i := range n {
			body := "x" + words(t, "body") + "x"
			if isCode {
				want = append(want, "CODE "+body)
				text.WriteString("```" + escaped(body) + "```")
				children = append(children, parent("rich_text_preformatted", textElement(body)))
			} else {
				want = append(want, "TEXT "+body)
				if i > 0 {
					text.WriteString("\n")
				}
				text.WriteString(escaped(body))
				if i < n-1 {
					text.WriteString("\n")
				}
				children = append(children, parent("rich_text_section", textElement(body), textElement("\n")))
			}
			isCode = !isCode
		}
		if got := shown(content(text.String(), nil)); !slices.Equal(got, want) {
			t.Fatalf("from text %q: got %q, want %q", text.String(), got, want)
		}
		blocks := []any{parent("rich_text", children...)}
		if got := shown(content("", blocks)); !slices.Equal(got, want) {
			t.Fatalf("from blocks: got %q, want %q", got, want)
		}
	})
}

func parent(kind string, elements ...any) map[string]any {
	return map[string]any{"type": kind, "elements": elements}
}

func textElement(s string) any { return map[string]any{"type": "text", "text": s} }

// inline draws an element that can be read, with what it shows.
func inline() *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		return rapid.SampledFrom([]map[string]any{
			{"type": "text", "text": rapid.String().Draw(t, "text")},
			{"type": "text", "text": "```" + rapid.StringN(0, 5, -1).Draw(t, "fenced") + "```"},
			{"type": "text", "text": "`&amp;` *b* <@U0DEMO2>\n"},
			{"type": "link", "url": "https://example.com/", "text": rapid.StringN(0, 5, -1).Draw(t, "label")},
			{"type": "emoji", "name": "tada", "unicode": "1f389"},
			{"type": "user", "user_id": "U0DEMO1"},
			{"type": "usergroup", "usergroup_id": "S0DEMO1"},
			{"type": "channel", "channel_id": "C0SUPPORT"},
			{"type": "broadcast", "range": "here"},
		}).Draw(t, "element")
	})
}

// In rich text a code block is a direct child of its own type and nothing else, whatever the words look like.
func TestRichTextCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.SampledFrom([]string{
			"rich_text_section", "rich_text_preformatted", "rich_text_quote", "rich_text_list", "rich_text_new",
		}), 1, 6).Draw(t, "kinds")
		var children []any
		codes := 0
		for _, kind := range kinds {
			var elements []any
			for _, e := range rapid.SliceOfN(inline(), 0, 5).Draw(t, "elements") {
				elements = append(elements, e)
			}
			child := parent(kind, elements...)
			switch kind {
			case "rich_text_preformatted":
				codes++
			case "rich_text_list":
				child["style"] = rapid.SampledFrom([]string{"bullet", "ordered"}).Draw(t, "style")
				child["elements"] = []any{
					parent("rich_text_section", elements...),
					parent("rich_text_preformatted", elements...), // not a direct child: never code
				}
			}
			children = append(children, child)
		}
		m := decoded(t, map[string]any{"blocks": []any{parent("rich_text", children...)}})
		got := content("```from text```", m.list("blocks"))
		wellFormed(t, got)
		if n := countCode(got); n != codes {
			t.Fatalf("%d code blocks of %d: %q", n, codes, shown(got))
		}
	})
}

func countCode(c *eventv1.Content) int {
	n := 0
	for _, block := range c.GetBlocks() {
		if block.GetKind() == eventv1.Block_KIND_CODE {
			n++
		}
	}
	return n
}

// Whatever `text` is, if it comes out as one code block and nothing else, then it was written as one: three backticks at
// either end and none of three between.
func TestOnlyFencedIsCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SampledFrom([]string{
			"`", "``", "```", "````", "a", " ", "\n", "*", "_", "&lt;", "<@U0DEMO1>", "<", ">", ":tada:", "• ",
		}), 0, 14).Draw(t, "pieces")
		text := strings.Join(pieces, "")
		got := content(text, nil)
		wellFormed(t, got)
		if len(got.GetBlocks()) != 1 || countCode(got) != 1 {
			return
		}
		inside, ok := strings.CutPrefix(strings.TrimSpace(text), "```")
		inside, closed := strings.CutSuffix(inside, "```")
		if !ok || !closed || strings.Contains(inside, "```") ||
			strings.HasPrefix(inside, "`") || strings.HasSuffix(inside, "`") {
			t.Fatalf("%q came out as %q", text, shown(got))
		}
	})
}
