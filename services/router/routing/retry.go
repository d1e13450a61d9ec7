package routing

import (
	"context"
	"errors"
	"fmt"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// retry lets a command that was given up be carried out again, by whoever had it sent. What had reached KARTE is looked for first; receipts tell how it ends.
func (r *Router) retry(ctx context.Context, a action, pressed *eventv1.ActionPressed) error {
	ref := a.reference(pressed.GetTs())
	letter, err := r.letters.LetterOf(ctx, bus.Sends, pressed.GetCommandId())
	if errors.Is(err, bus.ErrNoLetter) {
		return r.notRetried(ctx, a, ref)
	}
	if err != nil {
		return err
	}
	command, err := bus.Content(letter.DeadLetter)
	if err != nil {
		return r.notRetried(ctx, a, ref)
	}
	send, ok := command.(*eventv1.KarteCommand)
	if !ok || send.GetProject() != a.conv.Project || send.GetOrigin().GetMember() != a.actor.GetMember() {
		r.decided("refused: action")
		return r.notice(ctx, a.fact.GetId(), ref, eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED, a.actor.GetMember(), a.language)
	}
	if kind := r.notNow(a, send); kind != eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED {
		r.decided("refused: action")
		return r.notice(ctx, a.fact.GetId(), ref, kind, "", a.language)
	}
	// Remembered first, because this may stop right after the letter is gone, and then come again.
	if err := r.conversations.Decided(ctx, a.fact.GetId(), conversation.Taken); err != nil {
		return err
	}
	r.decided("pressed: " + pressed.GetAction().String())
	_, err = r.letters.Replay(ctx, letter.Number, false)
	if errors.Is(err, bus.ErrNoLetter) {
		return nil // another press was faster
	}
	if err != nil {
		return fmt.Errorf("try %s again: %w", pressed.GetCommandId(), err)
	}
	return nil
}

// notNow answers why a command that was given up is not to be carried out as things are by now: it would be sent from where nothing is sent any more, or in the name of
// somebody to whom whoever presses is not linked any more.
func (r *Router) notNow(a action, send *eventv1.KarteCommand) eventv1.NoticeKind {
	switch {
	case send.GetKind() == eventv1.ReplyKind_REPLY_KIND_MESSAGE && r.noteOnly(a.team, a.fact.GetChannel()):
		return eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOTE_ONLY
	case decide.OperatorChanged(send.GetOperator(), a.operator):
		return eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED
	}
	return eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED
}

// notRetried says that there is nothing to try again, unless it was this press that did.
func (r *Router) notRetried(ctx context.Context, a action, ref *eventv1.SlackMessageRef) error {
	before, err := r.conversations.Verdict(ctx, a.fact.GetId())
	if err != nil || before == conversation.Taken {
		return err
	}
	r.decided("ignored: retried before")
	return r.notice(ctx, a.fact.GetId(), ref, eventv1.NoticeKind_NOTICE_KIND_NOT_RETRIED, "", a.language)
}
