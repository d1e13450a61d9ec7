package routing

import (
	"context"
	"fmt"
	"strings"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

// Workspaces knows the projects that post to a workspace.
type Workspaces interface {
	ListTeams(ctx context.Context, workspace string) ([]*settingsv1.TeamSettings, error)
}

// endedEvery is how often a project's admins are told that the app is gone: once for each time that it goes, as far as that can be known.
const endedEvery = 24 * time.Hour

// installationEnded says that the app was removed from a workspace. What is decided from then on waits in the lanes of that workspace, whose posts go on when it is
// installed again; until then its admins cannot be told there, so the notice waits as well, and says when it was.
func (r *Router) installationEnded(ctx context.Context, fact *eventv1.SlackFact, ended *eventv1.InstallationEnded) error {
	r.decided("installation ended")
	if r.workspaces == nil {
		return nil
	}
	teams, err := r.workspaces.ListTeams(ctx, fact.GetTeam())
	if err != nil {
		return fmt.Errorf("list the projects of workspace %s: %w", fact.GetTeam(), err)
	}
	for _, team := range teams {
		project := strings.TrimSuffix(strings.TrimPrefix(team.GetName(), "projects/"), "/teamSettings")
		r.log.WarnContext(ctx, "the app is gone from a project's workspace; its messages wait", "project", project, "workspace", fact.GetTeam(), "why", ended.GetEvent())
		first, err := r.conversations.First(ctx, conversation.EndedKey(project, fact.GetTeam()), fact.GetId(), endedEvery)
		if err != nil {
			return err
		}
		if !first {
			continue
		}
		since := fact.GetOccurredAt().AsTime().UTC().Format("2006-01-02 15:04 UTC")
		if err := r.admins(ctx, fact.GetId()+"-"+project, team, eventv1.NoticeKind_NOTICE_KIND_INSTALLATION_ENDED, since, nil); err != nil {
			return err
		}
	}
	return nil
}
