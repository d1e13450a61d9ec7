package routing_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// noon is when the stories below begin.
var noon = time.Date(2026, 1, 9, 12, 0, 0, 0, time.UTC)

// waitingDesk is a desk that reminds after 10 minutes and escalates after 30, at noon.
func waitingDesk(t *testing.T) *desk {
	d := newDesk(t)
	d.now = noon
	d.settings.team.MentionPolicy = settingsv1.MentionPolicy_MENTION_POLICY_NOBODY
	d.settings.team.Unanswered = &settingsv1.UnansweredPolicy{
		RemindAfter: durationpb.New(10 * time.Minute), EscalateAfter: durationpb.New(30 * time.Minute), EscalationTargets: []string{taro, "S0LEADS"},
	}
	return d
}

// after lets time pass.
func (d *desk) after(minutes int) { d.now = noon.Add(time.Duration(minutes) * time.Minute) }

// at gives a fact the time of the desk.
func (d *desk) at(fact *eventv1.TalkFact) *eventv1.TalkFact {
	fact.OccurredAt, fact.ReceivedAt = timestamppb.New(d.now), timestamppb.New(d.now)
	return fact
}

// ring fires the timers that are due by the desk's clock; each fires twice, because everything may come twice.
func (d *desk) ring() {
	d.t.Helper()
	for conversation, at := range d.timers {
		if at.After(d.now) {
			continue
		}
		delete(d.timers, conversation)
		for range 2 {
			if err := d.due(conversation); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

func (d *desk) due(conversation string) error {
	d.t.Helper()
	return d.router.Due(d.t.Context(), wire(d.t, &eventv1.TimerDue{Project: project, Conversation: conversation}))
}

// reminders answers what was said about customers who wait: when, and whom it mentions.
func (d *desk) reminders() (said []string) {
	for _, post := range d.posts() {
		reminder := post.GetThreadPost().GetReminder()
		if reminder == nil {
			continue
		}
		words := "remind"
		if reminder.GetEscalated() {
			words = "escalate"
		}
		words += " " + post.GetThreadPost().GetOccurredAt().AsTime().Format("15:04") + " since " + reminder.GetWaitingSince().AsTime().Format("15:04")
		for _, m := range post.GetThreadPost().GetMentions() {
			words += " " + m.GetMember() + m.GetUserGroup() + m.GetBroadcast()
		}
		if !post.GetThreadPost().GetOnlyInThread() {
			d.t.Error("a reminder would open a thread")
		}
		said = append(said, words)
	}
	return said
}

func (d *desk) wantReminders(want ...string) {
	d.t.Helper()
	if got := d.reminders(); !slices.Equal(got, want) {
		d.t.Errorf("said %q, want %q", got, want)
	}
}

// sentTo makes the fact that a message from Slack has reached a visitor's conversation.
func (d *desk) sentTo(id, visitor string, kind eventv1.ReplyKind) *eventv1.TalkFact {
	conv, _, err := d.store.Resolve(d.t.Context(), project, &eventv1.Customer{VisitorId: visitor})
	if err != nil {
		d.t.Fatal(err)
	}
	fact := said(id, visitor, "", "")
	fact.Fact = &eventv1.TalkFact_ReplyDelivered{ReplyDelivered: &eventv1.ReplyDelivered{
		CommandId: id, Kind: kind, Conversation: conv.ID, Operator: operator,
		Origin: &eventv1.SlackMessageRef{Team: team, Channel: channel, ThreadTs: "1700000000.000100", Ts: "1700000000.000200", Member: hanako},
	}}
	return d.at(fact)
}

func fromConsole(id, visitor string, o *eventv1.Operator) *eventv1.TalkFact {
	f := said(id, visitor, "", "")
	f.Fact = &eventv1.TalkFact_OperatorMessage{OperatorMessage: &eventv1.OperatorMessage{Operator: o, Text: "はい"}}
	return f
}

func TestACustomerWhoWaitsIsSpokenOfOnce(t *testing.T) {
	d := waitingDesk(t)
	for range 2 {
		d.talk(d.at(said("evt-1", "vis-1", "", "one")))
		d.talk(d.at(given("evt-2", "vis-1", operator, "佐藤")))
	}
	for minute := 1; minute <= 60; minute++ {
		d.after(minute)
		if minute == 5 || minute == 20 {
			d.talk(d.at(said("evt-3-"+d.now.String(), "vis-1", "", "hello?")))
		}
		d.ring()
	}
	d.wantReminders("remind 12:10 since 12:00 "+hanako, "escalate 12:30 since 12:00 "+taro+" S0LEADS")
	if len(d.timers) != 0 || len(d.sends()) != 0 {
		t.Errorf("timers %v, sent to customers %v", d.timers, d.sends())
	}
}

func TestAnAnswerEndsTheWaiting(t *testing.T) {
	bot, human := &eventv1.Operator{Id: "bot-1", Bot: true}, &eventv1.Operator{Id: operator}
	for name, c := range map[string]struct {
		answer func(d *desk) *eventv1.TalkFact
		ends   bool
	}{
		"a message from Slack": {func(d *desk) *eventv1.TalkFact {
			return d.sentTo("evt-2", "vis-1", eventv1.ReplyKind_REPLY_KIND_MESSAGE)
		}, true},
		"a note": {func(d *desk) *eventv1.TalkFact {
			return d.sentTo("evt-2", "vis-1", eventv1.ReplyKind_REPLY_KIND_NOTE)
		}, false},
		"an operator in the console": {func(d *desk) *eventv1.TalkFact { return d.at(fromConsole("evt-2", "vis-1", human)) }, true},
		"a bot":                      {func(d *desk) *eventv1.TalkFact { return d.at(fromConsole("evt-2", "vis-1", bot)) }, false},
		"an automation":              {func(d *desk) *eventv1.TalkFact { return d.at(fromConsole("evt-2", "vis-1", nil)) }, false},
		"the end of the conversation": {func(d *desk) *eventv1.TalkFact {
			f := d.sentTo("evt-2", "vis-1", eventv1.ReplyKind_REPLY_KIND_MESSAGE)
			f.Fact = &eventv1.TalkFact_ChangeDone{ChangeDone: &eventv1.ChangeDone{
				Conversation: f.GetReplyDelivered().GetConversation(),
				Change:       &eventv1.ChangeDone_Status{Status: &eventv1.StatusChange{Status: eventv1.ChatStatus_CHAT_STATUS_CLOSED}},
			}}
			return f
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := waitingDesk(t)
			d.talk(d.at(said("evt-1", "vis-1", "", "one")))
			d.after(5)
			d.talk(c.answer(d))
			d.after(10)
			d.ring()
			if got := len(d.reminders()) == 0; got != c.ends {
				t.Errorf("said %v", d.reminders())
			}
		})
	}
}

func TestWhoWritesAgainWaitsAnew(t *testing.T) {
	d := waitingDesk(t)
	d.talk(d.at(said("evt-1", "vis-1", "", "one")))
	d.after(10)
	d.ring()
	d.after(12)
	d.talk(d.sentTo("evt-2", "vis-1", eventv1.ReplyKind_REPLY_KIND_MESSAGE))
	d.after(15)
	d.talk(d.at(said("evt-3", "vis-1", "", "two")))
	d.after(24)
	d.ring()
	d.after(25)
	d.ring()
	d.wantReminders("remind 12:10 since 12:00", "remind 12:25 since 12:15")
}

// Between looking and saying so, and between saying so and looking again, the router may die: it is said once, and the escalation still comes.
func TestAReminderSurvivesADeathAtAnyMoment(t *testing.T) {
	d := waitingDesk(t)
	d.talk(d.at(said("evt-1", "vis-1", "", "one")))
	d.after(10)
	d.away = errAway
	var conversation string
	for conversation = range d.timers {
	}
	delete(d.timers, conversation)
	if err := d.due(conversation); err == nil {
		t.Fatal("what was not stored is done")
	}
	d.away = nil
	d.ring()
	d.timerless = true
	if err := d.due(conversation); err == nil {
		t.Fatal("a timer that was not set is done")
	}
	d.timerless = false
	if err := d.due(conversation); err != nil {
		t.Fatal(err)
	}
	d.wantReminders("remind 12:10 since 12:00")
	d.after(30)
	d.ring()
	d.wantReminders("remind 12:10 since 12:00", "escalate 12:30 since 12:00 "+taro+" S0LEADS")
}

func TestARedisThatIsEmptiedForgetsNobodyWhoWaits(t *testing.T) {
	d := waitingDesk(t)
	d.talk(d.at(said("evt-1", "vis-1", "", "one")))
	d.redis.FlushAll()
	d.after(10)
	d.ring()
	d.wantReminders("remind 12:10 since 12:00")
}

func TestSettingsThatChangeMeanwhileCountAtTheNextLook(t *testing.T) {
	d := waitingDesk(t)
	d.talk(d.at(said("evt-1", "vis-1", "", "one")))
	d.settings.team.Unanswered.RemindAfter = durationpb.New(20 * time.Minute)
	d.after(10)
	d.ring()
	d.wantReminders()
	d.after(20)
	d.ring()
	d.wantReminders("remind 12:20 since 12:00")
	d.settings.team.Unanswered = nil
	d.after(30)
	d.ring()
	d.wantReminders("remind 12:20 since 12:00")
}

func TestAVisitorWhoLogsInWaitsOn(t *testing.T) {
	d := waitingDesk(t)
	d.talk(d.at(said("evt-1", "", "member-1", "I am a member")))
	d.after(1)
	answer := fromConsole("evt-2", "", &eventv1.Operator{Id: operator})
	answer.Customer.UserId = "member-1"
	d.talk(d.at(answer))
	d.after(2)
	d.talk(d.at(said("evt-3", "vis-1", "", "one")))
	d.after(8)
	d.talk(d.at(said("evt-4", "vis-1", "member-1", "it is me")))
	d.after(12)
	d.ring()
	if got := d.reminders(); len(got) != 1 || got[0] != "remind 12:12 since 12:02" {
		t.Errorf("said %q", got)
	}
}

func TestNobodyIsSpokenOfWhereNothingIsSet(t *testing.T) {
	for name, change := range map[string]func(*settingsv1.TeamSettings){
		"no policy":         func(s *settingsv1.TeamSettings) { s.Unanswered = nil },
		"no times":          func(s *settingsv1.TeamSettings) { s.Unanswered = &settingsv1.UnansweredPolicy{} },
		"notifications off": func(s *settingsv1.TeamSettings) { s.NotificationsEnabled = false },
	} {
		d := waitingDesk(t)
		change(d.settings.team)
		d.talk(d.at(said("evt-1", "vis-1", "", "one")))
		if len(d.timers) != 0 {
			t.Errorf("%s: timers %v", name, d.timers)
		}
	}
}

func TestMembersAreRemindedDirectly(t *testing.T) {
	d := waitingDesk(t)
	d.settings.team.MentionDirectly = true
	d.talk(d.at(said("evt-1", "vis-1", "", "one")))
	d.after(30)
	d.ring()
	d.wantReminders("escalate 12:30 since 12:00 S0LEADS")
	posts := d.posts()
	d.slack(posted("1700000000.000300", posts[len(posts)-1].GetId()))
	kinds := all(d, func(m proto.Message) (eventv1.NoticeKind, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c.GetDirectNotice().GetKind(), ok && c.GetDirectNotice() != nil
	})
	if !slices.Equal(kinds, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_CUSTOMER_WAITS}) || d.directs()[0] != taro {
		t.Errorf("told %v: %v", d.directs(), kinds)
	}
}
