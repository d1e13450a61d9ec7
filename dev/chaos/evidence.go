package chaos

import (
	"fmt"
	"slices"
	"strings"
)

// place is one message on either side, with the marks that it shows.
type place struct {
	where string
	marks []string
}

// witness notes, for each text that is not as it should be, everywhere that it was seen: a failed run must explain itself.
func (v *verdict) witness(diff difference, places []place) {
	for _, name := range slices.Concat(diff.twice, diff.disorder, diff.strange, diff.lost) {
		if _, known := v.Evidence[name]; known {
			continue
		}
		var seen []string
		for _, p := range places {
			var parts []string
			for _, mark := range p.marks {
				if messageOf(mark) == name {
					parts = append(parts, strings.TrimPrefix(mark, name))
				}
			}
			if len(parts) > 0 {
				seen = append(seen, fmt.Sprintf("%s: %s", p.where, partsInWords(parts)))
			}
		}
		if v.Evidence == nil {
			v.Evidence = map[string][]string{}
		}
		v.Evidence[name] = seen
	}
}

// partsInWords names what was seen of a text: its numbered parts, and its end, which is all there is of a short one.
func partsInWords(parts []string) string {
	words := make([]string, len(parts))
	for i, part := range parts {
		if words[i] = part; part == "" {
			words[i] = "end"
		}
	}
	if len(words) > 3 {
		return fmt.Sprintf("%s…%s (%d)", words[0], words[len(words)-1], len(words))
	}
	return strings.Join(words, " ")
}

// placesOf says where in Slack lines of ours stand.
func placesOf(shown []showing) []place {
	places := make([]place, len(shown))
	for i, s := range shown {
		where := fmt.Sprintf("%s thread %s line %s", channel, s.thread(), s.line.TS)
		if s.isHead() {
			where = fmt.Sprintf("%s head %s", channel, s.line.TS)
		}
		places[i] = place{where, s.marks}
	}
	return places
}
