package view_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/blockkit"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// hostile is a name that would be a mention, a link and a broadcast if it were not shown as plain text.
const hostile = "<!channel> <https://evil.example.com|click> *b* & \u202egnp.exe\n"

func settings() *settingsv1.TeamSettings {
	return &settingsv1.TeamSettings{
		Name: "projects/demo/teamSettings", Etag: "ETAG1", NotificationsEnabled: true, ThreadRepliesEnabled: true, Workspace: "T0DEMO1", Channel: "C0SUPPORT", Language: "ja",
		MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_TARGETS, MentionTargets: []string{"U0DEMO1", "S0GROUP"}, Admins: []string{"U0ADMIN"},
		Unanswered: &settingsv1.UnansweredPolicy{RemindAfter: durationpb.New(90 * time.Second), EscalateAfter: durationpb.New(time.Hour), EscalationTargets: []string{"U0ADMIN", "S0GROUP"}},
	}
}

func talk(n int) *adminv1.Conversation {
	return &adminv1.Conversation{
		Name: fmt.Sprintf("projects/demo/conversations/%d", n), UserId: fmt.Sprintf("member-%d", n), State: adminv1.ConversationState_CONVERSATION_STATE_WAITING, Channel: "C0SUPPORT",
		ThreadTs: fmt.Sprintf("1700000000.%06d", n), Permalink: "https://app.slack.com/client/T0DEMO1/C0SUPPORT/thread/C0SUPPORT-1700000000.000100",
		UpdateTime: timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	}
}

func many(n int) (all []*adminv1.Conversation) {
	for i := range n {
		all = append(all, talk(i))
	}
	return all
}

func operators(n int) (all []*settingsv1.Operator) {
	for i := range n {
		all = append(all, &settingsv1.Operator{Name: fmt.Sprintf("projects/demo/operators/op%d", i), DisplayName: fmt.Sprintf("佐藤 %d", i)})
	}
	return all
}

func linked() view.Project {
	stranger := talk(9)
	stranger.UserId, stranger.VisitorId, stranger.State, stranger.Permalink = "", hostile, adminv1.ConversationState_CONVERSATION_STATE_ANSWERED, ""
	return view.Project{
		ID: "demo", Settings: settings(), Operator: "op0", OperatorName: "佐藤 花子", Conversations: []*adminv1.Conversation{talk(1), stranger},
		Connection: view.Connection{KARTE: true, Channel: view.ChannelFine},
	}
}

func admin() view.Project {
	p := linked()
	p.Admin, p.Connection.Dead, p.Connection.DeadMore, p.More = true, 100, true, true
	return p
}

func fresh() view.Project {
	return view.Project{ID: "fresh", Settings: &settingsv1.TeamSettings{SelfLinkingDisabled: true}, Connection: view.Connection{Channel: view.ChannelNone}}
}

func crowd() (all []view.Project) {
	for i := range 12 {
		p := admin()
		p.ID, p.OperatorName, p.Conversations = fmt.Sprintf("project-%d-%s", i, strings.Repeat("x", 50)), hostile+strings.Repeat("長", 300), many(100)
		all = append(all, p)
	}
	return all
}

func saved(n int) (all []*settingsv1.SavedReply) {
	for i := range n {
		all = append(all, &settingsv1.SavedReply{Name: fmt.Sprintf("projects/demo/savedReplies/reply-%d", i), Title: fmt.Sprintf("定型文 %d", i), Text: "{customer} 様、{operator} です。"})
	}
	return all
}

func savedForm(n int) view.SavedReplyForm {
	return view.SavedReplyForm{
		Project: linked(), Customer: &eventv1.Customer{UserId: "member-1"}, Saved: saved(min(n, 100)), More: n > 100, TextBlock: "saved_reply_text:0", About: `{"project":"demo","operator":"op0"}`,
	}
}

func picked(f view.SavedReplyForm) view.SavedReplyForm {
	f.Picked = f.Saved[1]
	f.Text = view.Filled(f.Picked.GetText(), view.CustomerID(f.Customer), f.Project.Operator, f.Project.OperatorName)
	return f
}

func choosing(f view.SavedReplyForm, n int) view.SavedReplyForm {
	f.Customer, f.Conversations = nil, many(n)
	f.Conversation = view.ThreadValue(f.Conversations[2])
	return f
}

func looked(f view.SavedReplyForm, inVain bool) view.SavedReplyForm {
	f.Words, f.NoneFound = "返金 "+strings.Repeat("長", 100), inVain
	return f
}

func hostileForm() view.SavedReplyForm {
	f := looked(savedForm(1), false)
	f.Words, f.Customer, f.Project.OperatorName = hostile, &eventv1.Customer{VisitorId: hostile}, hostile+strings.Repeat("名", 300)
	f.Saved[0].Title, f.Saved[0].Text = hostile, hostile+"{customer}"
	return picked1(f)
}

func longForm() view.SavedReplyForm {
	f := savedForm(1)
	f.Saved[0].Text = strings.Repeat("🎉", 2000)
	return picked1(f)
}

func picked1(f view.SavedReplyForm) view.SavedReplyForm {
	f.Picked = f.Saved[0]
	f.Text = view.Filled(f.Picked.GetText(), view.CustomerID(f.Customer), f.Project.Operator, f.Project.OperatorName)
	return f
}

