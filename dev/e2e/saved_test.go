package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// saves adds a saved reply to the project.
func (s system) saves(id, title, text string) {
	s.t.Helper()
	parent := "projects/" + stack.Project
	_, err := s.SavedReplies.CreateSavedReply(stack.Admin(s.t.Context()), &settingsv1.CreateSavedReplyRequest{
		Parent: parent, SavedReplyId: id, SavedReply: &settingsv1.SavedReply{Name: parent + "/savedReplies/" + id, Title: title, Text: text},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// savedOn makes a member use the shortcut for saved replies on a line, and answers the modal that holds text.
func (s system) savedOn(member, ts, text string) slackstandin.View {
	s.t.Helper()
	if answer, err := s.Slack.MessageShortcut(s.t.Context(), member, stack.Channel, ts, "saved_reply"); err != nil || answer.Status != http.StatusOK {
		s.t.Fatalf("shortcut: %v, %v", answer, err)
	}
	return s.view("a modal with "+text, member, "modal", text)
}

// talked is a system with a customer's thread that is known everywhere.
func talked(t *testing.T) (s system, thread string) {
	t.Helper()
	s, thread = talk(t, stack.Options{})
	s.replies(stack.Taro, thread, "こちらは確認中です")
	s.told(stack.Taro, "連携していません")
	return s, thread
}

// picks chooses in a menu of a modal, and answers the modal once it holds text.
func (s system) picks(member string, modal slackstandin.View, menu, value, label, text string, state map[string]any) slackstandin.View {
	s.t.Helper()
	if state == nil {
		state = map[string]any{}
	}
	state[menu] = map[string]any{menu: optionOf(value)}
	answer, err := s.Slack.ClickButton(s.t.Context(), slackstandin.Click{Member: member, ViewID: modal.ID, ActionID: menu, Value: value, Label: label, State: state})
	if err != nil || answer.Status != http.StatusOK {
		s.t.Fatalf("%s picks %s: %+v, %v", member, value, answer, err)
	}
	return s.view("the modal with "+text, member, "modal", text)
}

// texts answers what the input of a modal holds when it is submitted: a text, in the input as it is now.
func texts(modal slackstandin.View, text string, others map[string]any) map[string]any {
	values := map[string]any{textBlock(modal): map[string]any{"saved_reply_text": map[string]any{"type": "plain_text_input", "value": text}}}
	for id, value := range others {
		values[id] = value
	}
	return values
}

func textBlock(modal slackstandin.View) string {
	raw, _ := json.Marshal(modal.Body["blocks"])
	_, rest, _ := strings.Cut(string(raw), `"block_id":"saved_reply_text:`)
	n, _, _ := strings.Cut(rest, `"`)
	return "saved_reply_text:" + n
}

// threadShows waits until a thread has exactly one line that holds text.
func (s system) threadShows(thread, text string) {
	s.t.Helper()
	s.slack("a line with "+text, func(*slackstandin.Snapshot) bool { return s.lines(thread, text) == 1 })
}

func TestASavedReplyIsSentFromAThreadOnce(t *testing.T) {
	s, thread := talked(t)
	s.saves("thanks", "お礼", "{customer} 様、{operator} です。ありがとうございます。")
	s.saves("wait", "お待ちください", "少々お待ちください。")
	line := s.replies(stack.Hanako, thread, "定型文で返す")
	modal := s.savedOn(stack.Hanako, line, "訪問者 vis-1 に、オペレーター「佐藤 花子」の名前で送信します")
	modal = s.picks(stack.Hanako, modal, "saved_reply_menu", "thanks", "お礼", "vis-1 様、佐藤 花子 です。ありがとうございます。", nil)
	text := "vis-1 様、佐藤 花子 です。ありがとうございます！"
	values := texts(modal, text, map[string]any{"saved_reply_menu": map[string]any{"saved_reply_menu": optionOf("thanks")}})
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			// The stand-in may have closed the modal when it comes to the second.
			if answer, err := s.Slack.SubmitView(t.Context(), stack.Hanako, modal.ID, values); err == nil && (answer.Status != http.StatusOK || len(answer.Body) > 0) {
				t.Errorf("submitted: %+v", answer)
			}
		})
	}
	both.Wait()
	s.customer(text)
	s.threadShows(thread, text)
	s.threadShows(thread, ":white_check_mark: お客様に送信: 佐藤 花子")
	if n := s.facts("slack.*." + stack.Team + "." + stack.Channel + ".*.message-composed.>"); n != 1 {
		t.Errorf("submitted twice it is %d facts", n)
	}
	s.still(text)
}

