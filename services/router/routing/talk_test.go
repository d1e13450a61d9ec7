package routing_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

func TestACustomersMessagesArePostedOnceEach(t *testing.T) {
	d := newDesk(t)
	for range 2 { // everything may be told twice
		d.talk(said("evt-1", "vis-1", "", "one"))
		d.talk(said("evt-2", "vis-1", "", "two"))
		d.talk(said("evt-3", "vis-2", "", "three"))
	}
	posts := d.posts()
	if len(posts) != 3 {
		t.Fatalf("%d posts: %v", len(posts), posts)
	}
	pinged := []int{1, 0, 1} // once for messages that follow each other quickly
	for i, text := range []string{"one", "two", "three"} {
		post := posts[i].GetThreadPost()
		if post.GetCustomerMessage().GetText() != text || posts[i].GetTeam() != team || posts[i].GetChannel() != channel || posts[i].GetLanguage() != "ja" {
			t.Errorf("posted %v", posts[i])
		}
		if len(post.GetMentions()) != pinged[i] || pinged[i] > 0 && post.GetMentions()[0].GetBroadcast() != "here" {
			t.Errorf("mentions %v", post.GetMentions())
		}
	}
	one, two, three := posts[0].GetThreadPost(), posts[1].GetThreadPost(), posts[2].GetThreadPost()
	if one.GetConversation() != two.GetConversation() || one.GetConversation() == three.GetConversation() {
		t.Errorf("conversations %q, %q, %q", one.GetConversation(), two.GetConversation(), three.GetConversation())
	}
}

func TestWhatCannotBeDecidedWaits(t *testing.T) {
	for name, change := range map[string]func(*desk){
		"no settings yet":   func(d *desk) { d.settings.team = &settingsv1.TeamSettings{} },
		"settings away":     func(d *desk) { d.settings.err = errAway },
		"stream away":       func(d *desk) { d.away = errAway },
		"no settings, away": func(d *desk) { d.settings.team, d.away = &settingsv1.TeamSettings{}, errAway },
	} {
		d := newDesk(t)
		d.opened("vis-1", "1700000000.000100")
		now := d.settings.team
		change(d)
		facts := []error{
			d.router.Talk(t.Context(), wire(t, said("evt-1", "vis-1", "", "one"))),
			d.router.Slack(t.Context(), wire(t, wrote(hanako, "1700000000.000100", "1700000001.000100", "", "hello"))),
		}
		for i, err := range facts {
			if _, permanent := retry.Reason(err); err == nil || permanent {
				t.Errorf("%s, fact %d: %v", name, i, err)
			}
		}
		d.settings.team, d.settings.err, d.away = now, nil, nil
		d.talk(said("evt-1", "vis-1", "", "one"))
		d.slack(wrote(hanako, "1700000000.000100", "1700000001.000100", "", "hello"))
		if len(d.posts()) != 1 || len(d.sends()) != 1 {
			t.Errorf("%s: afterwards %d posts and %d sends", name, len(d.posts()), len(d.sends()))
		}
	}
}

