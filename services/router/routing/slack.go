package routing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

const (
	// settled is how long a reply waits for its thread to become known by itself: the head may have been posted a moment ago.
	settled = 5 * time.Second
	// unknownThread is how long it waits for Slack to say whose thread it is: a minute, were it not that the clock of the slack-gateway that
	// received it and ours may be minutes apart.
	unknownThread = 5 * time.Minute
	// ownThread is how long it does where Slack's event said that the head is ours.
	ownThread = 72 * time.Hour
	// unchecked is how long a reply waits for Slack to say what was written before it.
	unchecked = 5 * time.Minute
	// gesture is how long two messages with the same client_msg_id and the same words are taken for one.
	gesture = time.Hour
)

var (
	errThreadUnknown   = errors.New("the thread is not known yet")
	errSettingsChanged = errors.New("the settings were written anew meanwhile")
)

// Slack handles one fact of SLACK.
func (r *Router) Slack(ctx context.Context, m bus.Message) error {
	var fact eventv1.SlackFact
	if err := bus.Decode(m, &fact); err != nil {
		return err
	}
	if err := r.whereItIs(ctx, &fact); err != nil {
		return fmt.Errorf("slack fact %s: %w", fact.GetId(), err)
	}
	var err error
	switch f := fact.GetFact().(type) {
	case *eventv1.SlackFact_ReplyWritten:
		err = r.reply(ctx, &fact, f.ReplyWritten)
	case *eventv1.SlackFact_ReplyEdited:
		err = r.edited(ctx, &fact, f.ReplyEdited)
	case *eventv1.SlackFact_ReplyDeleted:
		err = r.deleted(ctx, &fact, f.ReplyDeleted)
	case *eventv1.SlackFact_ActionPressed:
		err = r.pressed(ctx, &fact, f.ActionPressed)
	case *eventv1.SlackFact_MessageComposed:
		err = r.composed(ctx, &fact, f.MessageComposed)
	case *eventv1.SlackFact_ThreadOpened:
		err = r.threadOpened(ctx, &fact, f.ThreadOpened)
	case *eventv1.SlackFact_LaneParked:
		err = r.laneParked(ctx, &fact, f.LaneParked)
	case *eventv1.SlackFact_InstallationEnded:
		err = r.installationEnded(ctx, &fact, f.InstallationEnded)
	case *eventv1.SlackFact_PostFailed:
		err = r.postFailed(ctx, &fact, f.PostFailed)
	case *eventv1.SlackFact_Posted:
		err = r.posted(ctx, &fact, f.Posted)
	default:
		err = r.unknown(m, &fact)
	}
	if err != nil {
		return fmt.Errorf("slack fact %s: %w", fact.GetId(), err)
	}
	return nil
}

// reply acts on what somebody wrote in a thread, and before it on what was written there earlier but not delivered yet.
func (r *Router) reply(ctx context.Context, fact *eventv1.SlackFact, written *eventv1.ReplyWritten) error {
	conv, team, err := r.thread(ctx, fact)
	if err != nil || team == nil {
		return err
	}
	missed, err := r.threads.Missed(ctx, fact, conv.Record.GetCreateTime().AsTime())
	if err != nil && r.now().Sub(fact.GetReceivedAt().AsTime()) < unchecked {
		return err
	}
	if err != nil {
		r.log.WarnContext(ctx, "a reply goes on without knowing what was written before it", "fact", fact.GetId(), "err", err)
	}
	for _, earlier := range missed {
		err := r.actOn(ctx, earlier, earlier.GetReplyWritten(), conv, team)
		if _, permanent := retry.Reason(err); err != nil && !permanent { // what cannot be done ends when its own turn comes
			return fmt.Errorf("earlier reply %s: %w", earlier.GetId(), err)
		}
	}
	return r.actOn(ctx, fact, written, conv, team)
}

// actOn decides what becomes of a reply. It is done again for one that was missed when its own turn comes: the commands are the same.
func (r *Router) actOn(ctx context.Context, fact *eventv1.SlackFact, written *eventv1.ReplyWritten, conv conversation.Conversation, team *settingsv1.TeamSettings) error {
	if id := written.GetClientMsgId(); id != "" {
		key := conversation.GestureKey(fact.GetTeam(), id, fact.GetThreadTs(), decide.Names{}.Text(written.GetContent()))
		first, err := r.conversations.First(ctx, key, written.GetTs(), gesture)
		if err != nil {
			return err
		}
		if !first {
			r.decided("ignored: same gesture")
			return nil
		}
	}
	author := written.GetAuthor().GetMember()
	input, err := r.input(ctx, fact, written, conv, team)
	if err != nil {
		return err
	}
	ref := reference(fact, written.GetTs(), author)
	outcome := decide.OfReply(input)
	if stands, err := r.stands(ctx, fact, conv, outcome); err != nil || !stands {
		return err
	}
	if before, err := r.sentByShortcut(ctx, conv, ref); err != nil || before {
		return err
	}
	if err := r.send(ctx, fact, conv, input.Operator, outcome, ref); err != nil {
		return err
	}
	if err := r.conversations.Decided(ctx, fact.GetId(), verdict(outcome)); err != nil {
		return err
	}
	notices, err := r.withHint(ctx, fact, conv.Project, input, outcome)
	if err != nil {
		return err
	}
	return r.tell(ctx, fact.GetId(), ref, notices, decide.PrivateLanguage(input.Author, decide.Language(team)))
}

