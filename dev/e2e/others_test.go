package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

const anotherApp = "U0OTHERAPP"

// Another app of the workspace, even one whose member id somebody has linked to an operator, presses every button and writes a fenced line: nothing is sent, nothing changes.
func TestAnotherAppPressesEveryButtonAndNothingIsSent(t *testing.T) {
	s, thread := talk(t, stack.Options{Environ: quick()})
	s.Slack.AddMember(slackstandin.Member{ID: anotherApp, Name: "other-app", DisplayName: "Other app", Bot: true})
	if err := s.Slack.Join(stack.Channel, anotherApp); err != nil {
		t.Fatal(err)
	}
	s.links(stack.Ichiro, anotherApp)
	line := s.replies(stack.Hanako, thread, "内緒 ```a```")
	s.marked(line, "memo")
	notice := s.asked(stack.Hanako, "ほかにも文章がある", "send_block")
	pressed := 0
	for _, action := range []string{"claim", "resolve"} {
		s.pressesOnHead(anotherApp, thread, action, "")
		pressed++
	}
	s.pressesOnHead(anotherApp, thread, "assign", stack.Operator)
	pressed++
	for _, button := range []string{"send_block", "send_all", "keep_note"} {
		s.presses(anotherApp, notice, button)
		pressed++
	}
	s.replies(anotherApp, thread, "```from another app```")
	s.slack("it is told each time that it may not", func(now *slackstandin.Snapshot) bool {
		n := 0
		for _, e := range now.Ephemerals {
			if e.User == anotherApp && strings.Contains(e.Text, "cannot go to customers") {
				n++
			}
		}
		return n >= pressed
	})
	for _, shortcut := range []string{"send_to_customer", "saved_reply"} {
		if answer, err := s.Slack.MessageShortcut(t.Context(), anotherApp, stack.Channel, line, shortcut); err != nil || answer.Status != http.StatusOK {
			t.Fatalf("shortcut: %v, %v", answer, err)
		}
		s.view("it is refused", anotherApp, "modal", "Only full members")
	}
	s.still()
	if calls := s.KARTE.Snapshot().Calls; calls[kartestandin.PathAssign]+calls[kartestandin.PathStatusChange] != 0 {
		t.Errorf("KARTE was called: %v", calls)
	}
}

// Somebody of another company, with an operator's name and address, does not become that operator in 個人設定.
func TestSomebodyFromOutsideDoesNotLinkThemselves(t *testing.T) {
	s := start(t, stack.Options{})
	const twin = "U0TWIN"
	s.Slack.AddMember(slackstandin.Member{ID: twin, Name: "twin", DisplayName: "田中 一郎", Team: "T0OTHER", Email: "ichiro@example.com"})
	if err := s.Slack.Join(stack.Channel, twin); err != nil {
		t.Fatal(err)
	}
	home := s.home(twin, "このワークスペースの正式なメンバーだけ")
	if raw, _ := json.Marshal(home.Body); strings.Contains(string(raw), "personal_settings") || strings.Contains(string(raw), stack.Project) {
		t.Errorf("somebody from outside sees %s", raw)
	}
	s.commands(twin, "link 田中 一郎")
	s.told(twin, "このワークスペースの正式なメンバーだけ")
	s.commands(twin, "reply")
	if got := s.memberOf(ichiroLink); got != "" {
		t.Errorf("linked to %q", got)
	}
}

// Of more operators than a menu takes, those are suggested that are free and fit to what is typed.
func TestManyOperatorsAreSuggested(t *testing.T) {
	s := start(t, stack.Options{})
	operators := []kartestandin.Operator{{ID: stack.Operator, Name: "佐藤 花子"}}
	for i := range 120 {
		operators = append(operators, kartestandin.Operator{ID: fmt.Sprintf("%024x", i+1), Name: fmt.Sprintf("担当 %03d", i)})
	}
	s.KARTE.SetOperators(operators)
	home := s.home(stack.Taro, "個人設定")
	s.pressesIn(stack.Taro, home.ID, "personal_settings")
	modal := s.view("the personal settings", stack.Taro, "modal", "external_select")
	for typed, want := range map[string]int{"": 100, "担当 00": 10, "担当 119": 1, "佐藤": 0, "ない": 0} {
		answer, err := s.Slack.Suggest(t.Context(), slackstandin.Click{Member: stack.Taro, ViewID: modal.ID, ActionID: "operator", Value: typed})
		var suggested struct{ Options []any }
		if decoding := json.Unmarshal(answer.Body, &suggested); err != nil || decoding != nil || answer.Status != http.StatusOK || suggested.Options == nil || len(suggested.Options) != want {
			t.Errorf("%q: %d suggested, want %d; %v, %v", typed, len(suggested.Options), want, err, decoding)
		}
	}
	picked := map[string]any{"operator": map[string]any{"operator": optionOf(fmt.Sprintf("%024x", 120))}}
	if answer := s.submits(stack.Taro, modal.ID, picked); !strings.Contains(answer, "担当 119 と連携しました") {
		t.Errorf("submitted: %s", answer)
	}
}
