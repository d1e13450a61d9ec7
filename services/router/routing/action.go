package routing

import (
	"context"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// action is what somebody asks for in a thread of ours.
type action struct {
	fact *eventv1.SlackFact
	conv conversation.Conversation
	team *settingsv1.TeamSettings
	// actor asks for it, member and operator are who that is; language is theirs.
	// name is what Slack calls the actor.
	actor    *eventv1.Author
	operator string
	name     string
	language string
}

// pressed acts on a button, a menu or a shortcut.
func (r *Router) pressed(ctx context.Context, fact *eventv1.SlackFact, pressed *eventv1.ActionPressed) error {
	a, ok, err := r.action(ctx, fact, pressed.GetAuthor())
	if err == nil && a.team == nil && sends(pressed.GetAction()) {
		return r.nowhere(ctx, fact, pressed.GetAuthor().GetMember(), "")
	}
	if err != nil || !ok {
		return err
	}
	switch pressed.GetAction() {
	case eventv1.Action_ACTION_SEND_BLOCK, eventv1.Action_ACTION_SEND_ALL, eventv1.Action_ACTION_KEEP_NOTE,
		eventv1.Action_ACTION_SEND_FOLLOW_UP, eventv1.Action_ACTION_NOTE_FOLLOW_UP:
		return r.aboutLine(ctx, a, pressed)
	case eventv1.Action_ACTION_RETRY:
		return r.retry(ctx, a, pressed)
	case eventv1.Action_ACTION_CLAIM, eventv1.Action_ACTION_UNASSIGN, eventv1.Action_ACTION_ASSIGN, eventv1.Action_ACTION_RESOLVE, eventv1.Action_ACTION_REOPEN:
		return r.change(ctx, a, pressed)
	default:
		r.decided("ignored: unknown action")
		return nil
	}
}

// sends reports whether whoever asks for something expects that the customer gets it, or KARTE a note: they are to hear when there is no conversation any more.
func sends(action eventv1.Action) bool {
	switch action {
	case eventv1.Action_ACTION_SEND_BLOCK, eventv1.Action_ACTION_SEND_ALL, eventv1.Action_ACTION_SEND_FOLLOW_UP, eventv1.Action_ACTION_NOTE_FOLLOW_UP, eventv1.Action_ACTION_RETRY:
		return true
	default:
		return false
	}
}

// action answers who asks for something and where; ok is false when it is not to be: they have been told.
func (r *Router) action(ctx context.Context, fact *eventv1.SlackFact, author *eventv1.Author) (a action, ok bool, err error) {
	a, refused, err := r.asked(ctx, fact, author)
	if err != nil || a.team == nil {
		return a, false, err
	}
	if refused == eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED {
		return a, true, nil
	}
	r.decided("refused: action")
	return a, false, r.notice(ctx, fact.GetId(), a.reference(""), refused, author.GetMember(), a.language)
}

// asked answers who asks for something and where, and why it is not to be; there is no team when the thread is none of ours.
func (r *Router) asked(ctx context.Context, fact *eventv1.SlackFact, author *eventv1.Author) (a action, refused eventv1.NoticeKind, err error) {
	conv, team, err := r.thread(ctx, fact)
	if err != nil || team == nil {
		return a, refused, err
	}
	member, err := r.member(ctx, fact.GetTeam(), author.GetMember())
	if err != nil {
		return a, refused, err
	}
	operator, err := r.operatorOf(ctx, conv.Project, author.GetMember(), team)
	if err != nil {
		return a, refused, err
	}
	a = action{fact: fact, conv: conv, team: team, actor: author, operator: operator, name: member.GetDisplayName(), language: decide.PrivateLanguage(member, decide.Language(team))}
	return a, decide.Refused(decide.Actor{
		Author: author, Home: fact.GetTeam(), Member: member, RepliesEnabled: team.GetThreadRepliesEnabled(), Operator: operator,
	}), nil
}

// reference names a line of the thread, and whoever asks as its reader.
func (a action) reference(ts string) *eventv1.SlackMessageRef {
	return reference(a.fact, ts, a.actor.GetMember())
}

// member answers how Slack describes somebody; nil when it does not know them.
func (r *Router) member(ctx context.Context, team, id string) (*eventv1.Member, error) {
	who, err := r.people.Ask(ctx, &eventv1.MembersRequest{Team: team, Members: []string{id}})
	if err != nil {
		return nil, err
	}
	for _, member := range who.GetMembers() {
		if member.GetId() == id {
			return member, nil
		}
	}
	return nil, nil
}
