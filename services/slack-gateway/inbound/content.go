package inbound

import (
	"strings"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// content frees a message from Slack's wire format; the names of people and places stay ids.
//
// Where the blocks hold rich text they alone count: Slack's clients write them, and they tell a code block from three
// backticks that somebody typed. `text` is read only where there is none, and also, with its fences taken literally,
// where the rich text turns out to be empty.
//
// Newlines: a code block loses one newline after the opening fence and one before the closing one, because both stand
// for the same block on different clients. Text loses all newlines at its two ends, where they only set it off from a
// code block, and text of nothing but white space is left out. A code block stays whatever is in it, even nothing.
func content(text string, blocks []any) *eventv1.Content {
	if !hasRichText(blocks) {
		runs := textRuns(text)
		if len(runs) == 0 {
			runs = blockRuns(blocks)
		}
		return finish(runs)
	}
	c := finish(blockRuns(blocks))
	if len(c.GetBlocks()) == 0 {
		c = finish([]run{{pieces: mrkdwn(text)}})
	}
	return c
}

// A piece is a stretch of literal text or one id.
type piece struct {
	kind  pieceKind
	value string
}

type pieceKind uint8

const (
	pieceText pieceKind = iota
	pieceMember
	pieceUserGroup
	pieceChannel
)

func literal(s string) piece { return piece{pieceText, s} }

// A run is a code block, or all the text between two code blocks.
type run struct {
	code   bool
	pieces []piece
}

// finish joins neighbouring pieces, applies the rules on newlines and makes the contract's form.
func finish(runs []run) *eventv1.Content {
	c := &eventv1.Content{}
	for _, r := range runs {
		pieces := joined(r.pieces)
		kind := eventv1.Block_KIND_CODE
		if !r.code {
			kind = eventv1.Block_KIND_TEXT
			pieces = trimmed(pieces)
			if blank(pieces) {
				continue
			}
		} else {
			pieces = unfenced(pieces)
		}
		c.Blocks = append(c.Blocks, &eventv1.Block{Kind: kind, Inlines: inlines(pieces)})
	}
	return c
}

// joined makes one piece of neighbouring literals and drops empty ones.
func joined(pieces []piece) []piece {
	var out []piece
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			out = append(out, literal(text.String()))
			text.Reset()
		}
	}
	for _, p := range pieces {
		if p.kind == pieceText {
			text.WriteString(p.value)
			continue
		}
		flush()
		out = append(out, p)
	}
	flush()
	return out
}

// trimmed cuts the newlines at the two ends of joined pieces.
func trimmed(pieces []piece) []piece {
	return atEnds(pieces,
		func(s string) string { return strings.TrimLeft(s, "\r\n") },
		func(s string) string { return strings.TrimRight(s, "\r\n") })
}

// unfenced cuts one newline at each end of joined pieces.
func unfenced(pieces []piece) []piece {
	return atEnds(pieces,
		func(s string) string { return strings.TrimPrefix(s, "\n") },
		func(s string) string { return strings.TrimSuffix(s, "\n") })
}

func atEnds(pieces []piece, first, last func(string) string) []piece {
	if n := len(pieces); n > 0 && pieces[0].kind == pieceText {
		pieces[0].value = first(pieces[0].value)
	}
	if n := len(pieces); n > 0 && pieces[n-1].kind == pieceText {
		pieces[n-1].value = last(pieces[n-1].value)
	}
	return joined(pieces)
}

func blank(pieces []piece) bool {
	for _, p := range pieces {
		if p.kind != pieceText || strings.TrimSpace(p.value) != "" {
			return false
		}
	}
	return true
}

func inlines(pieces []piece) []*eventv1.Inline {
	var out []*eventv1.Inline
	for _, p := range pieces {
		in := &eventv1.Inline{}
		switch p.kind {
		case pieceMember:
			in.Inline = &eventv1.Inline_Member{Member: p.value}
		case pieceUserGroup:
			in.Inline = &eventv1.Inline_UserGroup{UserGroup: p.value}
		case pieceChannel:
			in.Inline = &eventv1.Inline_Channel{Channel: p.value}
		default:
			in.Inline = &eventv1.Inline_Text{Text: p.value}
		}
		out = append(out, in)
	}
	return out
}