// withHint tells, once for each link of an operator to a member, how replies reach the customer. Whoever is told something else about their reply is not told two things at
// once: they read it with the next one.
func (r *Router) withHint(ctx context.Context, fact *eventv1.SlackFact, project string, input decide.Reply, outcome decide.Outcome) ([]decide.Private, error) {
	if outcome.Kind == eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED || len(outcome.Notices) > 0 {
		return outcome.Notices, nil
	}
	first, err := r.conversations.First(ctx, conversation.HowToSendKey(project, input.Operator, input.Author.GetId()), fact.GetId(), 0)
	if err != nil || !first {
		return nil, err
	}
	return []decide.Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_HOW_TO_SEND}}, nil
}

// stands reports whether a decision is not at odds with an earlier one about the same reply, of which its author knows: what was refused is not sent later, and
// of what was taken nobody is told that it was refused.
func (r *Router) stands(ctx context.Context, fact *eventv1.SlackFact, conv conversation.Conversation, outcome decide.Outcome) (bool, error) {
	before, err := r.conversations.Verdict(ctx, fact.GetId())
	if err != nil {
		return false, err
	}
	if before == conversation.Undecided && verdict(outcome) == conversation.Refused && conv.Origin != "" {
		// Whoever took it may have died before that was noted.
		sent, err := r.stored.Find(ctx, bus.Sends, r.sendSubject(conv, commandOf(fact)), &eventv1.KarteCommand{})
		if err != nil {
			return false, err
		}
		if sent {
			before = conversation.Taken
		}
	}
	if before != conversation.Undecided && before != verdict(outcome) {
		r.decided("ignored: decided before")
		return false, nil
	}
	return true, nil
}

// commandOf is the id of the command that sends what a fact tells.
func commandOf(fact *eventv1.SlackFact) string { return "reply-" + fact.GetId() }

func verdict(outcome decide.Outcome) conversation.Verdict {
	if outcome.Kind == eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED {
		return conversation.Refused
	}
	return conversation.Taken
}

// thread answers the conversation of a fact's thread and its project's settings; nil settings when it is none of ours.
func (r *Router) thread(ctx context.Context, fact *eventv1.SlackFact) (conversation.Conversation, *settingsv1.TeamSettings, error) {
	conv, ok, err := r.conversations.ByThread(ctx, fact.GetTeam(), fact.GetChannel(), fact.GetThreadTs())
	if err != nil {
		return conv, nil, err
	}
	if !ok {
		if conv, ok, err = r.adopt(ctx, fact); err != nil {
			return conv, nil, err
		}
	}
	if !ok {
		r.decided("ignored: not our thread")
		return conv, nil, nil
	}
	team, err := r.team(ctx, conv.Project)
	return conv, team, err
}

// adopt asks Slack whose thread it is, when nothing here knows it.
func (r *Router) adopt(ctx context.Context, fact *eventv1.SlackFact) (conv conversation.Conversation, ok bool, err error) {
	age, patience := r.now().Sub(fact.GetReceivedAt().AsTime()), unknownThread
	if fact.GetReplyWritten().GetOwnThread() {
		patience = ownThread
	}
	if age >= 0 && age < settled { // what comes from the future has been received by a clock that is wrong
		return conv, false, retry.After(time.Second, errThreadUnknown)
	}
	project, id, known, err := r.threads.Owner(ctx, fact.GetTeam(), fact.GetChannel(), fact.GetThreadTs())
	switch {
	case !known && age < patience:
		return conv, false, retry.After(10*time.Second, errors.Join(errThreadUnknown, err))
	case !known, id == "":
		return conv, false, nil
	}
	renamed, err := r.renamed(ctx, fact, project, id)
	if err != nil {
		return conv, false, err
	}
	if renamed && age < patience {
		return conv, false, retry.After(time.Second, errRenamed)
	}
	return r.conversations.Adopt(ctx, fact.GetTeam(), fact.GetChannel(), fact.GetThreadTs(), project, id)
}

// input gathers what decides.
func (r *Router) input(ctx context.Context, fact *eventv1.SlackFact, written *eventv1.ReplyWritten, conv conversation.Conversation, team *settingsv1.TeamSettings) (decide.Reply, error) {
	author := written.GetAuthor().GetMember()
	member, names, err := r.names(ctx, fact.GetTeam(), author, written.GetContent())
	if err != nil {
		return decide.Reply{}, err
	}
	operator, err := r.operatorOf(ctx, conv.Project, author, team)
	if err != nil {
		return decide.Reply{}, err
	}
	return decide.Reply{
		Written: written, Home: fact.GetTeam(), Author: member, RepliesEnabled: team.GetThreadRepliesEnabled(), Operator: operator,
		NoteOnly: r.noteOnly(team, fact.GetChannel()), Names: names,
	}, nil
}

