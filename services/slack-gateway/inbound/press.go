package inbound

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// Press turns what somebody pressed on one of our messages into the fact that it tells; nil when it is none of the elements that become a fact, for dialogs to
// look at. team is the workspace of the installation: Slack does not name it in organisation-wide ones, nor perhaps when somebody of another workspace presses.
//
// The id of a fact is the same for every delivery of the same press: slack-<team>-<channel>-press-<action id>-<member>-<action ts>.
func Press(in Interaction, team string, received time.Time) *eventv1.SlackFact {
	if in.Type != "block_actions" || len(in.Actions) != 1 || in.ActionTS == "" || !validID(team) || !validID(in.Channel) {
		return nil
	}
	used := in.Actions[0]
	action, ok := element.ActionOf(used.ID)
	if !ok {
		return nil
	}
	pressed := &eventv1.ActionPressed{Action: action, Author: &eventv1.Author{Member: in.User, Team: either(in.UserTeam, in.Team)}}
	channel, thread := in.Channel, either(in.ThreadTS, in.MessageTS) // a head without replies names no thread
	value := either(used.Values...)
	if element.OnHead(action) {
		if action == eventv1.Action_ACTION_ASSIGN {
			pressed.Operator = value
		}
	} else {
		line, ok := element.ParseLine(value)
		if !ok || !optional(validTS, line.TS) || line.Edited != "" && !validTS(line.Edited) {
			return nil
		}
		if line.TS == "" && action != eventv1.Action_ACTION_RETRY {
			return nil
		}
		if line.Channel != "" {
			if !strings.HasPrefix(in.Channel, "D") || !validID(line.Channel) {
				return nil // only in the app's own conversation with somebody is it about a line that is somewhere else
			}
			channel = line.Channel
		}
		thread, pressed.Ts, pressed.EditedTs, pressed.CommandId = line.Thread, line.TS, line.Edited, line.Command
	}
	if !validTS(thread) {
		return nil
	}
	fact := &eventv1.SlackFact{
		Id:   "slack-" + team + "-" + channel + "-press-" + used.ID + "-" + in.User + "-" + in.ActionTS,
		Team: team, Channel: channel, ThreadTs: thread, ReceivedAt: timestamppb.New(received), OccurredAt: timestamppb.New(received),
		Fact: &eventv1.SlackFact_ActionPressed{ActionPressed: pressed},
	}
	if at, ok := timeOf(in.ActionTS); ok {
		fact.OccurredAt = timestamppb.New(at)
	}
	return fact
}
