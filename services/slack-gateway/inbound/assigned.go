package inbound

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// Dialog is a modal that was submitted about a thread.
type Dialog struct {
	Team, Channel, Thread string
	// View is the modal's id, which is new whenever one is opened.
	View     string
	Author   *eventv1.Author
	Received time.Time
}

// Assigned is the fact that a conversation is to get another assignee; nil when the ids are none of Slack's. Its id is the same however often the modal is
// submitted: slack-<team>-<channel>-press-assign-<member>-<view id>.
func Assigned(d Dialog, operator string) *eventv1.SlackFact {
	if !validID(d.Team) || !validID(d.Channel) || !validTS(d.Thread) || !validID(d.View) || operator == "" {
		return nil
	}
	return &eventv1.SlackFact{
		Id:   "slack-" + d.Team + "-" + d.Channel + "-press-" + element.Assign + "-" + d.Author.GetMember() + "-" + d.View,
		Team: d.Team, Channel: d.Channel, ThreadTs: d.Thread, ReceivedAt: timestamppb.New(d.Received), OccurredAt: timestamppb.New(d.Received),
		Fact: &eventv1.SlackFact_ActionPressed{ActionPressed: &eventv1.ActionPressed{Action: eventv1.Action_ACTION_ASSIGN, Author: d.Author, Operator: operator}},
	}
}