func TestTheCommandSendsASavedReplyToTheConversationThatIsChosen(t *testing.T) {
	s, first := talked(t)
	s.says(kartestandin.Customer{UserID: "member-2"}, "もしもし")
	second := s.head("もしもし")
	s.saves("refund", "返金の案内", "{customer} 様、返金いたします。")
	s.saves("hello", "あいさつ", "こんにちは。")
	s.commands(stack.Hanako, "reply 返金")
	// One alone has the word, so that it stands in the modal already; whose it will be is not known yet.
	modal := s.view("the modal", stack.Hanako, "modal", "{customer} 様、返金いたします。", "会員 member-2", "訪問者 vis-1", "「返金」を含む")
	chosen := map[string]any{"saved_reply_menu": map[string]any{"saved_reply_menu": optionOf("refund")}}
	if answer := s.submits(stack.Hanako, modal.ID, texts(modal, "x", chosen)); !strings.Contains(answer, `"conversation":"会話を選んでください`) {
		t.Errorf("without a conversation: %s", answer)
	}
	to := func(thread string) map[string]any {
		return map[string]any{"conversation": map[string]any{"conversation": optionOf(stack.Channel + ":" + thread)}, "saved_reply_menu": chosen["saved_reply_menu"]}
	}
	if answer := s.submits(stack.Hanako, modal.ID, texts(modal, "{customer} 様", to(second))); !strings.Contains(answer, "{customer} や {operator} が残って") {
		t.Errorf("with a place left: %s", answer)
	}
	modal = s.picks(stack.Hanako, modal, "conversation", stack.Channel+":"+second, "member-2", "member-2 様、返金いたします。", chosen)
	if answer := s.submits(stack.Hanako, modal.ID, texts(modal, "member-2 様、返金いたします。", to(first))); !strings.Contains(answer, "別のお客様の ID") {
		t.Errorf("made out to another customer: %s", answer)
	}
	if answer := s.submits(stack.Hanako, modal.ID, texts(modal, "member-2 様、返金いたします。", to(second))); !strings.Contains(answer, "送信を受け付けました") {
		t.Errorf("submitted: %s", answer)
	}
	s.karte("the message", "member-2", func(m []kartestandin.Message) bool {
		return slices.Equal(fromAPI(m, kartestandin.KindMessage), []string{"member-2 様、返金いたします。"})
	})
	s.threadShows(second, "member-2 様、返金いたします。")
	s.still()
}

// importsSaved gives the project so many saved replies at once.
func (s system) importsSaved(n int) {
	s.t.Helper()
	name := "projects/" + stack.Project
	exported, err := s.Settings.ExportProject(stack.Admin(s.t.Context()), &settingsv1.ExportProjectRequest{Name: name})
	if err != nil {
		s.t.Fatal(err)
	}
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "\n- {name: %s/savedReplies/reply-%03d, title: 定型文 %03d, text: 本文の%03d番です。}", name, i, i, i)
	}
	document := strings.Replace(string(exported.GetDocument()), "savedReplies: []", "savedReplies:"+all.String(), 1)
	if _, err := s.Settings.ImportProject(stack.Admin(s.t.Context()), &settingsv1.ImportProjectRequest{Name: name, Document: []byte(document)}); err != nil {
		s.t.Fatal(err)
	}
}

// Of more saved replies than a menu takes, those are suggested that have what is typed in title or text.
func TestManySavedRepliesAreSuggested(t *testing.T) {
	s, thread := talked(t)
	s.importsSaved(105)
	modal := s.savedOn(stack.Hanako, thread, "external_select")
	for typed, want := range map[string]int{"": 100, "定型文 104": 1, "本文の007": 1, "ない": 0} {
		answer, err := s.Slack.Suggest(t.Context(), slackstandin.Click{Member: stack.Hanako, ViewID: modal.ID, ActionID: "saved_reply_menu", Value: typed})
		if n := strings.Count(string(answer.Body), `"value":"reply-`); err != nil || answer.Status != http.StatusOK || n != want {
			t.Errorf("%q: %d suggested, want %d; %v", typed, n, want, err)
		}
	}
	// Nobody from outside is told what the saved replies are.
	if _, err := s.Slack.Suggest(t.Context(), slackstandin.Click{Member: stack.Guest, ViewID: modal.ID, ActionID: "saved_reply_menu"}); err == nil {
		t.Error("somebody else's modal suggests")
	}
	modal = s.picks(stack.Hanako, modal, "saved_reply_menu", "reply-104", "定型文 104", "本文の104番です。", nil)
	s.submits(stack.Hanako, modal.ID, texts(modal, "本文の104番です。", map[string]any{"saved_reply_menu": map[string]any{"saved_reply_menu": optionOf("reply-104")}}))
	s.customer("本文の104番です。")
}

