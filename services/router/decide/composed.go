package decide

import (
	"github.com/slacktalk/slacktalk/internal/plain"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Composed is everything that decides what becomes of a message that somebody wrote in a dialog.
type Composed struct {
	Message *eventv1.MessageComposed
	// Refused is why nothing of its author may reach KARTE; see the function of that name.
	Refused eventv1.NoticeKind
	// Operator is whom the author is linked to.
	Operator string
	// NoteOnly: the settings say that nothing is sent from this channel.
	NoteOnly bool
}

// OfComposed decides. It is a message or nothing, and never a note: its author has seen a dialog that said to whom and in whose name it goes.
func OfComposed(c Composed) Outcome {
	author := c.Message.GetAuthor().GetMember()
	switch {
	case c.Refused != eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED:
		return refusedWith(c.Refused, author)
	case OperatorChanged(c.Message.GetOperator(), c.Operator):
		return refusedWith(eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED, "")
	case c.NoteOnly:
		return refusedWith(eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOTE_ONLY, "")
	case plain.Blank(c.Message.GetText()):
		return refusedWith(eventv1.NoticeKind_NOTICE_KIND_EMPTY, "")
	}
	return Outcome{Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Text: c.Message.GetText()}
}

// OperatorChanged reports whether a dialog has named another operator than the one in whose name something would be sent now.
func OperatorChanged(named, now string) bool { return named != "" && named != now }

func refusedWith(kind eventv1.NoticeKind, detail string) Outcome {
	return Outcome{Notices: []Private{{Kind: kind, Detail: detail}}}
}
