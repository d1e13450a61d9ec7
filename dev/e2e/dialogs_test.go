package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/natstest"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	teamName   = "projects/" + stack.Project + "/teamSettings"
	ichiroLink = "projects/" + stack.Project + "/operators/" + stack.Ichiro
)

// home opens the app's Home of a member and answers it once it holds what it is to hold.
func (s system) home(member string, holds ...string) slackstandin.View {
	s.t.Helper()
	if err := s.Slack.OpenHome(member); err != nil {
		s.t.Fatal(err)
	}
	return s.view("the home of "+member, member, "home", holds...)
}

// view waits for a modal or Home of a member that holds some words, and answers it.
func (s system) view(what, member, kind string, holds ...string) (found slackstandin.View) {
	s.t.Helper()
	s.slack(what, func(now *slackstandin.Snapshot) bool {
		for _, v := range now.Views {
			raw, _ := json.Marshal(v.Body)
			if v.User == member && v.Body["type"] == kind && !slices.ContainsFunc(holds, func(words string) bool { return !strings.Contains(string(raw), words) }) {
				found = v
				return true
			}
		}
		return false
	})
	return found
}

func (s system) pressesIn(member, view, action string) {
	s.t.Helper()
	answer, err := s.Slack.ClickButton(s.t.Context(), slackstandin.Click{Member: member, ViewID: view, ActionID: action})
	if err != nil || answer.Status != http.StatusOK {
		s.t.Fatalf("%s presses %s: %+v, %v", member, action, answer, err)
	}
}

func (s system) submits(member, view string, values map[string]any) string {
	s.t.Helper()
	answer, err := s.Slack.SubmitView(s.t.Context(), member, view, values)
	if err != nil || answer.Status != http.StatusOK {
		s.t.Fatalf("%s submits: %+v, %v", member, answer, err)
	}
	return string(answer.Body)
}

// submitsTwice presses the button of a modal twice at once. The stand-in may find the modal closed, or another, when it comes to the second: then that answer is empty.
func (s system) submitsTwice(member, view string, values map[string]any) (answers []string) {
	s.t.Helper()
	answers = make([]string, 2)
	var both sync.WaitGroup
	for i := range answers {
		both.Go(func() {
			answer, err := s.Slack.SubmitView(s.t.Context(), member, view, values)
			if err == nil && answer.Status != http.StatusOK {
				s.t.Errorf("%s submits: %+v", member, answer)
			}
			answers[i] = string(answer.Body)
		})
	}
	both.Wait()
	if answers[0] == "" && answers[1] == "" {
		s.t.Errorf("%s submitted and was told nothing", member)
	}
	return answers
}

func (s system) commands(member, text string) {
	s.t.Helper()
	answer, err := s.Slack.Command(s.t.Context(), member, stack.Channel, "/karte-talk", text)
	if err != nil || answer.Status != http.StatusOK {
		s.t.Fatalf("%s types %q: %+v, %v", member, text, answer, err)
	}
}

func optionOf(value string) map[string]any {
	return map[string]any{"type": "static_select", "selected_option": map[string]any{"value": value}}
}

func (s system) memberOf(operator string) string {
	s.t.Helper()
	link, err := s.Settings.GetOperatorLink(stack.Admin(s.t.Context()), &settingsv1.GetOperatorLinkRequest{Name: operator})
	if status.Code(err) == codes.NotFound {
		return ""
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return link.GetOperatorLink().GetSlackMember()
}

func (s system) team() *settingsv1.TeamSettings {
	s.t.Helper()
	answer, err := s.Settings.GetTeamSettings(stack.Admin(s.t.Context()), &settingsv1.GetTeamSettingsRequest{Name: teamName})
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.GetTeamSettings()
}

func (s system) setTeam(team *settingsv1.TeamSettings, paths ...string) {
	s.t.Helper()
	team.Name = teamName
	if _, err := s.Settings.UpdateTeamSettings(stack.Admin(s.t.Context()), &settingsv1.UpdateTeamSettingsRequest{TeamSettings: team, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}}); err != nil {
		s.t.Fatal(err)
	}
}

