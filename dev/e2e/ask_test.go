package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// asked waits until a member was told something in private that holds text and has a button, and answers the latest such notice.
func (s system) asked(member, text, button string) (found slackstandin.Ephemeral) {
	s.t.Helper()
	s.slack("a notice to "+member+" with "+text+" and "+button, func(now *slackstandin.Snapshot) bool {
		for _, e := range now.Ephemerals {
			if e.User == member && strings.Contains(e.Text, text) && strings.Contains(string(e.Blocks), `"action_id":"`+button+`"`) {
				found = e
			}
		}
		return found.TS != ""
	})
	return found
}

// presses makes a member press a button of a notice, which may have been shown to somebody else.
func (s system) presses(member string, notice slackstandin.Ephemeral, button string) {
	s.t.Helper()
	answer, err := s.Slack.ClickButton(s.t.Context(), slackstandin.Click{Member: member, ShownTo: notice.User, Blocks: notice.Blocks, Channel: notice.Channel, TS: notice.TS, ActionID: button})
	if err != nil || answer.Status != http.StatusOK {
		s.t.Fatalf("%s presses %s: %v, %v", member, button, answer, err)
	}
}

// replaced waits until a notice says something else, and has no buttons any more.
func (s system) replaced(notice slackstandin.Ephemeral, text string) {
	s.t.Helper()
	s.slack("the notice says "+text, func(now *slackstandin.Snapshot) bool {
		return slices.ContainsFunc(now.Ephemerals, func(e slackstandin.Ephemeral) bool {
			return e.TS == notice.TS && e.User == notice.User && strings.Contains(e.Text, text) && !strings.Contains(string(e.Blocks), "action_id")
		})
	})
}

func (s system) unmarkedLine(ts, reaction string) {
	s.t.Helper()
	s.slack("no reaction "+reaction, func(now *slackstandin.Snapshot) bool { return !carries(now, ts, reaction) })
}

// customer waits until the customer has got exactly these messages of ours, and notes until KARTE has exactly these notes.
func (s system) customer(want ...string) {
	s.t.Helper()
	s.karte("the customer's messages", "vis-1", func(m []kartestandin.Message) bool { return slices.Equal(fromAPI(m, kartestandin.KindMessage), want) })
}

func (s system) notes(want ...string) {
	s.t.Helper()
	s.karte("the notes", "vis-1", func(m []kartestandin.Message) bool { return slices.Equal(fromAPI(m, kartestandin.KindNote), want) })
}

// quiet waits until Slack has delivered everything and nothing happens at KARTE: the messages are still these.
func (s system) still(want ...string) {
	s.t.Helper()
	s.slack("all events taken", func(now *slackstandin.Snapshot) bool { return now.Pending == 0 })
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, want) {
		s.t.Errorf("the customer got %q, want %q", got, want)
	}
}

// talk is a system with a customer who has written, and the thread of it.
func talk(t *testing.T, o stack.Options) (s system, thread string) {
	t.Helper()
	s = start(t, o)
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	return s, s.head("q-000.")
}

func TestANoteIsSentWhenItsAuthorSaysSo(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	line := s.replies(stack.Hanako, thread, "内緒です ```こんにちは``` 内緒です")
	s.marked(line, "memo")
	notice := s.asked(stack.Hanako, "ほかにも文章がある", "send_block")
	s.presses(stack.Hanako, notice, "send_block")
	s.marked(line, "white_check_mark")
	s.unmarkedLine(line, "memo")
	s.customer("こんにちは")
	s.replaced(notice, "ブロックだけ")

	several := s.replies(stack.Hanako, thread, "```一```\n```二```")
	s.presses(stack.Hanako, s.asked(stack.Hanako, "2 つ以上", "send_all"), "send_all")
	s.marked(several, "white_check_mark")
	s.customer("こんにちは", "一\n二")

	unclosed := s.replies(stack.Hanako, thread, "```閉じ忘れ")
	kept := s.asked(stack.Hanako, "閉じられていない", "keep_note")
	s.presses(stack.Hanako, kept, "keep_note")
	s.replaced(kept, "メモのまま")
	s.marked(unclosed, "memo")
	s.still("こんにちは", "一\n二")
}

func TestOneLineIsSentOnceHoweverManyButtonsArePressedAtOnce(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	line := s.replies(stack.Hanako, thread, "内緒 ```a```")
	notice := s.asked(stack.Hanako, "ほかにも文章がある", "send_block")
	var pressing sync.WaitGroup
	for range 4 {
		for _, button := range []string{"send_block", "send_all"} {
			pressing.Go(func() { s.presses(stack.Hanako, notice, button) })
		}
	}
	pressing.Wait()
	s.marked(line, "white_check_mark")
	s.flushRedis()
	s.configure()
	s.presses(stack.Hanako, notice, "send_all")
	s.told(stack.Hanako, "二重には送信しません")
	got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage)
	if len(got) != 1 {
		t.Errorf("the customer got %q", got)
	}
}

