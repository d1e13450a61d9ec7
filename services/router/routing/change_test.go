package routing_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	jiro   = "U0JIRO" // linked to op-2
	thread = "1700000000.000100"
)

// pressedHead makes the fact that a member pressed a button on the head of a thread.
func pressedHead(member, click string, action eventv1.Action, operator string) *eventv1.SlackFact {
	return &eventv1.SlackFact{
		Id: "press-" + member + "-" + click, Team: team, Channel: channel, ThreadTs: thread, ReceivedAt: timestamppb.Now(), OccurredAt: timestamppb.Now(),
		Fact: &eventv1.SlackFact_ActionPressed{ActionPressed: &eventv1.ActionPressed{Action: action, Author: &eventv1.Author{Member: member, Team: team}, Operator: operator}},
	}
}

const (
	claim    = eventv1.Action_ACTION_CLAIM
	unassign = eventv1.Action_ACTION_UNASSIGN
	assign   = eventv1.Action_ACTION_ASSIGN
	resolve  = eventv1.Action_ACTION_RESOLVE
	reopen   = eventv1.Action_ACTION_REOPEN
)

// open is a desk with one conversation that has its thread, and two linked members.
func open(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.people[jiro] = &eventv1.Member{Id: jiro, Team: team, DisplayName: "鈴木 次郎", Locale: "en-US"}
	d.settings.links[jiro] = "op-2"
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.opened("vis-1", thread)
	return d
}

func (d *desk) cards() []*eventv1.CardUpdate {
	return all(d, func(m proto.Message) (*eventv1.CardUpdate, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c.GetCardUpdate(), ok && c.GetCardUpdate() != nil
	})
}

// card answers the newest card that was stored.
func (d *desk) card() *eventv1.Card {
	d.t.Helper()
	var newest *eventv1.Card
	for _, update := range d.cards() {
		if update.GetCard().GetRevision() >= newest.GetRevision() {
			newest = update.GetCard()
		}
	}
	return newest
}

// record answers the conversation's record as it stands.
func (d *desk) record() *eventv1.ConversationRecord {
	d.t.Helper()
	conv, _, err := d.store.Resolve(d.t.Context(), project, &eventv1.Customer{VisitorId: "vis-1"})
	if err != nil {
		d.t.Fatal(err)
	}
	return conv.Record
}

// shows compares the card with "assignee status", with a question mark behind what is pending.
func (d *desk) shows(want string) {
	d.t.Helper()
	c := d.card()
	mark := map[bool]string{true: "?"}
	got := c.GetAssignee().GetName() + mark[c.GetAssigneePending()] + " " + c.GetStatus().String()[len("CHAT_STATUS_"):] + mark[c.GetStatusPending()]
	if got != want {
		d.t.Errorf("the card shows %q, want %q", got, want)
	}
}

// karte answers a command as ingest-karte does, at a time after now.
func (d *desk) karte(command *eventv1.KarteCommand, after time.Duration, failed bool) {
	d.t.Helper()
	fact := &eventv1.TalkFact{Id: "change-done-" + command.GetId(), Project: project, Customer: command.GetCustomer(), OccurredAt: timestamppb.New(time.Now().Add(after))}
	if failed {
		fact.Id = "change-failed-" + command.GetId()
		fact.Fact = &eventv1.TalkFact_ChangeFailed{ChangeFailed: &eventv1.ChangeFailed{
			CommandId: command.GetId(), Conversation: command.GetConversation(), Origin: command.GetOrigin(), Detail: "403 not permitted", Operator: command.GetOperator(),
		}}
		switch c := command.GetChange().(type) {
		case *eventv1.KarteCommand_Assignee:
			fact.GetChangeFailed().Change = &eventv1.ChangeFailed_Assignee{Assignee: c.Assignee}
		case *eventv1.KarteCommand_Status:
			fact.GetChangeFailed().Change = &eventv1.ChangeFailed_Status{Status: c.Status}
		}
	} else {
		done := &eventv1.ChangeDone{CommandId: command.GetId(), Conversation: command.GetConversation(), Origin: command.GetOrigin(), Operator: command.GetOperator()}
		switch c := command.GetChange().(type) {
		case *eventv1.KarteCommand_Assignee:
			done.Change = &eventv1.ChangeDone_Assignee{Assignee: c.Assignee}
		case *eventv1.KarteCommand_Status:
			done.Change = &eventv1.ChangeDone_Status{Status: c.Status}
		}
		fact.Fact = &eventv1.TalkFact_ChangeDone{ChangeDone: done}
	}
	d.talk(fact)
	d.talk(fact)
}