func TestAMemberLinksThemselvesInTheHome(t *testing.T) {
	s := start(t, stack.Options{})
	home := s.home(stack.Taro, "連携していません", "個人設定", stack.Project)
	if raw, _ := json.Marshal(home.Body); strings.Contains(string(raw), `"team_settings"`) {
		t.Error("somebody who is no admin sees the button of the team settings")
	}
	s.pressesIn(stack.Taro, home.ID, "personal_settings")
	modal := s.view("the personal settings", stack.Taro, "modal", "田中 一郎", "保存")
	if raw, _ := json.Marshal(modal.Body); strings.Contains(string(raw), "佐藤 花子") {
		t.Error("an operator who is somebody else's can be picked")
	}
	for _, answer := range s.submitsTwice(stack.Taro, modal.ID, map[string]any{"operator": map[string]any{"operator": optionOf(stack.Ichiro)}}) {
		if answer != "" && !strings.Contains(answer, "田中 一郎 と連携しました") {
			t.Errorf("submitted: %s", answer)
		}
	}
	if got := s.memberOf(ichiroLink); got != stack.Taro {
		t.Errorf("linked to %q", got)
	}
	home = s.view("the home afterwards", stack.Taro, "home", "あなたの KARTE オペレーター: 田中 一郎")
	s.pressesIn(stack.Taro, home.ID, "personal_settings")
	modal = s.view("the personal settings again", stack.Taro, "modal", "現在の連携: 田中 一郎", "test_link")
	s.pressesIn(stack.Taro, modal.ID, "test_link")
	s.slack("a direct message", func(now *slackstandin.Snapshot) bool {
		for _, c := range now.Channels {
			if c.Channel.DM && slices.ContainsFunc(c.Messages, func(m *slackstandin.Message) bool { return strings.Contains(m.Text, "テストメッセージです") }) {
				return true
			}
		}
		return false
	})
	modal = s.view("it says so", stack.Taro, "modal", "テストメッセージを送りました")
	s.pressesIn(stack.Taro, modal.ID, "unlink")
	s.view("unlinked", stack.Taro, "modal", "連携を解除しました")
	if got := s.memberOf(ichiroLink); got != "" {
		t.Errorf("still linked to %q", got)
	}
	s.view("the home at the end", stack.Taro, "home", "連携していません")
}

func TestAnOperatorWhoWasTakenMeanwhileIsNotLinked(t *testing.T) {
	s := start(t, stack.Options{})
	home := s.home(stack.Taro, "個人設定")
	s.pressesIn(stack.Taro, home.ID, "personal_settings")
	modal := s.view("the personal settings", stack.Taro, "modal", "田中 一郎")
	if _, err := s.Settings.SetOperatorLink(stack.Admin(t.Context()), &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{Name: ichiroLink, SlackMember: stack.AdminID}}); err != nil {
		t.Fatal(err)
	}
	answer := s.submits(stack.Taro, modal.ID, map[string]any{"operator": map[string]any{"operator": optionOf(stack.Ichiro)}})
	if !strings.Contains(answer, `"errors"`) || !strings.Contains(answer, "すでに別のメンバーと連携しています") || s.memberOf(ichiroLink) != stack.AdminID {
		t.Errorf("answered %s, linked to %s", answer, s.memberOf(ichiroLink))
	}
}

// teamValues are what the modal of the team settings holds when nothing was changed in it.
func teamValues(etag string, change map[string]map[string]any) map[string]any {
	values := map[string]map[string]any{
		"switches": {"type": "checkboxes", "selected_options": []any{map[string]any{"value": "notifications_enabled"}, map[string]any{"value": "thread_replies_enabled"}, map[string]any{"value": "self_linking"}}},
		"channel":  {"type": "conversations_select", "selected_conversation": stack.Channel}, "mention_policy": optionOf("MENTION_POLICY_HERE"),
		"mention_targets": {"type": "multi_users_select", "selected_users": []any{}}, "quiet_period": optionOf("300"), "language": optionOf("ja"),
		"remind_after": {"type": "number_input", "value": nil}, "escalate_after": {"type": "number_input", "value": nil},
		"escalation_targets": {"type": "multi_users_select", "selected_users": []any{}}, "admins": {"type": "multi_users_select", "selected_users": []any{stack.AdminID}},
	}
	all := map[string]any{}
	for action, value := range values {
		if changed, ok := change[action]; ok {
			value = changed
		}
		all[action+":"+etag] = map[string]any{action: value}
	}
	return all
}