func TestNobodyElsePressesAndNothingIsSent(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	s.Slack.AddMember(slackstandin.Member{ID: "U0TWIN", Name: "twin", DisplayName: "佐藤 花子", Team: "T0OTHER", Email: "hanako@example.com"})
	ctx := stack.Admin(t.Context())
	for operator, member := range map[string]string{stack.Ichiro: stack.Guest} {
		if _, err := s.Settings.SetOperatorLink(ctx, &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{Name: "projects/" + stack.Project + "/operators/" + operator, SlackMember: member}}); err != nil {
			t.Fatal(err)
		}
	}
	s.marked(s.replies(stack.Hanako, thread, "内緒 ```a```"), "memo")
	notice := s.asked(stack.Hanako, "ほかにも文章がある", "send_block")
	for member, told := range map[string]string{stack.Taro: "連携していません", stack.Guest: "cannot go to customers", stack.Partner: "cannot go to customers", "U0TWIN": "cannot go to customers"} {
		s.replies(member, thread, "```from "+member+"```")
		for _, button := range []string{"send_block", "send_all", "keep_note"} {
			s.presses(member, notice, button)
		}
		s.slack(member+" is told each time", func(now *slackstandin.Snapshot) bool {
			n := 0
			for _, e := range now.Ephemerals {
				if e.User == member && (strings.Contains(e.Text, told) || strings.Contains(e.Text, "お客様への返信も会話の操作もできません")) {
					n++
				}
			}
			return n == 4
		})
	}
	s.still()
	// Linked when it was written, and not any more when the button is pressed.
	if _, err := s.Settings.DeleteOperatorLink(ctx, &settingsv1.DeleteOperatorLinkRequest{Name: "projects/" + stack.Project + "/operators/" + stack.Operator}); err != nil {
		t.Fatal(err)
	}
	s.presses(stack.Hanako, notice, "send_all")
	s.told(stack.Hanako, "連携していません")
	s.still()
}

func TestWhatWasEditedSinceIsAskedAnew(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	line := s.replies(stack.Hanako, thread, "内緒 ```a```")
	s.marked(line, "memo")
	old := s.asked(stack.Hanako, "ほかにも文章がある", "send_all")
	if err := s.Slack.Edit(stack.Channel, line, "```b```", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	fresh := s.asked(stack.Hanako, "1 つのコードブロックになりました", "send_all")
	s.presses(stack.Hanako, old, "send_all")
	s.told(stack.Hanako, "その後編集または削除された")
	s.still()
	s.presses(stack.Hanako, fresh, "send_all")
	s.marked(line, "white_check_mark")
	s.customer("b")

	deleted := s.replies(stack.Hanako, thread, "内緒 ```c```")
	s.marked(deleted, "memo")
	old = s.asked(stack.Hanako, "ほかにも文章がある", "send_block")
	if err := s.Slack.Delete(stack.Channel, deleted, slackstandin.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.told(stack.Hanako, "残したメモは消えません")
	s.presses(stack.Hanako, old, "send_block")
	s.still("b")
}

func TestAnEditIsFollowedUpOnce(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	line := s.replies(stack.Hanako, thread, "```明日届きます```")
	s.marked(line, "white_check_mark")
	s.flushRedis()
	s.configure()
	if err := s.Slack.Edit(stack.Channel, line, "```明後日届きます```", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	notice := s.asked(stack.Hanako, "明日届きます", "send_follow_up")
	s.still("明日届きます")
	s.presses(stack.Hanako, notice, "send_follow_up")
	s.presses(stack.Hanako, notice, "send_follow_up")
	s.customer("明日届きます", "明後日届きます")

	note := s.replies(stack.Hanako, thread, "確認中")
	s.marked(note, "memo")
	if err := s.Slack.Edit(stack.Channel, note, "確認済み", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	notice = s.asked(stack.Hanako, "編集前の内容が残ります", "note_follow_up")
	s.presses(stack.Hanako, notice, "note_follow_up")
	s.presses(stack.Hanako, notice, "note_follow_up")
	s.notes("確認中", "確認済み")
	if err := s.Slack.Delete(stack.Channel, line, slackstandin.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.told(stack.Hanako, "届いたメッセージは消えません")
	s.still("明日届きます", "明後日届きます")
	s.notes("確認中", "確認済み")
}

func TestWhatKARTERefusedIsTriedAgainOnce(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 400, Count: 1})
	line := s.replies(stack.Hanako, thread, "```a```")
	s.marked(line, "warning")
	notice := s.asked(stack.Hanako, "KARTE に届けられませんでした", "retry")
	s.presses(stack.Taro, notice, "retry")
	s.still()
	var pressing sync.WaitGroup
	for range 3 {
		pressing.Go(func() { s.presses(stack.Hanako, notice, "retry") })
	}
	pressing.Wait()
	s.marked(line, "white_check_mark")
	s.unmarkedLine(line, "warning")
	s.told(stack.Hanako, "すでに再送されたか")
	s.customer("a")
}

func TestFilesAreToldInOneNotice(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	for _, text := range []string{"", "```領収書です```"} {
		if _, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, text, slackstandin.WriteOptions{Files: []byte(`[{"id":"F1","name":"a.pdf"},{"id":"F2","name":"b.png"}]`)}); err != nil {
			t.Fatal(err)
		}
	}
	s.customer("領収書です")
	s.slack("two notices", func(now *slackstandin.Snapshot) bool {
		n := 0
		for _, e := range now.Ephemerals {
			if strings.Contains(e.Text, "a.pdf, b.png") {
				n++
			}
		}
		return n == 2
	})
}

// configure puts settings and links back after the router's storage was emptied.
func (s system) configure() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	if err := s.Configure(ctx); err != nil {
		s.t.Fatal(err)
	}
}
