package api

import (
	"context"
	"slices"
	"strings"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/listing"
)

// ListTeamSettings pages through the projects of a workspace. A member sees those that the token in between may use, too.
func (s *service) ListTeamSettings(ctx context.Context, r *settingsv1.ListTeamSettingsRequest) (*settingsv1.ListTeamSettingsResponse, error) {
	pages, list := listing.Pages{Secrets: s.store}, r.GetParent()+"/teamSettings?"+r.GetWorkspace()
	after, err := pages.Open(ctx, list, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	teams, err := s.store.ListTeams(ctx, r.GetWorkspace())
	if err != nil {
		return nil, err
	}
	caller := callerOf(ctx)
	teams = slices.DeleteFunc(teams, func(team *settingsv1.TeamSettings) bool {
		project, ok := projectOf(team.GetName())
		return !ok || !caller.mayUse(project) || team.GetName() <= after
	})
	slices.SortFunc(teams, func(a, b *settingsv1.TeamSettings) int { return strings.Compare(a.GetName(), b.GetName()) })
	last := ""
	if size := listing.Size(r.GetPageSize()); len(teams) > size {
		teams = teams[:size]
		last = teams[size-1].GetName()
	}
	token, err := pages.Seal(ctx, list, last)
	if err != nil {
		return nil, err
	}
	return &settingsv1.ListTeamSettingsResponse{TeamSettings: teams, NextPageToken: token}, nil
}
