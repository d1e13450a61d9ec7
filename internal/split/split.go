// Package split cuts a long text into parts that fit a size limit, where a reader expects a break.
package split

import (
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Text cuts s into parts of at most limit, measured by size. Joining the parts gives back s exactly, whatever bytes it
// holds. A nil size counts UTF-16 code units (see UTF16). An empty s has no parts.
//
// A part ends, in this order of preference, after a blank line, a newline, the end of a sentence or white space, if there
// is such a point in its last half; otherwise after the last grapheme cluster (what a reader sees as one character) that
// fits. Only a cluster that is larger than limit by itself is cut between its runes, and only a rune that is larger than
// limit by itself makes a part that exceeds it.
//
// size must not grow when texts are joined: size(a+b) <= size(a)+size(b). It is called once per cluster, so that the whole
// takes time proportional to the length of s.
func Text(s string, limit int, size func(string) int) []string {
	if s == "" {
		return nil
	}
	if size == nil {
		size = UTF16
	}
	if len(s) <= limit && size(s) <= limit {
		return []string{s}
	}
	var parts []string
	atoms := cut(s, limit, size)
	for start, from := 0, 0; from < len(atoms); {
		next := fill(atoms, from, limit)
		end := atoms[next-1].end
		parts = append(parts, s[start:end])
		start, from = end, next
	}
	return parts
}

// UTF16 counts the UTF-16 code units of s, the unit in which Slack and JavaScript measure text. Every byte that is not
// part of valid UTF-8 counts as one, because it is sent as U+FFFD.
func UTF16(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// An atom is a piece that is never cut: a grapheme cluster, or a rune of one that is larger than the limit.
type atom struct {
	end  int // offset of its end in the text
	size int
	rank rank
}

// A rank says how good a place the end of an atom is for a cut; the higher the better.
type rank uint8

const (
	rankNone rank = iota
	rankSpace
	rankSentence
	rankLine
	rankParagraph
	ranks
)

// cut lists the atoms of s.
func cut(s string, limit int, size func(string) int) []atom {
	atoms := make([]atom, 0, len(s)/2)
	blank := false // nothing but white space since the last newline
	for pos := 0; pos < len(s); {
		cluster := first(s[pos:])
		end := pos + len(cluster)
		r := judge(cluster, s[end:], blank)
		if r >= rankLine || !isSpace(cluster) {
			blank = r >= rankLine
		}
		if n := size(cluster); n <= limit || len(cluster) == 1 {
			atoms = append(atoms, atom{end: end, size: n, rank: r})
		} else {
			atoms = cutCluster(atoms, cluster, pos, size)
		}
		pos = end
	}
	return atoms
}

// cutCluster appends the runes of a cluster that is too large to stay whole.
func cutCluster(atoms []atom, cluster string, pos int, size func(string) int) []atom {
	for i := 0; i < len(cluster); {
		_, n := utf8.DecodeRuneInString(cluster[i:])
		atoms = append(atoms, atom{end: pos + i + n, size: size(cluster[i : i+n])})
		i += n
	}
	return atoms
}

// first returns the first grapheme cluster of s. Between two ASCII bytes there is always a boundary except in CR LF,
// which saves most texts the table look-up.
func first(s string) string {
	if s[0] < utf8.RuneSelf && s[0] != '\r' && (len(s) == 1 || s[1] < utf8.RuneSelf) {
		return s[:1]
	}
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
	return cluster
}

// judge ranks a cut between cluster and rest.
func judge(cluster, rest string, blankLine bool) rank {
	switch cluster {
	case "\n", "\r\n", "\r":
		if blankLine {
			return rankParagraph
		}
		return rankLine
	case "。", "！", "？":
		return rankSentence
	case ".", "!", "?":
		// Within an address, a number or "?!" the sentence goes on.
		if rest == "" || rest[0] <= ' ' || rest[0] >= utf8.RuneSelf {
			return rankSentence
		}
		return rankNone
	}
	if isSpace(cluster) {
		return rankSpace
	}
	return rankNone
}

func isSpace(cluster string) bool {
	r, _ := utf8.DecodeRuneInString(cluster)
	return unicode.IsSpace(r)
}

// fill returns the index after the last atom of the part that starts at from. A part takes at least one atom.
func fill(atoms []atom, from, limit int) int {
	var best [ranks]int // index after the last atom of each rank in the last half of the part
	total := 0
	for i := from; i < len(atoms); i++ {
		a := atoms[i]
		if total += a.size; total > limit && i > from {
			return choose(best, i)
		}
		if total >= limit-limit/2 {
			best[a.rank] = i + 1
		}
	}
	return len(atoms)
}

// choose picks the best place for a cut; full is where the part is full.
func choose(best [ranks]int, full int) int {
	for r := ranks - 1; r > rankNone; r-- {
		if best[r] > 0 {
			return best[r]
		}
	}
	return full
}
