package inbound

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Composed is the fact that somebody has written, in a modal, what is to go to the customer of a thread; nil when the ids are none of Slack's. Its id is the same
// however often the modal is submitted: slack-<team>-<channel>-composed-<member>-<view id>.
func Composed(d Dialog, message *eventv1.MessageComposed) *eventv1.SlackFact {
	if !validID(d.Team) || !validID(d.Channel) || !validTS(d.Thread) || !validID(d.View) || message.GetText() == "" {
		return nil
	}
	message.Author = d.Author
	return &eventv1.SlackFact{
		Id:   "slack-" + d.Team + "-" + d.Channel + "-composed-" + d.Author.GetMember() + "-" + d.View,
		Team: d.Team, Channel: d.Channel, ThreadTs: d.Thread, ReceivedAt: timestamppb.New(d.Received), OccurredAt: timestamppb.New(d.Received),
		Fact: &eventv1.SlackFact_MessageComposed{MessageComposed: message},
	}
}