// What has changed while the modal was open is said in it, and what was written stays there.
func TestASavedReplyThatMayNotGoStaysInTheModal(t *testing.T) {
	s, thread := talked(t)
	s.saves("hello", "あいさつ", "こんにちは。")
	modal := s.savedOn(stack.Hanako, thread, "佐藤 花子")
	refused := func(words string) {
		t.Helper()
		if answer := s.submits(stack.Hanako, modal.ID, texts(modal, "こんにちは。", nil)); !strings.Contains(answer, `"saved_reply_text:0":`) || !strings.Contains(answer, words) {
			t.Errorf("%s: %s", words, answer)
		}
	}
	s.unlinks(stack.Operator)
	refused("連携していないため")
	s.links(stack.Ichiro, stack.Hanako)
	refused("と連携しているオペレーターが変わりました")
	s.unlinks(stack.Ichiro)
	s.links(stack.Operator, stack.Hanako)
	s.setTeam(&settingsv1.TeamSettings{NoteOnlyChannels: []string{stack.Channel}}, "note_only_channels")
	refused("送信しない設定")
	s.setTeam(&settingsv1.TeamSettings{ThreadRepliesEnabled: false}, "note_only_channels", "thread_replies_enabled")
	refused("無効になっている")
	s.setTeam(&settingsv1.TeamSettings{ThreadRepliesEnabled: true}, "thread_replies_enabled")
	if err := s.Slack.Archive(stack.Channel, stack.AdminID, true); err != nil {
		t.Fatal(err)
	}
	refused("アーカイブされているため")
	s.still()
	if n := s.facts("slack.*." + stack.Team + "." + stack.Channel + ".*.message-composed.>"); n != 0 {
		t.Errorf("%d facts of what was refused", n)
	}
}

// The first submission was stored although its author was told to try again; what they have changed since is neither sent nor lost without a word.
func TestAnotherTextFromTheSameModalIsRefused(t *testing.T) {
	s, thread := talked(t)
	s.saves("hello", "あいさつ", "こんにちは。")
	modal := s.savedOn(stack.Hanako, thread, "佐藤 花子")
	if err := s.Slack.SubmitViewUnheard(t.Context(), stack.Hanako, modal.ID, texts(modal, "最初の文です。", nil)); err != nil {
		t.Fatal(err)
	}
	if answer := s.submits(stack.Hanako, modal.ID, texts(modal, "書き直した文です。", nil)); !strings.Contains(answer, `"saved_reply_text:0":`) || !strings.Contains(answer, "最初に送信した文") {
		t.Errorf("the changed text: %s", answer)
	}
	// The same text is the same submission.
	if answer := s.submits(stack.Hanako, modal.ID, texts(modal, "最初の文です。", nil)); strings.Contains(answer, "errors") {
		t.Errorf("the first text once more: %s", answer)
	}
	s.customer("最初の文です。")
	if n := s.facts("slack.*." + stack.Team + "." + stack.Channel + ".*.message-composed.>"); n != 1 {
		t.Errorf("%d facts", n)
	}
	s.still("最初の文です。")
}

func TestSavedRepliesAreNotForEverybody(t *testing.T) {
	s, thread := talked(t)
	s.saves("hello", "あいさつ", "こんにちは。")
	s.savedOn(stack.Taro, thread, "連携していないため")
	s.savedOn(stack.Guest, thread, "Only full members")
	if answer, err := s.Slack.MessageShortcut(t.Context(), stack.Partner, stack.Channel, thread, "saved_reply"); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("shortcut: %v, %v", answer, err)
	}
	s.told(stack.Partner, "正式なメンバー")
	s.commands(stack.Taro, "reply")
	s.told(stack.Taro, "連携していないため")
	s.commands(stack.Guest, "reply")
	s.told(stack.Guest, "Only full members")
	// A press that is too long ago opens nothing.
	s.Slack.AddFault(slackstandin.Fault{Method: "views.open", Kind: slackstandin.Failed, Error: "expired_trigger_id", Count: 1})
	s.commands(stack.Hanako, "reply")
	s.told(stack.Hanako, "もう一度押してください")
	s.still()
}

