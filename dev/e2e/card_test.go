package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

const jiro = "U0JIRO"

// withJiro links a second operator, 田中 一郎 at KARTE.
func (s system) withJiro() {
	s.t.Helper()
	s.Slack.AddMember(slackstandin.Member{ID: jiro, Name: "jiro", DisplayName: "田中 次郎", Locale: "ja-JP"})
	if err := s.Slack.Join(stack.Channel, jiro); err != nil {
		s.t.Fatal(err)
	}
	_, err := s.Settings.SetOperatorLink(stack.Admin(s.t.Context()), &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{
		Name: "projects/" + stack.Project + "/operators/" + stack.Ichiro, SlackMember: jiro, DisplayName: "田中 次郎",
	}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// pressesOnHead clicks on the head of a thread; Slack must be answered in time.
func (s system) pressesOnHead(member, thread, action, value string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	answer, err := s.Slack.ClickButton(ctx, slackstandin.Click{Member: member, Channel: stack.Channel, TS: thread, ActionID: action, Value: value, Label: value})
	if err != nil || answer.Status != 200 {
		s.t.Errorf("%s presses %s: %d, %v", member, action, answer.Status, err)
	}
}

// card starts a system in which everybody is in the channel.
func card(t *testing.T, o stack.Options) system {
	t.Helper()
	s := start(t, o)
	for _, member := range []string{stack.Hanako, stack.Taro, stack.Guest, stack.Partner} {
		if err := s.Slack.Join(stack.Channel, member); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// shows waits until the head of a thread holds all of words, and none of those behind a minus.
func (s system) shows(thread string, words ...string) {
	s.t.Helper()
	s.slack(fmt.Sprintf("a card with %v", words), func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Messages {
			if m.TS == thread {
				return holds(m.Text, words)
			}
		}
		return false
	})
}

// onlyHead waits until a channel's only line outside of threads is a head that holds words, and answers its ts. A line whose thread is gone stands
// outside of threads, too, until it is removed.
func (s system) onlyHead(words ...string) (head string) {
	s.t.Helper()
	s.slack(fmt.Sprintf("one head with %v", words), func(now *slackstandin.Snapshot) bool {
		heads := headsOf(now.Channels[stack.Channel].Messages)
		if len(heads) != 1 || !holds(heads[0].Text, words) {
			return false
		}
		head = heads[0].TS
		return true
	})
	return head
}

func holds(text string, words []string) bool {
	for _, word := range words {
		without, not := strings.CutPrefix(word, "-")
		if not == strings.Contains(text, without) {
			return false
		}
	}
	return true
}

// at waits until KARTE has a conversation as it should.
func (s system) at(customer, assignee string, status kartestandin.Status) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	err := s.KARTE.Await(ctx, func(now *kartestandin.Snapshot) bool {
		c := now.Conversation(customer)
		id := ""
		if c.Assignee != nil {
			id = c.Assignee.ID
		}
		return id == assignee && c.Status == status
	})
	if err != nil {
		s.t.Fatalf("KARTE has %+v: %v", s.KARTE.Snapshot().Conversation(customer), err)
	}
}

// lines counts the lines of a thread, its head apart, that hold a text.
func (s system) lines(thread, text string) (n int) {
	for _, m := range s.Slack.Thread(stack.Channel, thread) {
		if m.TS != thread && strings.Contains(m.Text, text) {
			n++
		}
	}
	return n
}

func quick() []string { return []string{"SLACK_PACE=1ms", "SLACK_CARD_DELAY=50ms"} }

func TestAConversationIsClaimedResolvedAndReopenedFromItsCard(t *testing.T) {
	for name, echo := range map[string]bool{"KARTE tells of what its API does": true, "it does not": false} {
		t.Run(name, func(t *testing.T) {
			s := card(t, stack.Options{Environ: quick(), KARTE: func(c *kartestandin.Config) { c.Knobs.EchoAssign = echo }})
			c := kartestandin.Customer{VisitorID: "vis-11111111"}
			s.says(c, "hello <!channel> there")
			head := s.head("hello")
			s.shows(head, "担当者: なし", "状態: 対応中", "hello &lt;!channel&gt; there")
			s.pressesOnHead(stack.Hanako, head, "claim", "")
			s.shows(head, "担当者: 佐藤 花子\n")
			s.at("vis-11111111", stack.Operator, kartestandin.StatusOpen)
			s.pressesOnHead(stack.Hanako, head, "resolve", "")
			s.shows(head, "状態: 対応済み\n")
			s.at("vis-11111111", stack.Operator, kartestandin.StatusClosed)
			s.pressesOnHead(stack.Hanako, head, "reopen", "")
			s.shows(head, "状態: 対応中\n")
			s.pressesOnHead(stack.Hanako, head, "unassign", "")
			s.shows(head, "担当者: なし（未担当）\n")
			s.at("vis-11111111", "", kartestandin.StatusOpen)
			s.pressesOnHead(stack.Hanako, head, "claim", "")
			s.shows(head, "担当者: 佐藤 花子\n")
			s.pressesOnHead(stack.Hanako, head, "resolve", "")
			s.shows(head, "状態: 対応済み\n")
			s.says(c, "one more thing")
			s.shows(head, "状態: 対応中\n", "担当者: なし")
			s.at("vis-11111111", "", kartestandin.StatusOpen)
			if n := s.lines(head, "担当者: 佐藤 花子"); n != 2 {
				t.Errorf("%d lines tell of two claims:\n%s", n, s.dump())
			}
			if n := s.lines(head, "対応済み"); n != 2 {
				t.Errorf("%d lines tell of two closings:\n%s", n, s.dump())
			}
		})
	}
}

func TestOfTwoWhoClaimAtOnceOneIsToldTheOther(t *testing.T) {
	s := card(t, stack.Options{Environ: quick()})
	s.withJiro()
	if _, err := s.StartReplica(stack.Router, 0); err != nil {
		t.Fatal(err)
	}
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "hello")
	head := s.head("hello")
	var both sync.WaitGroup
	for _, member := range []string{stack.Hanako, jiro, stack.Hanako, jiro} { // each clicks twice
		both.Go(func() { s.pressesOnHead(member, head, "claim", "") })
	}
	both.Wait()
	told := map[string]bool{}
	s.slack("one is told", func(now *slackstandin.Snapshot) bool {
		for _, e := range now.Ephemerals {
			if strings.Contains(e.Text, "先に") {
				told[e.User] = true
			}
		}
		return len(told) > 0
	})
	s.shows(head, "-反映中", "-なし")
	s.slack("all events taken", func(now *slackstandin.Snapshot) bool { return now.Pending == 0 })
	// A call whose answer comes late may be made again, for the same operator.
	assigned := map[string]string{stack.Operator: stack.Hanako, stack.Ichiro: jiro}[s.assignee("vis-1")]
	for _, e := range s.Slack.Ephemerals() {
		if strings.Contains(e.Text, "先に") {
			told[e.User] = true
		}
	}
	if assigned == "" || len(told) != 1 || told[assigned] {
		t.Errorf("%q is assigned, %v are told", assigned, told)
	}
	if n := s.lines(head, "担当者: "); n != 1 {
		t.Errorf("%d lines tell of one claim:\n%s", n, s.dump())
	}
}

// assignee answers whom KARTE has a customer assigned to.
func (s system) assignee(customer string) string {
	if c := s.KARTE.Snapshot().Conversation(customer); c != nil && c.Assignee != nil {
		return c.Assignee.ID
	}
	return ""
}

func TestOthersThanOperatorsChangeNothingOnACard(t *testing.T) {
	s := card(t, stack.Options{Environ: quick()})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "hello")
	head := s.head("hello")
	for _, member := range []string{stack.Guest, stack.Partner, stack.Taro} {
		for _, action := range []string{"claim", "resolve"} {
			s.pressesOnHead(member, head, action, "")
		}
		s.pressesOnHead(member, head, "assign", stack.Operator)
	}
	s.slack("everybody is told", func(now *slackstandin.Snapshot) bool { return len(now.Ephemerals) >= 9 })
	if calls := s.KARTE.Snapshot().Calls; calls[kartestandin.PathAssign]+calls[kartestandin.PathStatusChange] != 0 {
		t.Errorf("KARTE was called: %v", calls)
	}
}

