package slackstandin

import (
	"testing"

	"pgregory.net/rapid"
)

func TestComposeAsSlacksDefaultComposer(t *testing.T) {
	section := func(elements string) string { return `{"type":"rich_text_section","elements":[` + elements + `]}` }
	code := func(elements string) string {
		return `{"type":"rich_text_preformatted","border":0,"elements":[` + elements + `]}`
	}
	text := func(s string) string { return `{"type":"text","text":"` + s + `"}` }
	newline := `,{"type":"text","text":"\n"}`
	for name, tc := range map[string]struct{ typed, text, elements string }{
		"plain":                   {"hello", "hello", section(text("hello"))},
		"two lines":               {"a\nb", "a\nb", section(text(`a\nb`))},
		"one line of code":        {"```make deploy```", "```make deploy```", code(text("make deploy"))},
		"fences on own lines":     {"```\nmake deploy\n```", "```make deploy```", code(text("make deploy"))},
		"inner newline stays":     {"```\na\nb\n```", "```a\nb```", code(text(`a\nb`))},
		"only one newline goes":   {"```\n\na\n\n```", "```\na\n```", code(text(`\na\n`))},
		"text around":             {"hi\n```a\nb```\nbye", "hi\n```a\nb```\nbye", section(text("hi")+newline) + "," + code(text(`a\nb`)) + "," + section(text("bye"))},
		"text on the fence line":  {"hi ```a``` bye", "hi \n```a```\n bye", section(text("hi ")+newline) + "," + code(text("a")) + "," + section(text(" bye"))},
		"two blocks":              {"```a```\n```b```", "```a```\n```b```", code(text("a")) + "," + code(text("b"))},
		"two blocks, empty line":  {"```a```\n\n```b```", "```a```\n\n```b```", code(text("a")) + "," + section(newline[1:]) + "," + code(text("b"))},
		"trailing newline":        {"```a```\n", "```a```", code(text("a"))},
		"open fence":              {"```a", "```a", section(text("```a"))},
		"third fence":             {"```a``````", "```a```\n```", code(text("a")) + "," + section(text("```"))},
		"empty fences":            {"``````", "``````", section(text("``````"))},
		"escapes in text alone":   {"a<b & c>d", "a&lt;b &amp; c&gt;d", section(text("a<b & c>d"))},
		"escapes in code":         {"```a<b && c```", "```a&lt;b &amp;&amp; c```", code(text("a<b && c"))},
		"typed entity":            {"```&lt;```", "```&amp;lt;```", code(text("&lt;"))},
		"link in code":            {"```see https://example.com/a?b=1.```", "```see <https://example.com/a?b=1>.```", code(text("see ") + `,{"type":"link","url":"https://example.com/a?b=1"},` + text("."))},
		"link with an ampersand":  {"https://example.com/?a=1&b=2", "<https://example.com/?a=1&amp;b=2>", section(`{"type":"link","url":"https://example.com/?a=1&b=2"}`)},
		"mention":                 {"hi <@U0KEN>!", "hi <@U0KEN>!", section(text("hi ") + `,{"type":"user","user_id":"U0KEN"},` + text("!"))},
		"mention in code":         {"```<@U0KEN>```", "```<@U0KEN>```", code(`{"type":"user","user_id":"U0KEN"}`)},
		"channel":                 {"<#C0OTHER|other>", "<#C0OTHER|other>", section(`{"type":"channel","channel_id":"C0OTHER"}`)},
		"group":                   {"<!subteam^S0CS>", "<!subteam^S0CS>", section(`{"type":"usergroup","usergroup_id":"S0CS"}`)},
		"broadcast":               {"<!here> x", "<!here> x", section(`{"type":"broadcast","range":"here"},` + text(" x"))},
		"labelled link":           {"<https://example.com|shop>", "<https://example.com|shop>", section(`{"type":"link","url":"https://example.com","text":"shop"}`)},
		"mail":                    {"<mailto:a@example.com|a@example.com>", "<mailto:a@example.com|a@example.com>", section(`{"type":"link","url":"mailto:a@example.com","text":"a@example.com"}`)},
		"emoji name":              {"yes :tada:", "yes :tada:", section(text("yes ") + `,{"type":"emoji","name":"tada","unicode":"1f389"}`)},
		"custom emoji":            {":party_cat:", ":party_cat:", section(`{"type":"emoji","name":"party_cat"}`)},
		"emoji char":              {"ok🎉", "ok:tada:", section(text("ok") + `,{"type":"emoji","name":"tada","unicode":"1f389"}`)},
		"skin tone":               {"👋🏼", ":wave::skin-tone-3:", section(`{"type":"emoji","name":"wave","skin_tone":3,"unicode":"1f44b-1f3fc"}`)},
		"emoji of several points": {"👨‍👩‍👧", ":man-woman-girl:", section(`{"type":"emoji","name":"man-woman-girl","unicode":"1f468-200d-1f469-200d-1f467"}`)},
		"emoji char in code":      {"```はい🙇```", "```はい:bow:```", code(text("はい") + `,{"type":"emoji","name":"bow","unicode":"1f647"}`)},
		"colons in code":          {"```:tada: 10:30:45```", "```:tada: 10:30:45```", code(text(":tada: 10:30:45"))},
		"a time is no emoji":      {"at 10:30:45", "at 10:30:45", section(text("at 10:30:45"))},
		"inline code":             {"run `a<b`", "run `a&lt;b`", section(text("run ") + `,{"type":"text","text":"a<b","style":{"code":true}}`)},
		"bold":                    {"a *b* c", "a *b* c", section(text("a ") + `,{"type":"text","text":"b","style":{"bold":true}},` + text(" c"))},
		"nested style":            {"*a _b_*", "*a _b_*", section(`{"type":"text","text":"a ","style":{"bold":true}},{"type":"text","text":"b","style":{"bold":true,"italic":true}}`)},
		"snake case":              {"a snake_case_name", "a snake_case_name", section(text("a snake_case_name"))},
		"quote":                   {"> said\nso", "&gt; said\nso", `{"type":"rich_text_quote","elements":[` + text("said") + `]},` + section(text("so"))},
		"bullets":                 {"- a\n- b", "• a\n• b", `{"type":"rich_text_list","style":"bullet","indent":0,"border":0,"elements":[` + section(text("a")) + "," + section(text("b")) + `]}`},
		"numbers":                 {"1. a\n2. b", "1. a\n2. b", `{"type":"rich_text_list","style":"ordered","indent":0,"border":0,"elements":[` + section(text("a")) + "," + section(text("b")) + `]}`},
	} {
		t.Run(name, func(t *testing.T) {
			out := compose(tc.typed)
			if out.text != tc.text {
				t.Errorf("text:\n got %q\nwant %q", out.text, tc.text)
			}
			sameJSON(t, "elements", out.blocks, "["+tc.elements+"]")
		})
	}
}