// A guest who stood in the settings before keeps nobody from changing something else.
func TestAGuestWhoWasSetBeforeStays(t *testing.T) {
	s := start(t, stack.Options{})
	s.setTeam(&settingsv1.TeamSettings{MentionTargets: []string{stack.Guest}}, "mention_targets")
	modal := s.openTeam()
	answer := s.submits(stack.AdminID, modal.ID, teamValues(s.team().GetEtag(), map[string]map[string]any{
		"language": optionOf("en"), "mention_targets": {"type": "multi_users_select", "selected_users": []any{stack.Guest, stack.Hanako}},
	}))
	if got := s.team(); !strings.Contains(answer, "保存しました") || got.GetLanguage() != "en" || len(got.GetMentionTargets()) != 2 {
		t.Errorf("%s: %v", answer, got)
	}
}

func (s system) openTeam() (modal slackstandin.View) {
	s.t.Helper()
	home := s.home(stack.AdminID, "チーム設定")
	s.pressesIn(stack.AdminID, home.ID, "team_settings")
	return s.view("the team settings", stack.AdminID, "modal", s.team().GetEtag())
}

func TestAnAdminChangesTheTeamSettings(t *testing.T) {
	s := start(t, stack.Options{})
	s.Slack.AddChannel(slackstandin.Channel{ID: "C0OTHER", Name: "other"})
	modal, before := s.openTeam(), s.team()
	answer := s.submits(stack.AdminID, modal.ID, teamValues(before.GetEtag(), map[string]map[string]any{
		"language": optionOf("en"), "quiet_period": optionOf("900"), "remind_after": {"type": "number_input", "value": "10"}, "escalate_after": {"type": "number_input", "value": "30"},
		"escalation_targets": {"type": "multi_users_select", "selected_users": []any{stack.Hanako}}, "channel": {"type": "conversations_select", "selected_conversation": "C0OTHER"},
	}))
	if !strings.Contains(answer, "招待してください") {
		t.Errorf("the app is not in the channel, and nobody says so: %s", answer)
	}
	got := s.team()
	if got.GetLanguage() != "en" || got.GetMentionQuietPeriod().GetSeconds() != 900 || got.GetUnanswered().GetRemindAfter().GetSeconds() != 600 || got.GetChannel() != "C0OTHER" ||
		!got.GetNotificationsEnabled() || !got.GetThreadRepliesEnabled() || got.GetWorkspace() != stack.Team || got.GetMentionPolicy() != before.GetMentionPolicy() {
		t.Errorf("stored: %v", got)
	}
	s.view("the home afterwards", stack.AdminID, "home", "言語: English", "招待されていません")
}

func TestSettingsThatSomebodyElseChangedAreNotOverwritten(t *testing.T) {
	s := start(t, stack.Options{})
	modal, before := s.openTeam(), s.team()
	s.setTeam(&settingsv1.TeamSettings{Language: "en"}, "language")
	answer := s.submits(stack.AdminID, modal.ID, teamValues(before.GetEtag(), map[string]map[string]any{"mention_policy": optionOf("MENTION_POLICY_NOBODY")}))
	now := s.team()
	if !strings.Contains(answer, "ほかの人が先に設定を変更しました") || !strings.Contains(answer, now.GetEtag()) || now.GetLanguage() != "en" || now.GetMentionPolicy() == settingsv1.MentionPolicy_MENTION_POLICY_NOBODY {
		t.Errorf("answered %s, stored %v", answer, now)
	}
	answer = s.submits(stack.AdminID, modal.ID, teamValues(now.GetEtag(), map[string]map[string]any{"mention_policy": optionOf("MENTION_POLICY_NOBODY"), "language": optionOf("en")}))
	if !strings.Contains(answer, "保存しました") || s.team().GetMentionPolicy() != settingsv1.MentionPolicy_MENTION_POLICY_NOBODY {
		t.Errorf("with the fresh settings: %s", answer)
	}
}

