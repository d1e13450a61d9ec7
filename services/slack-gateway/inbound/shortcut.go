package inbound

import (
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Said is the message that a shortcut was used on.
type Said struct {
	Content *eventv1.Content
	// Edited is the ts of its last edit, empty when there was none.
	Edited string
	// Person tells that somebody wrote it by hand, and no app.
	Person bool
}

func saidOf(message object) *Said {
	if message == nil {
		return nil
	}
	return &Said{
		Content: content(message.str("text"), message.list("blocks")), Edited: message.obj("edited").str("ts"),
		Person: !isApp(message) && message.str("user") != "" && writtenByHand(message.str("subtype")),
	}
}

// LineRef names one line of a thread as it was seen.
type LineRef struct{ Channel, Thread, TS, Edited string }

// Valid tells whether its parts look like Slack's.
func (l LineRef) Valid() bool {
	return validID(l.Channel) && validTS(l.Thread) && validTS(l.TS) && l.Thread != l.TS && optional(validTS, l.Edited)
}

// Confirmed makes the fact that somebody has confirmed, in the dialog of the shortcut, that a line is to go to the customer; nil when the line cannot be. Its id is
// made of the dialog's view, so that a dialog is submitted once: slack-<team>-<channel>-confirm-<member>-<view>.
//
// operator is in whose name the dialog said that it would be sent.
func Confirmed(team, member, memberTeam, view string, line LineRef, operator string, received time.Time) *eventv1.SlackFact {
	if !line.Valid() || !validID(team) || view == "" {
		return nil
	}
	return &eventv1.SlackFact{
		Id: "slack-" + team + "-" + line.Channel + "-confirm-" + member + "-" + view, Team: team, Channel: line.Channel, ThreadTs: line.Thread,
		ReceivedAt: timestamppb.New(received), OccurredAt: timestamppb.New(received),
		Fact: &eventv1.SlackFact_ActionPressed{ActionPressed: &eventv1.ActionPressed{
			Action: eventv1.Action_ACTION_SEND_ALL, Author: &eventv1.Author{Member: member, Team: memberTeam}, Ts: line.TS, EditedTs: line.Edited, Shortcut: true, Operator: operator,
		}},
	}
}