func TestWhatCannotBeReadIsGivenUp(t *testing.T) {
	d := newDesk(t)
	for name, err := range map[string]error{
		"talk": d.router.Talk(t.Context(), bus.Message{Data: []byte("\xff")}), "slack": d.router.Slack(t.Context(), bus.Message{Data: []byte("\xff")}),
	} {
		if reason, permanent := retry.Reason(err); !permanent || reason != eventv1.FailureReason_FAILURE_REASON_MALFORMED {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A fact of a later version is none of ours and holds nobody up.
	d.talk(&eventv1.TalkFact{Id: "new", Project: project})
	d.slack(&eventv1.SlackFact{Id: "new", Team: team, Channel: channel})
	if len(d.order) != 0 {
		t.Errorf("stored %v", d.order)
	}
}

func TestNotificationsCanBeOff(t *testing.T) {
	d := newDesk(t)
	d.settings.team.NotificationsEnabled = false
	d.talk(said("evt-1", "vis-1", "", "one"))
	if len(d.posts()) != 0 {
		t.Errorf("posted %v", d.posts())
	}
}

func TestTheAssigneeIsMentioned(t *testing.T) {
	d := newDesk(t)
	assigned := func(id, to string) *eventv1.TalkFact {
		f := said(id, "vis-1", "", "")
		f.Fact = &eventv1.TalkFact_Assigned{Assigned: &eventv1.Assigned{Operator: &eventv1.Operator{Id: to}}}
		return f
	}
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.talk(assigned("evt-2", operator))
	d.talk(said("evt-3", "vis-1", "", "two"))
	d.talk(assigned("evt-4", "op-nobody"))
	d.settings.team.MentionPolicy = settingsv1.MentionPolicy_MENTION_POLICY_CHANNEL
	d.talk(said("evt-5", "vis-1", "", "three"))
	var mentioned []string
	for _, post := range d.posts() {
		if post.GetThreadPost().GetCustomerMessage() == nil {
			continue
		}
		for _, m := range post.GetThreadPost().GetMentions() {
			mentioned = append(mentioned, m.GetMember()+m.GetBroadcast())
		}
	}
	if want := []string{"here", hanako, "channel"}; !slices.Equal(mentioned, want) {
		t.Errorf("mentioned %v, want %v", mentioned, want)
	}
}

// The channel of a conversation is decided once: a thread cannot move by itself.
func TestAConversationStaysInItsChannel(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.settings.team.Channel = "C0OTHER"
	d.talk(said("evt-2", "vis-1", "", "two"))
	d.talk(said("evt-3", "vis-2", "", "three"))
	var channels []string
	for _, post := range d.posts() {
		channels = append(channels, post.GetChannel())
	}
	if want := []string{channel, channel, "C0OTHER"}; !slices.Equal(channels, want) {
		t.Errorf("posted to %v, want %v", channels, want)
	}
}

func TestAMergeIsSaidInTheFormerThread(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "anonymous"))
	d.talk(said("evt-2", "", "member-1", "as a member"))
	for range 2 {
		d.talk(said("evt-3", "vis-1", "member-1", "logged in"))
	}
	posts := d.posts()
	if len(posts) != 4 {
		t.Fatalf("posted %v", posts)
	}
	former, into := posts[0].GetThreadPost().GetConversation(), posts[1].GetThreadPost().GetConversation()
	if m := posts[2].GetThreadPost(); m.GetMerged().GetIntoConversation() != into || m.GetConversation() != former || !m.GetOnlyInThread() {
		t.Errorf("the former thread is told %v", m)
	}
	if posts[3].GetThreadPost().GetConversation() != into {
		t.Errorf("what follows goes to %v", posts[3])
	}
}

func TestTheEchoOfWhatWasSentIsNotShown(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.opened("vis-1", "1700000000.000100")
	d.slack(wrote(hanako, "1700000000.000100", "1700000001.000100", "", "hello"))
	console := func(id, by, text string) *eventv1.TalkFact {
		f := said(id, "vis-1", "", "")
		f.Fact = &eventv1.TalkFact_OperatorMessage{OperatorMessage: &eventv1.OperatorMessage{Operator: &eventv1.Operator{Id: by}, Text: text}}
		return f
	}
	d.talk(console("evt-2", operator, "hello"))
	d.talk(console("evt-3", operator, "something else"))
	d.talk(console("evt-4", "op-2", "hello"))
	var shown []string
	for _, post := range d.posts() {
		if m := post.GetThreadPost().GetOperatorMessage(); m != nil {
			shown = append(shown, m.GetOperator().GetId()+" "+m.GetText())
		}
	}
	if want := []string{"op-1 something else", "op-2 hello"}; !slices.Equal(shown, want) {
		t.Errorf("shown %v, want %v", shown, want)
	}
}

