// Package decide holds the decisions of the router as functions from values to values.
package decide

import (
	"strings"
	"unicode"

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

// Private is a notice to the author.
type Private struct {
	Kind   eventv1.NoticeKind
	Detail string
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
	for _, file := range r.Written.GetFiles() {
		out.Notices = append(out.Notices, Private{Kind: eventv1.NoticeKind_NOTICE_KIND_FILE_NOT_SENT, Detail: file.GetName()})
	}
	return out
}

// ofContent is the fence rule.
func ofContent(content *eventv1.Content, names Names) Outcome {
	code, other, fence := 0, false, false
	for _, block := range content.GetBlocks() {
		text := names.plain(block)
		if block.GetKind() == eventv1.Block_KIND_CODE {
			code++
			continue
		}
		// A mention of something without a name to show is something that was written, too.
		other = other || strings.TrimSpace(text) != "" || mentions(block)
		fence = fence || strings.Contains(text, "```")
	}
	whole := names.Text(content)
	switch {
	case blank(whole) && code > 0:
		return Outcome{Notices: []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_EMPTY}}}
	case strings.TrimSpace(whole) == "":
		return Outcome{}
	case code == 1 && !other:
		return Outcome{Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Text: onlyCode(content, names)}
	case code > 0 || fence:
		return Outcome{Kind: eventv1.ReplyKind_REPLY_KIND_NOTE, Text: whole, Notices: []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_MIXED}}}
	}
	return Outcome{Kind: eventv1.ReplyKind_REPLY_KIND_NOTE, Text: whole}
}

// blank reports whether a text shows nothing: white space, and characters that only join or mark others.
func blank(text string) bool {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }) == ""
}

// mentions reports whether a block holds anything but literal text.
func mentions(block *eventv1.Block) bool {
	for _, inline := range block.GetInlines() {
		if _, literal := inline.GetInline().(*eventv1.Inline_Text); !literal {
			return true
		}
	}
	return false
}

// onlyCode answers the content of the one code block, without the blank text that may stand around it.
func onlyCode(content *eventv1.Content, names Names) string {
	for _, block := range content.GetBlocks() {
		if block.GetKind() == eventv1.Block_KIND_CODE {
			return strings.TrimRight(names.plain(block), "\n")
		}
	}
	return ""
}

// Names resolves ids to what a customer may read. What is not in it is said in general words: ids never reach a customer.
type Names struct {
	Members    map[string]string
	UserGroups map[string]string
	Channels   map[string]string
}

// Unresolved lists the ids that content mentions.
func Unresolved(content *eventv1.Content) (members, userGroups, channels []string) {
	for _, block := range content.GetBlocks() {
		for _, inline := range block.GetInlines() {
			switch in := inline.GetInline().(type) {
			case *eventv1.Inline_Member:
				members = append(members, in.Member)
			case *eventv1.Inline_UserGroup:
				userGroups = append(userGroups, in.UserGroup)
			case *eventv1.Inline_Channel:
				channels = append(channels, in.Channel)
			}
		}
	}
	return members, userGroups, channels
}

// Text answers the whole content as plain text; code blocks keep lines of their own.
func (n Names) Text(content *eventv1.Content) string {
	var out strings.Builder
	for _, block := range content.GetBlocks() {
		text := n.plain(block)
		if out.Len() > 0 && block.GetKind() == eventv1.Block_KIND_CODE && !strings.HasSuffix(out.String(), "\n") {
			out.WriteByte('\n')
		}
		out.WriteString(text)
		if block.GetKind() == eventv1.Block_KIND_CODE {
			out.WriteByte('\n')
		}
	}
	return strings.TrimRight(out.String(), "\n")
}

func (n Names) plain(block *eventv1.Block) string {
	var out strings.Builder
	for _, inline := range block.GetInlines() {
		switch in := inline.GetInline().(type) {
		case *eventv1.Inline_Text:
			out.WriteString(in.Text)
		case *eventv1.Inline_Member:
			out.WriteString("@" + orElse(n.Members[in.Member], "担当者"))
		case *eventv1.Inline_UserGroup:
			out.WriteString("@" + orElse(n.UserGroups[in.UserGroup], "担当グループ"))
		case *eventv1.Inline_Channel:
			if name := n.Channels[in.Channel]; name != "" {
				out.WriteString("#" + name)
			}
		}
	}
	return out.String()
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
