package dialog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/routerapi"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

const (
	// pageSize is how much is asked for at once.
	pageSize = 1000
	// mostConversations is how many of a member's conversations are looked at.
	mostConversations = 100
	// projectsAtOnce are asked about.
	projectsAtOnce = 8
)

// projects answers the projects of the person's workspace, each as they see it.
func (d *Dialogs) projects(ctx context.Context, p Person) ([]view.Project, error) {
	ctx = routerapi.As(ctx, p.Team, p.Member)
	answer, err := d.Router.Settings.ListTeamSettings(ctx, &settingsv1.ListTeamSettingsRequest{Parent: "projects/-", Workspace: p.Team})
	if err != nil {
		return nil, fmt.Errorf("list the projects of %s: %w", p.Team, err)
	}
	projects := make([]view.Project, len(answer.GetTeamSettings()))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(projectsAtOnce)
	for i, team := range answer.GetTeamSettings() {
		group.Go(func() (err error) {
			projects[i], err = d.seen(ctx, p, team)
			return err
		})
	}
	return projects, group.Wait()
}

// project answers one of them.
func (d *Dialogs) project(ctx context.Context, p Person, id string) (view.Project, error) {
	ctx = routerapi.As(ctx, p.Team, p.Member)
	answer, err := d.Router.Settings.GetTeamSettings(ctx, &settingsv1.GetTeamSettingsRequest{Name: "projects/" + id + "/teamSettings"})
	if err != nil {
		return view.Project{}, fmt.Errorf("read the settings of project %s: %w", id, err)
	}
	return d.seen(ctx, p, answer.GetTeamSettings())
}

// seen is a project with what the person is in it; ctx acts for them.
func (d *Dialogs) seen(ctx context.Context, p Person, team *settingsv1.TeamSettings) (view.Project, error) {
	id := strings.TrimSuffix(strings.TrimPrefix(team.GetName(), "projects/"), "/teamSettings")
	team = proto.CloneOf(team)
	team.Channel = d.latest(p.Team, team.GetChannel())
	seen := view.Project{ID: id, Settings: team, Admin: slices.Contains(team.GetAdmins(), p.Member)}
	links, err := d.Router.Settings.ListOperatorLinks(ctx, &settingsv1.ListOperatorLinksRequest{Parent: "projects/" + id, Filter: fmt.Sprintf("slack_member = %q", p.Member)})
	if err != nil {
		return seen, fmt.Errorf("read the link of %s in project %s: %w", p.Member, id, err)
	}
	for _, link := range links.GetOperatorLinks() {
		_, seen.Operator, _ = strings.Cut(link.GetName(), "/operators/")
		seen.OperatorName = link.GetDisplayName()
	}
	return seen, nil
}

// latest answers by which id Slack knows a channel now.
func (d *Dialogs) latest(team, channel string) string {
	if d.Latest == nil {
		return channel
	}
	return d.Latest(team, channel)
}