func TestWhatIsWrongIsSaidAtTheField(t *testing.T) {
	s := start(t, stack.Options{})
	modal, before := s.openTeam(), s.team()
	etag := before.GetEtag()
	if err := s.Slack.Archive(stack.Channel, stack.AdminID, true); err != nil {
		t.Fatal(err)
	}
	for words, change := range map[string]map[string]map[string]any{
		"channel:" + etag + `":"このチャンネルはアーカイブ`:          {},
		"channel:" + etag + `":"通知をオンにするには`:             {"channel": {"type": "conversations_select", "selected_conversation": nil}},
		"channel:" + etag + `":"アプリからこのチャンネルが見えません`:     {"channel": {"type": "conversations_select", "selected_conversation": "C0SECRET"}},
		"mention_targets:" + etag + `":"メンションするメンバーを`:   {"mention_policy": optionOf("MENTION_POLICY_TARGETS")},
		"mention_targets:" + etag + `":"ゲスト・社外の人`:       {"mention_targets": {"type": "multi_users_select", "selected_users": []any{stack.Hanako, stack.Guest}}},
		"escalation_targets:" + etag + `":"ゲスト・社外の人`:    {"escalation_targets": {"type": "multi_users_select", "selected_users": []any{stack.Partner}}},
		"admins:" + etag + `":"ゲスト・社外の人`:                {"admins": {"type": "multi_users_select", "selected_users": []any{stack.AdminID, stack.Guest}}},
		"admins:" + etag + `":"管理者を 1 人以上`:              {"admins": {"type": "multi_users_select", "selected_users": []any{}}},
		"escalate_after:" + etag + `":"エスカレーションは`:       {"remind_after": {"type": "number_input", "value": "10"}, "escalate_after": {"type": "number_input", "value": "10"}},
		"remind_after:" + etag + `":"0〜10080`:           {"remind_after": {"type": "number_input", "value": "soon"}},
		"escalation_targets:" + etag + `":"メンションするメンバー`: {"escalate_after": {"type": "number_input", "value": "10"}},
	} {
		if answer := s.submits(stack.AdminID, modal.ID, teamValues(etag, change)); !strings.Contains(answer, words) {
			t.Errorf("%s: %s", words, answer)
		}
	}
	if s.team().GetEtag() != etag {
		t.Error("something was changed")
	}
}

// Whoever presses what is not for them gets a clear private text, and nothing happens.
func TestDialogsAreNotForEverybody(t *testing.T) {
	s := start(t, stack.Options{})
	s.home(stack.Guest, "Only full members of this workspace")
	s.commands(stack.Guest, "link 田中 一郎")
	s.told(stack.Guest, "Only full members of this workspace")
	s.commands(stack.Guest, "assign")
	s.commands(stack.Guest, "status")
	s.commands(stack.Taro, "assign")
	s.told(stack.Taro, "連携していないため")
	// A button that is somebody else's, pressed all the same: as one who has kept an old view would.
	modal, etag := s.openTeam(), s.team().GetEtag()
	s.setTeam(&settingsv1.TeamSettings{Admins: []string{stack.Hanako}}, "admins")
	if answer := s.submits(stack.AdminID, modal.ID, teamValues(etag, nil)); !strings.Contains(answer, "管理者だけ") {
		t.Errorf("a former admin: %s", answer)
	}
	s.setTeam(&settingsv1.TeamSettings{SelfLinkingDisabled: true}, "self_linking_disabled")
	s.commands(stack.Taro, "link 田中 一郎")
	s.told(stack.Taro, "連携は管理者が行います")
	if got := s.memberOf(ichiroLink); got != "" {
		t.Errorf("linked to %q", got)
	}
}

func TestTheCommandLinksAndTellsHowThingsAre(t *testing.T) {
	s := start(t, stack.Options{})
	s.commands(stack.Taro, "")
	s.told(stack.Taro, "/karte-talk link")
	s.commands(stack.Taro, "link nobody")
	s.told(stack.Taro, "「nobody」")
	s.commands(stack.Taro, "link 佐藤花子")
	s.told(stack.Taro, "佐藤 花子 は、すでに別のメンバー")
	s.commands(stack.Taro, "link 田中一郎")
	s.told(stack.Taro, "田中 一郎 と連携しました")
	if got := s.memberOf(ichiroLink); got != stack.Taro {
		t.Errorf("linked to %q", got)
	}
	s.commands(stack.Taro, "status")
	s.told(stack.Taro, "現在の状態")
}

