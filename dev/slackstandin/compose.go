package slackstandin

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// element is one rich_text object.
type element map[string]any

// composed is what one person's typing becomes on the wire.
type composed struct {
	text   string
	blocks []element // the elements of the one rich_text block
}

// source says how the text that is composed was written.
type source struct {
	wire bool // by an app, with escapes; otherwise as a person types
}

var fence = regexp.MustCompile("(?s)```(.+?)```")

// compose turns what a person types into Slack's default composer into text and rich_text as in sheet 2.4. A pair
// of ``` fences is a code block, an opening fence without its twin is ordinary text. Tokens such as <@U…> stand for
// what a person picks from a list.
func compose(typed string) composed { return source{}.compose(typed) }

func (src source) compose(typed string) composed {
	var out composed
	var texts []string
	rest, between := typed, false
	for {
		at := fence.FindStringSubmatchIndex(rest)
		before := rest
		if at != nil {
			before = rest[:at[0]]
		}
		if between {
			before = strings.TrimPrefix(before, "\n")
		}
		if at == nil {
			if before != "" {
				texts = append(texts, out.addProse(src, before, false))
			}
			break
		}
		if before != "" {
			texts = append(texts, out.addProse(src, strings.TrimSuffix(before, "\n"), true))
		}
		texts = append(texts, out.addCode(src, rest[at[2]:at[3]]))
		rest, between = rest[at[1]:], true
	}
	out.text = strings.Join(texts, "\n")
	return out
}

// addCode adds a code block and returns its text: fences glued to the body, no newline inside them.
func (out *composed) addCode(src source, body string) string {
	if inner := strings.TrimSuffix(strings.TrimPrefix(body, "\n"), "\n"); inner != "" {
		body = inner
	}
	pieces := src.inCode(body)
	out.blocks = append(out.blocks, element{"type": "rich_text_preformatted", "elements": pieces.elements, "border": 0})
	return "```" + pieces.text + "```"
}

var (
	quoteLine   = regexp.MustCompile(`^(?:>|&gt;) ?(.*)$`)
	bulletLine  = regexp.MustCompile(`^[•-] (.*)$`)
	orderedLine = regexp.MustCompile(`^\d+\. (.*)$`)
)

// addProse adds the lines between code blocks: sections, quotes and lists. A section in front of something else
// ends with a text element that is a newline.
func (out *composed) addProse(src source, typed string, more bool) string {
	var texts, plain []string
	flush := func(last bool) {
		if plain == nil {
			return
		}
		pieces := src.inline(strings.Join(plain, "\n"), nil)
		if !last || more {
			pieces.elements = append(pieces.elements, element{"type": "text", "text": "\n"})
		}
		out.blocks = append(out.blocks, element{"type": "rich_text_section", "elements": pieces.elements})
		texts, plain = append(texts, pieces.text), nil
	}
	for _, line := range strings.Split(typed, "\n") {
		kind, content := lineKind(line)
		if kind == "" {
			plain = append(plain, line)
			continue
		}
		flush(false)
		pieces := src.inline(content, nil)
		texts = append(texts, out.addLine(kind, pieces))
	}
	flush(true)
	return strings.Join(texts, "\n")
}

func lineKind(line string) (kind, content string) {
	for kind, pattern := range map[string]*regexp.Regexp{
		"quote": quoteLine, "bullet": bulletLine, "ordered": orderedLine,
	} {
		if m := pattern.FindStringSubmatch(line); m != nil {
			return kind, m[1]
		}
	}
	return "", ""
}

// addLine adds a line of a quote or a list to the one it continues and returns its text.
func (out *composed) addLine(kind string, p pieces) string {
	var last element
	if n := len(out.blocks); n > 0 {
		last = out.blocks[n-1]
	}
	if kind == "quote" {
		if last["type"] == "rich_text_quote" {
			last["elements"] = append(append(last["elements"].([]element), element{"type": "text", "text": "\n"}), p.elements...)
		} else {
			out.blocks = append(out.blocks, element{"type": "rich_text_quote", "elements": p.elements})
		}
		return "&gt; " + p.text
	}
	item := element{"type": "rich_text_section", "elements": p.elements}
	if last["type"] != "rich_text_list" || last["style"] != kind {
		last = element{"type": "rich_text_list", "style": kind, "indent": 0, "border": 0, "elements": []element{}}
		out.blocks = append(out.blocks, last)
	}
	items := append(last["elements"].([]element), item)
	last["elements"] = items
	if kind == "ordered" {
		return strconv.Itoa(len(items)) + ". " + p.text
	}
	return "• " + p.text
}

// pieces is a run of inline elements with its text.
type pieces struct {
	text     string
	elements []element
}

var (
	inlinePieces = regexp.MustCompile(tokenPattern + `|` + urlPattern +
		"|`[^`\n]+`|" + emojiChars.String() + `|:[a-z0-9_+\-']+:(?::skin-tone-[2-6]:)?|\*[^*\n]+\*|_[^_\n]+_|~[^~\n]+~`)
	codePieces = regexp.MustCompile(tokenPattern + `|` + urlPattern + `|` + emojiChars.String())
	emojiAlone = regexp.MustCompile(`^(?:` + emojiChars.String() + `)$`)
	styles     = map[byte]string{'*': "bold", '_': "italic", '~': "strike"}
)

