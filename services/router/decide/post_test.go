package decide

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

func TestMentions(t *testing.T) {
	targets := []string{"U0DEMO1", "S0DEMO1", "W0DEMO1"}
	for _, c := range []struct {
		policy   settingsv1.MentionPolicy
		assignee string
		want     []*eventv1.Mention
	}{
		{settingsv1.MentionPolicy_MENTION_POLICY_UNSPECIFIED, "", nil},
		{settingsv1.MentionPolicy_MENTION_POLICY_NOBODY, "", nil},
		{settingsv1.MentionPolicy_MENTION_POLICY_HERE, "", []*eventv1.Mention{broadcast("here")}},
		{settingsv1.MentionPolicy_MENTION_POLICY_CHANNEL, "", []*eventv1.Mention{broadcast("channel")}},
		{settingsv1.MentionPolicy_MENTION_POLICY_TARGETS, "", []*eventv1.Mention{
			member("U0DEMO1"), {Mention: &eventv1.Mention_UserGroup{UserGroup: "S0DEMO1"}}, member("W0DEMO1"),
		}},
		{settingsv1.MentionPolicy_MENTION_POLICY_CHANNEL, "U0DEMO9", []*eventv1.Mention{member("U0DEMO9")}},
		{settingsv1.MentionPolicy_MENTION_POLICY_NOBODY, "U0DEMO9", []*eventv1.Mention{member("U0DEMO9")}},
	} {
		got := Mentions(&settingsv1.TeamSettings{MentionPolicy: c.policy, MentionTargets: targets}, c.assignee)
		if !proto.Equal(&eventv1.ThreadPost{Mentions: got}, &eventv1.ThreadPost{Mentions: c.want}) {
			t.Errorf("%v, assignee %q: got %v, want %v", c.policy, c.assignee, got, c.want)
		}
	}
}

func TestLanguage(t *testing.T) {
	if got := Language(nil); got != "ja" {
		t.Errorf("unset: %q", got)
	}
	if got := Language(&settingsv1.TeamSettings{Language: "en"}); got != "en" {
		t.Errorf("en: %q", got)
	}
}

func TestThreadPost(t *testing.T) {
	customer, assignee := &eventv1.Customer{UserId: "member-1"}, &eventv1.Operator{Id: "op1"}
	mentions := []*eventv1.Mention{broadcast("here")}
	said := &eventv1.CustomerMessage{Text: "hello"}
	image := &eventv1.CustomerMessage{ImageUrl: "https://example.com/a.png"}
	console := &eventv1.OperatorMessage{Operator: assignee, Text: "hello"}
	assigned := &eventv1.Assigned{Operator: assignee}
	for name, c := range map[string]struct {
		fact *eventv1.TalkFact
		want *eventv1.ThreadPost
	}{
		"customer": {&eventv1.TalkFact{Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: said}},
			&eventv1.ThreadPost{Mentions: mentions, TellDirectly: []string{"U0DEMO1"}, Body: &eventv1.ThreadPost_CustomerMessage{CustomerMessage: said}}},
		"customer's image": {&eventv1.TalkFact{Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: image}},
			&eventv1.ThreadPost{Mentions: mentions, TellDirectly: []string{"U0DEMO1"}, Body: &eventv1.ThreadPost_CustomerMessage{CustomerMessage: image}}},
		"empty customer": {&eventv1.TalkFact{Fact: &eventv1.TalkFact_CustomerMessage{}}, nil},
		"operator pings nobody": {&eventv1.TalkFact{Fact: &eventv1.TalkFact_OperatorMessage{OperatorMessage: console}},
			&eventv1.ThreadPost{Body: &eventv1.ThreadPost_OperatorMessage{OperatorMessage: console}}},
		"empty operator": {&eventv1.TalkFact{Fact: &eventv1.TalkFact_OperatorMessage{}}, nil},
		"assigned opens no thread": {&eventv1.TalkFact{Fact: &eventv1.TalkFact_Assigned{Assigned: assigned}},
			&eventv1.ThreadPost{OnlyInThread: true, Body: &eventv1.ThreadPost_Assigned{Assigned: assigned}}},
		"receipt": {&eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyDelivered{}}, nil},
		"unknown": {&eventv1.TalkFact{}, nil},
	} {
		c.fact.Project, c.fact.OccurredAt = "demo", timestamppb.New(time.Unix(1700000000, 0))
		if c.want != nil {
			c.want.Project, c.want.Conversation, c.want.Customer, c.want.Assignee, c.want.OccurredAt = "demo", "conv", customer, assignee, c.fact.GetOccurredAt()
		}
		got := ThreadPost(c.fact, "conv", customer, assignee, Attention{Mentions: mentions, Directly: []string{"U0DEMO1"}})
		if (got == nil) != (c.want == nil) || got != nil && !proto.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestThreadPostWithoutKartesTimeTakesOurs(t *testing.T) {
	fact := &eventv1.TalkFact{
		ReceivedAt: timestamppb.New(time.Unix(1700000001, 0)),
		Fact:       &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: "hello"}},
	}
	if got := ThreadPost(fact, "conv", nil, nil, Attention{}); !proto.Equal(got.GetOccurredAt(), fact.GetReceivedAt()) {
		t.Errorf("got %v", got.GetOccurredAt())
	}
}

func TestTimeZone(t *testing.T) {
	hours := func(zone string) *settingsv1.BusinessHours { return &settingsv1.BusinessHours{TimeZone: zone} }
	rules := []*settingsv1.RoutingRule{{}, {BusinessHours: hours("Europe/Berlin")}, {BusinessHours: hours("Asia/Tokyo")}}
	for want, team := range map[string]*settingsv1.TeamSettings{
		"":              {RoutingRules: rules[:1]},
		"Europe/Berlin": {RoutingRules: rules, Unanswered: &settingsv1.UnansweredPolicy{}},
		"Asia/Seoul":    {RoutingRules: rules, Unanswered: &settingsv1.UnansweredPolicy{BusinessHours: hours("Asia/Seoul")}},
	} {
		if got := TimeZone(team); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
