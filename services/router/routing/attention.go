package routing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// hintEvery is how often a project's admins are told that an operator is linked to nobody.
const hintEvery = 30 * 24 * time.Hour

// attention decides who is to notice what a fact shows: the same people only for the first of several messages that follow each other quickly, a new assignee at once. A fact
// that has its turn again decides the same; where Redis has lost what was decided, somebody is mentioned once too often.
func (r *Router) attention(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, conv conversation.Conversation) (decide.Attention, error) {
	wrote := fact.GetCustomerMessage()
	if wrote.GetText() == "" && wrote.GetImageUrl() == "" {
		return decide.Attention{}, nil
	}
	member, err := r.assignee(ctx, fact, team, conv)
	if err != nil {
		return decide.Attention{}, err
	}
	attention := decide.Attend(team, member)
	if attention.Nobody() {
		return attention, nil
	}
	first, err := r.conversations.Mention(ctx, conv.Project, conv.ID, attention.Who(), fact.GetId(), decide.QuietPeriod(team))
	if err != nil || !first {
		return decide.Attention{}, err
	}
	return attention, nil
}

// assignee answers the member that the assignee is linked to; empty when nobody. For an assignee who is linked to nobody the admins get a hint.
func (r *Router) assignee(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, conv conversation.Conversation) (string, error) {
	assignee := conv.Record.GetAssignee()
	if assignee.GetId() == "" || assignee.GetBot() {
		return "", nil
	}
	member, linked, err := r.settings.MemberOf(ctx, conv.Project, assignee.GetId())
	if err != nil || linked {
		return member, err
	}
	return "", r.hint(ctx, fact, team, assignee)
}

// hint tells the project's admins, once in a long time, that an operator is linked to nobody.
func (r *Router) hint(ctx context.Context, fact *eventv1.TalkFact, team *settingsv1.TeamSettings, operator *eventv1.Operator) error {
	if len(team.GetAdmins()) == 0 {
		return nil
	}
	// A Redis that was emptied since the settings were read knows no links either.
	now, err := r.team(ctx, fact.GetProject())
	if err != nil || !now.GetUpdateTime().AsTime().Equal(team.GetUpdateTime().AsTime()) {
		return err
	}
	first, err := r.conversations.First(ctx, conversation.HintKey(fact.GetProject(), operator.GetId()), bus.Token(fact.GetId()), hintEvery)
	if err != nil || !first {
		return err
	}
	cause := "not-linked-" + bus.Token(operator.GetId()) + "-" + fact.GetId()
	return r.admins(ctx, cause, team, eventv1.NoticeKind_NOTICE_KIND_ASSIGNEE_NOT_LINKED, decide.Called(operator), nil)
}

// Idle reports whether m asks nothing of the router, so that it is done whatever waits: most posts are of this kind.
func Idle(m bus.Message) bool {
	if !strings.Contains(m.Subject, ".posted.") {
		return false
	}
	var fact eventv1.SlackFact
	return bus.Decode(m, &fact) == nil && fact.GetPosted() != nil && nothingToDo(fact.GetPosted())
}

func nothingToDo(posted *eventv1.Posted) bool {
	return posted.TellsDirectly != nil && !posted.GetTellsDirectly()
}

// posted tells those directly who were to notice a line, now that there is one to link to. What was to be told stands in the command that became the line.
func (r *Router) posted(ctx context.Context, fact *eventv1.SlackFact, posted *eventv1.Posted) error {
	if nothingToDo(posted) {
		return nil
	}
	lane := bus.Lane{Kind: bus.PostLane, Team: fact.GetTeam(), Channel: fact.GetChannel()}
	for _, id := range posted.GetCommandIds() {
		var command eventv1.SlackCommand
		there, err := r.stored.Find(ctx, bus.Posts, lane.Subject(id), &command)
		if err != nil {
			return fmt.Errorf("what %s was: %w", id, err)
		}
		if !there {
			continue // erased, or so old that nobody needs to be told any more
		}
		if err := r.tellDirectly(ctx, fact, &command, posted.GetTs()); err != nil {
			return err
		}
	}
	return nil
}

func (r *Router) tellDirectly(ctx context.Context, fact *eventv1.SlackFact, command *eventv1.SlackCommand, ts string) error {
	members := command.GetThreadPost().GetTellDirectly()
	if len(members) == 0 {
		return nil
	}
	who, err := r.people.Ask(ctx, &eventv1.MembersRequest{Team: fact.GetTeam(), Members: append([]string(nil), members...)})
	if err != nil {
		return err
	}
	known := map[string]*eventv1.Member{}
	for _, m := range who.GetMembers() {
		known[m.GetId()] = m
	}
	kind := eventv1.NoticeKind_NOTICE_KIND_CUSTOMER_WROTE
	if command.GetThreadPost().GetReminder() != nil {
		kind = eventv1.NoticeKind_NOTICE_KIND_CUSTOMER_WAITS
	}
	for _, member := range members {
		err := r.toSlack(ctx, bus.MarkLane, &eventv1.SlackCommand{
			Id: "direct-" + member + "-" + command.GetId(), Team: fact.GetTeam(), Channel: member,
			Language: decide.PrivateLanguage(known[member], command.GetLanguage()),
			Command: &eventv1.SlackCommand_DirectNotice{DirectNotice: &eventv1.DirectNotice{
				Member: member, Kind: kind, About: reference(fact, ts, ""),
			}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
