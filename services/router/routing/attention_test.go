package routing_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/routing"
)

// pinged answers whom each line of a customer mentions, by what they said.
func (d *desk) pinged() map[string][]string {
	all := map[string][]string{}
	for _, post := range d.posts() {
		text := post.GetThreadPost().GetCustomerMessage().GetText()
		for _, m := range post.GetThreadPost().GetMentions() {
			all[text] = append(all[text], m.GetMember()+m.GetUserGroup()+m.GetBroadcast())
		}
	}
	return all
}

// given makes the fact that a visitor's conversation is an operator's.
func given(id, visitor, to, name string) *eventv1.TalkFact {
	f := said(id, visitor, "", "")
	f.Fact = &eventv1.TalkFact_Assigned{Assigned: &eventv1.Assigned{Operator: &eventv1.Operator{Id: to, Name: name}}}
	return f
}

func TestAMentionComesOncePerBurst(t *testing.T) {
	d := newDesk(t)
	d.settings.team.MentionQuietPeriod = durationpb.New(10 * time.Minute)
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.redis.FastForward(9 * time.Minute)
	d.talk(said("evt-2", "vis-1", "", "two"))
	d.talk(said("evt-3", "vis-2", "", "somebody else"))
	d.redis.FastForward(2 * time.Minute)
	d.talk(said("evt-4", "vis-1", "", "four"))
	d.redis.FlushAll()
	d.talk(said("evt-5", "vis-1", "", "once too often"))
	for text, want := range map[string]bool{"one": true, "two": false, "somebody else": true, "four": true, "once too often": true} {
		if got := len(d.pinged()[text]) == 1; got != want {
			t.Errorf("%s: mentioned %v", text, d.pinged()[text])
		}
	}
}

// A fact that could not be stored decides the same when it comes again, whatever was decided meanwhile.
func TestAMentionIsNotLostByAFactThatIsTriedAgain(t *testing.T) {
	d := newDesk(t)
	d.away = errAway
	if err := d.router.Talk(t.Context(), wire(t, said("evt-1", "vis-1", "", "one"))); err == nil {
		t.Fatal("a command that is not stored is done")
	}
	d.away = nil
	d.talk(said("evt-2", "vis-1", "", "two"))
	d.talk(said("evt-1", "vis-1", "", "one"))
	if got := d.pinged(); len(got["one"]) != 1 || len(got["two"]) != 0 {
		t.Errorf("mentioned %v", got)
	}
}

// What was decided first stands: a line that was posted without a mention gets none because it is told again later.
func TestALineIsNotPostedAnewBecauseItsMentionWouldBeDecidedOtherwise(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.talk(said("evt-2", "vis-1", "", "two"))
	d.redis.FlushAll()
	d.talk(said("evt-2", "vis-1", "", "two"))
	if got := d.pinged(); len(d.posts()) != 2 || len(got["two"]) != 0 {
		t.Errorf("%d posts, mentioned %v", len(d.posts()), got)
	}
}

// direct answers the direct messages.
func (d *desk) direct() []*eventv1.SlackCommand {
	return all(d, func(m proto.Message) (*eventv1.SlackCommand, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c, ok && c.GetDirectNotice() != nil
	})
}

func posted(ts string, commands ...string) *eventv1.SlackFact {
	return &eventv1.SlackFact{
		Id: "posted-" + ts, Team: team, Channel: channel, ThreadTs: "1700000000.000100", ReceivedAt: timestamppb.Now(),
		Fact: &eventv1.SlackFact_Posted{Posted: &eventv1.Posted{CommandIds: commands, Ts: ts, Project: project}},
	}
}

