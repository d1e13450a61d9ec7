package inbound

import (
	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Subject is where a fact is stored, the same for every delivery of the same thing.
func Subject(p bus.Partitions, fact *eventv1.SlackFact) string {
	return bus.SlackSubject(p, fact.GetTeam(), fact.GetChannel(), fact.GetThreadTs(), KindOf(fact), fact.GetId())
}

// WrittenSubject is where the fact that a reply was written is stored.
func WrittenSubject(p bus.Partitions, team, channel, thread, ts string) string {
	return Subject(p, &eventv1.SlackFact{
		Id: writtenID(team, channel, ts), Team: team, Channel: channel, ThreadTs: thread, Fact: &eventv1.SlackFact_ReplyWritten{},
	})
}

func writtenID(team, channel, ts string) string { return "slack-" + team + "-" + channel + "-" + ts }

// KindOf names what a fact of this package tells, as its subject does.
func KindOf(fact *eventv1.SlackFact) string {
	switch fact.GetFact().(type) {
	case *eventv1.SlackFact_ReplyWritten:
		return "reply-written"
	case *eventv1.SlackFact_ReplyEdited:
		return "reply-edited"
	case *eventv1.SlackFact_ReplyDeleted:
		return "reply-deleted"
	case *eventv1.SlackFact_ActionPressed:
		return "action-pressed"
	case *eventv1.SlackFact_MessageComposed:
		return "message-composed"
	}
	return "other"
}
