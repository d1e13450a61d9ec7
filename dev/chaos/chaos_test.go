package chaos

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// TestChaosShort is the short form of `make chaos`.
func TestChaosShort(t *testing.T) {
	prerequisite.Program(t, "redis-server")
	result, err := Run(t.Context(), Options{
		Dir: t.TempDir(), Seed: 1, Customers: 20, Messages: 400, Duration: 25 * time.Second, Rounds: 1, Settle: time.Minute,
		Nodes: 3, Partitions: 4, Pace: 5 * time.Millisecond, PostsPerSecond: 200, Say: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + result.Markdown())
	for _, failure := range result.Failures() {
		t.Error(failure)
	}
}

func TestCompareNamesWhatIsWrong(t *testing.T) {
	sent := []string{"m0001x00000", "m0001x00001p00", "m0001x00001", "m0001x00002"}
	for _, c := range []struct {
		name string
		got  []string
		want difference
	}{
		{"all well", sent, difference{}},
		{"nothing", nil, difference{lost: []string{"m0001x00000", "m0001x00001", "m0001x00002"}}},
		{"a part missing", []string{"m0001x00000", "m0001x00001", "m0001x00002"}, difference{lost: []string{"m0001x00001"}}},
		{"twice", append(slices.Clone(sent), "m0001x00000"), difference{twice: []string{"m0001x00000"}}},
		{"swapped", []string{"m0001x00001p00", "m0001x00001", "m0001x00000", "m0001x00002"}, difference{disorder: []string{"m0001x00000"}}},
		{"somebody else's", append(slices.Clone(sent), "m0002x00000"), difference{strange: []string{"m0002x00000"}}},
	} {
		got := compare(sent, c.got)
		if !slices.Equal(got.lost, c.want.lost) || !slices.Equal(got.twice, c.want.twice) || !slices.Equal(got.disorder, c.want.disorder) || !slices.Equal(got.strange, c.want.strange) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestScheduleIsTheSeeds(t *testing.T) {
	o := Options{Seed: 7, Rounds: 2, Duration: time.Minute}
	one, two := schedule(o), schedule(o)
	o.Seed = 8
	other := schedule(o)
	same := func(a, b planned) bool { return a.name == b.name && a.due == b.due && a.seed == b.seed }
	if !slices.EqualFunc(one, two, same) || slices.EqualFunc(one, other, same) {
		t.Fatal("a seed must decide the schedule")
	}
	for _, f := range slices.Concat(faults, beside) {
		if n := len(slices.DeleteFunc(slices.Clone(one), func(p planned) bool { return p.name != f.name })); n != o.Rounds {
			t.Errorf("%s happens %d times in %d rounds", f.name, n, o.Rounds)
		}
	}
}

func TestPoisonComesOnceAMinute(t *testing.T) {
	plan := schedule(Options{Seed: 7, Rounds: 2, Duration: 210 * time.Second})
	n := len(slices.DeleteFunc(slices.Clone(plan), func(p planned) bool { return p.name != poisonName }))
	inOrder := slices.IsSortedFunc(plan, func(a, b planned) int { return int(a.due - b.due) })
	if n != 4 || !inOrder || len(plan) != 2*len(faults)+2*len(beside)+2 {
		t.Errorf("%d times in three and a half minutes, %d faults, in order: %v", n, len(plan), inOrder)
	}
}

// What judge cannot see it cannot find: one conversation is spoilt in every way.
func TestJudgeSeesWhatIsWrong(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	written := [][]sent{{
		{kind: fromCustomer, text: "a <b> m0000x00000", marks: []string{"m0000x00000"}, at: at},
		{kind: reply, text: "c r0000x00001", marks: []string{"r0000x00001"}, at: at, ts: "1700000002.000000"},
		{kind: note, text: "d n0000x00002", marks: []string{"n0000x00002"}, at: at, ts: "1700000003.000000"},
	}}
	line := func(ts, thread, title, shown string) *slackstandin.Message {
		blocks, err := json.Marshal([]any{map[string]any{"elements": []any{map[string]any{"text": title + "\n" + shown}}}})
		if err != nil {
			t.Fatal(err)
		}
		return &slackstandin.Message{BotID: "B0BOT", TS: ts, ThreadTS: thread, Text: title + "\n" + shown, Blocks: blocks}
	}
	own := func(ts, receipt string) *slackstandin.Message {
		return &slackstandin.Message{User: member, TS: ts, ThreadTS: "1700000001.000000", Reactions: []slackstandin.Reaction{{Name: receipt}}}
	}
	head := line("1700000001.000000", "", "Member member-0000", "a <b> m0000x00000")
	said := func(k kartestandin.Kind, text string) kartestandin.Message {
		return kartestandin.Message{Kind: k, Text: text, API: true, Date: at}
	}
	well := []*slackstandin.Message{head, own("1700000002.000000", "white_check_mark"), own("1700000003.000000", "memo")}
	answered := []kartestandin.Message{said(kartestandin.KindMessage, "c "), said(kartestandin.KindMessage, "r0000x00001"), said(kartestandin.KindNote, "d n0000x00002")}
	for _, c := range []struct {
		name     string
		messages []*slackstandin.Message
		entries  []kartestandin.Message
		bad      int
	}{
		{"all well", well, answered, 0},
		{"posted twice", append(slices.Clone(well), line("1700000004.000000", head.TS, "10:00", "a <b> m0000x00000")), answered, 1},
		{"second thread", append(slices.Clone(well), line("1700000004.000000", "", "Member member-0000", "")), answered, 1},
		{"stray line", append(slices.Clone(well), line("1700000004.000000", "", "10:00", "")), answered, 1},
		{"text changed", append([]*slackstandin.Message{line(head.TS, "", "Member member-0000", "a m0000x00000")}, well[1:]...), answered, 1},
		{"wrong receipt", append(slices.Clone(well[:2]), own("1700000003.000000", "warning")), answered, 1},
		{"reply lost", well, answered[2:], 1},
		{"note sent to the customer", well, append(slices.Clone(answered[:2]), said(kartestandin.KindMessage, "d n0000x00002")), 1},
		{"order lost", well, []kartestandin.Message{answered[2], answered[0], answered[1]}, 1},
	} {
		snapshot := &kartestandin.Snapshot{Conversations: []kartestandin.Conversation{{IDs: []string{"member-0000"}, Messages: c.entries}}}
		if v := judge(written, c.messages, snapshot, nil); v.bad() != c.bad {
			t.Errorf("%s: %d found, want %d: %+v", c.name, v.bad(), c.bad, v)
		}
	}
}
