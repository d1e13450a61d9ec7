// Package plain reads what a person wrote in Slack as the plain text that a customer may read.
package plain

import (
	"strings"
	"unicode"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Names resolves ids to what a customer may read. What is not in it is said in general words: ids never reach a customer.
type Names struct {
	Members    map[string]string
	UserGroups map[string]string
	Channels   map[string]string
}

// Unresolved lists the ids that content mentions.
func Unresolved(content *eventv1.Content) (members, userGroups, channels []string) {
	for _, block := range content.GetBlocks() {
		for _, inline := range block.GetInlines() {
			switch in := inline.GetInline().(type) {
			case *eventv1.Inline_Member:
				members = append(members, in.Member)
			case *eventv1.Inline_UserGroup:
				userGroups = append(userGroups, in.UserGroup)
			case *eventv1.Inline_Channel:
				channels = append(channels, in.Channel)
			}
		}
	}
	return members, userGroups, channels
}

// Shape is how a content is made, which decides whom it is for.
type Shape uint8

// The shapes.
const (
	// Nothing was written.
	Nothing Shape = iota
	// Empty is code blocks and no words.
	Empty
	// Words are words without a code block.
	Words
	// Block is exactly one code block that has something in it, and nothing beside it.
	Block
	// Mixed is exactly one code block, and something beside it.
	Mixed
	// Several are several code blocks.
	Several
	// Unclosed holds a fence that nothing closes.
	Unclosed
)

// Reading is a content as plain text.
type Reading struct {
	Shape Shape
	// Whole is everything; code blocks keep lines of their own.
	Whole string
	// Block is the content of the code block, where there is exactly one.
	Block string
}

// Sendable is the whole as a customer is to read it when somebody decides that it is for them: without fences that close nothing.
func (r Reading) Sendable() string {
	switch r.Shape {
	case Block:
		return r.Block
	case Unclosed:
		return strings.Trim(strings.ReplaceAll(r.Whole, fence, ""), "\n")
	default:
		return r.Whole
	}
}

const fence = "```"

// Read reads a content.
func (n Names) Read(content *eventv1.Content) Reading {
	code, other, open, block := 0, false, false, ""
	for _, b := range content.GetBlocks() {
		text := n.plain(b)
		if b.GetKind() == eventv1.Block_KIND_CODE {
			code++
			block = strings.TrimRight(text, "\n")
			continue
		}
		// A mention of something without a name to show is something that was written, too.
		other = other || strings.TrimSpace(text) != "" || mentions(b)
		open = open || strings.Contains(text, fence)
	}
	r := Reading{Whole: n.Text(content)}
	if code == 1 {
		r.Block = block
	}
	switch {
	case Blank(r.Whole) && code > 0:
		r.Shape = Empty
	case strings.TrimSpace(r.Whole) == "":
		r.Shape = Nothing
	case code == 1 && !other:
		r.Shape = Block
	case open:
		r.Shape = Unclosed
	case code > 1:
		r.Shape = Several
	case code == 1:
		r.Shape = Mixed
	default:
		r.Shape = Words
	}
	return r
}

// Blank reports whether a text shows nothing: white space, and characters that only join or mark others.
func Blank(text string) bool {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }) == ""
}

// mentions reports whether a block holds anything but literal text.
func mentions(block *eventv1.Block) bool {
	for _, inline := range block.GetInlines() {
		if _, literal := inline.GetInline().(*eventv1.Inline_Text); !literal {
			return true
		}
	}
	return false
}

// Text answers the whole content as plain text; code blocks keep lines of their own.
func (n Names) Text(content *eventv1.Content) string {
	var out strings.Builder
	for _, block := range content.GetBlocks() {
		text := n.plain(block)
		if out.Len() > 0 && block.GetKind() == eventv1.Block_KIND_CODE && !strings.HasSuffix(out.String(), "\n") {
			out.WriteByte('\n')
		}
		out.WriteString(text)
		if block.GetKind() == eventv1.Block_KIND_CODE {
			out.WriteByte('\n')
		}
	}
	return strings.TrimRight(out.String(), "\n")
}

func (n Names) plain(block *eventv1.Block) string {
	var out strings.Builder
	for _, inline := range block.GetInlines() {
		switch in := inline.GetInline().(type) {
		case *eventv1.Inline_Text:
			out.WriteString(in.Text)
		case *eventv1.Inline_Member:
			out.WriteString("@" + orElse(n.Members[in.Member], "担当者"))
		case *eventv1.Inline_UserGroup:
			out.WriteString("@" + orElse(n.UserGroups[in.UserGroup], "担当グループ"))
		case *eventv1.Inline_Channel:
			if name := n.Channels[in.Channel]; name != "" {
				out.WriteString("#" + name)
			}
		}
	}
	return out.String()
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Shorten cuts a text for a preview to about limit characters, between two of them.
func Shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimRight(string(runes[:limit]), " \n\u3000") + "…"
}
