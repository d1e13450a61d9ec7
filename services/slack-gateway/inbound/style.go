package inbound

import (
	"strings"
	"unicode"
)

// Where a marker of style may stand. Slack looks at the characters around it; these lists are narrower than Slack's own
// rule (which is not published), because a marker that stays does less harm than a character that is lost.
const (
	beforeOpening = `([{"'“‘（「『【〈《-–—*_~`
	afterClosing  = `.,!?;:)]}"'”’）」』】〉》、。！？…-–—*_~`
	markers       = "*_~"
)

// dropStyle marks the pairs of markers that make a stretch of one line bold, italic or struck out.
func dropStyle(units []unit) {
	open := map[rune]int{}
	for i, u := range units {
		switch {
		case u.resolved != nil:
		case u.r == '\n':
			clear(open)
		case strings.ContainsRune(markers, u.r):
			if start, ok := open[u.r]; ok && closes(units, i) {
				units[start].drop, units[i].drop = true, true
				delete(open, u.r)
			} else if !ok && opens(units, i) {
				open[u.r] = i
			}
		}
	}
}

func opens(units []unit, i int) bool {
	if i+1 == len(units) || isSpace(units[i+1]) || is(units[i+1], units[i].r) {
		return false
	}
	return i == 0 || borders(units[i-1], units[i].r, beforeOpening)
}

func closes(units []unit, i int) bool {
	if isSpace(units[i-1]) || is(units[i-1], units[i].r) {
		return false
	}
	return i+1 == len(units) || borders(units[i+1], units[i].r, afterClosing)
}

// borders tells whether a neighbour leaves a marker standing at the edge of a word. A marker doubled is none.
func borders(neighbour unit, marker rune, allowed string) bool {
	if is(neighbour, marker) {
		return false
	}
	return neighbour.resolved != nil || isSpace(neighbour) || strings.ContainsRune(allowed, neighbour.r)
}

func is(u unit, r rune) bool { return u.resolved == nil && u.r == r }

func isSpace(u unit) bool { return u.resolved == nil && unicode.IsSpace(u.r) }