func (d *desk) hook(id, to string) {
	fact := said(id, "vis-1", "", "")
	fact.Fact = &eventv1.TalkFact_Assigned{Assigned: &eventv1.Assigned{Operator: &eventv1.Operator{Id: to, Name: map[string]string{operator: "佐藤", "op-2": "鈴木"}[to]}}}
	d.talk(fact)
	d.talk(fact)
}

// lines answers how many lines tell of assignees and of the status.
func (d *desk) lines() (assigned, status int) {
	for _, post := range d.posts() {
		switch post.GetThreadPost().GetBody().(type) {
		case *eventv1.ThreadPost_Assigned:
			assigned++
		case *eventv1.ThreadPost_StatusSet:
			status++
		}
	}
	return assigned, status
}

func TestAClaimIsOneChange(t *testing.T) {
	d := open(t)
	click := pressedHead(hanako, "1", claim, "")
	d.slack(click)
	d.slack(click)                               // told twice
	d.slack(pressedHead(hanako, "2", claim, "")) // clicked twice
	d.shows("佐藤? OPEN")
	if sends := d.sends(); len(sends) != 1 || sends[0].GetAssignee().GetOperator().GetId() != operator || sends[0].GetOperator() != operator || sends[0].GetOrigin().GetMember() != hanako {
		t.Fatalf("sends %v", sends)
	}
	d.karte(d.sends()[0], time.Second, false)
	d.shows("佐藤 OPEN")
	d.slack(click)
	d.hook("evt-2", operator) // the echo
	d.shows("佐藤 OPEN")
	if assigned, _ := d.lines(); len(d.sends()) != 1 || len(d.notices()) != 0 || assigned != 1 {
		t.Errorf("%d sends, notices %v, %d lines", len(d.sends()), d.notices(), assigned)
	}
}

func TestOfTwoWhoClaimOneIsFirst(t *testing.T) {
	d := open(t)
	d.slack(pressedHead(hanako, "1", claim, ""))
	late := pressedHead(jiro, "1", claim, "")
	d.slack(late)
	d.slack(pressedHead(hanako, "2", unassign, ""))
	d.slack(late) // what was refused does not happen later
	d.shows("? OPEN")
	if kinds := d.notices(); len(d.sends()) != 2 || !slices.Equal(kinds, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_ALREADY_ASSIGNED}) {
		t.Errorf("%d sends, notices %v", len(d.sends()), kinds)
	}
	for _, subject := range d.order {
		if c, ok := d.streams[subject].(*eventv1.SlackCommand); ok && c.GetNotice() != nil {
			if n := c.GetNotice(); n.GetDetail() != "佐藤" || n.GetTarget().GetMember() != jiro || c.GetLanguage() != "en" {
				t.Errorf("told %v", c)
			}
		}
	}
}

// Two replicas see the conversation as nobody's at the same moment.
func TestAClaimIsCompareAndSet(t *testing.T) {
	for round := range 5 {
		d := open(t)
		var both sync.WaitGroup
		for _, member := range []string{hanako, jiro} {
			both.Go(func() { d.slack(pressedHead(member, fmt.Sprint(round), claim, "")) })
		}
		both.Wait()
		if len(d.sends()) != 1 || len(d.notices()) != 1 {
			t.Errorf("%d sends, notices %v", len(d.sends()), d.notices())
		}
	}
}

func TestWhoMayNotChangesNothing(t *testing.T) {
	for _, member := range []string{guest, taro, "U0STRANGER"} {
		d := open(t)
		for i, action := range []eventv1.Action{claim, unassign, assign, resolve, reopen} {
			d.slack(pressedHead(member, fmt.Sprint(i), action, operator))
		}
		d.settings.team.ThreadRepliesEnabled = false
		d.slack(pressedHead(hanako, "9", claim, ""))
		if len(d.sends()) != 0 || len(d.notices()) != 6 || d.record().GetAssigneeCommand() != "" {
			t.Errorf("%s: %d sends, notices %v, %v", member, len(d.sends()), d.notices(), d.record())
		}
	}
}

