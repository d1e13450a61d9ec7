package decide

import (
	"slices"
	"strings"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// quietPeriod is how long the same people are not mentioned again in a conversation unless the settings say otherwise.
const quietPeriod = 5 * time.Minute

// QuietPeriod answers how long after a mention the same people are not mentioned again in the same conversation.
func QuietPeriod(team *settingsv1.TeamSettings) time.Duration {
	if d := team.GetMentionQuietPeriod().AsDuration(); d > 0 {
		return d
	}
	return quietPeriod
}

// Attention is how people are made to notice a line: by a mention in it, or by a direct message with a link to it.
type Attention struct {
	Mentions []*eventv1.Mention
	// Directly are members.
	Directly []string
}

// Nobody tells whether nobody is to notice.
func (a Attention) Nobody() bool { return len(a.Mentions)+len(a.Directly) == 0 }

// Who names those who are to notice, the same ones always by the same name.
func (a Attention) Who() string {
	who := slices.Clone(a.Directly)
	for _, m := range a.Mentions {
		who = append(who, m.GetMember()+m.GetUserGroup()+m.GetBroadcast())
	}
	slices.Sort(who)
	return strings.Join(who, " ")
}

// Attend answers who is to notice what a customer wrote, and how: the assignee if they are linked, else whom the settings name.
func Attend(team *settingsv1.TeamSettings, assigneeMember string) Attention {
	return divide(team, Mentions(team, assigneeMember))
}

// Escalate answers who is to notice that a customer has waited too long for everybody else.
func Escalate(team *settingsv1.TeamSettings) Attention {
	var mentions []*eventv1.Mention
	for _, target := range team.GetUnanswered().GetEscalationTargets() {
		mentions = append(mentions, mention(target))
	}
	return divide(team, mentions)
}

// divide takes the members out of mentions where the settings want them told directly.
func divide(team *settingsv1.TeamSettings, mentions []*eventv1.Mention) (a Attention) {
	for _, m := range mentions {
		if member := m.GetMember(); team.GetMentionDirectly() && member != "" {
			a.Directly = append(a.Directly, member)
		} else {
			a.Mentions = append(a.Mentions, m)
		}
	}
	return a
}

// Called names an operator to people: by name and id, as far as they are known.
func Called(o *eventv1.Operator) string {
	if o.GetName() == "" {
		return o.GetId()
	}
	return strings.TrimSpace(o.GetName() + " (" + o.GetId() + ")")
}
