package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// opens makes a member use the shortcut on a line, and answers the modal that holds text.
func (s system) opens(member, ts, text string, known ...string) (view string) {
	s.t.Helper()
	if answer, err := s.Slack.MessageShortcut(s.t.Context(), member, stack.Channel, ts, "send_to_customer"); err != nil || answer.Status != http.StatusOK {
		s.t.Fatalf("shortcut: %v, %v", answer, err)
	}
	s.slack("a modal with "+text, func(now *slackstandin.Snapshot) bool {
		for _, v := range now.Views {
			if raw, _ := json.Marshal(v.Body["blocks"]); v.User == member && !slices.Contains(known, v.ID) && strings.Contains(string(raw), text) {
				view = v.ID
			}
		}
		return view != ""
	})
	return view
}

func TestAnyLineIsSentWithTheShortcutOnce(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	line := s.replies(stack.Hanako, thread, "先にご案内します")
	s.marked(line, "memo")
	first := s.opens(stack.Hanako, line, "先にご案内します")
	second := s.opens(stack.Hanako, line, "先にご案内します", first)
	for _, view := range []string{first, second} {
		if answer, err := s.Slack.SubmitView(t.Context(), stack.Hanako, view, nil); err != nil || answer.Status != http.StatusOK {
			t.Fatalf("submit: %v, %v", answer, err)
		}
	}
	s.marked(line, "white_check_mark")
	s.unmarkedLine(line, "memo")
	s.customer("先にご案内します")

	// A colleague's line, in the name of whoever sends it.
	colleague := s.replies(stack.Taro, thread, "在庫はあります")
	view := s.opens(stack.Hanako, colleague, "在庫はあります")
	if _, err := s.Slack.SubmitView(t.Context(), stack.Hanako, view, nil); err != nil {
		t.Fatal(err)
	}
	s.customer("先にご案内します", "在庫はあります")

	// Edited between the preview and the confirmation.
	edited := s.replies(stack.Hanako, thread, "三千円です")
	view = s.opens(stack.Hanako, edited, "三千円です")
	if err := s.Slack.Edit(stack.Channel, edited, "四千円です", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Slack.SubmitView(t.Context(), stack.Hanako, view, nil); err != nil {
		t.Fatal(err)
	}
	s.told(stack.Hanako, "その後編集または削除された")
	s.still("先にご案内します", "在庫はあります")
}

func TestTheShortcutSendsNothingForThoseWhoMayNot(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	line := s.replies(stack.Hanako, thread, "内緒です")
	s.marked(line, "memo")
	s.opens(stack.Taro, line, "連携していないため")
	s.opens(stack.Guest, line, "Only full members")
	s.opens(stack.Hanako, thread, "お客様のスレッドの中に") // the head is no line
	s.still()
}

// The dialog names the customer and the operator; who is linked to nobody any more, or to somebody else, when they submit it sends nothing.
func TestTheShortcutNamesInWhoseNameItSends(t *testing.T) {
	s, thread := talk(t, stack.Options{})
	line := s.replies(stack.Hanako, thread, "先にご案内します")
	s.marked(line, "memo")
	first := s.opens(stack.Hanako, line, "訪問者 vis-1 に、オペレーター「佐藤 花子」の名前で送信します")
	second := s.opens(stack.Hanako, line, "先にご案内します", first)
	s.unlinks(stack.Operator)
	if answer := s.submits(stack.Hanako, first, nil); !strings.Contains(answer, "連携していないため") {
		t.Errorf("unlinked: %s", answer)
	}
	s.links(stack.Ichiro, stack.Hanako)
	if answer := s.submits(stack.Hanako, second, nil); !strings.Contains(answer, "と連携しているオペレーターが変わりました") {
		t.Errorf("linked to another operator: %s", answer)
	}
	s.still()
}

func (s system) unlinks(operator string) {
	s.t.Helper()
	if _, err := s.Settings.DeleteOperatorLink(stack.Admin(s.t.Context()), &settingsv1.DeleteOperatorLinkRequest{Name: "projects/" + stack.Project + "/operators/" + operator}); err != nil {
		s.t.Fatal(err)
	}
}

func (s system) links(operator, member string) {
	s.t.Helper()
	_, err := s.Settings.SetOperatorLink(stack.Admin(s.t.Context()), &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{
		Name: "projects/" + stack.Project + "/operators/" + operator, SlackMember: member, DisplayName: operator,
	}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// In a thread that is none of ours, both shortcuts say so to whoever used them.
func TestAShortcutInAForeignThreadSaysSo(t *testing.T) {
	s := start(t, stack.Options{})
	head, err := s.Slack.Write(stack.Hanako, stack.Channel, "", "昼ごはんは？", slackstandin.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	line := s.replies(stack.Hanako, head, "カレー")
	s.opens(stack.Hanako, line, "お客様の会話ではないため")
	s.savedOn(stack.Hanako, line, "お客様の会話ではないため")
	s.savedOn(stack.Hanako, head, "お客様の会話ではないため")
}