func TestAssigning(t *testing.T) {
	d := open(t)
	d.slack(pressedHead(hanako, "1", assign, "op-2"))
	d.shows("鈴木? OPEN")
	d.slack(pressedHead(hanako, "2", assign, "op-nobody"))
	d.slack(pressedHead(hanako, "3", assign, ""))
	d.shows("鈴木? OPEN")
	if kinds := d.notices(); len(d.sends()) != 1 || len(kinds) != 2 || kinds[0] != eventv1.NoticeKind_NOTICE_KIND_OUT_OF_DATE {
		t.Errorf("%d sends, notices %v", len(d.sends()), kinds)
	}
	d.silent = errAway // KARTE is not needed to say who that is
	d.slack(pressedHead(hanako, "4", assign, operator))
	d.shows("佐藤 花子? OPEN")
}

func TestResolvedAndReopened(t *testing.T) {
	d := open(t)
	d.slack(pressedHead(hanako, "1", claim, ""))
	d.karte(d.sends()[0], 0, false)
	d.slack(pressedHead(hanako, "2", reopen, "")) // it is open
	d.slack(pressedHead(hanako, "3", resolve, ""))
	d.slack(pressedHead(hanako, "4", resolve, ""))
	d.shows("佐藤 CLOSED?")
	d.karte(d.sends()[1], 0, false)
	d.shows("佐藤 CLOSED")
	late := said("evt-2", "vis-1", "", "written before")
	late.OccurredAt = timestamppb.New(time.Now().Add(-time.Minute))
	d.talk(late)
	d.shows("佐藤 CLOSED")
	again := said("evt-3", "vis-1", "", "again")
	again.OccurredAt = timestamppb.New(time.Now().Add(time.Minute))
	d.talk(again)
	d.talk(again)
	d.shows(" OPEN")
	posts := d.posts()
	if last := posts[len(posts)-1].GetThreadPost(); slices.ContainsFunc(last.GetMentions(), func(m *eventv1.Mention) bool { return m.GetMember() == hanako }) {
		t.Errorf("it is nobody's, and %v are mentioned", last.GetMentions())
	}
	if assigned, status := d.lines(); len(d.sends()) != 2 || assigned != 1 || status != 1 {
		t.Errorf("%d sends, %d and %d lines", len(d.sends()), assigned, status)
	}
}

// A customer writes while it is being closed: KARTE's answer comes later than the message, though it was earlier, or not.
func TestWhoWritesDuringTheClosingOpensItAgain(t *testing.T) {
	for wrote, want := range map[time.Duration]string{-time.Minute: " CLOSED", time.Minute: " OPEN"} {
		d := open(t)
		d.slack(pressedHead(hanako, "1", resolve, ""))
		message := said("evt-2", "vis-1", "", "but")
		message.OccurredAt = timestamppb.New(time.Now().Add(wrote))
		d.talk(message)
		d.shows(" CLOSED?")
		d.karte(d.sends()[0], 0, false)
		d.shows(want)
	}
}

func TestWhatKARTEDoesNotTakeIsTakenBack(t *testing.T) {
	d := open(t)
	d.slack(pressedHead(jiro, "1", claim, ""))
	d.karte(d.sends()[0], 0, true)
	d.shows(" OPEN")
	d.slack(pressedHead(hanako, "1", resolve, ""))
	d.karte(d.sends()[1], 0, true)
	d.shows(" OPEN")
	kinds := d.notices()
	if !slices.Equal(kinds, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_CHANGE_FAILED, eventv1.NoticeKind_NOTICE_KIND_CHANGE_FAILED}) {
		t.Errorf("notices %v", kinds)
	}
	if assigned, status := d.lines(); assigned+status != 0 {
		t.Errorf("%d lines tell of what is not", assigned+status)
	}
}

