package api

import (
	"context"
	"fmt"
	"strings"

	"go.einride.tech/aip/fieldmask"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/listing"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// scanSize is how many links are read at once while a page is filled.
const scanSize = 1000

// serverFields of TeamSettings are written by the server alone.
var serverFields = map[string]bool{"name": true, "etag": true, "update_time": true}

// service answers SettingsService. Requests reaching it kept the rules of the contract, by callers who may make them; its
// errors are those of the store.
type service struct {
	settingsv1.UnimplementedSettingsServiceServer
	store     *settings.Store
	watches   *settings.Hub
	operators Operators
}

func (s *service) GetTeamSettings(
	ctx context.Context, r *settingsv1.GetTeamSettingsRequest,
) (*settingsv1.GetTeamSettingsResponse, error) {
	project, err := settings.ParseTeamName(r.GetName())
	if err != nil {
		return nil, err
	}
	team, err := s.store.SharedTeam(ctx, project)
	if err != nil {
		return nil, err
	}
	return &settingsv1.GetTeamSettingsResponse{TeamSettings: team}, nil
}

func (s *service) UpdateTeamSettings(
	ctx context.Context, r *settingsv1.UpdateTeamSettingsRequest,
) (*settingsv1.UpdateTeamSettingsResponse, error) {
	wanted := r.GetTeamSettings()
	project, err := settings.ParseTeamName(wanted.GetName())
	if err != nil {
		return nil, err
	}
	if err := checkMask(r.GetUpdateMask()); err != nil {
		return nil, err
	}
	change := func(team *settingsv1.TeamSettings) error {
		fieldmask.Update(r.GetUpdateMask(), team, wanted)
		return nil
	}
	team, err := s.store.UpdateTeam(ctx, project, change, wanted.GetEtag())
	if err != nil {
		return nil, inside("team_settings", err)
	}
	return &settingsv1.UpdateTeamSettingsResponse{TeamSettings: team}, nil
}

// checkMask refuses masks that name nothing, what is not there, or what only the server writes.
func checkMask(mask *fieldmaskpb.FieldMask) error {
	if len(mask.GetPaths()) == 0 {
		return invalidField("update_mask", "must name at least one field, or * for all")
	}
	if err := fieldmask.Validate(mask, &settingsv1.TeamSettings{}); err != nil {
		return invalidField("update_mask", "names something that is not a field of TeamSettings, or * beside other fields")
	}
	for _, path := range mask.GetPaths() {
		if field, _, _ := strings.Cut(path, "."); serverFields[field] {
			return invalidField("update_mask", field+" cannot be changed")
		}
	}
	return nil
}

func (s *service) ListOperatorLinks(
	ctx context.Context, r *settingsv1.ListOperatorLinksRequest,
) (*settingsv1.ListOperatorLinksResponse, error) {
	project, err := settings.ParseProjectName(r.GetParent())
	if err != nil {
		return nil, err
	}
	match, err := listing.ParseFilter(r.GetFilter(), "slack_member", "display_name", "operator")
	if err != nil {
		return nil, err
	}
	// The filter is part of what the token is for: with another one it would skip.
	pages, list := listing.Pages{Secrets: s.store}, r.GetParent()+"?"+r.GetFilter()
	after, err := pages.Open(ctx, list, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	links, next, err := s.linksThat(ctx, match, project, listing.Size(r.GetPageSize()), after)
	if err != nil {
		return nil, err
	}
	token, err := pages.Seal(ctx, list, next)
	if err != nil {
		return nil, err
	}
	return &settingsv1.ListOperatorLinksResponse{OperatorLinks: links, NextPageToken: token}, nil
}

// linksThat answers a page of the links that match, and the operator the next one begins after; empty when no more follow.
func (s *service) linksThat(
	ctx context.Context, match listing.Filter, project string, size int, after string,
) (page []*settingsv1.OperatorLink, next string, err error) {
	for {
		links, more, err := s.store.ListLinks(ctx, project, scanSize, after)
		if err != nil {
			return nil, "", err
		}
		for _, link := range links {
			_, operator, err := settings.ParseLinkName(link.GetName())
			if err != nil {
				return nil, "", fmt.Errorf("%w: %w", settings.ErrCorrupt, err)
			}
			if !match(fieldsOf(link, operator)) {
				continue
			}
			if len(page) == size {
				return page, next, nil
			}
			page, next = append(page, link), operator
		}
		if after = more; after == "" {
			return page, "", nil
		}
	}
}

// fieldsOf are what filters may name.
func fieldsOf(link *settingsv1.OperatorLink, operator string) func(field string) any {
	return func(field string) any {
		switch field {
		case "slack_member":
			return link.GetSlackMember()
		case "display_name":
			return link.GetDisplayName()
		}
		return operator
	}
}

func (s *service) GetOperatorLink(
	ctx context.Context, r *settingsv1.GetOperatorLinkRequest,
) (*settingsv1.GetOperatorLinkResponse, error) {
	project, operator, err := settings.ParseLinkName(r.GetName())
	if err != nil {
		return nil, err
	}
	link, err := s.store.GetLink(ctx, project, operator)
	if err != nil {
		return nil, err
	}
	return &settingsv1.GetOperatorLinkResponse{OperatorLink: link}, nil
}

func (s *service) SetOperatorLink(
	ctx context.Context, r *settingsv1.SetOperatorLinkRequest,
) (*settingsv1.SetOperatorLinkResponse, error) {
	wanted, err := s.free(ctx, r.GetOperatorLink())
	if err != nil {
		return nil, err
	}
	link, err := s.store.SetLink(ctx, wanted)
	if err != nil {
		return nil, inside("operator_link", err)
	}
	return &settingsv1.SetOperatorLinkResponse{OperatorLink: link}, nil
}

func (s *service) DeleteOperatorLink(ctx context.Context, r *settingsv1.DeleteOperatorLinkRequest) (*emptypb.Empty, error) {
	project, operator, err := settings.ParseLinkName(r.GetName())
	if err != nil {
		return nil, err
	}
	link, err := s.free(ctx, &settingsv1.OperatorLink{Name: r.GetName(), Etag: r.GetEtag()})
	if err != nil {
		return nil, err
	}
	if err := s.store.DeleteLink(ctx, project, operator, link.GetEtag()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}
