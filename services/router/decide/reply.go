// Package decide holds the decisions of the router as functions from values to values.
package decide

import (
	"strings"

	"github.com/slacktalk/slacktalk/internal/plain"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Reply is everything that decides what becomes of a reply in a thread of ours.
type Reply struct {
	Written *eventv1.ReplyWritten
	// Home is the workspace in which the app is installed.
	Home string
	// Author as Slack describes them; nil when Slack does not know them.
	Author *eventv1.Member
	// RepliesEnabled is the team setting.
	RepliesEnabled bool
	// NoteOnly: the settings say that nothing is sent from this channel.
	NoteOnly bool
	// Operator is whom the author is linked to; empty when nobody.
	Operator string
	// Names resolve what the text mentions.
	Names Names
}

// Actor is whoever wrote the reply.
func (r Reply) Actor() Actor {
	return Actor{Author: r.Written.GetAuthor(), Home: r.Home, Member: r.Author, RepliesEnabled: r.RepliesEnabled, Operator: r.Operator}
}

// Private is a notice to whoever wrote or pressed something.
type Private struct {
	Kind   eventv1.NoticeKind
	Detail string
	// Edited is the edit that its buttons are about; empty when the line is as it was written.
	Edited string
}

// Outcome is what becomes of a reply. Kind unspecified: nothing goes to KARTE.
type Outcome struct {
	Kind    eventv1.ReplyKind
	Text    string
	Notices []Private
}

// OfReply decides. A message goes to the customer only if the whole reply is exactly one code block that has something in it,
// written by a full member of the home workspace who is linked to an operator, while thread replies are on, in a channel from which messages are sent.
func OfReply(r Reply) Outcome {
	if r.Written.GetAuthor().GetBot() || r.Author.GetBot() {
		return Outcome{}
	}
	if notice := Refused(r.Actor()); notice != eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED {
		return Outcome{Notices: []Private{{Kind: notice, Detail: r.Written.GetAuthor().GetMember()}}}
	}
	out := ofContent(r.Written.GetContent(), r.Names)
	if r.NoteOnly && out.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE {
		out.Kind = eventv1.ReplyKind_REPLY_KIND_NOTE
		out.Notices = append(out.Notices, Private{Kind: eventv1.NoticeKind_NOTICE_KIND_NOTE_ONLY})
	}
	if files := r.Written.GetFiles(); len(files) > 0 {
		out.Notices = append(out.Notices, Private{Kind: eventv1.NoticeKind_NOTICE_KIND_FILE_NOT_SENT, Detail: namesOf(files)})
	}
	return out
}

// namesOf names files in one line.
func namesOf(files []*eventv1.File) string {
	var names []string
	for _, file := range files {
		if name := strings.TrimSpace(file.GetName()); name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// ofContent is the fence rule.
func ofContent(content *eventv1.Content, names Names) Outcome {
	read := names.Read(content)
	switch read.Shape {
	case plain.Nothing:
		return Outcome{}
	case plain.Empty:
		return Outcome{Notices: []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_EMPTY}}}
	case plain.Block:
		return Outcome{Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Text: read.Block}
	default:
	}
	out := Outcome{Kind: eventv1.ReplyKind_REPLY_KIND_NOTE, Text: read.Whole}
	if question, ok := questions[read.Shape]; ok {
		out.Notices = []Private{{Kind: question}}
	}
	return out
}

// questions are what the author of a note is asked, because it looks as if somebody else than staff was to read it.
var questions = map[plain.Shape]eventv1.NoticeKind{
	plain.Mixed:    eventv1.NoticeKind_NOTICE_KIND_MIXED,
	plain.Several:  eventv1.NoticeKind_NOTICE_KIND_SEVERAL_BLOCKS,
	plain.Unclosed: eventv1.NoticeKind_NOTICE_KIND_UNCLOSED_BLOCK,
}

// Names resolves ids to what a customer may read.
type Names = plain.Names

// Unresolved lists the ids that content mentions.
func Unresolved(content *eventv1.Content) (members, userGroups, channels []string) {
	return plain.Unresolved(content)
}