func TestMembersAreToldDirectlyWhenThereIsALineToLinkTo(t *testing.T) {
	d := newDesk(t)
	d.settings.team.MentionDirectly = true
	d.settings.team.MentionPolicy = settingsv1.MentionPolicy_MENTION_POLICY_TARGETS
	d.settings.team.MentionTargets = []string{taro, "S0DEMO1"}
	d.people[hanako].Locale, d.people[taro].Locale = "ja-JP", "en-US"
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.talk(given("evt-2", "vis-1", operator, "佐藤"))
	d.talk(said("evt-3", "vis-1", "", "two"))
	if got := d.pinged(); !slices.Equal(got["one"], []string{"S0DEMO1"}) || len(got["two"]) != 0 {
		t.Errorf("mentioned %v", got)
	}
	if len(d.direct()) != 0 {
		t.Error("somebody is told of a line that is not there yet")
	}
	for range 2 { // everything may be told twice
		d.slack(posted("1700000000.000200", d.posts()[0].GetId(), "somebody-elses"))
		d.slack(posted("1700000000.000300", d.posts()[2].GetId()))
	}
	var got []string
	for _, c := range d.direct() {
		notice := c.GetDirectNotice()
		got = append(got, notice.GetMember()+" "+c.GetLanguage()+" "+notice.GetAbout().GetTs())
		if notice.GetKind() != eventv1.NoticeKind_NOTICE_KIND_CUSTOMER_WROTE || notice.GetAbout().GetThreadTs() != "1700000000.000100" || notice.GetDetail() != "" {
			t.Errorf("told %v", notice)
		}
	}
	if want := []string{taro + " en 1700000000.000200", hanako + " ja 1700000000.000300"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// What asks for nothing needs no turn. A gateway of an earlier version does not say whether it does.
func TestAPostOfWhichNobodyIsToldNeedsNoTurn(t *testing.T) {
	const subject = "slack.32-001.T0DEMO.C0DEMO.abc.posted.xyz"
	for name, c := range map[string]struct {
		subject string
		tells   *bool
		idle    bool
	}{
		"nobody is told":     {subject, proto.Bool(false), true},
		"somebody is told":   {subject, proto.Bool(true), false},
		"an earlier version": {subject, nil, false},
		"another kind":       {strings.Replace(subject, "posted", "thread-opened", 1), proto.Bool(false), false},
	} {
		fact := posted("1700000000.000200", "post-evt-1")
		fact.GetPosted().TellsDirectly = c.tells
		data, err := proto.Marshal(fact)
		if err != nil {
			t.Fatal(err)
		}
		if routing.Idle(bus.Message{Subject: c.subject, Data: data}) != c.idle {
			t.Errorf("%s: idle is not %v", name, c.idle)
		}
	}
	if routing.Idle(bus.Message{Subject: subject, Data: []byte("\xff")}) {
		t.Error("what cannot be read is passed over")
	}
}

func TestAdminsAreToldOnceOfAnAssigneeWhoIsLinkedToNobody(t *testing.T) {
	d := newDesk(t)
	d.talk(given("evt-1", "vis-1", operator, "佐藤"))
	d.talk(said("evt-2", "vis-1", "", "one"))
	d.talk(given("evt-3", "vis-1", "op-9", "高橋"))
	for range 2 {
		d.talk(said("evt-4", "vis-1", "", "two"))
		d.talk(said("evt-5", "vis-1", "", "three"))
	}
	d.redis.FastForward(29 * 24 * time.Hour)
	d.talk(said("evt-6", "vis-1", "", "four"))
	d.redis.FastForward(2 * 24 * time.Hour)
	d.talk(said("evt-7", "vis-1", "", "five"))
	hints := d.direct()
	if len(hints) != 2 {
		t.Fatalf("%d hints: %v", len(hints), hints)
	}
	notice := hints[0].GetDirectNotice()
	if notice.GetMember() != "U0ADMIN" || notice.GetKind() != eventv1.NoticeKind_NOTICE_KIND_ASSIGNEE_NOT_LINKED || notice.GetDetail() != "高橋 (op-9)" {
		t.Errorf("told %v", notice)
	}
	if got := d.pinged()["two"]; !slices.Equal(got, []string{"here"}) {
		t.Errorf("instead of the assignee %v are mentioned", got)
	}
}