// What failed is taken back only if nothing newer happened.
func TestWhatFailsUndoesNothingNewer(t *testing.T) {
	d := open(t)
	d.slack(pressedHead(hanako, "1", claim, ""))
	d.slack(pressedHead(hanako, "2", assign, "op-2"))
	d.karte(d.sends()[0], 0, true)
	d.shows("鈴木? OPEN")
	d.karte(d.sends()[1], 0, true)
	d.shows(" OPEN") // and not back to what failed before
	d.slack(pressedHead(hanako, "3", claim, ""))
	d.slack(pressedHead(hanako, "4", assign, "op-2"))
	d.karte(d.sends()[2], 0, false)
	d.shows("鈴木? OPEN")
	d.karte(d.sends()[3], time.Second, true)
	d.shows("佐藤 OPEN") // KARTE had taken that
}

// KARTE tells of an assignee before, while and after one is set from Slack.
func TestWhatKARTETellsMeanwhile(t *testing.T) {
	d := open(t)
	d.hook("evt-2", "op-2")
	d.hook("evt-3", "op-2") // the same again says nothing new
	if assigned, _ := d.lines(); assigned != 1 {
		t.Errorf("%d lines", assigned)
	}
	d.shows("鈴木 OPEN")
	d.slack(pressedHead(hanako, "1", unassign, ""))
	d.slack(pressedHead(hanako, "2", claim, ""))
	d.hook("evt-4", "op-2") // of before
	d.shows("佐藤? OPEN")
	d.karte(d.sends()[0], time.Second, false)
	d.karte(d.sends()[1], 2*time.Second, false)
	d.shows("佐藤 OPEN")
	d.hook("evt-5", "op-2") // older than what KARTE has taken since
	d.shows("佐藤 OPEN")
}

func TestAHeadIsBroughtUpToDateWhenItIsThere(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "one"))
	if card := d.posts()[0].GetThreadPost().GetCard(); card.GetFirstWords() != "one" || card.GetStatus() != eventv1.ChatStatus_CHAT_STATUS_OPEN || card.GetCustomerWroteAt() == nil || len(d.cards()) != 0 {
		t.Errorf("the thread opens with %v, and %d updates", card, len(d.cards()))
	}
	d.hook("evt-2", operator)
	before := len(d.cards())
	d.opened("vis-1", thread) // with the revision 0
	if d.shows("佐藤 OPEN"); len(d.cards()) != before+1 {
		t.Errorf("%d updates after %d", len(d.cards()), before)
	}
	d.talk(said("evt-3", "vis-1", "member-1", "two"))
	if card := d.card(); card.GetCustomer().GetUserId() != "member-1" || len(card.GetAliases()) != 1 || card.GetAliases()[0].GetVisitorId() != "vis-1" || card.GetFirstWords() != "one" {
		t.Errorf("a member now: %v", card)
	}
}

func TestEveryChangeIsRecordedOnce(t *testing.T) {
	d := open(t)
	d.slack(pressedHead(hanako, "1", claim, ""))
	d.karte(d.sends()[0], time.Second, false)
	d.slack(pressedHead(jiro, "2", resolve, ""))
	d.karte(d.sends()[1], 2*time.Second, true)
	entries := all(d, func(m proto.Message) (*eventv1.AuditEntry, bool) {
		e, ok := m.(*eventv1.AuditEntry)
		return e, ok
	})
	var got []string
	for _, e := range entries {
		got = append(got, e.GetActor()+" "+e.GetAction()+" "+e.GetResult())
	}
	slices.Sort(got)
	if want := []string{hanako + " claim DONE", jiro + " resolve UNSPECIFIED"}; !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func TestTimesAreShownInTheProjectsZone(t *testing.T) {
	d := newDesk(t)
	d.settings.team.Unanswered = &settingsv1.UnansweredPolicy{BusinessHours: &settingsv1.BusinessHours{TimeZone: "Asia/Seoul"}}
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.opened("vis-1", thread)
	d.talk(said("evt-2", "vis-1", "", "two"))
	commands := all(d, func(m proto.Message) (*eventv1.SlackCommand, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c, ok && (c.GetThreadPost() != nil || c.GetCardUpdate() != nil)
	})
	for _, c := range commands {
		if c.GetTimeZone() != "Asia/Seoul" {
			t.Errorf("%s has the time zone %q", c.GetId(), c.GetTimeZone())
		}
	}
	if len(commands) < 3 {
		t.Errorf("only %d commands", len(commands))
	}
}