func TestTheCommandAssignsAConversationOnce(t *testing.T) {
	s := start(t, stack.Options{})
	customer := kartestandin.Customer{UserID: "member-1"}
	s.says(customer, "first words")
	thread := s.head("first words")
	s.commands(stack.Hanako, "assign")
	modal := s.view("the modal", stack.Hanako, "modal", "会員 member-1", "田中 一郎")
	values := map[string]any{"conversation": map[string]any{"conversation": optionOf(stack.Channel + ":" + thread)}, "operator": map[string]any{"operator": optionOf(stack.Ichiro)}}
	for _, answer := range s.submitsTwice(stack.Hanako, modal.ID, values) {
		if answer != "" && !strings.Contains(answer, "受け付けました") {
			t.Errorf("submitted: %s", answer)
		}
	}
	if n := s.facts("slack.*." + stack.Team + "." + stack.Channel + ".*.action-pressed.>"); n != 1 {
		t.Errorf("submitted twice it is %d facts", n)
	}
}

// facts answers how many facts are stored under a filter.
func (s system) facts(filter string) (n int) {
	s.t.Helper()
	return s.there(natstest.JetStream(s.t, s.NATSURL), "SLACK", filter)
}

// posts waits until so many posts are decided.
func (s system) posts(n int) {
	s.t.Helper()
	js := natstest.JetStream(s.t, s.NATSURL)
	eventually.Holds(s.t, 2*within, fmt.Sprint(n, " posts in POSTS"), func() bool { return s.there(js, "POSTS", "post.>") >= n })
}

// there answers how many subjects of a stream fit a filter.
func (s system) there(js jetstream.JetStream, name, filter string) int {
	s.t.Helper()
	stream, err := js.Stream(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	info, err := stream.Info(s.t.Context(), jetstream.WithSubjectFilter(filter))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(info.State.Subjects)
}

func TestAPressThatIsTooLongAgoIsAskedForAgain(t *testing.T) {
	s := start(t, stack.Options{})
	home := s.home(stack.Taro, "個人設定")
	s.Slack.AddFault(slackstandin.Fault{Method: "views.open", Kind: slackstandin.Failed, Error: "expired_trigger_id", Count: 1})
	s.pressesIn(stack.Taro, home.ID, "personal_settings")
	s.slack("a direct message that asks to press again", func(now *slackstandin.Snapshot) bool {
		for _, c := range now.Channels {
			if c.Channel.DM && slices.ContainsFunc(c.Messages, func(m *slackstandin.Message) bool {
				return strings.Contains(m.Text, "もう一度押してください")
			}) {
				return true
			}
		}
		return false
	})
	s.Slack.AddFault(slackstandin.Fault{Method: "views.open", Kind: slackstandin.Failed, Error: "expired_trigger_id", Count: 1})
	s.commands(stack.Hanako, "link")
	s.told(stack.Hanako, "もう一度押してください")
}

func TestTwoProjectsOfAWorkspace(t *testing.T) {
	s := start(t, stack.Options{})
	second := &settingsv1.TeamSettings{Name: "projects/second/teamSettings", Workspace: stack.Team}
	if _, err := s.Settings.UpdateTeamSettings(stack.Admin(t.Context()), &settingsv1.UpdateTeamSettingsRequest{TeamSettings: second, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"workspace"}}}); err != nil {
		t.Fatal(err)
	}
	s.home(stack.Hanako, "プロジェクト "+stack.Project, "プロジェクト second", "佐藤 花子", "連携していません", "KARTE が応答しません")
	s.commands(stack.Hanako, "link")
	s.told(stack.Hanako, "どのプロジェクトですか")
}

func TestWhileTheRouterIsAwayDialogsSaySo(t *testing.T) {
	s := start(t, stack.Options{})
	modal, etag := s.openTeam(), s.team().GetEtag()
	if err := s.StopService(stack.Router); err != nil {
		t.Fatal(err)
	}
	s.home(stack.Taro, "応答がありません")
	if answer := s.submits(stack.AdminID, modal.ID, teamValues(etag, nil)); !strings.Contains(answer, "応答がありません") {
		t.Errorf("submitted: %s", answer)
	}
	if err := s.StartService(stack.Router); err != nil {
		t.Fatal(err)
	}
	if err := s.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	var opened time.Time
	eventually.Holds(t, within, "the home is back", func() bool {
		if time.Since(opened) > 200*time.Millisecond { // a person does not open it more often
			if err := s.Slack.OpenHome(stack.Taro); err != nil {
				t.Fatal(err)
			}
			opened = time.Now()
		}
		return slices.ContainsFunc(s.Slack.Snapshot().Views, func(v slackstandin.View) bool {
			raw, _ := json.Marshal(v.Body)
			return v.User == stack.Taro && strings.Contains(string(raw), "個人設定")
		})
	})
}
