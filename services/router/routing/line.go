package routing

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// askable is how long a press waits for Slack to say what its line says now. Whoever pressed has gone other ways long since.
const askable = time.Hour

// aboutLine acts on a button or shortcut about one line of a thread.
func (r *Router) aboutLine(ctx context.Context, a action, pressed *eventv1.ActionPressed) error {
	ref := a.reference(pressed.GetTs())
	press, err := r.press(ctx, a, pressed, ref)
	if err != nil {
		return err
	}
	result := decide.OfPress(press)
	if result.Kind != eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED {
		if err := r.sendLine(ctx, a, ref, pressed.GetEditedTs(), result); err != nil {
			return err
		}
	}
	r.decided("pressed: " + pressed.GetAction().String())
	return r.tell(ctx, a.fact.GetId(), ref, result.Notices, a.language)
}

// press gathers what decides.
func (r *Router) press(ctx context.Context, a action, pressed *eventv1.ActionPressed, ref *eventv1.SlackMessageRef) (decide.Press, error) {
	press := decide.Press{Pressed: pressed, NoteOnly: r.noteOnly(a.team, a.fact.GetChannel()), Operator: a.operator}
	if pressed.GetAction() == eventv1.Action_ACTION_KEEP_NOTE {
		return press, nil
	}
	var err error
	press.Line, press.Edited, err = r.threads.Line(ctx, ref)
	if err != nil && r.now().Sub(a.fact.GetReceivedAt().AsTime()) < askable {
		return press, err
	}
	if err != nil {
		r.log.WarnContext(ctx, "a press is dropped, because nobody says what its line says", "fact", a.fact.GetId(), "err", err)
	}
	if _, press.Names, err = r.names(ctx, a.fact.GetTeam(), a.actor.GetMember(), press.Line.GetContent()); err != nil {
		return press, err
	}
	press.Became, err = r.became(ctx, a.conv, ref, a.fact.GetId())
	return press, err
}

// sendLine publishes what goes to KARTE. Its id is made of the line, and of the edit that it follows up, and not of the press: whatever is pressed about them
// how often by whom, it is sent once.
func (r *Router) sendLine(ctx context.Context, a action, ref *eventv1.SlackMessageRef, edited string, result decide.Result) error {
	id := lineID(ref)
	switch {
	case result.FollowUp && result.Kind == eventv1.ReplyKind_REPLY_KIND_NOTE:
		id += "-note-" + edited
	case result.FollowUp:
		id += "-" + edited
	}
	if result.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE {
		if err := r.conversations.Remember(ctx, a.conv, a.operator, result.Text, r.echoWindow); err != nil {
			return err
		}
	}
	_, err := r.publisher.Once(ctx, bus.Sends, r.sendSubject(a.conv, id), &eventv1.KarteCommand{
		Id: id, Project: a.conv.Project, Conversation: a.conv.Origin, Customer: a.conv.Record.GetCustomer(), Operator: a.operator,
		Kind: result.Kind, Text: result.Text, Origin: ref, IssuedAt: timestamppb.New(r.now()), Cause: a.fact.GetId(),
	})
	return err
}

func (r *Router) sendSubject(conv conversation.Conversation, id string) string {
	return bus.SendSubject(r.partitions, conv.Project, conv.Origin, id)
}

// noteOnly reports whether the settings say that nothing is sent from a channel. A thread may have been opened under a later id of it than the first one, by which
// the settings name it here.
func (r *Router) noteOnly(team *settingsv1.TeamSettings, channel string) bool {
	return slices.Contains(team.GetNoteOnlyChannels(), r.first(team.GetWorkspace(), channel))
}

// lineID is the id of the command that makes a message of a line on purpose.
func lineID(ref *eventv1.SlackMessageRef) string {
	return "line-" + ref.GetTeam() + "-" + ref.GetChannel() + "-" + ref.GetTs()
}

// replyID is the id of the command that a line became when it was written; see the id of [eventv1.SlackFact].
func replyID(ref *eventv1.SlackMessageRef) string {
	return "reply-slack-" + ref.GetTeam() + "-" + ref.GetChannel() + "-" + ref.GetTs()
}

// tell tells a member in private.
func (r *Router) tell(ctx context.Context, cause string, ref *eventv1.SlackMessageRef, notices []decide.Private, language string) error {
	for _, n := range notices {
		err := r.inform(ctx, cause, &eventv1.Notice{Target: ref, Kind: n.Kind, Detail: n.Detail, EditedTs: n.Edited}, language)
		if err != nil {
			return err
		}
	}
	return nil
}

// onPurpose reports whether a command made a message of a line that may have been a note.
func onPurpose(command string) bool { return strings.HasPrefix(command, "line-") }

// failed tells, in private, whoever wrote or sent a reply that it was given up, with a button that tries again. What they wrote in a dialog they get back.
func (r *Router) failed(ctx context.Context, fact *eventv1.TalkFact, failed *eventv1.ReplyFailed, team *settingsv1.TeamSettings) error {
	notice := &eventv1.Notice{
		Target: failed.GetOrigin(), Kind: eventv1.NoticeKind_NOTICE_KIND_FAILED, Detail: failed.GetDetail(), CommandId: failed.GetCommandId(),
	}
	if failed.GetOrigin().GetTs() == "" {
		notice.Kind, notice.Text = eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED, failed.GetText()
	}
	switch failed.GetReason() {
	case eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN:
		notice.Kind = eventv1.NoticeKind_NOTICE_KIND_OUTCOME_UNKNOWN
	case eventv1.FailureReason_FAILURE_REASON_MALFORMED:
		notice.CommandId = "" // it would fail again
	default:
	}
	return r.inform(ctx, fact.GetId(), notice, r.privateLanguage(ctx, failed.GetOrigin(), team))
}

// privateLanguage is the language of the member of ref. While nobody says what theirs is, it is the project's: they are to be told now.
func (r *Router) privateLanguage(ctx context.Context, ref *eventv1.SlackMessageRef, team *settingsv1.TeamSettings) string {
	if ref.GetMember() == "" {
		return decide.Language(team)
	}
	member, err := r.member(ctx, ref.GetTeam(), ref.GetMember())
	if err != nil {
		r.log.DebugContext(ctx, "a member's language is not known", "err", err)
	}
	return decide.PrivateLanguage(member, decide.Language(team))
}
