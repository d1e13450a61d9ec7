package plain

import (
	"strings"
	"testing"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func block(kind eventv1.Block_Kind, text string) *eventv1.Block {
	return &eventv1.Block{Kind: kind, Inlines: []*eventv1.Inline{{Inline: &eventv1.Inline_Text{Text: text}}}}
}

func words(s string) *eventv1.Block { return block(eventv1.Block_KIND_TEXT, s) }
func code(s string) *eventv1.Block  { return block(eventv1.Block_KIND_CODE, s) }

func TestReadSaysHowAContentIsMadeAndWhatACustomerWouldRead(t *testing.T) {
	for name, c := range map[string]struct {
		blocks   []*eventv1.Block
		shape    Shape
		sendable string
	}{
		"nothing":                         {nil, Nothing, ""},
		"blank":                           {[]*eventv1.Block{words(" \n")}, Nothing, " "},
		"an empty block":                  {[]*eventv1.Block{code(" ")}, Empty, " "},
		"words":                           {[]*eventv1.Block{words("to ourselves")}, Words, "to ourselves"},
		"one block":                       {[]*eventv1.Block{words(" "), code("hello\n")}, Block, "hello"},
		"a block with a fence in it":      {[]*eventv1.Block{code("a ``` b")}, Block, "a ``` b"},
		"mixed":                           {[]*eventv1.Block{words("psst"), code("hello")}, Mixed, "psst\nhello"},
		"several":                         {[]*eventv1.Block{code("a"), code("b")}, Several, "a\nb"},
		"unclosed":                        {[]*eventv1.Block{words("```hello")}, Unclosed, "hello"},
		"unclosed on a line of its own":   {[]*eventv1.Block{words("```\nhello\nthere")}, Unclosed, "hello\nthere"},
		"a block and an unclosed one":     {[]*eventv1.Block{code("a"), words("```b")}, Unclosed, "a\nb"},
		"several, and something unclosed": {[]*eventv1.Block{code("a"), code("b"), words("```")}, Unclosed, "a\nb"},
	} {
		got := Names{}.Read(&eventv1.Content{Blocks: c.blocks})
		if got.Shape != c.shape || got.Sendable() != c.sendable {
			t.Errorf("%s: %+v, sendable %q", name, got, got.Sendable())
		}
	}
}

func TestShortenCutsBetweenCharacters(t *testing.T) {
	for text, want := range map[string]string{"": "", "短い": "短い", "ちょうど五": "ちょうど五", "長い文章です": "長い文章で…", "四文字、 です": "四文字、…"} {
		if got := Shorten(text, 5); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := Shorten(strings.Repeat("あ", 1000), 150); len([]rune(got)) != 151 {
		t.Errorf("%d characters", len([]rune(got)))
	}
}
