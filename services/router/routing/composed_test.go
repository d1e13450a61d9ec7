package routing_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// composed makes the fact that a member wrote something in a dialog.
func composed(member, view, text, operator string) *eventv1.SlackFact {
	return &eventv1.SlackFact{
		Id: "slack-" + team + "-" + channel + "-composed-" + member + "-" + view, Team: team, Channel: channel, ThreadTs: head,
		ReceivedAt: timestamppb.Now(), OccurredAt: timestamppb.Now(),
		Fact: &eventv1.SlackFact_MessageComposed{MessageComposed: &eventv1.MessageComposed{Author: &eventv1.Author{Member: member, Team: team}, Text: text, SavedReply: "thanks", Operator: operator}},
	}
}

func TestADialogsMessageIsSentOnce(t *testing.T) {
	d := newDesk(t)
	conv := d.opened("vis-1", head)
	for range 3 {
		d.slack(composed(hanako, "V0DEMO1", "ありがとうございます", operator))
	}
	if got := messages(d); !slices.Equal(got, []string{"ありがとうございます"}) || len(d.notices()) != 0 || len(d.posts()) != 0 {
		t.Fatalf("sent %q, told %v, posted %v", got, d.notices(), d.posts())
	}
	got := d.sends()[0]
	if got.GetOperator() != operator || got.GetConversation() != conv || got.GetCustomer().GetVisitorId() != "vis-1" || got.GetOrigin().GetTs() != "" ||
		got.GetOrigin().GetThreadTs() != head || got.GetOrigin().GetMember() != hanako {
		t.Errorf("sent %v", got)
	}
	d.slack(composed(hanako, "V0DEMO2", "ありがとうございます", operator))
	if len(messages(d)) != 2 {
		t.Errorf("the same words from another dialog are another message: %q", messages(d))
	}
}

func TestWhoMayNotSendFromADialog(t *testing.T) {
	for name, c := range map[string]struct {
		member string
		change func(*desk, *eventv1.SlackFact)
		told   eventv1.NoticeKind
	}{
		"not linked":             {taro, nil, notLinked},
		"unlinked since":         {hanako, func(d *desk, _ *eventv1.SlackFact) { delete(d.settings.links, hanako) }, notLinked},
		"a guest with a link":    {guest, func(d *desk, _ *eventv1.SlackFact) { d.settings.links[guest] = operator }, notAllowed},
		"Slack Connect":          {hanako, func(_ *desk, f *eventv1.SlackFact) { f.GetMessageComposed().Author.Team = "T0OTHER" }, notAllowed},
		"deactivated since":      {hanako, func(d *desk, _ *eventv1.SlackFact) { d.people[hanako].Deactivated = true }, notAllowed},
		"a bot":                  {hanako, func(d *desk, _ *eventv1.SlackFact) { d.people[hanako].Bot = true }, notAllowed},
		"nobody Slack knows":     {"U0NOBODY", nil, notAllowed},
		"replies off since":      {hanako, func(d *desk, _ *eventv1.SlackFact) { d.settings.team.ThreadRepliesEnabled = false }, eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF},
		"a channel for notes":    {hanako, func(d *desk, _ *eventv1.SlackFact) { d.settings.team.NoteOnlyChannels = []string{channel} }, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOTE_ONLY},
		"another operator since": {hanako, func(d *desk, _ *eventv1.SlackFact) { d.settings.links[hanako] = "op-2" }, eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED},
	} {
		d := newDesk(t)
		d.opened("vis-1", head)
		fact := composed(c.member, "V0DEMO1", "hello", operator)
		if c.change != nil {
			c.change(d, fact)
		}
		for range 2 {
			d.slack(fact)
		}
		if len(d.sends()) != 0 || !slices.Equal(d.notices(), []eventv1.NoticeKind{c.told}) {
			t.Errorf("%s: sent %v, told %v", name, d.sends(), d.notices())
		}
		// Its author knows that it was not sent: it is not sent later either.
		d.settings.links = map[string]string{c.member: operator}
		d.settings.team.ThreadRepliesEnabled, d.settings.team.NoteOnlyChannels = true, nil
		fact.GetMessageComposed().Author.Team = team
		if who := d.people[c.member]; who != nil {
			who.Guest, who.Bot, who.Deactivated = false, false, false
		}
		d.slack(fact)
		if len(d.sends()) != 0 {
			t.Errorf("%s: sent after it was refused", name)
		}
	}
}

func TestADialogsMessageWithoutAConversationIsGivenBack(t *testing.T) {
	d := newDesk(t)
	d.threads.known = true // Slack says that it is no thread of ours
	fact := composed(hanako, "V0DEMO1", "hello", operator)
	fact.ReceivedAt = timestamppb.New(time.Now().Add(-time.Minute))
	for range 2 {
		d.slack(fact)
	}
	if want := []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOWHERE}; len(d.sends()) != 0 || !slices.Equal(d.notices(), want) {
		t.Errorf("sent %v, told %v", d.sends(), d.notices())
	}
	if want := []string{"hello"}; !slices.Equal(d.givenBack(), want) {
		t.Errorf("given back %q", d.givenBack())
	}
	d.opened("vis-1", head) // its author knows that it was not sent
	d.slack(fact)
	if len(d.sends()) != 0 {
		t.Errorf("sent after it was said not to be: %v", d.sends())
	}
}

