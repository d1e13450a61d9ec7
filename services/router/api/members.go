package api

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/decide"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// memberKey names in a call's metadata the member on whose behalf it is made, as <team>/<member>.
const memberKey = "slacktalk-member"

var memberName = regexp.MustCompile(`^([TE][A-Z0-9]{2,20})/([UW][A-Z0-9]{2,20})$`)

// People answers who somebody in Slack is.
type People interface {
	Ask(ctx context.Context, request *eventv1.MembersRequest) (*eventv1.MembersResponse, error)
}

// member is on whose behalf a call is made; nobody when its id is empty.
type member struct{ team, id string }

// right is what a member of the project's workspace needs for a method; nil: it is not for members.
type right struct {
	// words are for the document.
	words string
	holds func(m standing, request any) bool
}

// standing is what a member is in a project.
type standing struct {
	id string
	// team is the workspace of the member.
	team string
	// operator is whom they are linked to; empty when nobody.
	operator string
	settings *settingsv1.TeamSettings
}

func (s standing) admin() bool {
	for _, admin := range s.settings.GetAdmins() {
		if admin == s.id {
			return true
		}
	}
	return false
}

// mayLink says whether they may link themselves, or end their link.
func (s standing) mayLink() bool { return s.admin() || !s.settings.GetSelfLinkingDisabled() }

// The rights.
var (
	anyMember = &right{words: "members", holds: func(standing, any) bool { return true }}
	// adminsOnly are those whom the settings of the project list.
	adminsOnly = &right{words: "admins of the project", holds: func(m standing, _ any) bool { return m.admin() }}
	// changeSettings does not let them hand the project to another workspace, whose members are none of theirs.
	changeSettings = &right{words: "admins of the project, except the workspace", holds: func(m standing, request any) bool {
		r, ok := request.(*settingsv1.UpdateTeamSettingsRequest)
		return ok && m.admin() && !touches(r.GetUpdateMask().GetPaths(), "workspace")
	}}
	// linkOneself: that the operator is free, and stays so until it is done, is seen to by the service.
	linkOneself = &right{words: "members, themselves, to a free operator", holds: func(m standing, request any) bool {
		r, ok := request.(*settingsv1.SetOperatorLinkRequest)
		return ok && m.mayLink() && r.GetOperatorLink().GetSlackMember() == m.id
	}}
	unlinkOneself = &right{words: "members, themselves", holds: func(m standing, request any) bool {
		r, ok := request.(*settingsv1.DeleteOperatorLinkRequest)
		return ok && m.mayLink() && m.operator != "" && strings.HasSuffix(r.GetName(), "/operators/"+m.operator)
	}}
	// ownConversations: their own, and those of the channel in which they are asking.
	ownConversations = &right{words: "linked members: their own, or of one channel", holds: func(m standing, request any) bool {
		r, ok := request.(*adminv1.ListConversationsRequest)
		return ok && m.operator != "" && (r.GetFilter() == fmt.Sprintf("assignee = %q", m.operator) || ofOneChannel.MatchString(r.GetFilter()))
	}}
	// ownWorkspace is the right of a method that is about no single project.
	ownWorkspace = &right{words: "members, of their workspace", holds: func(m standing, request any) bool {
		r, ok := request.(*settingsv1.ListTeamSettingsRequest)
		return ok && r.GetWorkspace() == m.team
	}}
)

var ofOneChannel = regexp.MustCompile(`^channel = "[CG][A-Z0-9]{2,20}"$`)

// touches reports whether a mask changes a field.
func touches(paths []string, field string) bool {
	for _, path := range paths {
		if top, _, _ := strings.Cut(path, "."); top == field || top == "*" {
			return true
		}
	}
	return false
}

// errNotForMembers is the same for everything that a member may not do in a project of their workspace, errNotTheirs for all other projects.
var (
	errNotForMembers = refusal(codes.PermissionDenied, "MEMBER_NOT_ALLOWED", "this member may not do this")
	errNotTheirs     = refusal(codes.PermissionDenied, "PROJECT_NOT_ALLOWED", "this member is no full member of a workspace with this project")
	errSilent        = refusal(codes.Unavailable, "SLACK_SILENT", "Slack does not say right now who this member is; try again later")
)

