package inbound

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kyokomi/emoji/v2"
)

// An emoji in `text` is its name between colons, with a second name for the colour of its skin.
var (
	emojiToken = regexp.MustCompile(`^:([\p{L}\p{N}\p{M}_+'-]{1,100}(?:::skin-tone-[2-6])?):`)
	flagName   = regexp.MustCompile(`^flag-([a-z])([a-z])$`)
)

const skinTone = "::skin-tone-"

// emojiAt reads the emoji that s begins with; the length is 0 when it is none that we know, so that its name stays. A
// skin tone stays with the name it belongs to.
func emojiAt(s string) (string, int) {
	match := emojiToken.FindStringSubmatch(s)
	if match == nil {
		return "", 0
	}
	unicode, ok := emojiNamed(match[1])
	switch {
	case ok:
		return unicode, len(match[0])
	case strings.Contains(match[1], skinTone):
		return match[0], len(match[0])
	}
	return "", 0
}

// emojiElement reads an emoji of rich text: by its code points, else by its name, else as its name between colons. It is
// empty when the element has neither.
func emojiElement(e object) string {
	if s, ok := fromCodePoints(e.str("unicode")); ok {
		return s
	}
	name := e.str("name")
	if name == "" {
		return ""
	}
	if tone := e.integer("skin_tone"); tone >= 2 && tone <= 6 && !strings.Contains(name, skinTone) {
		name += skinTone + strconv.FormatInt(tone, 10)
	}
	if s, ok := emojiNamed(name); ok {
		return s
	}
	return ":" + name + ":"
}

// fromCodePoints reads code points in hexadecimal joined by dashes, such as 1f44b-1f3fc.
func fromCodePoints(s string) (string, bool) {
	if s == "" {
		return "", false
	}
	var out strings.Builder
	for _, hex := range strings.Split(s, "-") {
		n, err := strconv.ParseUint(hex, 16, 31)
		if err != nil || n < ' ' || !utf8.ValidRune(rune(n)) {
			return "", false
		}
		out.WriteRune(rune(n))
	}
	return out.String(), true
}

// emojiNamed looks a name up. Slack's names are those of the common short-name tables; country flags follow a rule.
func emojiNamed(name string) (string, bool) {
	base, tone, toned := strings.Cut(name, skinTone)
	s, ok := emoji.CodeMap()[":"+base+":"]
	if !ok {
		match := flagName.FindStringSubmatch(base)
		if match == nil {
			return "", false
		}
		s = string([]rune{regional(match[1][0]), regional(match[2][0])})
	}
	if toned {
		s = withTone(s, tone)
	}
	return s, true
}

func regional(letter byte) rune { return '\U0001F1E6' + rune(letter-'a') }

// withTone puts the modifier behind the first code point, where it belongs also in a sequence of several; it takes the
// place of the variation selector.
func withTone(s, tone string) string {
	n, err := strconv.Atoi(tone)
	if err != nil || n < 2 || n > 6 {
		return s
	}
	_, size := utf8.DecodeRuneInString(s)
	modifier := string('\U0001F3FB' + rune(n-2))
	return s[:size] + modifier + strings.TrimPrefix(s[size:], "\ufe0f")
}
