package decide

import (
	"strings"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Actor is somebody in Slack who wrote or pressed something in a thread of ours.
type Actor struct {
	// Author is who it was as the event itself tells.
	Author *eventv1.Author
	// Home is the workspace in which the app is installed.
	Home string
	// Member as Slack describes them; nil when Slack does not know them.
	Member *eventv1.Member
	// RepliesEnabled is the team setting.
	RepliesEnabled bool
	// Operator is whom they are linked to; empty when nobody.
	Operator string
}

// Refused answers why nothing that somebody asks for may reach KARTE; unspecified when it may. Everything that is not known counts against them.
func Refused(a Actor) eventv1.NoticeKind {
	external := a.Author.GetTeam() != "" && a.Author.GetTeam() != a.Home
	switch {
	case external, !Colleague(a.Member, a.Home):
		return eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED
	case !a.RepliesEnabled:
		return eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF
	case a.Operator == "":
		return eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED
	}
	return eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED
}

// Colleague reports whether somebody is a full member of the home workspace. Everything that is not known counts against them.
func Colleague(member *eventv1.Member, home string) bool {
	return member != nil && home != "" && member.GetTeam() == home && !member.GetBot() && !member.GetGuest() && !member.GetDeactivated()
}

// PrivateLanguage is the language for what only one person reads: Japanese or English by their own locale, the project's where Slack does not tell it.
func PrivateLanguage(member *eventv1.Member, project string) string {
	switch locale := strings.ToLower(member.GetLocale()); {
	case locale == "":
		return project
	case strings.HasPrefix(locale, "ja"):
		return "ja"
	}
	return "en"
}