func TestAClaimWaitsForKARTE(t *testing.T) {
	s := card(t, stack.Options{Environ: quick()})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "hello")
	head := s.head("hello")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathAssign, Kind: kartestandin.FaultStatus, Status: 503})
	s.pressesOnHead(stack.Hanako, head, "claim", "")
	s.shows(head, "佐藤 花子（KARTE に反映中）")
	line := s.replies(stack.Hanako, head, "```waits behind it```")
	s.KARTE.ClearFaults()
	s.shows(head, "担当者: 佐藤 花子\n")
	s.at("vis-1", stack.Operator, kartestandin.StatusOpen)
	s.marked(line, "white_check_mark")
}

func TestWhatKARTERefusesIsTakenBackAndTold(t *testing.T) {
	s := card(t, stack.Options{Environ: quick(), KARTE: func(c *kartestandin.Config) { c.Knobs.DeniedScopes = []string{"talk.status.change"} }})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "hello")
	head := s.head("hello")
	s.pressesOnHead(stack.Hanako, head, "resolve", "")
	s.told(stack.Hanako, "KARTE に反映できませんでした")
	s.shows(head, "状態: 対応中\n")
	line := s.replies(stack.Hanako, head, "```and replies go on```")
	s.marked(line, "white_check_mark")
}

