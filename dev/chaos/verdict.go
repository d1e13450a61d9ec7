package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

// difference is what a row of received marks says about the texts that were sent.
type difference struct {
	lost, twice, disorder, strange []string
}

// compare answers which texts are missing, came twice, came after a later one, or were never sent to whom they came. Each text is named once
// per fault.
func compare(sentMarks, gotMarks []string) difference {
	place := map[string]int{}
	for i, mark := range sentMarks {
		place[mark] = i
	}
	seen := map[string]bool{}
	lost, twice, disorder, strange := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	latest := -1
	for _, mark := range gotMarks {
		at, known := place[mark]
		switch {
		case !known:
			strange[messageOf(mark)] = true
		case seen[mark]:
			twice[messageOf(mark)] = true
		case at < latest:
			disorder[messageOf(mark)] = true
		}
		if known {
			seen[mark], latest = true, max(latest, at)
		}
	}
	for _, mark := range sentMarks {
		if !seen[mark] {
			lost[messageOf(mark)] = true
		}
	}
	return difference{names(lost), names(twice), names(disorder), names(strange)}
}

func names(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// direction is the verdict on one direction of the conversation.
type direction struct {
	Sent, Received                         int
	Lost, Twice, Disorder, Strange, Damage []string
	Delays                                 []time.Duration
}

// arrival is when a text was seen complete for the first time.
type arrival struct {
	sent sent
	at   time.Time
}

func (d *direction) add(diff difference, expected int) {
	d.Sent += expected
	d.Received += expected - len(diff.lost)
	d.Lost = append(d.Lost, diff.lost...)
	d.Twice = append(d.Twice, diff.twice...)
	d.Disorder = append(d.Disorder, diff.disorder...)
	d.Strange = append(d.Strange, diff.strange...)
}

func (d *direction) bad() int {
	return len(d.Lost) + len(d.Twice) + len(d.Disorder) + len(d.Strange) + len(d.Damage)
}

// verdict is what the comparison of both sides with what was written there says.
type verdict struct {
	ToSlack, ToKARTE direction
	// MaxThreads is the most threads that one customer has.
	MaxThreads int
	// SecondThreads names customers with more than one thread, Stray lines of ours in the channel that open no thread.
	SecondThreads, Stray []string
	// WrongReceipts are the operator's lines that do not carry exactly the receipt that they should.
	WrongReceipts []string
	// Evidence tells, by text, where each one that is not as it should be was seen.
	Evidence map[string][]string
	arrivals []arrival
}

func (v *verdict) bad() int {
	return v.ToSlack.bad() + v.ToKARTE.bad() + len(v.SecondThreads) + len(v.Stray) + len(v.WrongReceipts)
}

// judge compares what both sides show with what was written.
func judge(written [][]sent, messages []*slackstandin.Message, snapshot *kartestandin.Snapshot, deleted []deletedHead) *verdict {
	v := &verdict{}
	threads := v.threads(len(written), messages, deleted)
	byTS := map[string]*slackstandin.Message{}
	for _, m := range messages {
		byTS[m.TS] = m
	}
	for n, texts := range written {
		v.toSlack(without(texts, deleted), threads[n], deleted)
		v.toKARTE(texts, snapshot.Messages(customerID(n)))
		for _, s := range texts {
			if s.kind != fromCustomer && !receipted(byTS[s.ts], s.kind) {
				v.WrongReceipts = append(v.WrongReceipts, fmt.Sprintf("%s (it has %v)", s.marks[len(s.marks)-1], reactions(byTS[s.ts])))
			}
		}
	}
	return v
}

// without leaves out the texts of heads that were deleted.
func without(texts []sent, deleted []deletedHead) []sent {
	return slices.DeleteFunc(slices.Clone(texts), func(s sent) bool {
		return slices.ContainsFunc(deleted, func(d deletedHead) bool { return slices.Contains(d.marks, s.marks[0]) })
	})
}

func customerID(n int) string {
	c := customerOf(n)
	return c.UserID + c.VisitorID
}

// threads answers our lines per customer, in order, and counts the threads that they stand in. A head belongs to the customer whom it
// names. For each head that was deleted there may be another thread.
func (v *verdict) threads(customers int, messages []*slackstandin.Message, deleted []deletedHead) [][]*slackstandin.Message {
	owner, heads := map[string]int{}, make([]int, customers)
	for _, d := range deleted {
		owner[d.ts] = d.customer
	}
	lines := make([][]*slackstandin.Message, customers)
	for _, m := range messages {
		if m.BotID == "" || m.Subtype == "tombstone" {
			continue
		}
		if m.ThreadTS == "" || m.ThreadTS == m.TS {
			n, ok := headOf(m.Text, customers)
			if !ok {
				v.Stray = append(v.Stray, m.TS)
				continue
			}
			owner[m.TS] = n
			heads[n]++
			lines[n] = append(lines[n], m)
			continue
		}
		if n, ok := owner[m.ThreadTS]; ok {
			lines[n] = append(lines[n], m)
		} else {
			v.Stray = append(v.Stray, m.TS)
		}
	}
	for n, count := range heads {
		v.MaxThreads = max(v.MaxThreads, count)
		if count > 1 {
			v.SecondThreads = append(v.SecondThreads, label(n))
		}
	}
	return lines
}

// headOf answers whose head a line is; ok is false when it is none.
func headOf(text string, customers int) (n int, ok bool) {
	for _, field := range strings.Fields(text) {
		for _, prefix := range []string{"member-", "v"} {
			digits, found := strings.CutPrefix(strings.TrimRight(field, "…"), prefix)
			if n, err := strconv.Atoi(digits); found && err == nil && n < customers && label(n) == prefix+digits {
				return n, true
			}
		}
	}
	return 0, false
}

// toSlack compares what customers wrote with what stands in their thread.
func (v *verdict) toSlack(texts []sent, lines []*slackstandin.Message, deleted []deletedHead) {
	want, mine := expected(texts, fromCustomer)
	shown := showings(lines)
	var whole strings.Builder
	for _, s := range shown {
		// People see the blocks, notifications show the text: both must tell the same.
		text := blockText(s.line.Blocks)
		if !slices.Equal(marksIn(text, fromCustomer), s.marks) {
			v.ToSlack.Damage = append(v.ToSlack.Damage, "blocks of "+s.line.TS)
		}
		whole.WriteString(squeeze(text))
	}
	var got []string
	seen := map[string]time.Time{}
	for _, s := range counted(shown, mine, deleted) {
		got = append(got, s.marks...)
		for _, mark := range s.marks {
			if _, ok := seen[mark]; !ok {
				seen[mark] = slackTime(s.line.TS)
			}
		}
	}
	diff := compare(want, got)
	v.witness(diff, placesOf(shown))
	v.ToSlack.add(diff, len(mine))
	v.ToSlack.Delays = append(v.ToSlack.Delays, v.arrived(mine, seen)...)
	for _, s := range mine {
		if _, ok := seen[s.marks[0]]; ok && len(s.marks) == 1 && !strings.Contains(whole.String(), squeeze(s.text)) {
			v.ToSlack.Damage = append(v.ToSlack.Damage, fmt.Sprintf("%s (%.120q)", s.marks[0], s.text))
		}
	}
}

// toKARTE compares what the operator wrote with what the customer and the staff see at KARTE. Replies and notes keep one order.
func (v *verdict) toKARTE(texts []sent, entries []kartestandin.Message) {
	want, mine := expected(texts, reply, note)
	byMark := map[string]sent{}
	for _, s := range mine {
		byMark[s.marks[len(s.marks)-1]] = s
	}
	var got []string
	var places []place
	var open strings.Builder // the parts of a text that was split
	seen := map[string]time.Time{}
	for _, entry := range entries {
		if !entry.API {
			continue
		}
		marks := marksIn(entry.Text, reply, note)
		got = append(got, marks...)
		places = append(places, place{fmt.Sprintf("%s of %s", entry.Kind, entry.Date.Format("15:04:05.000")), marks})
		open.WriteString(entry.Text)
		for _, mark := range marks {
			s, last := byMark[mark]
			if _, ok := seen[mark]; !ok {
				seen[mark] = entry.Date
			}
			if strings.HasPrefix(mark, string(note)) != (entry.Kind == kartestandin.KindNote) {
				v.ToKARTE.Damage = append(v.ToKARTE.Damage, mark+" as "+string(entry.Kind))
			}
			if last {
				if squeeze(open.String()) != squeeze(s.text) {
					v.ToKARTE.Damage = append(v.ToKARTE.Damage, fmt.Sprintf("%s (%.120q)", mark, open.String()))
				}
				open.Reset()
			}
		}
	}
	diff := compare(want, got)
	v.witness(diff, places)
	v.ToKARTE.add(diff, len(mine))
	v.ToKARTE.Delays = append(v.ToKARTE.Delays, v.arrived(mine, seen)...)
}

// arrived notes when each text was complete and answers how long that took.
func (v *verdict) arrived(texts []sent, seen map[string]time.Time) []time.Duration {
	var delays []time.Duration
	for _, s := range texts {
		if at, ok := seen[s.marks[len(s.marks)-1]]; ok {
			v.arrivals = append(v.arrivals, arrival{s, at})
			delays = append(delays, max(0, at.Sub(s.at)))
		}
	}
	return delays
}

func expected(texts []sent, kinds ...kind) (marks []string, mine []sent) {
	for _, s := range texts {
		if slices.Contains(kinds, s.kind) {
			marks, mine = append(marks, s.marks...), append(mine, s)
		}
	}
	return marks, mine
}

// receipted reports whether the operator's line carries its receipt and no other.
func receipted(m *slackstandin.Message, k kind) bool {
	want := map[kind]string{reply: "white_check_mark", note: "memo"}[k]
	return m != nil && len(m.Reactions) == 1 && m.Reactions[0].Name == want
}

func reactions(m *slackstandin.Message) (names []string) {
	if m != nil {
		for _, r := range m.Reactions {
			names = append(names, r.Name)
		}
	}
	return names
}

// slackTime is when Slack took a message.
func slackTime(ts string) time.Time {
	seconds, micros, _ := strings.Cut(ts, ".")
	s, _ := strconv.ParseInt(seconds, 10, 64)
	us, _ := strconv.ParseInt(micros, 10, 64)
	return time.Unix(s, us*1000)
}

// squeeze leaves white space out: where a long text is cut it may go.
func squeeze(text string) string { return strings.Join(strings.Fields(text), "") }

// blockText answers everything that blocks show, in order.
func blockText(blocks json.RawMessage) string {
	var decoded any
	if json.Unmarshal(blocks, &decoded) != nil {
		return ""
	}
	var shown strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, element := range v {
				walk(element)
			}
		case map[string]any:
			text, ok := v["text"].(string)
			if !ok {
				walk(v["text"])
				walk(v["elements"])
			}
			shown.WriteString(text + "\n")
		}
	}
	walk(decoded)
	return shown.String()
}
