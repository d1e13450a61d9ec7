package slackstandin

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	escaper   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

	tokenPattern = `<(?:@[UW][A-Z0-9]+|#[CG][A-Z0-9]+|!(?:here|channel|everyone|subteam\^S[A-Z0-9]+|date\^[^>|]+)|(?:https?://|mailto:|tel:)[^<>|\s]+)(?:\|[^<>]*)?>`
	urlPattern   = `https?://[^\s<>|` + "`" + `]*[^\s<>|` + "`" + `.,:;!?"'()\[\]{}*_~]`
	entity       = `&(?:amp|lt|gt);`

	wirePieces = regexp.MustCompile(tokenPattern + `|` + entity + `|` + urlPattern + `|[&<>]`)
)

// echoText is how Slack keeps the text an app posts: its tokens and escapes stay, stray &, < and > become
// escapes, bare URLs are wrapped, Unicode emoji take their colon form (sheet 6.1, 5).
func echoText(text string) string {
	text = wirePieces.ReplaceAllStringFunc(text, func(piece string) string {
		switch {
		case len(piece) == 1:
			return escaper.Replace(piece)
		case strings.HasPrefix(piece, "http"):
			return "<" + piece + ">"
		}
		return piece
	})
	return emojiColons.Replace(text)
}

// cutText shortens a text to a number of characters and tells whether it did.
func cutText(text string, most int) (string, bool) {
	if utf8.RuneCountInString(text) <= most {
		return text, false
	}
	return string([]rune(text)[:most]), true
}