func TestManyChangesAreFewUpdates(t *testing.T) {
	s := card(t, stack.Options{Environ: []string{"SLACK_PACE=20ms", "SLACK_CARD_DELAY=300ms"}})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "hello")
	head := s.head("hello")
	// What comes while nobody shows it is certainly there when somebody begins to.
	if err := s.StopService(stack.SlackGateway); err != nil {
		t.Fatal(err)
	}
	const changes = 200
	for n := range changes {
		operator := stack.Operator
		if n%2 == 1 {
			operator = stack.Ichiro
		}
		if _, err := s.KARTE.Assign(t.Context(), c, operator, kartestandin.Write{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.KARTE.Assign(t.Context(), c, "", kartestandin.Write{Wait: true}); err != nil {
		t.Fatal(err)
	}
	s.posts(1 + changes + 1)
	if err := s.StartService(stack.SlackGateway); err != nil {
		t.Fatal(err)
	}
	s.slack("all lines", func(*slackstandin.Snapshot) bool {
		return strings.Contains(s.dump(), "担当者: なし（未担当）\\n")
	})
	s.shows(head, "担当者: なし")
	if n := s.Slack.Snapshot().Calls["chat.update"]; n > changes/2 {
		t.Errorf("%d updates of a card for %d changes", n, changes)
	}
}

func TestACardWhoseHeadIsDeletedHoldsNothingUp(t *testing.T) {
	s := card(t, stack.Options{Environ: quick()})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "hello")
	former := s.head("hello")
	if err := s.Slack.Delete(stack.Channel, former, slackstandin.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.KARTE.Assign(t.Context(), c, stack.Operator, kartestandin.Write{Wait: true}); err != nil {
		t.Fatal(err)
	}
	s.says(c, "still there?")
	head := s.onlyHead("担当者: 佐藤 花子", "-hello", "以前のスレッドは削除またはロックされたため")
	if thread := s.head("still there?"); thread != head {
		t.Fatalf("the message is in %s, the head is %s:\n%s", thread, head, s.dump())
	}
	s.pressesOnHead(stack.Hanako, head, "resolve", "")
	s.shows(head, "状態: 対応済み\n")
}

func TestAConversationIsGivenToALinkedOperatorFromTheMenu(t *testing.T) {
	s := card(t, stack.Options{Environ: quick()})
	s.withJiro()
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "hello")
	head := s.head("hello")
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	offered, err := s.Slack.Suggest(ctx, slackstandin.Click{Member: stack.Hanako, Channel: stack.Channel, TS: head, ActionID: "assign"})
	if err != nil || !strings.Contains(string(offered.Body), stack.Ichiro) || !strings.Contains(string(offered.Body), stack.Operator) {
		t.Fatalf("offered %s, %v", offered.Body, err)
	}
	s.pressesOnHead(stack.Hanako, head, "assign", stack.Ichiro)
	s.shows(head, "担当者: 田中 一郎\n")
	s.at("vis-1", stack.Ichiro, kartestandin.StatusOpen)
}