// names answers how Slack describes a member, nil when it does not know them, and what a customer may read of what content mentions.
func (r *Router) names(ctx context.Context, team, member string, content *eventv1.Content) (*eventv1.Member, decide.Names, error) {
	members, groups, channels := decide.Unresolved(content)
	who, err := r.people.Ask(ctx, &eventv1.MembersRequest{Team: team, Members: append(members, member), UserGroups: groups, Channels: channels})
	if err != nil {
		return nil, decide.Names{}, err
	}
	names := decide.Names{Members: map[string]string{}, UserGroups: who.GetUserGroups(), Channels: who.GetChannels()}
	var described *eventv1.Member
	for _, m := range who.GetMembers() {
		names.Members[m.GetId()] = m.GetDisplayName()
		if m.GetId() == member {
			described = m
		}
	}
	return described, names, nil
}

// operatorOf answers whom a member is linked to; empty when nobody. That there is no link counts only while the settings are still those
// that were read before it: a Redis that was emptied meanwhile knows no links either, and a refusal cannot be taken back.
func (r *Router) operatorOf(ctx context.Context, project, member string, before *settingsv1.TeamSettings) (string, error) {
	operator, linked, err := r.settings.OperatorOf(ctx, project, member)
	if err != nil {
		return "", fmt.Errorf("operator of %s: %w", member, err)
	}
	if linked {
		return operator, nil
	}
	now, err := r.team(ctx, project)
	if err != nil {
		return "", err
	}
	if !now.GetUpdateTime().AsTime().Equal(before.GetUpdateTime().AsTime()) {
		return "", errSettingsChanged
	}
	return "", nil
}

// send publishes what goes to KARTE.
func (r *Router) send(ctx context.Context, fact *eventv1.SlackFact, conv conversation.Conversation, operator string, outcome decide.Outcome, ref *eventv1.SlackMessageRef) error {
	switch outcome.Kind {
	case eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED:
		r.decided("refused")
		return nil
	case eventv1.ReplyKind_REPLY_KIND_MESSAGE:
		r.decided("message")
		if err := r.conversations.Remember(ctx, conv, operator, outcome.Text, r.echoWindow); err != nil {
			return err
		}
	case eventv1.ReplyKind_REPLY_KIND_NOTE:
		r.decided("note")
	}
	id := commandOf(fact)
	_, err := r.publisher.Once(ctx, bus.Sends, r.sendSubject(conv, id), &eventv1.KarteCommand{
		Id: id, Project: conv.Project, Conversation: conv.Origin, Customer: conv.Record.GetCustomer(), Operator: operator,
		Kind: outcome.Kind, Text: outcome.Text, Origin: ref, IssuedAt: timestamppb.New(r.now()),
	})
	return err
}

func (r *Router) laneParked(ctx context.Context, fact *eventv1.SlackFact, parked *eventv1.LaneParked) error {
	if parked.GetEnded() {
		r.decided("ignored: the app is not in the workspace")
		return nil
	}
	team, err := r.team(ctx, parked.GetProject())
	if err != nil {
		return err
	}
	return r.admins(ctx, fact.GetId(), team, eventv1.NoticeKind_NOTICE_KIND_LANE_PARKED, parked.GetDetail(), channelOf(fact))
}

// postFailed tells the project's admins that a line could not be posted, at most once an hour and channel. What belongs to no project was a
// mark: whoever it was for sees that it is missing.
func (r *Router) postFailed(ctx context.Context, fact *eventv1.SlackFact, failed *eventv1.PostFailed) error {
	if failed.GetProject() == "" {
		return nil
	}
	team, err := r.team(ctx, failed.GetProject())
	if err != nil {
		return err
	}
	cause := fmt.Sprintf("post-failed-%s-%s-%s", fact.GetTeam(), fact.GetChannel(), fact.GetOccurredAt().AsTime().Format("2006-01-02T15"))
	return r.admins(ctx, cause, team, eventv1.NoticeKind_NOTICE_KIND_POST_FAILED, failed.GetDetail(), channelOf(fact))
}

func channelOf(fact *eventv1.SlackFact) *eventv1.SlackMessageRef {
	return &eventv1.SlackMessageRef{Team: fact.GetTeam(), Channel: fact.GetChannel()}
}

func reference(fact *eventv1.SlackFact, ts, member string) *eventv1.SlackMessageRef {
	return &eventv1.SlackMessageRef{Team: fact.GetTeam(), Channel: fact.GetChannel(), ThreadTs: fact.GetThreadTs(), Ts: ts, Member: member}
}
