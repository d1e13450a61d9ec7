package slackstandin

import (
	"encoding/json"
	"testing"
)

// TestWhatIsFormattedIsComposedAsWhatIsTyped holds formatted paragraphs against the same written with marks.
func TestWhatIsFormattedIsComposedAsWhatIsTyped(t *testing.T) {
	text := func(runs ...Run) Paragraph { return Paragraph{Kind: "text", Runs: runs} }
	kind := func(kind string, runs ...Run) Paragraph { return Paragraph{Kind: kind, Runs: runs} }
	for typed, formatted := range map[string][]Paragraph{
		"plain":                                {text(Run{Text: "plain"})},
		"a *bold* and _slanted_ `code` ~gone~": {text(Run{Text: "a "}, Run{Text: "bold", Bold: true}, Run{Text: " and "}, Run{Text: "slanted", Italic: true}, Run{Text: " "}, Run{Text: "code", Code: true}, Run{Text: " "}, Run{Text: "gone", Strike: true})},
		"*_both_*":                             {text(Run{Text: "both", Bold: true, Italic: true})},
		"for <@U0HANAKO> at https://example.com/a?b=1&c :wave: 👍": {text(Run{Text: "for <@U0HANAKO> at https://example.com/a?b=1&c :wave: 👍"})},
		"```one\ntwo <3```":                {kind("code", Run{Text: "one\ntwo <3"})},
		"before\n```block```\nafter\nmore": {text(Run{Text: "before"}), kind("code", Run{Text: "block"}), text(Run{Text: "after\nmore"})},
		"• one\n• *two*":                   {kind("bullet", Run{Text: "one"}), kind("bullet", Run{Text: "two", Bold: true})},
		"list:\n1. one\n2. two":            {text(Run{Text: "list:"}), kind("ordered", Run{Text: "one"}), kind("ordered", Run{Text: "two"})},
		"> one\n> two":                     {kind("quote", Run{Text: "one\ntwo"})},
	} {
		want, got := compose(typed), composeFormatted(formatted)
		a, _ := json.Marshal(want.blocks)
		b, _ := json.Marshal(got.blocks)
		if got.text != want.text || string(a) != string(b) {
			t.Errorf("%q:\n got %q %s\nwant %q %s", typed, got.text, b, want.text, a)
		}
	}
}

func TestMarksInFormattedTextAreText(t *testing.T) {
	got := composeFormatted([]Paragraph{{Kind: "text", Runs: []Run{{Text: "2*3*4 and ```no block``` <b>"}}}})
	raw, _ := json.Marshal(got.blocks)
	if want := `[{"elements":[{"text":"2*3*4 and ` + "```no block```" + ` \u003cb\u003e","type":"text"}],"type":"rich_text_section"}]`; string(raw) != want || got.text != "2*3*4 and ```no block``` &lt;b&gt;" {
		t.Errorf("%q %s", got.text, raw)
	}
}
