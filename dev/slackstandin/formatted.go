package slackstandin

import (
	"regexp"
	"strings"
)

// Paragraph is a part of what a person formats in Slack's composer, where marks are not typed but seen: lines of text, a quote, an item of a list, or
// a code block.
type Paragraph struct {
	Kind string `json:"kind"` // text, quote, bullet, ordered or code
	Runs []Run  `json:"runs"`
}

// Run is text in one style. Tokens such as <@U…> stand for what a person picks from a list; marks such as * are ordinary text.
type Run struct {
	Text   string `json:"text"`
	Bold   bool   `json:"bold"`
	Italic bool   `json:"italic"`
	Strike bool   `json:"strike"`
	Code   bool   `json:"code"`
}

var formattedPieces = regexp.MustCompile(tokenPattern + `|` + urlPattern + `|` + emojiChars.String() + `|:[a-z0-9_+\-']+:(?::skin-tone-[2-6]:)?`)

// composeFormatted is compose for what was formatted.
func composeFormatted(paragraphs []Paragraph) composed {
	var src source
	var out composed
	var texts []string
	for i, p := range paragraphs {
		switch p.Kind {
		case "code":
			var body strings.Builder
			for _, run := range p.Runs {
				body.WriteString(run.Text)
			}
			texts = append(texts, out.addCode(src, body.String()))
		case "quote", "bullet", "ordered":
			for _, line := range linesOf(p.Runs) {
				texts = append(texts, out.addLine(p.Kind, src.formatted(line)))
			}
		default:
			pieces := src.formatted(p.Runs)
			if i < len(paragraphs)-1 {
				pieces.elements = append(pieces.elements, element{"type": "text", "text": "\n"})
			}
			out.blocks = append(out.blocks, element{"type": "rich_text_section", "elements": pieces.elements})
			texts = append(texts, pieces.text)
		}
	}
	out.text = strings.Join(texts, "\n")
	return out
}

// linesOf splits runs where a line ends.
func linesOf(runs []Run) [][]Run {
	lines := [][]Run{nil}
	for _, run := range runs {
		for i, text := range strings.Split(run.Text, "\n") {
			if i > 0 {
				lines = append(lines, nil)
			}
			if text == "" {
				continue
			}
			piece := run
			piece.Text = text
			lines[len(lines)-1] = append(lines[len(lines)-1], piece)
		}
	}
	return lines
}

// formatted is the rich_text of runs, and their twin in mrkdwn.
func (src source) formatted(runs []Run) pieces {
	all := pieces{elements: []element{}}
	for _, run := range runs {
		var style element
		marks := ""
		for _, s := range []struct {
			on   bool
			name string
			mark string
		}{{run.Bold, "bold", "*"}, {run.Italic, "italic", "_"}, {run.Strike, "strike", "~"}, {run.Code, "code", "`"}} {
			if s.on {
				style, marks = withStyle(style, s.name), marks+s.mark
			}
		}
		at := formattedPieces
		if run.Code {
			at = codePieces
		}
		var p pieces
		src.split(run.Text, at, &p, style, func(piece string) bool { return p.addToken(src, piece, style) })
		all.elements = append(all.elements, p.elements...)
		all.text += marks + p.text + reversed(marks)
	}
	return all
}

func reversed(marks string) string {
	out := []byte(marks)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}
