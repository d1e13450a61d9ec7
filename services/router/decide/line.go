package decide

import (
	"github.com/slacktalk/slacktalk/internal/plain"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Became is what a line of a thread has become at KARTE so far.
type Became struct {
	// Kind is unspecified when nothing of it went to KARTE, as far as is known.
	Kind eventv1.ReplyKind
	// Text is what went there; empty when that is not known any more.
	Text string
	// Failed: it was given up, and not delivered since, as far as is known.
	Failed bool
	// Pressed: it was sent because somebody pressed something; By is who, and Now that it was a moment ago.
	Pressed, Now bool
	By           string
}

// Press is everything that decides what becomes of a button, or of a shortcut, about a line. Whoever pressed may act: see Refused.
type Press struct {
	Pressed *eventv1.ActionPressed
	// Line is what it says now; nil when it is gone. Edited is its last edit.
	Line   *eventv1.ReplyWritten
	Edited string
	Names  Names
	// NoteOnly: the settings say that nothing is sent from this channel.
	NoteOnly bool
	// Operator is whom the presser is linked to.
	Operator string
	Became   Became
}

// Result is what becomes of a press. Kind unspecified: nothing goes to KARTE.
type Result struct {
	Kind eventv1.ReplyKind
	Text string
	// FollowUp: it is about an edit of a line, and not the line itself.
	FollowUp bool
	Notices  []Private
}

func tell(kind eventv1.NoticeKind) Result { return Result{Notices: []Private{{Kind: kind}}} }

// OfPress decides. What goes to KARTE is what the line said when its reader decided: if it says something else by now, it does not go, and they are asked anew.
func OfPress(p Press) Result {
	presser := p.Pressed.GetAuthor().GetMember()
	switch {
	case p.Pressed.GetAction() == eventv1.Action_ACTION_KEEP_NOTE:
		return Result{}
	case p.Line == nil:
		return tell(eventv1.NoticeKind_NOTICE_KIND_OUT_OF_DATE)
	case presser == "", p.Line.GetAuthor().GetMember() != presser && !p.Pressed.GetShortcut():
		return Result{Notices: []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED, Detail: presser}}}
	case p.Pressed.GetShortcut() && OperatorChanged(p.Pressed.GetOperator(), p.Operator):
		return tell(eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED)
	case p.Edited != p.Pressed.GetEditedTs():
		out := tell(eventv1.NoticeKind_NOTICE_KIND_OUT_OF_DATE)
		if p.Pressed.GetShortcut() {
			return out // they look at the line and use the shortcut again
		}
		out.Notices = append(out.Notices, OfEdit(p.Line.GetContent(), p.Names, p.Edited, p.NoteOnly, p.Became)...)
		return out
	}
	if p.Pressed.GetAction() == eventv1.Action_ACTION_NOTE_FOLLOW_UP {
		return p.furtherNote()
	}
	return p.message()
}

// message decides about what is to reach the customer.
func (p Press) message() Result {
	text, ok := p.chosen()
	sent := p.Became.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE
	followUp := p.Pressed.GetAction() == eventv1.Action_ACTION_SEND_FOLLOW_UP && p.Edited != ""
	if p.Became.Pressed && p.Became.Text == text {
		followUp = false // the line itself was sent as it was after the edit
	}
	switch {
	case p.NoteOnly:
		return tell(eventv1.NoticeKind_NOTICE_KIND_NOTE_ONLY)
	case !ok:
		return tell(eventv1.NoticeKind_NOTICE_KIND_OUT_OF_DATE)
	case plain.Blank(text):
		return tell(eventv1.NoticeKind_NOTICE_KIND_EMPTY)
	case sent && !followUp && p.Became.Now && p.Became.Text == text && p.Became.By == p.Pressed.GetAuthor().GetMember():
		return Result{} // a double click
	case sent && !followUp:
		return tell(eventv1.NoticeKind_NOTICE_KIND_ALREADY_SENT)
	}
	// What follows up a line that never was a message is the line itself: it is sent once.
	return Result{
		Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Text: text, FollowUp: followUp && sent,
	}
}

// chosen answers the part of the line that was asked for; ok is false when the line does not have it.
func (p Press) chosen() (text string, ok bool) {
	read := p.Names.Read(p.Line.GetContent())
	switch p.Pressed.GetAction() {
	case eventv1.Action_ACTION_SEND_BLOCK:
		return read.Block, read.Shape == plain.Block || read.Shape == plain.Mixed
	case eventv1.Action_ACTION_SEND_FOLLOW_UP:
		return read.Sendable(), plainly(read)
	case eventv1.Action_ACTION_SEND_ALL:
		return read.Sendable(), true
	default:
		return "", false
	}
}

// plainly reports whether there is no doubt about which part of a line is meant.
func plainly(read plain.Reading) bool { return read.Shape == plain.Block || read.Shape == plain.Words }

func (p Press) furtherNote() Result {
	text := p.Names.Text(p.Line.GetContent())
	if plain.Blank(text) {
		return tell(eventv1.NoticeKind_NOTICE_KIND_EMPTY)
	}
	return Result{Kind: eventv1.ReplyKind_REPLY_KIND_NOTE, Text: text, FollowUp: true}
}

// preview is how much of a text is repeated to somebody who knows it.
const preview = 150

// OfEdit decides what the author of a line is told and offered when it was edited: nothing that KARTE holds changes by itself.
func OfEdit(after *eventv1.Content, names Names, edited string, noteOnly bool, became Became) []Private {
	read := names.Read(after)
	told := Private{Kind: eventv1.NoticeKind_NOTICE_KIND_EDIT_NOT_SENT}
	switch {
	case became.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE:
		if !became.Failed {
			told.Detail = plain.Shorten(became.Text, preview)
		}
		if plainly(read) && !noteOnly {
			told.Edited = edited
		}
	case read.Shape == plain.Block && !noteOnly:
		told.Kind, told.Edited = eventv1.NoticeKind_NOTICE_KIND_EDIT_WOULD_SEND, edited
	case became.Kind == eventv1.ReplyKind_REPLY_KIND_NOTE:
		told.Kind = eventv1.NoticeKind_NOTICE_KIND_NOTE_EDITED
		if read.Shape != plain.Nothing && read.Shape != plain.Empty {
			told.Edited = edited
		}
	}
	return []Private{told}
}

// OfDelete decides what the author of a line is told when it was deleted.
func OfDelete(became Became, refused bool) []Private {
	switch {
	case became.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE && became.Failed:
		return nil
	case became.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE:
		return []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_DELETE_NOT_SENT, Detail: plain.Shorten(became.Text, preview)}}
	case became.Kind == eventv1.ReplyKind_REPLY_KIND_NOTE:
		return []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_NOTE_DELETED}}
	case refused:
		return nil
	}
	// Not known: it may have been sent.
	return []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_DELETE_NOT_SENT}}
}
