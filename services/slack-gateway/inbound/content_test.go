package inbound

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// shown writes a content as the tables do: a line for each block, ids between ‹ and ›.
func shown(c *eventv1.Content) []string {
	var out []string
	for _, block := range c.GetBlocks() {
		line := "TEXT "
		if block.GetKind() == eventv1.Block_KIND_CODE {
			line = "CODE "
		}
		for _, in := range block.GetInlines() {
			switch in.GetInline().(type) {
			case *eventv1.Inline_Member:
				line += "‹@" + in.GetMember() + "›"
			case *eventv1.Inline_UserGroup:
				line += "‹!" + in.GetUserGroup() + "›"
			case *eventv1.Inline_Channel:
				line += "‹#" + in.GetChannel() + "›"
			default:
				line += in.GetText()
			}
		}
		out = append(out, line)
	}
	return out
}

func TestContent(t *testing.T) {
	var cases []struct {
		Name   string   `json:"name"`
		Text   string   `json:"text"`
		Blocks []any    `json:"blocks"`
		Want   []string `json:"want"`
	}
	readJSON(t, filepath.Join("testdata", "content.json"), &cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			// Through the decoder, because that is where numbers get their type.
			m := decoded(t, map[string]any{"text": c.Text, "blocks": c.Blocks})
			got := content(m.str("text"), m.list("blocks"))
			if !slices.Equal(shown(got), c.Want) {
				t.Errorf("got  %q\nwant %q", shown(got), c.Want)
			}
			wellFormed(t, got)
		})
	}
}

// The decision table of fences in `text`. Whatever is not certainly one code block and nothing else must not come out as
// a single CODE.
func TestFences(t *testing.T) {
	for text, want := range map[string][]string{
		// One code block.
		"```make deploy```":      {"CODE make deploy"},
		"```a\nb```":             {"CODE a\nb"},
		"```\na\nb\n```":         {"CODE a\nb"},
		"```\na```":              {"CODE a"},
		"```a\n```":              {"CODE a"},
		"```\n\na\n\n```":        {"CODE \na\n"},
		"\n\n```a```\n":          {"CODE a"},
		"  ```a``` ":             {"CODE a"},
		"```go\nfunc```":         {"CODE go\nfunc"}, // Slack knows no language there
		"```a `b` ``c``!```":     {"CODE a `b` ``c``!"},
		"```&lt;a&gt; &amp;b```": {"CODE <a> &b"},
		"```&amp;lt;```":         {"CODE &lt;"},
		"```*a* _b_ :tada:```":   {"CODE *a* _b_ :tada:"},
		"```• a```":              {"CODE • a"},
		"```hi <@U0DEMO1>, <https://example.com|example.com> <#C0SUPPORT|x>```": {
			"CODE hi ‹@U0DEMO1›, https://example.com ‹#C0SUPPORT›",
		},
		"```a < b > c <```": {"CODE a < b > c <"},
		"```日本語\nのコード 🎉```": {"CODE 日本語\nのコード 🎉"},
		// Nothing but white space in it.
		"``` ```":     {"CODE  "},
		"```\n```":    {"CODE "},
		"```\n \n```": {"CODE  "},
		"```\n\n```":  {"CODE "},
		// Code and something else.
		"hi\n```a\nb```\nbye":   {"TEXT hi", "CODE a\nb", "TEXT bye"},
		"hi ```a``` bye":        {"TEXT hi ", "CODE a", "TEXT  bye"},
		"```a```.":              {"CODE a", "TEXT ."},
		"```a``` ```b```":       {"CODE a", "CODE b"},
		"```a```\n\n```b```":    {"CODE a", "CODE b"},
		"```a```b```c```":       {"CODE a", "TEXT b", "CODE c"},
		"```a``` and ```":       {"CODE a", "TEXT  and ```"},
		"```a```\u200b":         {"CODE a", "TEXT \u200b"},
		"<@U0DEMO1>```a```":     {"TEXT ‹@U0DEMO1›", "CODE a"},
		"&gt; ```a```":          {"TEXT > ", "CODE a"},
		"`x```a```":             {"TEXT `x", "CODE a"},
		"*```a```*":             {"TEXT *", "CODE a", "TEXT *"},
		"`a```b```c`":           {"TEXT `a", "CODE b", "TEXT c`"},
		"```<https://e.co/```>": {"CODE <https://e.co/", "TEXT >"},
		// Not closed.
		"```":             {"TEXT ```"},
		"```a":            {"TEXT ```a"},
		"a```":            {"TEXT a```"},
		"```a``":          {"TEXT ```a``"},
		"``a```":          {"TEXT ``a```"},
		"```a\n``\n`":     {"TEXT ```a\n``\n`"},
		"``` `a` *b* x``": {"TEXT ``` a b x``"},
		// Four and more backticks are no fence and break off an open one.
		"````":               {"TEXT ````"},
		"`````":              {"TEXT `````"},
		"``````":             {"TEXT ``````"},
		"````a````":          {"TEXT ````a````"},
		"```a````":           {"TEXT ```a````"},
		"````a```":           {"TEXT ````a```"},
		"```a``````b```":     {"TEXT ```a``````b```"},
		"```a````b```c```":   {"TEXT ```a````b", "CODE c"},
		"```` ```a``` ````":  {"TEXT ```` ", "CODE a", "TEXT  ````"},
		"``````a``````":      {"TEXT ``````a``````"},
		"```a\n````\nb\n```": {"TEXT ```a\n````\nb\n```"},
		// Other marks.
		"`a`":              {"TEXT a"},
		"``a``":            {"TEXT ``a``"},
		"`` ``` ``":        {"TEXT `` ``` ``"},
		"`a\nb`":           {"TEXT `a\nb`"},
		"'''a'''":          {"TEXT '''a'''"},
		"｀｀｀a｀｀｀":          {"TEXT ｀｀｀a｀｀｀"},
		"~~~\na\n~~~":      {"TEXT ~~~\na\n~~~"},
		"&#96;&#96;&#96;a": {"TEXT &#96;&#96;&#96;a"},
		// Nothing.
		"":       nil,
		" \n \n": nil,
	} {
		got := content(text, nil)
		if !slices.Equal(shown(got), want) {
			t.Errorf("%q\ngot  %q\nwant %q", text, shown(got), want)
		}
		wellFormed(t, got)
	}
}

// wellFormed checks what every content keeps to.
func wellFormed(t failer, c *eventv1.Content) {
	t.Helper()
	textBefore := false
	for _, block := range c.GetBlocks() {
		isText := block.GetKind() == eventv1.Block_KIND_TEXT
		if !isText && block.GetKind() != eventv1.Block_KIND_CODE {
			t.Errorf("block of kind %v", block.GetKind())
		}
		if isText && (textBefore || strings.TrimSpace(strings.Join(shown(&eventv1.Content{Blocks: []*eventv1.Block{block}}), "")) == "TEXT") {
			t.Errorf("text is blank or not merged: %q", shown(c))
		}
		textBefore = isText
		literalBefore := false
		for _, in := range block.GetInlines() {
			_, isLiteral := in.GetInline().(*eventv1.Inline_Text)
			if isLiteral && (literalBefore || in.GetText() == "") {
				t.Errorf("literal is empty or not merged: %q", shown(c))
			}
			if !isLiteral && !validID(in.GetMember()+in.GetUserGroup()+in.GetChannel()) {
				t.Errorf("id of the wrong shape: %v", in)
			}
			literalBefore = isLiteral
		}
	}
}