// What stands between the fences reaches the block unchanged, and the text is its escaped form in glued fences.
func TestComposeKeepsCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching("[a-zA-Z0-9 &<>;\n一-十]{0,30}").Draw(t, "body")
		body = "x" + body + "x"
		out := compose("```\n" + body + "\n```")
		if want := "```" + escaper.Replace(body) + "```"; out.text != want && !wirePieces.MatchString(body) {
			t.Fatalf("text %q, want %q", out.text, want)
		}
		if len(out.blocks) != 1 || out.blocks[0]["type"] != "rich_text_preformatted" {
			t.Fatalf("blocks %v", out.blocks)
		}
	})
}

func FuzzCompose(f *testing.F) {
	for _, seed := range []string{"", "```a```", "```", "*_~`a`~_*", "<@U0KEN|", "> a\n- b\n1. c\n```d```", ":a::b:", "🎉👋🏼"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		out := compose(typed)
		codes := 0
		for _, b := range out.blocks {
			if b["type"] == "rich_text_preformatted" {
				codes++
			}
		}
		if want := len(fence.FindAllString(typed, -1)); codes != want {
			t.Fatalf("%d code blocks of %d in %q", codes, want, typed)
		}
		out.richText("b")
	})
}

func TestEchoText(t *testing.T) {
	for _, tc := range []struct{ sent, kept string }{
		{"hello", "hello"},
		{"a &amp; b &lt;c&gt;", "a &amp; b &lt;c&gt;"},
		{"a & b", "a &amp; b"},
		{"a < b > c", "a &lt; b &gt; c"},
		{"&amp;lt;", "&amp;lt;"},
		{"see https://example.com/x?a=1&amp;b=2.", "see <https://example.com/x?a=1&amp;b=2>."},
		{"see <https://example.com|shop>", "see <https://example.com|shop>"},
		{"<https://example.com>", "<https://example.com>"},
		{"<@U0AYA> <!here> <#C0SUPPORT>", "<@U0AYA> <!here> <#C0SUPPORT>"},
		{"<unknown>", "&lt;unknown&gt;"},
		{"```a\nb```", "```a\nb```"},
		{"done 🎉", "done :tada:"},
	} {
		if got := echoText(tc.sent); got != tc.kept {
			t.Errorf("echoText(%q) = %q, want %q", tc.sent, got, tc.kept)
		}
	}
}
