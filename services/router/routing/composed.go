package routing

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/plain"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// composed acts on what somebody wrote in a dialog. The ladder is that of replies; what is sent has no line in Slack, so that the thread gets one when KARTE has it.
func (r *Router) composed(ctx context.Context, fact *eventv1.SlackFact, composed *eventv1.MessageComposed) error {
	a, refused, err := r.asked(ctx, fact, composed.GetAuthor())
	if err != nil {
		return err
	}
	if a.team == nil {
		return r.nowhere(ctx, fact, composed.GetAuthor().GetMember(), composed.GetText())
	}
	outcome := decide.OfComposed(decide.Composed{Message: composed, Refused: refused, Operator: a.operator, NoteOnly: r.noteOnly(a.team, fact.GetChannel())})
	if stands, err := r.stands(ctx, fact, a.conv, outcome); err != nil || !stands {
		return err
	}
	ref := a.reference("")
	if err := r.send(ctx, fact, a.conv, a.operator, outcome, ref); err != nil {
		return err
	}
	if err := r.conversations.Decided(ctx, fact.GetId(), verdict(outcome)); err != nil {
		return err
	}
	return r.giveBack(ctx, fact.GetId(), ref, outcome.Notices, composed.GetText(), a.language)
}

// giveBack tells a member why what they wrote in a dialog was not sent, and gives it back: it stands nowhere else.
func (r *Router) giveBack(ctx context.Context, cause string, ref *eventv1.SlackMessageRef, notices []decide.Private, text, language string) error {
	if plain.Blank(text) {
		text = ""
	}
	for _, n := range notices {
		if err := r.inform(ctx, cause, &eventv1.Notice{Target: ref, Kind: n.Kind, Detail: n.Detail, Text: text}, language); err != nil {
			return err
		}
	}
	return nil
}

// nowhere says that there is no conversation any more for what somebody wanted to send, and gives back what they wrote for it in a dialog. Nor is it sent when the fact
// comes again and its thread is found by then.
func (r *Router) nowhere(ctx context.Context, fact *eventv1.SlackFact, author, text string) error {
	if stands, err := r.stands(ctx, fact, conversation.Conversation{}, decide.Outcome{}); err != nil || !stands {
		return err
	}
	if err := r.conversations.Decided(ctx, fact.GetId(), conversation.Refused); err != nil {
		return err
	}
	member, err := r.member(ctx, fact.GetTeam(), author)
	if err != nil {
		return err
	}
	notices := []decide.Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOWHERE}}
	return r.giveBack(ctx, fact.GetId(), reference(fact, "", author), notices, text, decide.PrivateLanguage(member, "ja"))
}

// composedReceipt shows what became of a dialog's message: in the thread once KARTE has it, in private while it does not.
func (r *Router) composedReceipt(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings) error {
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_ReplyDelivered:
		return r.showSent(ctx, fact, team, f.ReplyDelivered)
	case *eventv1.TalkFact_ReplyWaiting:
		origin := f.ReplyWaiting.GetOrigin()
		return r.notice(ctx, fact.GetId(), origin, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_WAITS, "", r.privateLanguage(ctx, origin, team))
	case *eventv1.TalkFact_ReplyFailed:
		return r.failed(ctx, fact, f.ReplyFailed, team)
	}
	return nil
}

// showSent adds a line to the thread that says what was sent. Its id is made of the command, which is delivered once.
func (r *Router) showSent(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, delivered *eventv1.ReplyDelivered) error {
	origin := delivered.GetOrigin()
	conv, err := r.conversations.Find(ctx, fact.GetProject(), delivered.GetConversation())
	if errors.Is(err, conversation.ErrNotFound) || err == nil && conv.Record.GetChannel() == "" {
		return r.notice(ctx, fact.GetId(), origin, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_SENT, "", r.privateLanguage(ctx, origin, team))
	}
	if err != nil {
		return err
	}
	return r.toSlack(ctx, bus.PostLane, &eventv1.SlackCommand{
		Id: "sent-" + delivered.GetCommandId(), Team: conv.Record.GetTeam(), Channel: conv.Record.GetChannel(), Language: decide.Language(team), TimeZone: decide.TimeZone(team),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: conv.Project, Conversation: conv.ID, Customer: conv.Record.GetCustomer(), OccurredAt: sentAt(fact), OnlyInThread: true, Moves: conv.Record.GetMoves(),
			Body: &eventv1.ThreadPost_SentReply{SentReply: &eventv1.SentReply{
				Operator: r.named(ctx, conv.Project, delivered.GetOperator(), ""), Member: origin.GetMember(), Text: delivered.GetText(),
			}},
		}},
	})
}

func sentAt(fact *eventv1.TalkFact) *timestamppb.Timestamp {
	if fact.GetOccurredAt() != nil {
		return fact.GetOccurredAt()
	}
	return fact.GetReceivedAt()
}

// originOf is where the reply was written whose outcome a fact tells.
func originOf(fact *eventv1.TalkFact) *eventv1.SlackMessageRef {
	for _, outcome := range []interface {
		GetOrigin() *eventv1.SlackMessageRef
	}{fact.GetReplyDelivered(), fact.GetReplyWaiting(), fact.GetReplyFailed()} {
		if origin := outcome.GetOrigin(); origin != nil {
			return origin
		}
	}
	return nil
}
