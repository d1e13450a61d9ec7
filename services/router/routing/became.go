package routing

import (
	"context"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// became answers what a line has become, from the streams: as long as commands are kept from them, and afterwards from the audit entries, which hold no text.
// What the fact except has caused itself does not count, because it may have its turn again.
func (r *Router) became(ctx context.Context, conv conversation.Conversation, ref *eventv1.SlackMessageRef, except string) (decide.Became, error) {
	for _, id := range []string{lineID(ref), replyID(ref)} {
		found, err := r.commanded(ctx, conv, id, except)
		if err != nil || found.Kind != eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED {
			return found, err
		}
	}
	return decide.Became{}, nil
}

func (r *Router) commanded(ctx context.Context, conv conversation.Conversation, id, except string) (decide.Became, error) {
	var command eventv1.KarteCommand
	there, err := r.stored.Find(ctx, bus.Sends, r.sendSubject(conv, id), &command)
	if err != nil {
		return decide.Became{}, err
	}
	if there && except != "" && command.GetCause() == except {
		return decide.Became{}, nil
	}
	if !there {
		return r.audited(ctx, conv, id)
	}
	failed, err := r.gaveUp(ctx, conv, id)
	return decide.Became{
		Kind: command.GetKind(), Text: command.GetText(), Failed: failed,
		Pressed: command.GetCause() != "", By: command.GetOrigin().GetMember(), Now: command.GetCause() != "" && r.now().Sub(command.GetIssuedAt().AsTime()) < doubleClick,
	}, err
}

// doubleClick is how far two presses are apart that are meant as one.
const doubleClick = 10 * time.Second

// gaveUp reports whether ingest-karte has told that a command was given up, and not that it was delivered.
func (r *Router) gaveUp(ctx context.Context, conv conversation.Conversation, id string) (bool, error) {
	told := func(kind string) (bool, error) {
		return r.stored.Find(ctx, bus.Talk, bus.TalkSubject(r.partitions, conv.Project, conv.Origin, kind, kind+"-"+id), &eventv1.TalkFact{})
	}
	failed, err := told("failed")
	if err != nil || !failed {
		return false, err
	}
	delivered, err := told("delivered")
	return !delivered, err
}

// audited looks for the entry that says that a command was delivered.
func (r *Router) audited(ctx context.Context, conv conversation.Conversation, id string) (decide.Became, error) {
	var entry eventv1.AuditEntry
	there, err := r.stored.Find(ctx, bus.Audit, bus.AuditSubject(conv.Project, "reply-delivered-"+id), &entry)
	if err != nil || !there {
		return decide.Became{}, err
	}
	if entry.GetAction() == "note" {
		return decide.Became{Kind: eventv1.ReplyKind_REPLY_KIND_NOTE}, nil
	}
	return decide.Became{Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE}, nil
}

// sentByShortcut reports whether somebody has sent a line on purpose before the line itself was told: it was sent once already.
func (r *Router) sentByShortcut(ctx context.Context, conv conversation.Conversation, ref *eventv1.SlackMessageRef) (bool, error) {
	there, err := r.stored.Find(ctx, bus.Sends, r.sendSubject(conv, lineID(ref)), &eventv1.KarteCommand{})
	if there {
		r.decided("ignored: sent before")
	}
	return there, err
}

// edited tells the author of a line that was edited what the customer and KARTE still have, and offers what may be done.
func (r *Router) edited(ctx context.Context, fact *eventv1.SlackFact, edit *eventv1.ReplyEdited) error {
	return r.afterthought(ctx, fact, edit.GetAuthor(), edit.GetTs(), edit.GetAfter(), func(a afterthought) []decide.Private {
		return decide.OfEdit(edit.GetAfter(), a.names, edit.GetEditedTs(), a.noteOnly, a.became)
	})
}

// deleted tells the author of a line that was deleted what remains of it.
func (r *Router) deleted(ctx context.Context, fact *eventv1.SlackFact, deletion *eventv1.ReplyDeleted) error {
	return r.afterthought(ctx, fact, deletion.GetAuthor(), deletion.GetTs(), nil, func(a afterthought) []decide.Private {
		return decide.OfDelete(a.became, a.refused)
	})
}

// afterthought is what is known of a line that was changed or removed.
type afterthought struct {
	became   decide.Became
	names    decide.Names
	noteOnly bool
	// refused: nothing was made of it when it was written.
	refused bool
}

// afterthought tells the author of a line what decide says; those who may not send are told nothing.
func (r *Router) afterthought(ctx context.Context, fact *eventv1.SlackFact, author *eventv1.Author, ts string, content *eventv1.Content, of func(afterthought) []decide.Private) error {
	conv, team, err := r.thread(ctx, fact)
	if err != nil || team == nil || author.GetBot() || author.GetMember() == "" {
		return err
	}
	operator, err := r.operatorOf(ctx, conv.Project, author.GetMember(), team)
	if err != nil || operator == "" {
		return err
	}
	member, names, err := r.names(ctx, fact.GetTeam(), author.GetMember(), content)
	if err != nil {
		return err
	}
	actor := decide.Actor{Author: author, Home: fact.GetTeam(), Member: member, RepliesEnabled: true, Operator: operator}
	if decide.Refused(actor) != eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED {
		return nil
	}
	ref := reference(fact, ts, author.GetMember())
	about := afterthought{names: names, noteOnly: !team.GetThreadRepliesEnabled() || r.noteOnly(team, fact.GetChannel())}
	if about.became, err = r.became(ctx, conv, ref, ""); err != nil {
		return err
	}
	verdict, err := r.conversations.Verdict(ctx, "slack-"+ref.GetTeam()+"-"+ref.GetChannel()+"-"+ref.GetTs())
	if err != nil {
		return err
	}
	about.refused = verdict == conversation.Refused
	return r.tell(ctx, fact.GetId(), ref, of(about), decide.PrivateLanguage(member, decide.Language(team)))
}