// views are everything that is shown, by the name of its golden file.
func views(lang string) map[string]any {
	taken := operators(3)
	taken[1].SlackMember, taken[2].Bot = "U0OTHER", true
	off := linked()
	off.Settings.SelfLinkingDisabled = true
	hostiles := operators(2)
	hostiles[1].DisplayName = hostile + strings.Repeat("名", 200)
	all := map[string]any{
		"home_linked":            view.Home(lang, []view.Project{linked()}, ""),
		"home_admin":             view.Home(lang, []view.Project{admin(), fresh()}, ""),
		"home_crowd":             view.Home(lang, crowd(), ""),
		"home_none":              view.Home(lang, nil, ""),
		"home_outside":           view.Home(lang, nil, view.Outside),
		"personal_linked":        view.Personal(lang, linked(), operators(3), ""),
		"personal_fresh":         view.Personal(lang, view.Project{ID: "demo", Settings: settings()}, taken, ""),
		"personal_many":          view.Personal(lang, view.Project{ID: "demo", Settings: settings()}, operators(250), ""),
		"personal_hostile":       view.Personal(lang, view.Project{ID: "demo", Settings: settings(), Operator: "op1", OperatorName: hostile}, hostiles, view.TestSent),
		"personal_nobody":        view.Personal(lang, view.Project{ID: "demo", Settings: settings()}, taken[1:], ""),
		"personal_off":           view.Personal(lang, off, operators(3), ""),
		"team":                   view.Team(lang, admin(), `{"project":"demo","etag":"ETAG1"}`, ""),
		"team_fresh":             view.Team(lang, fresh(), `{"project":"fresh","etag":"empty"}`, view.Changed),
		"assign":                 view.AssignTo(lang, linked(), many(150), operators(3)),
		"command_help":           view.Help(lang, "U0DEMO1"),
		"command_status":         view.Status(lang, append(crowd(), admin(), fresh())),
		"command_choose_project": view.ChooseProject(lang, element.PersonalSettings, crowd()),
		"command_choose_reply":   view.ChooseProjectWith(lang, element.SavedReply, crowd()[:2], "返金 ありがとう"),
		"saved_thread":           view.SavedReply(lang, savedForm(3)),
		"saved_filled":           view.SavedReply(lang, picked(savedForm(3))),
		"saved_many":             view.SavedReply(lang, picked(savedForm(250))),
		"saved_choose":           view.SavedReply(lang, choosing(savedForm(3), 150)),
		"saved_none":             view.SavedReply(lang, savedForm(0)),
		"saved_words":            view.SavedReply(lang, looked(savedForm(2), false)),
		"saved_no_such_words":    view.SavedReply(lang, looked(savedForm(3), true)),
		"saved_hostile":          view.SavedReply(lang, hostileForm()),
		"saved_too_long":         view.SavedReply(lang, longForm()),
		"saved_suggested":        map[string]any{"options": view.SavedReplyOptions(saved(250))},
		"send_visitor":           view.Send(lang, linked(), &eventv1.Customer{VisitorId: hostile}, "はい", "{}"),
		"send_unknown":           view.Send(lang, view.Project{Operator: "op-1"}, nil, "はい", "{}"),
		"suggested":              map[string]any{"options": view.Suggested(operators(250), "佐藤 1")},
		"loading":                view.Loading(lang),
	}
	var said []any
	for _, s := range view.Sayings() {
		said = append(said, view.Say(lang, s, "Operator", hostile, "Project", "demo"), view.Told(lang, s, "Operator", "佐藤 花子", "Project", "demo"))
	}
	all["sayings"] = said
	return all
}

func TestGolden(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		for name, shown := range views(lang) {
			var got bytes.Buffer
			e := json.NewEncoder(&got)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			if err := e.Encode(shown); err != nil {
				t.Fatal(err)
			}
			violations, err := blockkit.Golden(got.Bytes())
			if err != nil || len(violations) > 0 {
				t.Errorf("%s.%s: %v, %v", name, lang, violations, err)
			}
			golden(t, name+"."+lang+".json", got.Bytes())
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", name, got)
	}
}

// Where Slack looks for its own signs there is nothing of an operator's or a customer's.
func TestNothingFromOutsideIsMarkup(t *testing.T) {
	for name, shown := range views("ja") {
		raw, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		var decoded any
		if err := json.Unmarshal(raw, &decoded); err != nil {
			t.Fatal(err)
		}
		walk(decoded, func(o map[string]any) {
			text, _ := o["text"].(string)
			if o["type"] == "mrkdwn" && text != "<#C0SUPPORT>" {
				t.Errorf("%s: mrkdwn %q", name, text)
			}
			if message, ok := o["Text"].(string); ok && strings.Contains(message, "<!") {
				t.Errorf("%s: a message says %q", name, message)
			}
		})
	}
}

func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, inner := range v {
			walk(inner, f)
		}
	case []any:
		for _, inner := range v {
			walk(inner, f)
		}
	}
}

func TestLanguagesHaveTheSameTexts(t *testing.T) {
	read := func(lang string) map[string]string {
		raw, err := os.ReadFile(filepath.Join("locales", lang+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]string
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	ja, en := read("ja"), read("en")
	for key := range ja {
		if strings.TrimSpace(en[key]) == "" || strings.TrimSpace(ja[key]) == "" || strings.Count(ja[key], "{{") != strings.Count(en[key], "{{") {
			t.Errorf("%s: %q and %q", key, ja[key], en[key])
		}
	}
	if len(ja) != len(en) {
		t.Errorf("%d and %d texts", len(ja), len(en))
	}
}
