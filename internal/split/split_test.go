package split_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"github.com/slacktalk/slacktalk/internal/split"
)

func TestText(t *testing.T) {
	tests := []struct {
		name  string
		s     string
		limit int
		want  []string
	}{
		{"empty", "", 10, nil},
		{"fits", "hello", 5, []string{"hello"}},
		{"hard cut", "abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"white space", "aaaa bbbb cccc", 10, []string{"aaaa bbbb ", "cccc"}},
		{"white space only in the last half", "a bbbbbbbbbbbb", 10, []string{"a bbbbbbbb", "bbbb"}},
		{"sentence before white space", "aaaaa. bb cc dd", 10, []string{"aaaaa.", " bb cc dd"}},
		{"Japanese sentence", "こんにちは。今日はいい天気です。", 10, []string{"こんにちは。", "今日はいい天気です。"}},
		{"no sentence end within an address", "ab www.example.com/a", 10, []string{"ab www.exa", "mple.com/a"}},
		{"newline before sentence", "aaaaa\nbb. cc dd", 10, []string{"aaaaa\n", "bb. cc dd"}},
		{"blank line before newline", "aaaa\n\nb\nc\ndddd", 10, []string{"aaaa\n\n", "b\nc\ndddd"}},
		{"blank line with spaces", "aaaa\n \nb\nc\ndddd", 10, []string{"aaaa\n \n", "b\nc\ndddd"}},
		{"CR LF stays together", "aaaa\r\n\r\nb\r\nc", 9, []string{"aaaa\r\n\r\n", "b\r\nc"}},
		{"surrogate pairs count two", "😀😀😀", 4, []string{"😀😀", "😀"}},
		{"family stays together", "ab👨‍👩‍👧‍👦c", 11, []string{"ab", "👨‍👩‍👧‍👦", "c"}},
		{"flags stay together", "🇯🇵🇯🇵🇯🇵", 5, []string{"🇯🇵", "🇯🇵", "🇯🇵"}},
		{"combining dakuten", "か\u3099か\u3099", 3, []string{"か\u3099", "か\u3099"}},
		{"cluster larger than the limit", "a👨‍👩‍👧‍👦", 4, []string{"a👨\u200d", "👩\u200d", "👧\u200d", "👦"}},
		{"rune larger than the limit", "a😀b", 1, []string{"a", "😀", "b"}},
		{"no room at all", "ab", 0, []string{"a", "b"}},
		{"invalid UTF-8", "\xff\xfe\xfd", 2, []string{"\xff\xfe", "\xfd"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := split.Text(tt.s, tt.limit, nil)
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("Text(%q, %d) = %q, want %q", tt.s, tt.limit, got, tt.want)
			}
		})
	}
}

func TestUTF16(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "日本": 2, "😀": 2, "\xff": 1, "\xf0\x9f\x98": 3} {
		if got := split.UTF16(s); got != want {
			t.Errorf("UTF16(%q) = %d, want %d", s, got, want)
		}
	}
}

// The time limit is twenty times what is needed; a quadratic algorithm exceeds it by far more.
func TestTextTakesTimeInProportion(t *testing.T) {
	tests := map[string]string{
		"latin":       strings.Repeat("Lorem ipsum dolor. ", 1<<20/19),
		"japanese":    strings.Repeat("あいうえお。", 1<<20/18),
		"no break":    strings.Repeat("x", 1<<20),
		"one cluster": "a" + strings.Repeat("\u0301", 1<<19),
		"one emoji":   strings.Repeat("👩\u200d", 1<<20/7),
		"flags":       strings.Repeat("🇯", 1<<18),
		"invalid":     strings.Repeat("\xf0\x9f", 1<<19),
		"spaces":      strings.Repeat(" ", 1<<20),
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			parts := split.Text(s, 3000, nil)
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("1 MB took %v", d)
			}
			check(t, s, 3000, split.UTF16, parts)
		})
	}
}

// hostile draws texts that are dense in what splitting has to mind.
var hostile = rapid.StringOf(rapid.OneOf(
	rapid.SampledFrom([]rune("ab .!?。！？\n\r\t　&<>か\u3099\u0301\u200d👩👧🇯🇵🏽\ufe0f\u1100\u1161가नि्")),
	rapid.Rune(),
))

func TestTextKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(hostile, rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		limit := rapid.IntRange(-1, 40).Draw(t, "limit")
		name := rapid.SampledFrom([]string{"nil", "bytes", "escaped"}).Draw(t, "size")
		size := map[string]func(string) int{"bytes": func(s string) int { return len(s) }, "escaped": escaped}[name]
		parts := split.Text(s, limit, size)
		if size == nil {
			size = split.UTF16
		}
		check(t, s, limit, size, parts)
	})
}

func FuzzText(f *testing.F) {
	f.Add("hello\n\nworld. 👨‍👩‍👧‍👦", 5)
	f.Add("\xff\xf0\x9f\x98", 1)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		check(t, s, limit, split.UTF16, split.Text(s, limit, nil))
	})
}

func BenchmarkText(b *testing.B) {
	s := strings.Repeat("お世話になっております。", 1<<20/36)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		split.Text(s, 3000, nil)
	}
}

func escaped(s string) int {
	return split.UTF16(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s))
}

type fataler interface{ Fatalf(string, ...any) }

// check holds parts against everything that Text promises, except where it prefers to cut.
func check(t fataler, s string, limit int, size func(string) int, parts []string) {
	if strings.Join(parts, "") != s {
		t.Fatalf("parts of %q do not join to it: %q", s, parts)
	}
	clusters, runes := boundaries(s, limit, size)
	pos := 0
	for i, p := range parts {
		if p == "" {
			t.Fatalf("part %d is empty", i)
		}
		if n := size(p); n > limit && utf8.RuneCountInString(p) > 1 {
			t.Fatalf("part %d has size %d > %d: %q", i, n, limit, p)
		}
		if pos += len(p); !clusters[pos] && !runes[pos] {
			t.Fatalf("part %d of %q ends inside a grapheme cluster: %q", i, s, parts)
		}
	}
}

// boundaries returns where clusters end, and where runes end within clusters that are larger than limit.
func boundaries(s string, limit int, size func(string) int) (clusters, runes map[int]bool) {
	clusters, runes = map[int]bool{}, map[int]bool{}
	g := uniseg.NewGraphemes(s)
	for g.Next() {
		from, to := g.Positions()
		clusters[to] = true
		if size(s[from:to]) <= limit {
			continue
		}
		for i := from; i < to; {
			_, n := utf8.DecodeRuneInString(s[i:])
			i += n
			runes[i] = true
		}
	}
	return clusters, runes
}