// inCode splits the body of a code block: links and picked mentions stay elements, the rest is literal.
func (src source) inCode(body string) pieces {
	var p pieces
	src.split(body, codePieces, &p, nil, func(piece string) bool {
		return p.addToken(src, piece, nil)
	})
	return p
}

// inline splits prose into text, links, mentions, emoji and styled runs.
func (src source) inline(typed string, style element) pieces {
	var p pieces
	src.split(typed, inlinePieces, &p, style, func(piece string) bool {
		if p.addToken(src, piece, style) {
			return true
		}
		inner := piece[1 : len(piece)-1]
		if piece[0] == '`' {
			p.add(element{"type": "text", "text": src.literal(inner)}, withStyle(style, "code"))
			p.text += "`" + src.escaped(inner) + "`"
			return true
		}
		if strings.TrimSpace(inner) != inner {
			return false
		}
		styled := src.inline(inner, withStyle(style, styles[piece[0]]))
		p.elements = append(p.elements, styled.elements...)
		p.text += piece[:1] + styled.text + piece[:1]
		return true
	})
	return p
}

// split cuts a text at a pattern; what the callback refuses, and all between, becomes plain text.
func (src source) split(typed string, at *regexp.Regexp, p *pieces, style element, take func(string) bool) {
	plain := func(text string) {
		if text != "" {
			p.add(element{"type": "text", "text": src.literal(text)}, style)
			p.text += src.escaped(text)
		}
	}
	start := 0
	for _, m := range at.FindAllStringIndex(typed, -1) {
		if glued(typed, m[0], m[1]) {
			continue
		}
		mark, count := p.text, len(p.elements)
		plain(typed[start:m[0]])
		if !take(typed[m[0]:m[1]]) {
			p.text, p.elements = mark, p.elements[:count]
			continue
		}
		start = m[1]
	}
	plain(typed[start:])
}

// glued tells that a style or emoji mark stands inside a word, as in snake_case_name or 10:30:45, and marks
// nothing.
func glued(typed string, from, to int) bool {
	if !strings.ContainsRune("*_~:", rune(typed[from])) {
		return false
	}
	word := func(b byte) bool {
		return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
	}
	return from > 0 && word(typed[from-1]) || to < len(typed) && word(typed[to])
}

func (p *pieces) add(el, style element) {
	if style != nil {
		el["style"] = style
	}
	p.elements = append(p.elements, el)
}

// addToken adds a link, mention or emoji and tells whether the piece was one.
func (p *pieces) addToken(src source, piece string, style element) bool {
	var el element
	if emojiAlone.MatchString(piece) {
		piece = emojiColons.Replace(piece)
	}
	text := piece
	switch {
	case strings.HasPrefix(piece, "http"):
		el, text = element{"type": "link", "url": src.literal(piece)}, "<"+src.escaped(piece)+">"
	case piece[0] == '<':
		el = tokenElement(piece[1 : len(piece)-1])
	case colonForm.MatchString(piece):
		el = emojiElement(piece)
	default:
		return false
	}
	p.add(el, style)
	p.text += text
	return true
}

// tokenElement is the rich_text twin of what stands between < and > (sheet 2.5).
func tokenElement(token string) element {
	name, label, _ := strings.Cut(token, "|")
	switch {
	case name[0] == '@':
		return element{"type": "user", "user_id": name[1:]}
	case name[0] == '#':
		return element{"type": "channel", "channel_id": name[1:]}
	case strings.HasPrefix(name, "!subteam^"):
		return element{"type": "usergroup", "usergroup_id": strings.TrimPrefix(name, "!subteam^")}
	case strings.HasPrefix(name, "!date^"):
		parts := append(strings.SplitN(strings.TrimPrefix(name, "!date^"), "^", 3), "", "")
		stamp, _ := strconv.ParseInt(parts[0], 10, 64) // a date that is no number shows as its fallback
		return element{"type": "date", "timestamp": stamp, "format": parts[1], "fallback": label}
	case name[0] == '!':
		return element{"type": "broadcast", "range": name[1:]}
	}
	el := element{"type": "link", "url": unescaper.Replace(name)}
	if label != "" {
		el["text"] = unescaper.Replace(label)
	}
	return el
}

func withStyle(style element, name string) element {
	out := element{name: true}
	for k, v := range style {
		out[k] = v
	}
	return out
}

// literal is a run of text as the blocks hold it, escaped as the text field does.
func (src source) literal(text string) string {
	if src.wire {
		return unescaper.Replace(text)
	}
	return text
}

func (src source) escaped(text string) string {
	if src.wire {
		return text
	}
	return escaper.Replace(text)
}

// richText wraps composed elements into the blocks of a message.
func (out composed) richText(blockID string) json.RawMessage {
	elements := out.blocks
	if len(elements) == 0 {
		elements = []element{{"type": "rich_text_section", "elements": []element{}}}
	}
	raw, _ := encode([]element{{ // maps of strings and numbers always encode
		"type": "rich_text", "block_id": cmp.Or(blockID, "b"), "elements": elements,
	}})
	return raw
}
