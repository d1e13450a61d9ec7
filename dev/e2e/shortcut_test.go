package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
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
	for _, member := range []string{stack.Taro, stack.Guest} {
		s.replies(member, thread, "hello") // in the channel
		view := s.opens(member, line, "内緒です")
		if _, err := s.Slack.SubmitView(t.Context(), member, view, nil); err != nil {
			t.Fatal(err)
		}
		s.slack(member+" is told twice", func(now *slackstandin.Snapshot) bool {
			n := 0
			for _, e := range now.Ephemerals {
				if e.User == member {
					n++
				}
			}
			return n == 2
		})
	}
	s.opens(stack.Hanako, thread, "お客様のスレッドの中に") // the head is no line
	s.still()
}