func TestTheOutcomeIsShownOnTheLine(t *testing.T) {
	origin := &eventv1.SlackMessageRef{Team: team, Channel: channel, ThreadTs: "1700000000.000100", Ts: "1700000001.000100", Member: hanako}
	message, note := eventv1.ReplyKind_REPLY_KIND_MESSAGE, eventv1.ReplyKind_REPLY_KIND_NOTE
	failed := func(reason eventv1.FailureReason) *eventv1.TalkFact {
		return &eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyFailed{ReplyFailed: &eventv1.ReplyFailed{CommandId: "reply-1", Origin: origin, Kind: message, Reason: reason, Detail: "400 no"}}}
	}
	delivered := func(kind eventv1.ReplyKind, waited bool) *eventv1.TalkFact {
		return &eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyDelivered{ReplyDelivered: &eventv1.ReplyDelivered{CommandId: "reply-1", Origin: origin, Kind: kind, Waited: waited}}}
	}
	for name, c := range map[string]struct {
		fact   *eventv1.TalkFact
		want   eventv1.Receipt
		waited bool
		told   []eventv1.NoticeKind
	}{
		"sent":            {delivered(message, false), eventv1.Receipt_RECEIPT_SENT, false, nil},
		"noted":           {delivered(note, false), eventv1.Receipt_RECEIPT_NOTED, false, nil},
		"sent in the end": {delivered(message, true), eventv1.Receipt_RECEIPT_SENT, true, nil},
		"waiting":         {&eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyWaiting{ReplyWaiting: &eventv1.ReplyWaiting{CommandId: "reply-1", Origin: origin}}}, eventv1.Receipt_RECEIPT_WAITING, false, nil},
		"failed":          {failed(eventv1.FailureReason_FAILURE_REASON_REJECTED), eventv1.Receipt_RECEIPT_FAILED, false, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_FAILED}},
		"nobody knows":    {failed(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN), eventv1.Receipt_RECEIPT_FAILED, false, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_OUTCOME_UNKNOWN}},
	} {
		d := newDesk(t)
		c.fact.Id, c.fact.Project, c.fact.Customer, c.fact.OccurredAt, c.fact.ReceivedAt = "f-1", project, &eventv1.Customer{VisitorId: "vis-1"}, timestamppb.Now(), timestamppb.Now()
		for range 2 {
			d.talk(c.fact)
		}
		marks := d.reactions()
		if len(marks) != 1 || marks[0].GetReceipt() != c.want || marks[0].GetReplacesWaiting() != c.waited || marks[0].GetTarget().GetTs() != origin.GetTs() {
			t.Errorf("%s: marked %v", name, marks)
		}
		if !slices.Equal(d.notices(), c.told) {
			t.Errorf("%s: told %v", name, d.notices())
		}
	}
}

func TestAdminsAreToldThatTheProjectIsParked(t *testing.T) {
	d := newDesk(t)
	d.settings.team.Admins = []string{"U0ADMIN", "U0ADMIN2"}
	d.talk(&eventv1.TalkFact{Id: "parked-1", Project: project, Fact: &eventv1.TalkFact_ProjectParked{ProjectParked: &eventv1.ProjectParked{Detail: "401"}}})
	if got := d.directs(); !slices.Equal(got, []string{"U0ADMIN", "U0ADMIN2"}) {
		t.Errorf("told %v", got)
	}
}

// A fact is stored before it is late: what waited for an hour is decided as if it had not.
func TestAFailureInTheMiddleMakesTheSameCommandsAgain(t *testing.T) {
	d := newDesk(t)
	fact := said("evt-1", "vis-1", "", "one")
	fact.ReceivedAt = timestamppb.New(time.Now().Add(-time.Hour))
	d.away = errAway
	if err := d.router.Talk(t.Context(), wire(t, fact)); !errors.Is(err, errAway) {
		t.Fatal(err)
	}
	d.away = nil
	d.talk(fact)
	if posts := d.posts(); len(posts) != 1 || posts[0].GetId() != "post-evt-1" {
		t.Errorf("posted %v", posts)
	}
}
