package render

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/slacktalk/slacktalk/internal/split"
)

func TestLabel(t *testing.T) {
	tests := []struct{ name, s, want string }{
		{"plain", "佐藤", "佐藤"},
		{"lines", " a\r\n\tb\u2028c\x00d ", "a b c d"},
		{"direction", "a\u202Eb\u2066c\u2069", "a\uFFFDb\uFFFDc\uFFFD"},
		{"long", strings.Repeat("あ", 20), strings.Repeat("あ", 9) + "…"},
		{"long at a word", "abcdef ghijkl", "abcdef…"},
		{"long once escaped", "&&&&&&", "&…"},
		{"one large character", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨\u200d👩\u200d👧\u200d…"},
	}
	for _, tt := range tests {
		if got := label(tt.s, 10); got != tt.want {
			t.Errorf("%s: label(%q, 10) = %q, want %q", tt.name, tt.s, got, tt.want)
		}
	}
}

func TestLabelKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, limit := rapid.String().Draw(t, "s"), rapid.IntRange(6, 100).Draw(t, "limit")
		got := label(s, limit)
		if split.UTF16(escape(got)) > limit {
			t.Fatalf("label(%q, %d) = %q is too long", s, limit, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || r >= 0x2028 && r <= 0x202E }) {
			t.Fatalf("label(%q, %d) = %q", s, limit, got)
		}
		if size(s) != split.UTF16(escape(s)) {
			t.Fatalf("size(%q) = %d, want %d", s, size(s), split.UTF16(escape(s)))
		}
	})
}

func TestWebAddress(t *testing.T) {
	tests := []struct{ s, want string }{
		{"https://img.example.com/a.png?b=1&c=2#d", "https://img.example.com/a.png?b=1&c=2#d"},
		{"http://img.example.com:8080", "http://img.example.com:8080"},
		{"HTTPS://img.example.com/é \u202E", "https://img.example.com/%C3%A9%20%E2%80%AE"},
		{"", ""},
		{"img.example.com/a.png", ""},
		{"//img.example.com/a.png", ""},
		{"ftp://img.example.com/a.png", ""},
		{"javascript:alert(1)", ""},
		{"https://user@img.example.com/", ""},
		{"https://bank.example.com\\@evil.example/", ""},
		{"https://bücher.example/", ""},
		{"https:///a.png", ""},
		{"https://img.example.com/\n<!channel>", ""},
		{"https://img.example.com/" + strings.Repeat("a", maxImageURL), ""},
	}
	for _, tt := range tests {
		got, ok := webAddress(tt.s)
		if ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("webAddress(%q) = %q, %v, want %q", tt.s, got, ok, tt.want)
		}
	}
}
