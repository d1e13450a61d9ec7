package render

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/slacktalk/slacktalk/internal/split"
)

// escaper writes what Slack would read as its own syntax. Source: docs.slack.dev, formatting message text.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escape(s string) string { return escaper.Replace(s) }

// size measures s in UTF-16 code units as it will be after escape.
func size(s string) int {
	n := split.UTF16(s)
	for i := range len(s) {
		switch s[i] {
		case '&':
			n += len("&amp;") - 1
		case '<', '>':
			n += len("&lt;") - 1
		}
	}
	return n
}

// label makes s fit for a place where a name, title, id or address stands: one line, no override of the direction of
// writing (it could make other words read backwards), at most limit long.
func label(s string, limit int) string {
	s = strings.Map(plain, s)
	s = strings.Join(strings.Fields(s), " ")
	if size(s) <= limit {
		return s
	}
	return strings.TrimRight(split.Text(s, limit-1, size)[0], " ") + "…"
}

func plain(r rune) rune {
	switch {
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		return unicode.ReplacementChar
	case unicode.IsControl(r), r == 0x2028, r == 0x2029:
		return ' '
	}
	return r
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// webAddress returns the address of an image if it is one that a person can judge by reading: http or https, a host of
// plain letters, no user name before it. The scheme is written small, as Slack's own examples do; everything else in it is percent-encoded where
// it is not plain ASCII.
func webAddress(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || !plainHost.MatchString(u.Host) {
		return "", false
	}
	s = encodeRest(u.Scheme + s[len(u.Scheme):])
	return s, len(s) <= maxImageURL
}

// encodeRest percent-encodes every byte of s that is not printable ASCII.
func encodeRest(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7F {
			b.WriteByte(c)
		} else {
			b.WriteString(string([]byte{'%', hex[c>>4], hex[c&15]}))
		}
	}
	return b.String()
}

// consoleURL fills the template with a customer and a project; empty when there is no customer or the result is too long
// to be an address.
func consoleURL(template, user, project string) string {
	if user == "" {
		return ""
	}
	if template == "" {
		template = DefaultConsoleURL
	}
	s := strings.NewReplacer("{user}", encode(user), "{project}", encode(project)).Replace(template)
	if size(s) > maxConsoleURL {
		return ""
	}
	return s
}

// encode percent-encodes s so that it can stand in a path segment as well as in a query.
func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