// outcome makes the facts about a dialog's message that KARTE's edge tells.
func outcome(id, conv string, told func(origin *eventv1.SlackMessageRef, command string) *eventv1.TalkFact) *eventv1.TalkFact {
	command := "reply-slack-" + team + "-" + channel + "-composed-" + hanako + "-V0DEMO1"
	fact := told(&eventv1.SlackMessageRef{Team: team, Channel: channel, ThreadTs: head, Member: hanako}, command)
	fact.Id, fact.Project, fact.OccurredAt, fact.ReceivedAt = id+"-"+command, project, timestamppb.Now(), timestamppb.Now()
	fact.Customer = &eventv1.Customer{VisitorId: "vis-1"}
	return fact
}

func delivered(conv string, replayed bool) *eventv1.TalkFact {
	return outcome("delivered", conv, func(origin *eventv1.SlackMessageRef, command string) *eventv1.TalkFact {
		return &eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyDelivered{ReplyDelivered: &eventv1.ReplyDelivered{
			CommandId: command, Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Origin: origin, Operator: operator, Conversation: conv, Replayed: replayed, Text: "ありがとうございます",
		}}}
	})
}

// onDesk is a desk on which a customer has written, and has a thread.
func onDesk(t *testing.T) (*desk, string) {
	t.Helper()
	d := newDesk(t)
	d.talk(said("hook-1", "vis-1", "", "hello"))
	return d, d.opened("vis-1", head)
}

func TestWhatWasSentFromADialogIsShownOnceKARTEHasIt(t *testing.T) {
	d, conv := onDesk(t)
	d.settings.team.Unanswered = &settingsv1.UnansweredPolicy{BusinessHours: &settingsv1.BusinessHours{TimeZone: "Asia/Seoul"}}
	before := len(d.posts())
	for range 2 {
		d.talk(delivered(conv, false))
	}
	replay := delivered(conv, true)
	replay.Id += "-replayed"
	d.talk(replay)
	if len(d.posts()) != before+1 || len(d.reactions()) != 0 || len(d.notices()) != 0 {
		t.Fatalf("posted %v, reactions %v, told %v", d.posts()[before:], d.reactions(), d.notices())
	}
	if zone := d.posts()[before].GetTimeZone(); zone != "Asia/Seoul" {
		t.Errorf("its time is that of %q", zone)
	}
	post := d.posts()[before].GetThreadPost()
	sent := post.GetSentReply()
	if sent.GetText() != "ありがとうございます" || sent.GetOperator().GetId() != operator || sent.GetOperator().GetName() != "佐藤" || sent.GetMember() != hanako || !post.GetOnlyInThread() ||
		post.GetConversation() != conv || len(post.GetMentions()) != 0 {
		t.Errorf("posted %v", post)
	}
}

func TestWhatBecomesOfADialogsMessageAtKARTEIsToldInPrivate(t *testing.T) {
	d, conv := onDesk(t)
	before := len(d.posts())
	waiting := outcome("waiting", conv, func(origin *eventv1.SlackMessageRef, command string) *eventv1.TalkFact {
		return &eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyWaiting{ReplyWaiting: &eventv1.ReplyWaiting{CommandId: command, Origin: origin}}}
	})
	failed := func(id string, reason eventv1.FailureReason) *eventv1.TalkFact {
		return outcome(id, conv, func(origin *eventv1.SlackMessageRef, command string) *eventv1.TalkFact {
			return &eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyFailed{ReplyFailed: &eventv1.ReplyFailed{
				CommandId: command, Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Origin: origin, Operator: operator, Conversation: conv, Reason: reason, Detail: "400",
			}}}
		})
	}
	for range 2 {
		d.talk(waiting)
		d.talk(failed("failed-1", eventv1.FailureReason_FAILURE_REASON_REJECTED))
		d.talk(failed("failed-2", eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN))
	}
	want := []eventv1.NoticeKind{
		eventv1.NoticeKind_NOTICE_KIND_COMPOSED_WAITS, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED, eventv1.NoticeKind_NOTICE_KIND_OUTCOME_UNKNOWN,
	}
	if !slices.Equal(d.notices(), want) || len(d.posts()) != before || len(d.reactions()) != 0 {
		t.Errorf("told %v, posted %v, reactions %v", d.notices(), d.posts()[before:], d.reactions())
	}
}

func TestWhatWasSentWhereThereIsNoThreadIsSaidInPrivate(t *testing.T) {
	d := newDesk(t)
	for range 2 {
		d.talk(delivered("c_unknown", false))
	}
	if want := []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_COMPOSED_SENT}; !slices.Equal(d.notices(), want) || len(d.posts()) != 0 {
		t.Errorf("told %v, posted %v", d.notices(), d.posts())
	}
}

// The dialog of the shortcut names an operator, and the line is sent in no other name.
func TestALineIsNotSentInAnotherNameThanTheDialogSaid(t *testing.T) {
	for named, want := range map[string]int{"": 1, operator: 1, "op-2": 0} {
		d := mixed(t, hanako)
		fact := pressed(hanako, eventv1.Action_ACTION_SEND_ALL, line, "1")
		fact.GetActionPressed().Shortcut, fact.GetActionPressed().Operator = true, named
		for range 2 {
			d.slack(fact)
		}
		told := slices.Contains(d.notices(), eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED)
		if len(messages(d)) != want || told != (want == 0) {
			t.Errorf("named %q: sent %q, told %v", named, messages(d), d.notices())
		}
	}
}
