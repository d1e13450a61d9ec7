package fence

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// A part is what the composer keeps as one block of rich text.
type part struct {
	child map[string]any
	text  string
	code  bool
	plain string   // of code: what is in it
	words []string // of anything else: what has to stand in a note
	fence bool     // of anything else: three backticks were typed
}

// composed draws what Slack's own composer sends: blocks of rich text, and the same once more as `text`.
func composed(t *rapid.T) content {
	parts := rapid.SliceOfN(rapid.Custom(anyPart), 1, 4).Draw(t, "parts")
	if rapid.Bool().Draw(t, "only code") {
		parts = []part{codePart(t)}
		if rapid.Bool().Draw(t, "and white space") {
			parts = append(parts, sectionPart(blanks(t), nil, false))
		}
	}
	return fromParts("composer", parts)
}

func fromParts(shape string, parts []part) content {
	var children []any
	var texts, words []string
	code, other, fence, filled := 0, false, false, ""
	for _, p := range parts {
		children = append(children, p.child)
		texts = append(texts, p.text)
		switch {
		case p.code:
			code++
			filled += p.plain
			if s := strings.TrimSpace(p.plain); s != "" {
				words = append(words, s)
			}
		default:
			other, fence = other || len(p.words) > 0, fence || p.fence
			words = append(words, p.words...)
		}
	}
	c := content{shape: shape, text: strings.Join(texts, "\n"), blocks: richText(children...)}
	switch {
	case code == 0 && !other:
		c.shape, c.meant = shape+": nothing", meaning{}
	case strings.TrimSpace(filled) == "" && !other:
		c.shape, c.meant = shape+": empty block", empty()
	case code == 1 && !other:
		c.shape, c.meant = shape+": one block", message(filled)
	case code > 0 || fence:
		c.shape, c.meant = shape+": mixed", mixed(words...)
	default:
		c.shape, c.meant = shape+": text", note(words...)
	}
	return c
}

func anyPart(t *rapid.T) part {
	switch rapid.SampledFrom([]string{"code", "section", "quote", "list", "blank", "typed fence", "inline code"}).Draw(t, "part") {
	case "code":
		return codePart(t)
	case "quote":
		w := word(t)
		return part{child: object("rich_text_quote", "elements", []any{typed(w).element}), text: "&gt; " + escape(w), words: []string{w}}
	case "list":
		return listPart(t)
	case "blank":
		return sectionPart(blank(t), nil, false)
	case "typed fence":
		w := word(t)
		return sectionPart("```"+w+"```", []string{w}, true)
	case "inline code":
		w := word(t)
		p := sectionPart(w, []string{w}, false)
		p.child["elements"] = []any{object("text", "text", w, "style", map[string]any{"code": true})}
		p.text = "`" + escape(w) + "`"
		return p
	}
	w := word(t)
	return sectionPart(w, []string{w}, false)
}

// sectionPart is a line of text; the composer ends a section with a newline when something follows.
func sectionPart(s string, words []string, fence bool) part {
	return part{child: object("rich_text_section", "elements", []any{typed(s).element, typed("\n").element}), text: escape(s), words: words, fence: fence}
}

// listPart may hold a code block, which is then no direct child and counts for nothing.
func listPart(t *rapid.T) part {
	first, second := word(t), word(t)
	inner := object("rich_text_section", "elements", []any{typed(second).element})
	if rapid.Bool().Draw(t, "code in the list") {
		inner = object("rich_text_preformatted", "elements", []any{typed(second).element})
	}
	item := object("rich_text_section", "elements", []any{typed(first).element})
	return part{
		child: object("rich_text_list", "style", rapid.SampledFrom([]string{"bullet", "ordered"}).Draw(t, "style"), "indent", 0, "elements", []any{item, inner}),
		text:  "• " + escape(first) + "\n• " + escape(second), words: []string{first, second},
	}
}

