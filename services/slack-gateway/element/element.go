// Package element names the buttons, menus, shortcuts and dialogs that our messages and views carry, and what their values hold.
package element

import (
	"encoding/json"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// The action_ids of elements that become a fact when they are used.
const (
	Claim    = "claim"
	Unassign = "unassign"
	// Assign is a menu of operators; what is picked is an operator's id.
	Assign       = "assign"
	Resolve      = "resolve"
	Reopen       = "reopen"
	SendBlock    = "send_block"
	SendAll      = "send_all"
	KeepNote     = "keep_note"
	Retry        = "retry"
	SendFollowUp = "send_follow_up"
	NoteFollowUp = "note_follow_up"
)

// Link is the action_id of buttons that only open an address: Slack tells when they are pressed and wants an answer.
const Link = "link"

// SendToCustomer is the callback_id of the message shortcut 「お客様に送信」 and of its dialog.
const SendToCustomer = "send_to_customer"

var actions = map[string]eventv1.Action{
	Claim:        eventv1.Action_ACTION_CLAIM,
	Unassign:     eventv1.Action_ACTION_UNASSIGN,
	Assign:       eventv1.Action_ACTION_ASSIGN,
	Resolve:      eventv1.Action_ACTION_RESOLVE,
	Reopen:       eventv1.Action_ACTION_REOPEN,
	SendBlock:    eventv1.Action_ACTION_SEND_BLOCK,
	SendAll:      eventv1.Action_ACTION_SEND_ALL,
	KeepNote:     eventv1.Action_ACTION_KEEP_NOTE,
	Retry:        eventv1.Action_ACTION_RETRY,
	SendFollowUp: eventv1.Action_ACTION_SEND_FOLLOW_UP,
	NoteFollowUp: eventv1.Action_ACTION_NOTE_FOLLOW_UP,
}

// ActionOf answers what an action_id asks for; ok is false when it is none that becomes a fact.
func ActionOf(actionID string) (action eventv1.Action, ok bool) {
	action, ok = actions[actionID]
	return action, ok
}

// OnHead says whether an action is about the conversation, and its button on the head of the thread; the others are about one line.
func OnHead(action eventv1.Action) bool {
	switch action {
	case eventv1.Action_ACTION_CLAIM, eventv1.Action_ACTION_UNASSIGN, eventv1.Action_ACTION_ASSIGN, eventv1.Action_ACTION_RESOLVE, eventv1.Action_ACTION_REOPEN:
		return true
	default:
		return false
	}
}

// Line is the value of a button about one line of a thread. Such buttons stand in private notices, which Slack does not say to be in a thread.
type Line struct {
	Thread string `json:"thread"`
	// TS is empty where it is about a dialog's message, which has no line.
	TS string `json:"ts,omitempty"`
	// Edited is the edit that it is about; empty when none.
	Edited string `json:"edited,omitempty"`
	// Command is the id of the command that was given up; empty when none.
	Command string `json:"command,omitempty"`
	// Channel is where the line is, when the button stands in the app's own conversation with somebody; empty when it is where the button is.
	Channel string `json:"channel,omitempty"`
}

// Value is the line as a button's value.
func (l Line) Value() string {
	value, err := json.Marshal(l)
	if err != nil {
		return "" // four strings can always be written
	}
	return string(value)
}

// ParseLine is the reverse of Line.Value; ok is false for anything else.
func ParseLine(value string) (l Line, ok bool) {
	if json.Unmarshal([]byte(value), &l) != nil || l.Thread == "" || l.TS == "" && l.Command == "" {
		return Line{}, false
	}
	return l, true
}