// operators answers whom KARTE knows.
func (d *Dialogs) operators(ctx context.Context, p Person, project string) (all []*settingsv1.Operator, err error) {
	ctx = routerapi.As(ctx, p.Team, p.Member)
	for token := ""; ; {
		answer, err := d.Router.Settings.ListOperators(ctx, &settingsv1.ListOperatorsRequest{Parent: "projects/" + project, PageSize: pageSize, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list the operators of project %s: %w", project, err)
		}
		all = append(all, answer.GetOperators()...)
		if token = answer.GetNextPageToken(); token == "" {
			slices.SortStableFunc(all, func(a, b *settingsv1.Operator) int { return strings.Compare(a.GetDisplayName(), b.GetDisplayName()) })
			return all, nil
		}
	}
}

// conversations answers those that a filter lets through and that are not closed, with a thread; more says that there may be others.
func (d *Dialogs) conversations(ctx context.Context, p Person, project, filter string) (open []*adminv1.Conversation, more bool, err error) {
	ctx = routerapi.As(ctx, p.Team, p.Member)
	answer, err := d.Router.Conversations.ListConversations(ctx, &adminv1.ListConversationsRequest{Parent: "projects/" + project, Filter: filter, PageSize: mostConversations})
	if err != nil {
		return nil, false, fmt.Errorf("list the conversations of project %s: %w", project, err)
	}
	for _, c := range answer.GetConversations() {
		if !c.GetClosed() && c.GetThreadTs() != "" {
			open = append(open, c)
		}
	}
	return open, answer.GetNextPageToken() != "", nil
}

func ofAssignee(operator string) string { return fmt.Sprintf("assignee = %q", operator) }

func ofChannel(channel string) string { return fmt.Sprintf("channel = %q", channel) }

// connect looks whether what a project needs is there. What cannot be looked at is said to be so.
func (d *Dialogs) connect(ctx context.Context, p Person, project view.Project) view.Connection {
	var c view.Connection
	var group errgroup.Group
	group.Go(func() error {
		_, err := d.Router.Settings.ListOperators(routerapi.As(ctx, p.Team, p.Member), &settingsv1.ListOperatorsRequest{Parent: "projects/" + project.ID, PageSize: 1})
		c.KARTE = err == nil
		return nil
	})
	group.Go(func() error {
		c.Channel = d.channelState(ctx, p.Team, project.Settings.GetChannel())
		return nil
	})
	if project.Admin {
		group.Go(func() error {
			letters, err := d.Router.DeadLetters.ListDeadLetters(routerapi.As(ctx, p.Team, p.Member), &adminv1.ListDeadLettersRequest{Parent: "projects/" + project.ID})
			if err == nil {
				c.Dead, c.DeadMore = len(letters.GetDeadLetters()), letters.GetNextPageToken() != ""
			}
			return nil
		})
	}
	_ = group.Wait() // none fails
	return c
}

func (d *Dialogs) channelState(ctx context.Context, team, channel string) view.ChannelState {
	if channel == "" {
		return view.ChannelNone
	}
	place, err := d.Slack(team).Place(ctx, channel)
	return stateOf(place, err)
}

func stateOf(place *slackapi.Place, err error) view.ChannelState {
	switch {
	case err != nil:
		return view.ChannelUnknown
	case place == nil:
		return view.ChannelInvisible
	case place.Archived:
		return view.ChannelClosed
	case !place.Member:
		return view.ChannelNotIn
	}
	return view.ChannelFine
}

// problem says in words for people why a call was refused.
func problem(err error) view.Saying {
	switch reason(err) {
	case "PROJECT_NOT_ALLOWED":
		return view.Outside
	case "MEMBER_NOT_ALLOWED", "ACTS_FOR_NOBODY":
		return view.NotAllowed
	case "OPERATOR_TAKEN":
		return view.OperatorTaken
	case "MEMBER_TAKEN":
		return view.MemberTaken
	case "STALE_ETAG":
		return view.Changed
	case "KARTE_SILENT", "INGEST_KARTE_SILENT":
		return view.KARTESilent
	}
	return view.TryAgain
}

// reason is the router's own word for a refusal; empty when it did not answer.
func reason(err error) string {
	for _, detail := range statusOf(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func statusOf(err error) *status.Status {
	var told interface{ GRPCStatus() *status.Status }
	if errors.As(err, &told) {
		return told.GRPCStatus()
	}
	return status.New(codes.Unknown, "")
}

// unclear reports whether a change may have happened all the same.
func unclear(err error) bool {
	switch statusOf(err).Code() {
	case codes.DeadlineExceeded, codes.Unknown, codes.Internal, codes.Canceled:
		return true
	}
	return statusOf(err).Code() == codes.Unavailable && reason(err) == ""
}

// failed logs what is not the person's doing, and says it in words for them.
func (d *Dialogs) failed(r Request, what string, err error) view.Saying {
	d.Log.Warn("a dialog was refused", "what", what, "team", r.Team, "member", r.Member, "reason", reason(err), "err", err)
	return problem(err)
}
