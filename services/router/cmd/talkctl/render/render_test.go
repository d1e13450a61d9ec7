package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
	"pgregory.net/rapid"
)

// column answers where a cell begins in a line, in columns of a terminal.
func column(line, cell string) int {
	before, _, found := strings.Cut(line, cell)
	if !found {
		return -1
	}
	return text.StringWidthWithoutEscSequences(before)
}

func TestColumnsLineUpWhateverIsInThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("あ漢ｶＡéà👍🏽👨‍👩‍👧×–…")), rapid.Rune()))
		rows := [][]string{}
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			rows = append(rows, []string{cell.Draw(t, "cell"), "|END"})
		}
		var out bytes.Buffer
		p := Printer{Out: &out, Location: time.UTC}
		if err := p.Rows([]string{"first", "|end"}, rows); err != nil {
			t.Fatal(err)
		}
		at := column(strings.SplitN(out.String(), "\n", 2)[0], "|END")
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "|END") && column(line, "|END") != at {
				t.Fatalf("not in column %d: %q", at, line)
			}
		}
	})
}

func TestJapaneseTakesTwoColumns(t *testing.T) {
	var out bytes.Buffer
	p := Printer{Out: &out}
	if err := p.Rows([]string{"a", "b"}, [][]string{{"佐藤 花子", "x"}, {"", "y"}, {"two\nlines", "z"}}); err != nil {
		t.Fatal(err)
	}
	if want := "A          B\n佐藤 花子  x\n-          y\ntwo        z\nlines      \n"; strings.ReplaceAll(out.String(), "lines\n", "lines      \n") != want {
		t.Errorf("%q", out.String())
	}
}

func TestNothingWrittenByStrangersReachesTheTerminalAsACommand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("\x1b\x07\x00\x9b\x7f\r\n\t\u202e\u2066\u200f\u2028a")), rapid.Rune())).Draw(t, "text")
		bad := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
		if got := Clean(s, ""); strings.ContainsFunc(got, bad) {
			t.Fatalf("%q is cleaned to %q", s, got)
		}
		if got := Clean(s, "\n"); strings.Count(got, "\n") != strings.Count(s, "\n") {
			t.Fatalf("%q lost line breaks: %q", s, got)
		}
		var out bytes.Buffer
		p := Printer{Out: &out, Format: JSON}
		if err := p.Value(map[string]string{"s": s}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(strings.ReplaceAll(out.String(), "\n", ""), bad) {
			t.Fatalf("%q is written as %q", s, out.String())
		}
		var document bytes.Buffer
		p = Printer{Out: &document, Format: YAML}
		if err := p.Value(map[string]string{"s": s}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(strings.NewReplacer("\n", "", "\t", "").Replace(document.String()), bad) {
			t.Fatalf("%q is written as %q", s, document.String())
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["s"] != strings.ToValidUTF8(s, "\uFFFD") {
			t.Fatalf("%q is read back as %q: %v", s, back["s"], err)
		}
	})
}
