package inbound

import (
	"strconv"
	"strings"
)

// hasRichText tells whether the blocks, rather than the text, say what was written.
func hasRichText(blocks []any) bool {
	for _, value := range blocks {
		if asObject(value).str("type") == "rich_text" {
			return true
		}
	}
	return false
}

// blockRuns reads all blocks in order. Only a direct child of a rich_text block can be code.
func blockRuns(blocks []any) []run {
	var runs []run
	for _, value := range blocks {
		block := asObject(value)
		if block.str("type") != "rich_text" {
			runs = appendLines(runs, otherBlock(block))
			continue
		}
		for _, child := range block.list("elements") {
			runs = appendChild(runs, asObject(child))
		}
	}
	return runs
}

// appendChild adds a direct child of rich_text. A code block of which a part cannot be read becomes text, so that it is
// not sent with a hole in it; its fences stay visible, because whoever wrote it meant to send it.
func appendChild(runs []run, child object) []run {
	switch child.str("type") {
	case "rich_text_preformatted":
		pieces, whole := elements(child["elements"])
		if whole {
			return append(runs, run{code: true, pieces: pieces})
		}
		if len(pieces) == 0 {
			pieces, _ = unreadable(child)
		}
		return appendLines(runs, append(append([]piece{literal(fence)}, pieces...), literal(fence)))
	case "rich_text_section":
		pieces, _ := elements(child["elements"])
		return appendLines(runs, pieces)
	case "rich_text_quote":
		pieces, _ := elements(child["elements"])
		return appendLines(runs, quoted(pieces))
	case "rich_text_list":
		pieces := listLines(child)
		if child.integer("border") > 0 { // a list inside a quote
			pieces = quoted(pieces)
		}
		return appendLines(runs, pieces)
	default:
		pieces, _ := richTextElement(child)
		return appendLines(runs, pieces)
	}
}

// appendLines adds text that begins on a line of its own.
func appendLines(runs []run, pieces []piece) []run {
	if len(pieces) == 0 {
		return runs
	}
	n := len(runs)
	if n == 0 || runs[n-1].code {
		return append(runs, run{pieces: pieces})
	}
	last := &runs[n-1]
	if !endsLine(last.pieces) {
		last.pieces = append(last.pieces, literal("\n"))
	}
	last.pieces = append(last.pieces, pieces...)
	return runs
}

func endsLine(pieces []piece) bool {
	for i := len(pieces) - 1; i >= 0; i-- {
		if p := pieces[i]; p.kind != pieceText || p.value != "" {
			return p.kind == pieceText && strings.HasSuffix(p.value, "\n")
		}
	}
	return true
}

// quoted puts "> " before every line.
func quoted(pieces []piece) []piece {
	pieces = trimmed(joined(pieces))
	out := []piece{literal("> ")}
	for _, p := range pieces {
		if p.kind == pieceText {
			p.value = strings.ReplaceAll(p.value, "\n", "\n> ")
		}
		out = append(out, p)
	}
	return out
}

// Slack's clients offer far fewer levels; the limits keep a wrong number from blowing up the text.
const (
	maxIndent = 8
	maxOffset = 9999
)

func listLines(list object) []piece {
	indent := strings.Repeat("    ", int(min(max(list.integer("indent"), 0), maxIndent)))
	number := min(max(list.integer("offset"), 0), maxOffset)
	var out []piece
	for _, value := range list.list("elements") {
		item := asObject(value)
		if len(out) > 0 {
			out = append(out, literal("\n"))
		}
		if item.str("type") == "rich_text_section" {
			number++
			marker := "- "
			if list.str("style") == "ordered" {
				marker = strconv.FormatInt(number, 10) + ". "
			}
			out = append(out, literal(indent+marker))
		}
		pieces, _ := richTextElement(item)
		out = append(out, trimmed(joined(pieces))...)
	}
	return out
}

// elements reads a list of elements; false when some part could not be read.
func elements(value any) ([]piece, bool) {
	list, ok := value.([]any)
	whole := ok || value == nil
	var out []piece
	for _, v := range list {
		pieces, read := richTextElement(asObject(v))
		out = append(out, pieces...)
		whole = whole && read
	}
	return out, whole
}

// richTextElement reads one element of rich text. What cannot be read shows as its type in brackets, and false is returned.
func richTextElement(e object) ([]piece, bool) {
	one := func(s string) ([]piece, bool) {
		if s == "" {
			return unreadable(e)
		}
		return []piece{literal(s)}, true
	}
	switch e.str("type") {
	case "text":
		if e.odd("text") || e["text"] == nil {
			return unreadable(e)
		}
		return []piece{literal(e.str("text"))}, true
	case "link":
		return one(link(e.str("url"), e.str("text")))
	case "emoji":
		return one(emojiElement(e))
	case "user":
		return identifier(e, pieceMember, "user_id")
	case "usergroup":
		return identifier(e, pieceUserGroup, "usergroup_id")
	case "channel":
		return identifier(e, pieceChannel, "channel_id")
	case "broadcast":
		if e.str("range") == "" {
			return unreadable(e)
		}
		return one("@" + e.str("range"))
	case "date":
		return one(e.str("fallback"))
	case "color":
		return one(e.str("value"))
	}
	if _, ok := e["elements"].([]any); ok {
		return elements(e["elements"])
	}
	return one(textOf(e))
}

func identifier(e object, kind pieceKind, key string) ([]piece, bool) {
	if !validID(e.str(key)) {
		return unreadable(e)
	}
	return []piece{{kind, e.str(key)}}, true
}

func unreadable(e object) ([]piece, bool) {
	name := e.str("type")
	if name == "" {
		name = "?"
	}
	return []piece{literal("[" + name + "]")}, false
}

// textOf is the text of an element that we do not know.
func textOf(e object) string {
	if s := e.firstStr("text", "fallback"); s != "" {
		return s
	}
	return e.obj("text").str("text")
}

// link shows where a link leads unless its label says so already; an address or a phone number is its label.
func link(url, label string) string {
	scheme, rest, _ := strings.Cut(url, ":")
	if scheme == "mailto" || scheme == "tel" {
		if label == "" {
			return rest
		}
		return label
	}
	switch {
	case url == "":
		return label
	case label == "", label == url, label == bare(url):
		return url
	}
	return label + " (" + url + ")"
}

// bare is a web address as people type it; Slack then adds the rest.
func bare(url string) string {
	url = strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://")
	return strings.TrimSuffix(url, "/")
}
