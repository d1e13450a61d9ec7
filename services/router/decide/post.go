package decide

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// Mentions answers whom a customer's message pings: the assignee if they are linked, else whom the settings name.
func Mentions(team *settingsv1.TeamSettings, assigneeMember string) []*eventv1.Mention {
	if assigneeMember != "" {
		return []*eventv1.Mention{member(assigneeMember)}
	}
	switch team.GetMentionPolicy() {
	case settingsv1.MentionPolicy_MENTION_POLICY_HERE:
		return []*eventv1.Mention{broadcast("here")}
	case settingsv1.MentionPolicy_MENTION_POLICY_CHANNEL:
		return []*eventv1.Mention{broadcast("channel")}
	case settingsv1.MentionPolicy_MENTION_POLICY_TARGETS:
		var mentions []*eventv1.Mention
		for _, target := range team.GetMentionTargets() {
			mentions = append(mentions, mention(target))
		}
		return mentions
	case settingsv1.MentionPolicy_MENTION_POLICY_UNSPECIFIED, settingsv1.MentionPolicy_MENTION_POLICY_NOBODY:
	}
	return nil
}

func mention(target string) *eventv1.Mention {
	if strings.HasPrefix(target, "S") {
		return &eventv1.Mention{Mention: &eventv1.Mention_UserGroup{UserGroup: target}}
	}
	return member(target)
}

func member(id string) *eventv1.Mention {
	return &eventv1.Mention{Mention: &eventv1.Mention_Member{Member: id}}
}

func broadcast(to string) *eventv1.Mention {
	return &eventv1.Mention{Mention: &eventv1.Mention_Broadcast{Broadcast: to}}
}

// Language answers the language of shared texts: Japanese unless set otherwise.
func Language(team *settingsv1.TeamSettings) string {
	if team.GetLanguage() == "" {
		return "ja"
	}
	return team.GetLanguage()
}

// TimeZone answers the time zone of times in shared texts, by its IANA name: that of the business hours in which customers are answered, or else of the first rule that
// has some; empty where no settings name one.
func TimeZone(team *settingsv1.TeamSettings) string {
	if zone := team.GetUnanswered().GetBusinessHours().GetTimeZone(); zone != "" {
		return zone
	}
	for _, rule := range team.GetRoutingRules() {
		if zone := rule.GetBusinessHours().GetTimeZone(); zone != "" {
			return zone
		}
	}
	return ""
}

// ThreadPost is what a fact shows in the conversation's thread; nil when it shows nothing.
func ThreadPost(fact *eventv1.TalkFact, conversation string, customer *eventv1.Customer, assignee *eventv1.Operator, attention Attention) *eventv1.ThreadPost {
	post := &eventv1.ThreadPost{
		Project: fact.GetProject(), Conversation: conversation, Customer: customer, Assignee: assignee, OccurredAt: fact.GetOccurredAt(),
	}
	if post.OccurredAt == nil {
		post.OccurredAt = timestamppb.New(fact.GetReceivedAt().AsTime())
	}
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_CustomerMessage:
		if f.CustomerMessage.GetText() == "" && f.CustomerMessage.GetImageUrl() == "" {
			return nil
		}
		post.Mentions, post.TellDirectly = attention.Mentions, attention.Directly
		post.Body = &eventv1.ThreadPost_CustomerMessage{CustomerMessage: f.CustomerMessage}
	case *eventv1.TalkFact_OperatorMessage:
		if f.OperatorMessage.GetText() == "" && f.OperatorMessage.GetImageUrl() == "" {
			return nil
		}
		post.Body = &eventv1.ThreadPost_OperatorMessage{OperatorMessage: f.OperatorMessage}
	case *eventv1.TalkFact_Assigned:
		post.OnlyInThread = true
		post.Body = &eventv1.ThreadPost_Assigned{Assigned: f.Assigned}
	default:
		return nil
	}
	return post
}