// recorded says whether an attempt stands in the project's audit: as with tokens, one by somebody who has no business in the project is only logged.
func (c Caller) recorded(method string, err error) bool {
	return c.member.id == "" || access[method].member != nil && !errors.Is(err, errNotTheirs) && !errors.Is(err, errSilent)
}

// onBehalf answers the caller as the member that the call names; without one the caller as it is.
func onBehalf(ctx context.Context, caller Caller) (Caller, error) {
	values := metadata.ValueFromIncomingContext(ctx, memberKey)
	if len(values) == 0 {
		return caller, nil
	}
	if !caller.actsForMembers {
		return Caller{}, refusal(codes.PermissionDenied, "ACTS_FOR_NOBODY", "this token may not call on behalf of members")
	}
	parts := memberName.FindStringSubmatch(values[0])
	if len(values) != 1 || parts == nil {
		return Caller{}, refusal(codes.InvalidArgument, "MEMBER_INVALID", "slacktalk-member is not <team>/<member>")
	}
	// What the token itself may do is not the member's.
	caller.Role, caller.member = 0, member{team: parts[1], id: parts[2]}
	return caller, nil
}

// allowMember refuses what a member may not do. Everything that is not known counts against them.
func (g *guard) allowMember(ctx context.Context, caller Caller, method string, request any) error {
	row := access[method]
	if row.member == nil {
		return errNotForMembers
	}
	project, ok := projectOf(row.resource(request))
	global := row.member == ownWorkspace && project == anyProject
	if !ok || !global && (project == anyProject || !caller.mayUse(project)) {
		return errNotTheirs
	}
	colleague, err := g.colleague(ctx, caller.member)
	if err != nil {
		return err
	}
	if !colleague {
		return errNotTheirs
	}
	m, err := g.standing(ctx, caller.member, project, global)
	if err != nil {
		return err
	}
	if !global && m.settings.GetWorkspace() != m.team {
		return errNotTheirs
	}
	err = checkContract(request)
	switch {
	case err != nil:
		return err
	case !row.member.holds(m, request):
		return errNotForMembers
	}
	return nil
}

// colleague asks whether somebody is a full member of the workspace.
func (g *guard) colleague(ctx context.Context, m member) (bool, error) {
	if g.people == nil {
		return false, errSilent
	}
	answer, err := g.people.Ask(ctx, &eventv1.MembersRequest{Team: m.team, Members: []string{m.id}})
	if err != nil {
		g.log.WarnContext(ctx, "nobody says who a member is", "team", m.team, "member", m.id, "err", err)
		return false, errSilent
	}
	for _, known := range answer.GetMembers() {
		if known.GetId() == m.id {
			return decide.Colleague(known, m.team), nil
		}
	}
	return false, nil
}

func (g *guard) standing(ctx context.Context, m member, project string, global bool) (standing, error) {
	s := standing{id: m.id, team: m.team}
	if global {
		return s, nil
	}
	var err error
	if s.settings, err = g.store.GetTeam(ctx, project); err != nil {
		return s, err
	}
	s.operator, _, err = g.store.OperatorOf(ctx, project, m.id)
	return s, err
}

// free lets a member's own change of a link through only as long as the operator is nobody else's, and has stayed so.
func (s *service) free(ctx context.Context, link *settingsv1.OperatorLink) (*settingsv1.OperatorLink, error) {
	m := callerOf(ctx).member
	if m.id == "" {
		return link, nil
	}
	project, operator, err := settings.ParseLinkName(link.GetName())
	if err != nil {
		return nil, err
	}
	current, etag, err := s.store.LinkedTo(ctx, project, operator)
	switch {
	case err != nil:
		return nil, err
	case current != "" && current != m.id:
		return nil, refusal(codes.FailedPrecondition, "OPERATOR_TAKEN", "this operator is linked to somebody else")
	case link.GetEtag() != "" && link.GetEtag() != etag:
		return nil, settings.ErrStale
	}
	pinned := &settingsv1.OperatorLink{Name: link.GetName(), Etag: etag, SlackMember: m.id, DisplayName: link.GetDisplayName()}
	return pinned, nil
}
