package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

const (
	former = "1700000001.000000" // the thread whose head was deleted
	opened = "1700000020.000000" // the thread that was opened after it
)

// line makes a line of ours; at counts the seconds, and thread is empty for a head.
func line(t *testing.T, at int, thread, title, shown string) *slackstandin.Message {
	t.Helper()
	blocks, err := json.Marshal([]any{map[string]any{"elements": []any{map[string]any{"text": title + "\n" + shown}}}})
	if err != nil {
		t.Fatal(err)
	}
	return &slackstandin.Message{BotID: "B0BOT", TS: fmt.Sprintf("%d.000000", 1_700_000_000+at), ThreadTS: thread, Text: title + "\n" + shown, Blocks: blocks}
}

// The beginning of a long text may be shown once more by the head of a new thread, which says that it quotes, and below the deleted head of the
// former one. Whatever else is shown again is twice, and a beginning without its text is lost.
func TestJudgeKnowsWhichBeginningsAreShownAgainOnPurpose(t *testing.T) {
	short := sent{kind: fromCustomer, text: "a m0000x00000", marks: []string{"m0000x00000"}}
	long := sent{kind: fromCustomer, marks: []string{"m0000x00001p00", "m0000x00001p01", "m0000x00001p02", "m0000x00001"}}
	written := [][]sent{{short, long}}
	deleted := []deletedHead{{customer: 0, ts: former, marks: short.marks, at: slackTime("1700000010.000000")}}
	quote := func(more string, marks ...string) *slackstandin.Message {
		return line(t, 20, "", "Member member-0000", strings.Join(marks, " ")+"\n"+more)
	}
	part := func(at int, thread string, marks ...string) *slackstandin.Message {
		return line(t, at, thread, "10:00", strings.Join(marks, " "))
	}
	head, whole := quote(""), []*slackstandin.Message{part(21, opened, long.marks[:2]...), part(22, opened, long.marks[2:]...)}
	lines := func(all ...[]*slackstandin.Message) []*slackstandin.Message { return slices.Concat(all...) }
	one := func(m *slackstandin.Message) []*slackstandin.Message { return []*slackstandin.Message{m} }
	for _, c := range []struct {
		name     string
		messages []*slackstandin.Message
		want     difference
	}{
		{"whole in the new thread", lines(one(head), whole), difference{}},
		{"quoted by the head, which says so", lines(one(quote(continued, long.marks[0])), whole), difference{}},
		{"begun in the former thread", lines(one(part(5, former, long.marks[0], long.marks[1])), one(head), whole), difference{}},
		{"begun in the former thread and quoted by the head", lines(one(part(5, former, long.marks[0])), one(quote(continued, long.marks[0])), whole), difference{}},

		{"in the head, which does not say so", lines(one(quote("", long.marks[0])), whole), difference{twice: []string{"m0000x00001"}}},
		{"quoted whole", lines(one(quote(continued, long.marks...)), whole), difference{twice: []string{"m0000x00001"}}},
		{"quoted from the middle", lines(one(quote(continued, long.marks[1])), whole), difference{twice: []string{"m0000x00001"}, disorder: []string{"m0000x00001"}}},
		{"quoted by a line", lines(one(head), whole, one(part(23, opened, long.marks[0], continued))), difference{twice: []string{"m0000x00001"}}},
		{"quoted, and whole twice", lines(one(quote(continued, long.marks[0])), whole, whole), difference{twice: []string{"m0000x00001"}}},
		{"quoted, and the rest lost", lines(one(quote(continued, long.marks[0])), whole[1:]), difference{lost: []string{"m0000x00001"}}},
		{"quoted, and nothing else", lines(one(quote(continued, long.marks[0]))), difference{lost: []string{"m0000x00001"}}},
		{"begun in the former thread after its head was deleted", lines(one(part(11, former, long.marks[0])), one(head), whole), difference{twice: []string{"m0000x00001"}}},
		{"whole in the former thread, too", lines(one(part(5, former, long.marks...)), one(head), whole), difference{twice: []string{"m0000x00001"}}},
		{"begun twice in the former thread", lines(one(part(5, former, long.marks[0])), one(part(6, former, long.marks[0])), one(head), whole), difference{twice: []string{"m0000x00001"}}},
		{"not begun but continued in the former thread", lines(one(part(5, former, long.marks[1])), one(head), whole), difference{twice: []string{"m0000x00001"}, disorder: []string{"m0000x00001"}}},
		{"begun in the former thread, and whole twice", lines(one(part(5, former, long.marks[0])), one(head), whole, whole), difference{twice: []string{"m0000x00001"}}},
		{"begun in the former thread, and not whole in the new one", lines(one(part(5, former, long.marks[0])), one(head), whole[:1]), difference{twice: []string{"m0000x00001"}, lost: []string{"m0000x00001"}}},
		{"begun in a thread whose head is there", lines(one(head), one(part(21, opened, long.marks[0])), one(part(22, opened, long.marks...))), difference{twice: []string{"m0000x00001"}}},
		{"a short text in both threads", lines(one(part(5, former, "m0000x00002")), one(head), whole, one(part(23, opened, "m0000x00002"))), difference{twice: []string{"m0000x00002"}}},
	} {
		texts := written
		if strings.HasPrefix(c.name, "a short text") {
			texts = [][]sent{{short, long, {kind: fromCustomer, text: "m0000x00002", marks: []string{"m0000x00002"}}}}
			c.want.disorder = []string{"m0000x00001"} // the former thread's line comes first
		}
		v := judge(texts, c.messages, &kartestandin.Snapshot{}, deleted)
		got := difference{lost: v.ToSlack.Lost, twice: v.ToSlack.Twice, disorder: v.ToSlack.Disorder, strange: v.ToSlack.Strange}
		if !slices.Equal(got.lost, c.want.lost) || !slices.Equal(got.twice, c.want.twice) || !slices.Equal(got.disorder, c.want.disorder) || len(got.strange) > 0 {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if bad := len(got.lost) + len(got.twice) + len(got.disorder); (bad > 0) != (len(v.Evidence) > 0) {
			t.Errorf("%s: %d found, and told of %v", c.name, bad, v.Evidence)
		}
	}
}

func TestWhatADeletedHeadOnlyQuotedIsNotGone(t *testing.T) {
	if gone := wentWith(line(t, 1, "", "Member member-0000", "m0000x00001p00\n"+continued)); gone != nil {
		t.Errorf("quoted: %v is gone", gone)
	}
	if gone := wentWith(line(t, 1, "", "Member member-0000", "m0000x00001")); !slices.Equal(gone, []string{"m0000x00001"}) {
		t.Errorf("shown whole: %v is gone", gone)
	}
}

// A run that fails says where it saw what.
func TestAFailedRunExplainsItself(t *testing.T) {
	v := &verdict{}
	v.witness(difference{twice: []string{"m0000x00001"}, lost: []string{"m0000x00002"}}, placesOf(showings([]*slackstandin.Message{
		line(t, 1, "", "Member member-0000", "m0000x00001p00"), line(t, 2, former, "10:00", "m0000x00001p00 m0000x00001p01 m0000x00001p02 m0000x00001"),
	})))
	v.ToSlack.Twice, v.ToSlack.Lost = []string{"m0000x00001"}, []string{"m0000x00002"}
	r := &Result{Verdict: v, Date: time.Unix(0, 0)}
	for _, want := range []string{
		"m0000x00001 was seen in 2 places: C0SUPPORT head 1700000001.000000: p00; C0SUPPORT thread 1700000001.000000 line 1700000002.000000: p00…end (4)",
		"m0000x00002 was seen nowhere",
	} {
		if !strings.Contains(r.Markdown(), want) {
			t.Errorf("%q is not in\n%s", want, r.Markdown())
		}
	}
}