// givenBack waits until the app has written to a member, in its own conversation with them, what became of what they wrote, with a button, and has given back text.
func (s system) givenBack(member, words, text string) (dm, ts string) {
	s.t.Helper()
	s.slack("a direct message that gives back "+text, func(now *slackstandin.Snapshot) bool {
		for id, c := range now.Channels {
			for _, m := range c.Messages {
				if c.Channel.DM && slices.Contains(c.Channel.Members, member) && strings.Contains(m.Text, words) && strings.Contains(string(m.Blocks), `"action_id":"retry"`) && strings.Contains(string(m.Blocks), text) {
					dm, ts = id, m.TS
				}
			}
		}
		return dm != ""
	})
	return dm, ts
}

func (s system) retries(member, dm, ts string) {
	s.t.Helper()
	// The button may be gone when it is pressed for the second time.
	if answer, err := s.Slack.ClickButton(s.t.Context(), slackstandin.Click{Member: member, Channel: dm, TS: ts, ActionID: "retry"}); err == nil && answer.Status != http.StatusOK {
		s.t.Fatalf("retry: %+v", answer)
	}
}

// While KARTE is down its author is told that it waits; given up, it is tried again with a button, and shown in the thread when KARTE has it.
func TestADialogsMessageWaitsFailsAndIsTriedAgain(t *testing.T) {
	s, thread := talked(t)
	if err := s.Slack.Join(stack.Channel, stack.Hanako); err != nil {
		t.Fatal(err)
	}
	modal := s.savedOn(stack.Hanako, thread, "定型文はまだありません")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 503})
	s.submits(stack.Hanako, modal.ID, texts(modal, "明日お届けします。", nil))
	s.told(stack.Hanako, "お客様への送信を待っています")
	s.KARTE.ClearFaults()
	s.customer("明日お届けします。")
	s.threadShows(thread, "明日お届けします。")

	modal = s.savedOn(stack.Hanako, thread, "お客様に届く文章")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 400, Count: 1})
	s.submits(stack.Hanako, modal.ID, texts(modal, "もう一つあります。", nil))
	dm, ts := s.givenBack(stack.Hanako, "書いた文章を KARTE に届けられませんでした", "もう一つあります。")
	if n := s.lines(thread, "もう一つあります。"); n != 0 {
		t.Errorf("shown %d times before KARTE has it", n)
	}
	// KARTE is down when the button is pressed, twice: it goes out once, when KARTE is there again.
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 503})
	asked := s.KARTE.Snapshot().Calls[kartestandin.PathSendFromOperator]
	for range 2 {
		s.retries(stack.Hanako, dm, ts)
	}
	eventually.Holds(t, within, "KARTE is asked again", func() bool { return s.KARTE.Snapshot().Calls[kartestandin.PathSendFromOperator] > asked })
	s.still("明日お届けします。")
	s.KARTE.ClearFaults()
	s.customer("明日お届けします。", "もう一つあります。")
	s.threadShows(thread, "もう一つあります。")
	s.slack("its text stays, its button is gone", func(now *slackstandin.Snapshot) bool {
		return slices.ContainsFunc(now.Channels[dm].Messages, func(m *slackstandin.Message) bool {
			return m.TS == ts && strings.Contains(m.Text, "届くと、スレッドに表示されます") && strings.Contains(string(m.Blocks), "もう一つあります。") && !strings.Contains(string(m.Blocks), "action_id")
		})
	})
	s.still("明日お届けします。", "もう一つあります。")
}

// Somebody who is not in the channel cannot be told anything there: they are told in the app's own conversation with them, button and all.
func TestWhoIsNotInTheChannelIsToldDirectly(t *testing.T) {
	s, thread := talked(t)
	modal := s.savedOn(stack.Hanako, thread, "お客様に届く文章")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 400, Count: 1})
	s.submits(stack.Hanako, modal.ID, texts(modal, "明日お届けします。", nil))
	dm, ts := s.givenBack(stack.Hanako, "書いた文章を KARTE に届けられませんでした", "明日お届けします。")
	s.retries(stack.Hanako, dm, ts)
	s.customer("明日お届けします。")
	s.threadShows(thread, "明日お届けします。")
}
