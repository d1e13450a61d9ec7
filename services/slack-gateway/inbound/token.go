package inbound

import (
	"regexp"
	"strings"
)

// In `text` Slack escapes these three and nothing else. A Replacer goes over its input once, so `&amp;lt;` becomes `&lt;`.
var unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

func unescape(s string) string { return unescaper.Replace(s) }

var (
	memberToken = regexp.MustCompile(`^@[UW][A-Z0-9]{1,23}$`)
	scheme      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:.`)
)

// token reads the token `<…>` that s begins with. The length is 0 when it is none: the angle bracket is then literal.
// Slack escapes every bracket that somebody typed, so a token holds no other bracket and no newline.
func token(s string) (piece, int) {
	end := strings.IndexAny(s[1:], "<>\n")
	if end < 0 || s[1+end] != '>' {
		return piece{}, 0
	}
	target, label, _ := strings.Cut(s[1:1+end], "|")
	p, ok := resolve(target, label)
	if !ok {
		return piece{}, 0
	}
	return p, end + 2
}

// resolve follows Slack's recipe: # is a channel, @ a member, ! something special, anything else a URL. The label of a
// member, group or channel is left behind, because it is whatever name somebody saw once.
func resolve(target, label string) (piece, bool) {
	switch {
	case memberToken.MatchString(target):
		return piece{pieceMember, target[1:]}, true
	case strings.HasPrefix(target, "#") && validID(target[1:]):
		return piece{pieceChannel, target[1:]}, true
	case strings.HasPrefix(target, "!"):
		return special(target[1:], unescape(label))
	case scheme.MatchString(target):
		return literal(link(unescape(target), unescape(label))), true
	}
	return piece{}, false
}

func special(command, label string) (piece, bool) {
	if id, ok := strings.CutPrefix(command, "subteam^"); ok && validID(id) {
		return piece{pieceUserGroup, id}, true
	}
	switch command {
	case "here", "channel", "everyone":
		return literal("@" + command), true
	}
	// Dates show their fallback and whatever else Slack thinks of shows its label.
	return literal(label), label != ""
}
