package fence

import (
	"regexp"
	"strings"

	"pgregory.net/rapid"
)

// fenced draws `text` of exactly one code block without blocks, as the plain composer and other clients may write it.
func fenced(t *rapid.T) content {
	before, kept, behind := edges(t)
	text, plain := escape(before), kept
	first := body(t)
	text, plain = text+escape(first), plain+first
	for _, i := range rapid.SliceOfN(rapid.SampledFrom(inCode()), 0, 3).Draw(t, "things") {
		joint := rapid.SampledFrom([]string{" ", "、", "\n", ": "}).Draw(t, "joint")
		text, plain = text+joint+i.text, plain+joint+i.plain
	}
	last := body(t)
	text, plain = text+" "+escape(last)+behind, plain+" "+last
	return content{shape: "text: one fence", text: blank(t) + "```" + text + "```" + blank(t), meant: message(plain)}
}

// emptyFence draws a fence with nothing to read in it.
func emptyFence(t *rapid.T) content {
	return content{shape: "text: empty fence", text: blank(t) + "```" + blanks(t) + "```" + blank(t), meant: empty()}
}

// nothing draws text without anything.
func nothing(t *rapid.T) content { return content{shape: "text: nothing", text: blank(t)} }

// malformed draws text that looks like a code block and is none, or is not alone.
func malformed(t *rapid.T) content {
	a, b, x := word(t), word(t), escape(body(t))
	shapes := []struct {
		shape, text string
		meant       meaning
	}{
		{"no fence", a + "\n" + b, note(a, b)},
		{"not closed", "```" + x + a, mixed(a)},
		{"not opened", a + x + "```", mixed(a)},
		{"closed with two", "```" + a + "``", mixed(a)},
		{"opened with two", "``" + a + "```", mixed(a)},
		{"four at both ends", "````" + a + "````", mixed(a)},
		{"four to open", "````" + a + "```", mixed(a)},
		{"four to close", "```" + a + "````", mixed(a)},
		{"five", "`````" + a + "`````", mixed(a)},
		{"six at the ends", "``````" + a + "``````", mixed(a)},
		{"glued empty fence", "``````", mixed("``````")},
		{"four within", "```" + a + "````" + b + "```", mixed(a, b)},
		{"text before", a + " ```" + x + b + "```", mixed(a, b)},
		{"text before on its line", a + "\n```" + x + b + "```", mixed(a, b)},
		{"text behind", "```" + a + x + "``` " + b, mixed(a, b)},
		{"text behind on its line", "```" + a + x + "```\n" + b, mixed(a, b)},
		{"inside text", a + " ```" + x + "``` " + b, mixed(a, b)},
		{"a full stop behind", "```" + a + "```.", mixed(a, ".")},
		{"an invisible character behind", "```" + a + "```\u200b", mixed(a)},
		{"two fences", "```" + a + "``` ```" + b + "```", mixed(a, b)},
		{"two fences on lines", "```" + a + "```\n```" + b + "```", mixed(a, b)},
		{"two fences, one empty", "```" + a + "```\n``` ```", mixed(a)},
		{"a fence and an open one", "```" + a + "```\n```" + b, mixed(a, b)},
		{"quoted fence", "&gt; ```" + a + "```", mixed(">", a)},
		{"quoted fence on lines", "&gt; ```\n&gt; " + a + "\n&gt; ```", mixed(">", a)},
		{"fence in a list", "• ```" + a + "```", mixed(a)},
		{"bold fence", "*```" + a + "```*", mixed(a)},
		{"struck fence", "~```" + a + "```~", mixed(a)},
		{"mention before", "<@U0DEMO2>```" + a + "```", mixed("@佐藤 花子", a)},
		{"somebody without a name before", "<@U0NOBODY> ```" + a + "```", mixed(a)},
		{"a channel without a name before", "<#C0PRIVATE> ```" + a + "```", mixed(a)},
		{"broadcast before", "<!channel> ```" + a + "```", mixed("@channel", a)},
		{"emoji behind", "```" + a + "``` :tada:", mixed(a, "🎉")},
		{"link behind", "```" + a + "``` <https://example.com/|こちら>", mixed(a, "https://example.com/")},
		{"inline code", "`" + a + "`", note(a)},
		{"inline code of two", "``" + a + "``", note(a)},
		{"inline code and a fence", "`" + a + "` ```" + b + "```", mixed(a, b)},
		{"escaped backticks", "&amp;#96;&amp;#96;&amp;#96;" + a + "&amp;#96;&amp;#96;&amp;#96;", note(a)},
		{"wide backticks", "｀｀｀" + a + "｀｀｀", note(a)},
		{"tildes", "~~~\n" + a + "\n~~~", note(a)},
		{"apostrophes", "'''" + a + "'''", note(a)},
		{"accents", "´´´" + a + "´´´", note(a)},
	}
	s := rapid.SampledFrom(shapes).Draw(t, "shape")
	return content{shape: "text: " + s.shape, text: s.text, meant: s.meant}
}

var runs = regexp.MustCompile("`+")

// scrambled draws backticks among words at random; only whether it may be sent is known, from the runs alone: the first and the last
// stand at the ends and have three each, and none between has as many.
func scrambled(t *rapid.T) content {
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"`", "``", "```", "```", "````", "a", "語", " ", "\n", "*", "&lt;"}), 1, 9).Draw(t, "pieces")
	text := strings.Join(pieces, "")
	if rapid.Bool().Draw(t, "within fences") {
		text = "```" + text + "```"
	}
	c := content{shape: "text: scrambled", text: text, meant: meaning{unsaid: true}}
	trimmed := strings.TrimSpace(text)
	found := runs.FindAllStringIndex(trimmed, -1)
	if len(found) < 2 || found[0][0] != 0 || found[len(found)-1][1] != len(trimmed) {
		return c
	}
	for i, at := range found {
		if ends := i == 0 || i == len(found)-1; ends != (at[1]-at[0] == 3) || at[1]-at[0] > 3 {
			return c
		}
	}
	inside := trimmed[3 : len(trimmed)-3]
	if strings.TrimSpace(inside) == "" {
		return c
	}
	inside = strings.TrimRight(strings.TrimPrefix(inside, "\n"), "\n")
	c.shape, c.meant = "text: scrambled into one fence", message(strings.ReplaceAll(inside, "&lt;", "<"))
	return c
}

// otherBlocks gives a text blocks that another client may send beside it and that say nothing about code.
func otherBlocks(t *rapid.T, c content) content {
	if c.blocks != nil || c.text == "" || rapid.IntRange(0, 3).Draw(t, "other blocks") != 0 {
		return c
	}
	c.blocks = []any{object("section", "text", object("mrkdwn", "text", "```"+"section"+"```"))}
	return c
}
