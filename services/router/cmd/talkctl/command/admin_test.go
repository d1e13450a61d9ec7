package command

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/api"
)

const waiting = "projects/demo/conversations/abcdefghijklmnop"

func someTalks() *talks {
	return &talks{
		list: []*adminv1.Conversation{
			{
				Name: waiting, UserId: "会員-0001", VisitorId: "vis-demo-1", Aliases: 2, Assignee: "op1", AssigneeName: "佐藤 花子", State: adminv1.ConversationState_CONVERSATION_STATE_WAITING,
				Workspace: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: "1760000000.000100", Permalink: "https://demo.slack.com/archives/C0SUPPORT/p1760000000000100",
				CreateTime: minute(0), LastCustomerMessageTime: minute(2), UpdateTime: minute(2),
			},
			{
				Name: "projects/demo/conversations/qrstuvwxyz234567", VisitorId: "vis-demo-2\x1b[31m\u202e", Assignee: "op2", State: adminv1.ConversationState_CONVERSATION_STATE_NEW,
				LastOperatorMessageTime: minute(1),
			},
		},
		traces: []*adminv1.MessageTrace{
			{Id: "hook-2", Kind: "customer-message", Hops: []*adminv1.Hop{
				{Step: "sent", Time: minute(2), Place: "KARTE"}, {Step: "stored", Time: minute(2), Place: "talk.7.demo.abc.customer-message.def", Detail: "sequence 12"}, {Step: "posted", Time: minute(3), Place: "Slack"},
			}},
			{Id: "hook-1", Kind: "assigned", Hops: []*adminv1.Hop{{Step: "received", Place: "KARTE"}}},
		},
		removed: map[string]int64{"TALK": 3, "redis": 2, "THREADS": 1},
	}
}

func TestConversations(t *testing.T) {
	f := someTalks()
	c := at(t, router(t, api.Options{Conversations: f}))
	c.want(statusOK, "conversations", "list")
	c.golden("conversations")
	if strings.ContainsAny(c.out, "\x1b\u202e") {
		t.Error("what strangers wrote reaches the terminal")
	}
	c.want(statusOK, "conversations", "show", "abcdefghijklmnop")
	c.golden("conversation")
	c.want(statusOK, "conversations", "trace", waiting, "--message", "hook-2")
	c.golden("trace")
	if f.trace.GetName() != waiting || f.trace.GetMessage() != "hook-2" {
		t.Errorf("asked was %v", f.trace)
	}
	c.want(statusOK, "conversations", "relink", "abcdefghijklmnop", "--channel", "C0SALES", "-o", "yaml")
	if f.relink.GetChannel() != "C0SALES" || !strings.Contains(c.out, "channel: C0SALES") {
		t.Errorf("asked was %v, told is\n%s", f.relink, c.out)
	}
	c.want(statusNotFound, "conversations", "show", "aaaaaaaaaaaaaaaa")
	c.want(statusUsage, "conversations", "show", "user-1")
	c.says("name: ", "INVALID_ARGUMENT")
}