func codePart(t *rapid.T) part {
	var elements []any
	var text, plain string
	add := func(i inline) {
		elements, text, plain = append(elements, i.element), text+i.text, plain+i.plain
	}
	before, kept, behind := edges(t)
	switch rapid.IntRange(0, 9).Draw(t, "what is in it") {
	case 0: // nothing to read
		if s := blank(t); s != "" {
			add(typed(s))
		}
		return part{child: preformatted(t, elements), text: "```" + text + "```", code: true}
	case 1, 2, 3: // things among the words
		add(typed(before + body(t)))
		for _, i := range rapid.SliceOfN(rapid.SampledFrom(append(inCode(), emoji()...)), 1, 4).Draw(t, "things") {
			add(i)
			add(typed(rapid.SampledFrom([]string{" ", ", ", "\n", "と"}).Draw(t, "between")))
		}
		add(typed(body(t) + behind))
	case 4: // three backticks within: in blocks they are words like any other
		add(typed(before + body(t) + "```" + body(t) + "``` ````" + body(t) + behind))
	default:
		add(typed(before + body(t) + behind))
	}
	plain = kept + strings.TrimPrefix(plain, before)
	return part{child: preformatted(t, elements), text: "```" + text + "```", code: true, plain: strings.TrimSuffix(plain, behind)}
}

func preformatted(t *rapid.T, elements []any) map[string]any {
	child := object("rich_text_preformatted", "elements", elements)
	if rapid.Bool().Draw(t, "border") {
		child["border"] = 0
	}
	if rapid.IntRange(0, 5).Draw(t, "language") == 0 {
		child["language"] = "go"
	}
	return child
}

// disagreeing draws a message whose text says something else than its blocks. The blocks count.
func disagreeing(t *rapid.T) content {
	c := composed(t)
	c.shape = "disagree, " + c.shape
	c.text = rapid.SampledFrom([]string{"", "other words", "```other code```", "```other", "other\n```code```", "``` ```"}).Draw(t, "other text")
	if len(c.meant.told) == 0 && c.meant.kind == 0 {
		// Rich text with nothing in it: the text is kept, and its fences are words, whatever they look like.
		return content{shape: "disagree: rich text without anything", text: "```" + "words" + "```", blocks: c.blocks, meant: mixed("words")}
	}
	return c
}

// withHole draws a code block of which a part cannot be read: it is not sent with a hole in it.
func withHole(t *rapid.T) content {
	w := word(t)
	odd := rapid.SampledFrom([]map[string]any{
		object("brand_new"), object("user", "user_id", "not an id"), object("text", "text", 7), object("text"), object("link", "url", ""), object("emoji"),
	}).Draw(t, "odd")
	return content{
		shape: "block with a hole", text: "```" + w + "```", blocks: richText(object("rich_text_preformatted", "elements", []any{typed(w).element, odd})),
		meant: mixed(w),
	}
}

// twoBlocks draws a message with two blocks of rich text, which is one content.
func twoBlocks(t *rapid.T) content {
	first, second := codePart(t), anyPart(t)
	c := fromParts("two rich texts", []part{first, second})
	c.blocks = append(richText(first.child), richText(second.child)...)
	return c
}

// splitLong draws one half of a long text that Slack's client, or somebody, cut in two. A half of a fence is none; each half that the
// client made a block of its own is one.
func splitLong(t *rapid.T) content {
	half := rapid.IntRange(0, 1).Draw(t, "half")
	long := strings.Repeat(word(t)+"\n", rapid.IntRange(500, 900).Draw(t, "lines"))
	marked := fmt.Sprintf("第%d部。", half) + long + "終"
	if rapid.Bool().Draw(t, "a block each") {
		return content{
			shape: "split: a block each", text: "```" + marked + "```",
			blocks: richText(object("rich_text_preformatted", "elements", []any{typed(marked).element})), meant: message(marked),
		}
	}
	text := []string{"```" + marked, marked + "```"}[half]
	c := content{shape: "split: half a fence", text: text, meant: mixed(fmt.Sprintf("第%d部。", half), "終")}
	if rapid.Bool().Draw(t, "with blocks") {
		c.blocks = richText(object("rich_text_section", "elements", []any{typed(text).element}))
	}
	return c
}
