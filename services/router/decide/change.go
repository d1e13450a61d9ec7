package decide

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Change is what somebody in Slack asks for.
type Change struct {
	Action eventv1.Action
	// Command is the id of the command to KARTE that it becomes.
	Command string
	// By is the operator who asks, To whom the conversation is to be given.
	By, To *eventv1.Operator
}

// Verdict is what becomes of a change.
type Verdict int

// The verdicts.
const (
	// ChangeNothing: it is so already.
	ChangeNothing Verdict = iota
	// ChangeBegins: the record says so from now on, and KARTE is to be told.
	ChangeBegins
	// ChangeLate: somebody else was faster.
	ChangeLate
)

// Begin changes the record of a conversation as it is asked for. The change is pending until KARTE has taken it. Asked for again it begins again.
func Begin(record *eventv1.ConversationRecord, c Change) Verdict {
	switch c.Action {
	case eventv1.Action_ACTION_CLAIM:
		if owner := record.GetAssignee().GetId(); owner != "" && owner != c.By.GetId() {
			return ChangeLate
		}
		return beginAssignee(record, c.Command, c.By)
	case eventv1.Action_ACTION_UNASSIGN:
		return beginAssignee(record, c.Command, nil)
	case eventv1.Action_ACTION_ASSIGN:
		return beginAssignee(record, c.Command, c.To)
	case eventv1.Action_ACTION_RESOLVE:
		return beginStatus(record, c.Command, eventv1.ChatStatus_CHAT_STATUS_CLOSED)
	case eventv1.Action_ACTION_REOPEN:
		if record.GetStatusCommand() != c.Command && record.GetStatus() != eventv1.ChatStatus_CHAT_STATUS_CLOSED {
			return ChangeNothing
		}
		return beginStatus(record, c.Command, eventv1.ChatStatus_CHAT_STATUS_OPEN)
	default:
		return ChangeNothing
	}
}

func beginAssignee(record *eventv1.ConversationRecord, command string, to *eventv1.Operator) Verdict {
	switch {
	case record.GetAssigneeCommand() == command:
		return ChangeBegins // it has begun, and perhaps not been told
	case record.GetAssignee().GetId() == to.GetId():
		return ChangeNothing
	}
	if record.GetAssigneeCommand() == "" {
		record.AssigneeBefore = record.GetAssignee()
	}
	record.Assignee, record.AssigneeCommand = to, command
	return ChangeBegins
}

func beginStatus(record *eventv1.ConversationRecord, command string, to eventv1.ChatStatus) Verdict {
	switch {
	case record.GetStatusCommand() == command:
		return ChangeBegins
	case record.GetStatus() == to:
		return ChangeNothing
	}
	if record.GetStatusCommand() == "" {
		record.StatusBefore = record.GetStatus()
	}
	record.Status, record.StatusCommand = to, command
	return ChangeBegins
}

// Confirm notes that KARTE has taken a change, at a time.
func Confirm(record *eventv1.ConversationRecord, done *eventv1.ChangeDone, at time.Time) {
	switch change := done.GetChange().(type) {
	case *eventv1.ChangeDone_Assignee:
		confirmAssignee(record, done.GetCommandId(), change.Assignee.GetOperator(), at)
	case *eventv1.ChangeDone_Status:
		confirmStatus(record, done.GetCommandId(), change.Status.GetStatus(), at)
	}
}

// What KARTE has confirmed is what stands before a pending change, or else what stands.
func confirmAssignee(record *eventv1.ConversationRecord, command string, to *eventv1.Operator, at time.Time) {
	pending := record.GetAssigneeCommand()
	confirmed := record.GetAssignee()
	if pending != "" {
		confirmed = record.GetAssigneeBefore()
	}
	if !at.Before(record.GetAssigneeTime().AsTime()) {
		confirmed, record.AssigneeTime = to, timestamppb.New(at)
	}
	if pending != "" && pending != command {
		record.AssigneeBefore = confirmed
		return
	}
	record.Assignee, record.AssigneeBefore, record.AssigneeCommand = confirmed, nil, ""
}

func confirmStatus(record *eventv1.ConversationRecord, command string, to eventv1.ChatStatus, at time.Time) {
	pending := record.GetStatusCommand()
	confirmed := record.GetStatus()
	if pending != "" {
		confirmed = record.GetStatusBefore()
	}
	if !at.Before(record.GetStatusTime().AsTime()) {
		confirmed, record.StatusTime = to, timestamppb.New(at)
	}
	if pending != "" && pending != command {
		record.StatusBefore = confirmed
		return
	}
	record.Status, record.StatusBefore, record.StatusCommand = confirmed, 0, ""
}

// Revert takes back a change that KARTE did not take, unless something newer happened.
func Revert(record *eventv1.ConversationRecord, command string) {
	if command == "" {
		return
	}
	if record.GetAssigneeCommand() == command {
		record.Assignee, record.AssigneeBefore, record.AssigneeCommand = record.GetAssigneeBefore(), nil, ""
	}
	if record.GetStatusCommand() == command {
		record.Status, record.StatusBefore, record.StatusCommand = record.GetStatusBefore(), 0, ""
	}
}

// Assigned notes what KARTE tells of the assignee, and as of when. news is false when nobody learns anything from it: it is old, or what the record says already, be
// it because we have asked for it ourselves.
func Assigned(record *eventv1.ConversationRecord, to *eventv1.Operator, at time.Time) (news bool) {
	if at.Before(record.GetAssigneeTime().AsTime()) {
		return false
	}
	record.AssigneeTime = timestamppb.New(at)
	if to.GetId() == "" {
		to = nil
	}
	switch same := record.GetAssignee().GetId() == to.GetId(); {
	case same:
		// A name that KARTE tells is better than one that we have made up.
		record.Assignee, record.AssigneeBefore, record.AssigneeCommand = to, nil, ""
		return false
	case record.GetAssigneeCommand() != "":
		news = record.GetAssigneeBefore().GetId() != to.GetId()
		record.AssigneeBefore = to
		return news
	}
	record.Assignee = to
	return true
}

// Reopen notes that the customer wrote, at a time: after 対応済み the conversation is 対応中 again and nobody's, as KARTE has it. While a closing is pending it is
// not known which came first: see Confirm's caller.
func Reopen(record *eventv1.ConversationRecord, at time.Time) (reopened bool) {
	if record.GetStatus() != eventv1.ChatStatus_CHAT_STATUS_CLOSED || record.GetStatusCommand() != "" || !at.After(record.GetStatusTime().AsTime()) {
		return false
	}
	record.Status, record.StatusTime = eventv1.ChatStatus_CHAT_STATUS_OPEN, timestamppb.New(at)
	switch {
	case at.Before(record.GetAssigneeTime().AsTime()):
	case record.GetAssigneeCommand() != "":
		record.AssigneeBefore, record.AssigneeTime = nil, timestamppb.New(at)
	default:
		record.Assignee, record.AssigneeTime = nil, timestamppb.New(at)
	}
	return true
}