func TestListsAsJSONAreArraysWithTimesThatMachinesRead(t *testing.T) {
	f := someTalks()
	c := at(t, router(t, api.Options{Conversations: f}))
	c.want(statusOK, "conversations", "list", "--output", "json")
	var got []map[string]any
	if err := json.Unmarshal([]byte(c.out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0]["createTime"] != "2026-01-31T01:00:30.250Z" || got[1]["visitorId"] != f.list[1].GetVisitorId() || got[1]["userId"] != "" {
		t.Errorf("got %v", got)
	}
	if strings.ContainsAny(c.out, "\x1b\u202e") {
		t.Error("what strangers wrote reaches the terminal")
	}
	f.list = nil
	c.want(statusOK, "conversations", "list", "--output", "json")
	if strings.TrimSpace(c.out) != "[]" {
		t.Errorf("nothing is %q", c.out)
	}
	c.want(statusOK, "conversations", "list")
	c.says("No conversations.")
}

func TestListsFollowPagesUpToTheLimit(t *testing.T) {
	f := &talks{list: conversationsOf(2300)}
	c := at(t, router(t, api.Options{Conversations: f}))
	for limit, want := range map[string]struct {
		items int
		sizes []int32
		more  bool
	}{
		"0": {2300, []int32{1000, 1000, 1000}, false}, "7": {7, []int32{7}, true}, "1500": {1500, []int32{1000, 500}, true}, "2300": {2300, []int32{1000, 1000, 300}, false},
	} {
		f.asked = nil
		c.want(statusOK, "conversations", "list", "-o", "json", "--limit", limit)
		var got []any
		if err := json.Unmarshal([]byte(c.out), &got); err != nil || len(got) != want.items || len(f.asked) != len(want.sizes) {
			t.Fatalf("--limit %s: %d items over %d pages (%v)", limit, len(got), len(f.asked), err)
		}
		for i, r := range f.asked {
			if r.GetPageSize() != want.sizes[i] {
				t.Errorf("--limit %s: page %d of %d", limit, i, r.GetPageSize())
			}
		}
		if strings.Contains(c.err, "There are more") != want.more {
			t.Errorf("--limit %s says %q", limit, c.err)
		}
	}
	c.want(statusUsage, "conversations", "list", "--limit", "-1")
}

func TestFiltersAreJoined(t *testing.T) {
	f := &talks{}
	c := at(t, router(t, api.Options{Conversations: f}))
	for want, args := range map[string][]string{
		``:                         nil,
		`state = "WAITING"`:        {"--state", "waiting"},
		`channel = "C0A" OR x = 1`: {"--filter", `channel = "C0A" OR x = 1`},
		`(customer = "a\"b\\") AND (state = "NEW") AND (channel = "C0A" OR x = 1)`: {"--customer", `a"b\`, "--state", "new", "--filter", `channel = "C0A" OR x = 1`},
	} {
		c.want(statusOK, append([]string{"conversations", "list"}, args...)...)
		if got := f.asked[len(f.asked)-1].GetFilter(); got != want {
			t.Errorf("%q asks for %s, want %s", args, got, want)
		}
	}
}

func TestAStateThatThereIsNotIsUsage(t *testing.T) {
	f := &talks{}
	c := at(t, router(t, api.Options{Conversations: f}))
	c.want(statusUsage, "conversations", "list", "--state", "open")
	c.says(`--state is "open"`, "new, waiting, answered")
	if len(f.asked) > 0 {
		t.Errorf("asked was %v", f.asked)
	}
}

func TestErasingIsConfirmed(t *testing.T) {
	f := someTalks()
	c := at(t, router(t, api.Options{Conversations: f}))
	c.want(statusUsage, "conversations", "erase", waiting)
	c.says("give --yes")
	c.terminal = true
	for _, answer := range []string{"", "n\n", "\n", "yess\n"} {
		c.in = answer
		c.want(statusFailed, "conversations", "erase", waiting)
		c.says("会員-0001", "cannot be undone", "nothing was done")
	}
	if len(f.erased) > 0 {
		t.Fatalf("erased without being told to: %v", f.erased)
	}
	c.in = "y\n"
	c.want(statusOK, "conversations", "erase", "abcdefghijklmnop")
	c.golden("erased")
	c.terminal, f.removed = false, nil
	c.want(statusOK, "conversations", "erase", "abcdefghijklmnop", "--yes")
	if !strings.Contains(c.out, "There was nothing of "+waiting) || len(f.erased) != 2 || f.erased[0] != waiting {
		t.Errorf("erased %v, told %q", f.erased, c.out)
	}
}

func someLetters() *letters {
	return &letters{list: []*adminv1.DeadLetter{
		{
			Name: "projects/demo/deadLetters/12", Stream: "POSTS", Subject: "post.T0DEMO1.C0SUPPORT.abc", Sequence: 40, Reason: "REJECTED", Kind: "thread-post", DieTime: minute(4), Deliveries: 1, Conversation: waiting,
			Cause: "post to C0SUPPORT: msg_blocks_too_long\nand " + strings.Repeat("very ", 40) + "long", Content: `{"threadPost":{"text":"お問い合わせ"}}`,
		},
		{Name: "projects/demo/deadLetters/7", Stream: "SENDS", Reason: "OUTCOME_UNKNOWN", Kind: "reply", DieTime: minute(3), Cause: "send to KARTE: no answer"},
		{Name: "projects/-/deadLetters/3", Stream: "TALK", Reason: "MALFORMED", DieTime: minute(1), Cause: "cannot be decoded"},
	}}
}

func TestDeadLettersAreShown(t *testing.T) {
	f := someLetters()
	c := at(t, router(t, api.Options{DeadLetters: f}))
	c.want(statusOK, "dead", "list", "--filter", `reason = "REJECTED"`)
	c.golden("dead-list")
	if f.parent != "projects/demo" || f.filter != `reason = "REJECTED"` {
		t.Errorf("asked of %s: %s", f.parent, f.filter)
	}
	c.want(statusOK, "dead", "list", "--all-projects")
	c.golden("dead-list-all")
	if f.parent != "projects/-" {
		t.Errorf("asked of %s", f.parent)
	}
	c.want(statusOK, "dead", "show", "12")
	c.golden("dead-show")
}

func TestDeadLettersAreReplayed(t *testing.T) {
	f := someLetters()
	c := at(t, router(t, api.Options{DeadLetters: f}))
	c.want(statusOK, "dead", "replay", "12")
	if c.out != "projects/demo/deadLetters/12 is waiting again under post.T0DEMO1.C0SUPPORT.12.\n" {
		t.Errorf("told is %q", c.out)
	}
	f.stuck, f.replayed = "7", nil
	c.want(statusConflict, "dead", "replay", "--all", "--filter", "x", "-o", "json")
	c.says("talkctl: replay projects/demo/deadLetters/7: its outcome is unknown (FAILED_PRECONDITION)")
	var got []outcome
	if err := json.Unmarshal([]byte(c.out), &got); err != nil || len(got) != 3 || got[1].Error == "" || got[2].Error != "" || len(f.replayed) != 2 || f.filter != "x" {
		t.Errorf("%v: %v, replayed %v with %s", err, got, f.replayed, f.filter)
	}
	f.stuck = ""
	c.want(statusUsage, "dead", "replay", "7", "--not-done")
	c.want(statusOK, "dead", "replay", "7", "--not-done", "--yes")
	if !f.notDone {
		t.Error("--not-done is not passed on")
	}
	c.want(statusUsage, "dead", "replay")
	c.want(statusUsage, "dead", "replay", "7", "--all")
	c.want(statusUsage, "dead", "replay", "7", "--filter", "x")
	f.list = nil
	c.want(statusOK, "dead", "replay", "--all")
	c.says("No dead letters.")
}

func TestDeadLettersAreDiscardedOnlyWhenConfirmed(t *testing.T) {
	f := someLetters()
	c := at(t, router(t, api.Options{DeadLetters: f}))
	c.want(statusUsage, "dead", "discard", "7")
	c.terminal, c.in = true, "no\n"
	c.want(statusFailed, "dead", "discard", "--all", "--all-projects")
	c.says("3 dead letters are removed for good")
	if len(f.discarded) > 0 {
		t.Fatalf("discarded %v", f.discarded)
	}
	c.want(statusOK, "dead", "discard", "--all", "--all-projects", "--yes")
	if len(f.discarded) != 3 || f.parent != "projects/-" {
		t.Errorf("discarded %v of %s", f.discarded, f.parent)
	}
}

func TestAudit(t *testing.T) {
	f := &record{list: []*adminv1.AuditEntry{
		{Name: "projects/demo/auditEntries/3", Time: minute(6), Actor: "U0DEMO1", Action: "assign", Resource: waiting, Result: "DONE", Operator: "op1", Assignee: "op2"},
		{Name: "projects/demo/auditEntries/2", Time: minute(5), Actor: "U0DEMO1", Action: "message", Resource: waiting, Result: "DELIVERED", Operator: "op1"},
		{Name: "projects/demo/auditEntries/1", Time: minute(4), Actor: "ci", Action: "/slacktalk.settings.v1.SettingsService/UpdateTeamSettings", Resource: "projects/demo/teamSettings", Result: "OK"},
	}}
	c := at(t, router(t, api.Options{Audit: f}))
	c.want(statusOK, "audit", "list")
	c.golden("audit")
	c.want(statusOK, "audit", "list", "--since", "24h", "--filter", `actor = "ci"`)
	if !strings.HasPrefix(f.filter, `(time >= "20`) || !strings.HasSuffix(f.filter, `Z") AND (actor = "ci")`) {
		t.Errorf("asked for %s", f.filter)
	}
}

func TestOperatorsAreListedWithoutKARTEToo(t *testing.T) {
	f := &team{
		operators: []*settingsv1.Operator{
			{Name: "projects/demo/operators/op1", DisplayName: "佐藤 花子", SlackMember: "U0DEMO1"}, {Name: "projects/demo/operators/op2", DisplayName: "Ｔａｎａｋａ", Bot: true},
		},
		links: []*settingsv1.OperatorLink{{Name: "projects/demo/operators/op1", DisplayName: "花子", SlackMember: "U0DEMO1"}},
	}
	c := at(t, alone(t, f))
	c.want(statusOK, "operators", "list")
	c.golden("operators")
	f.away = status.Error(codes.Unavailable, "KARTE does not answer")
	c.want(statusOK, "operators", "list")
	c.says("KARTE does not answer, so only the operators that are linked")
	c.golden("operators-without-karte")
	f.away = status.Error(codes.PermissionDenied, "no")
	c.want(statusNotAllowed, "operators", "list")
}

func TestALinkIsCalledWhatKARTECallsTheOperator(t *testing.T) {
	f := &team{operators: []*settingsv1.Operator{{Name: "projects/demo/operators/op1", DisplayName: "佐藤 花子"}}}
	c := at(t, alone(t, f))
	c.want(statusOK, "operators", "link", "op1", "U0DEMO1")
	if f.set.GetDisplayName() != "佐藤 花子" {
		t.Errorf("set was %v", f.set)
	}
	c.want(statusOK, "operators", "link", "op9", "U0DEMO1")
	c.says("KARTE knows no operator op9", "made all the same")
	if !strings.Contains(c.out, "op9 is linked to U0DEMO1") {
		t.Errorf("it says %q", c.out)
	}
	f.away = status.Error(codes.Unavailable, "KARTE does not answer")
	c.want(statusOK, "operators", "link", "op1", "U0DEMO1")
}
