package inbound

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// A unit is what the reader of style looks at: one rune as it stands in the text, or something already resolved.
type unit struct {
	r        rune
	resolved *piece
	drop     bool
}

// Slack's clients write the bullets of a list as one of these.
var bullet = regexp.MustCompile(`(?m)^([ \t]*)[•◦▪]\x{FE0E}?[ \t]+`)

// mrkdwn reads text outside of fences: code spans, tokens and emoji are resolved, markers of style are taken away, and
// the escapes of what is left are undone last, once.
func mrkdwn(text string) []piece {
	units := unitsOf(bullet.ReplaceAllString(text, "${1}- "))
	dropStyle(units)
	var out []piece
	var raw strings.Builder
	flush := func() {
		out = append(out, literal(unescape(raw.String())))
		raw.Reset()
	}
	for _, u := range units {
		switch {
		case u.drop:
		case u.resolved != nil:
			flush()
			out = append(out, *u.resolved)
		default:
			raw.WriteRune(u.r)
		}
	}
	flush()
	return joined(out)
}

func unitsOf(text string) []unit {
	units := make([]unit, 0, len(text))
	for i := 0; i < len(text); {
		pieces, length := resolvedAt(text[i:])
		if length == 0 {
			length = plainAt(text[i:])
			for _, r := range text[i : i+length] {
				units = append(units, unit{r: r})
			}
		}
		for j := range pieces {
			units = append(units, unit{resolved: &pieces[j]})
		}
		i += length
	}
	return units
}

// resolvedAt reads the code span, token or emoji that s begins with; the length is 0 when there is none.
func resolvedAt(s string) ([]piece, int) {
	switch s[0] {
	case '`':
		body, ok := codeSpan(s)
		if !ok {
			return nil, 0
		}
		return codePieces(body), len(body) + 2
	case '<':
		p, length := token(s)
		return []piece{p}[:min(length, 1)], length
	case ':':
		unicode, length := emojiAt(s)
		return []piece{literal(unicode)}[:min(length, 1)], length
	}
	return nil, 0
}

// plainAt is how much of s is to be taken literally before anything can be resolved again.
func plainAt(s string) int {
	if n := backticks(s); n > 0 {
		return n
	}
	_, length := utf8.DecodeRuneInString(s)
	return length
}

// codeSpan is what stands between two single backticks on one line. Runs of several backticks open and close nothing.
func codeSpan(s string) (string, bool) {
	if backticks(s) != 1 {
		return "", false
	}
	for i := 1; i < len(s) && s[i] != '\n'; {
		switch n := backticks(s[i:]); n {
		case 0:
			i++
		case 1:
			return s[1:i], true
		default:
			i += n
		}
	}
	return "", false
}
