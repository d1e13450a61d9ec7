package slackstandin

import (
	"regexp"
	"strings"
)

// emojis are the Unicode emoji the stand-in turns into colon form; Slack knows all of them, the stand-in enough
// to show every case: plain, with a variation selector, and of several code points.
var emojis = []struct{ char, name, unicode string }{
	{"👨‍👩‍👧", "man-woman-girl", "1f468-200d-1f469-200d-1f467"},
	{"❤️", "heart", "2764-fe0f"},
	{"☺️", "relaxed", "263a-fe0f"},
	{"🇯🇵", "flag-jp", "1f1ef-1f1f5"},
	{"🎉", "tada", "1f389"},
	{"👋", "wave", "1f44b"},
	{"👍", "+1", "1f44d"},
	{"🙏", "pray", "1f64f"},
	{"😀", "grinning", "1f600"},
	{"😄", "smile", "1f604"},
	{"😊", "blush", "1f60a"},
	{"😂", "joy", "1f602"},
	{"😭", "sob", "1f62d"},
	{"🙇", "bow", "1f647"},
	{"👀", "eyes", "1f440"},
	{"✅", "white_check_mark", "2705"},
	{"❌", "x", "274c"},
	{"🚀", "rocket", "1f680"},
	{"🔥", "fire", "1f525"},
	{"✨", "sparkles", "2728"},
	{"🍣", "sushi", "1f363"},
}

// skinTones are the modifiers behind an emoji, by their number in Slack (2 to 6).
var skinTones = []struct{ char, unicode string }{
	{"🏻", "1f3fb"}, {"🏼", "1f3fc"}, {"🏽", "1f3fd"}, {"🏾", "1f3fe"}, {"🏿", "1f3ff"},
}

var emojiColons = func() *strings.Replacer {
	var pairs []string
	for _, e := range emojis {
		for i, tone := range skinTones {
			pairs = append(pairs, e.char+tone.char, ":"+e.name+"::skin-tone-"+string(rune('2'+i))+":")
		}
		pairs = append(pairs, e.char, ":"+e.name+":")
	}
	return strings.NewReplacer(pairs...)
}()

// emojiChars finds Unicode emoji where colons stay as they were typed: inside code.
var emojiChars = func() *regexp.Regexp {
	var chars, tones []string
	for _, e := range emojis {
		chars = append(chars, regexp.QuoteMeta(e.char))
	}
	for _, t := range skinTones {
		tones = append(tones, t.char)
	}
	return regexp.MustCompile("(?:" + strings.Join(chars, "|") + ")(?:" + strings.Join(tones, "|") + ")?")
}()

var colonForm = regexp.MustCompile(`^:([a-z0-9_+\-']+)(?:::skin-tone-([2-6]))?:$`)

// emojiElement is the rich_text twin of :name: (sheet 2.5); an emoji the workspace made has no unicode.
func emojiElement(colons string) element {
	parts := colonForm.FindStringSubmatch(colons)
	el := element{"type": "emoji", "name": parts[1]}
	for _, e := range emojis {
		if e.name == parts[1] {
			el["unicode"] = e.unicode
		}
	}
	if parts[2] != "" {
		tone := int(parts[2][0] - '0')
		el["skin_tone"] = tone
		if code, ok := el["unicode"].(string); ok {
			el["unicode"] = code + "-" + skinTones[tone-2].unicode
		}
	}
	return el
}
