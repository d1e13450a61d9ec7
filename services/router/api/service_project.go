package api

import (
	"context"
	"errors"
	"fmt"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func (s *service) ExportProject(ctx context.Context, r *settingsv1.ExportProjectRequest) (*settingsv1.ExportProjectResponse, error) {
	project, err := settings.ParseProjectName(r.GetName())
	if err != nil {
		return nil, err
	}
	document, err := s.store.Export(ctx, project)
	if err != nil {
		return nil, err
	}
	return &settingsv1.ExportProjectResponse{Document: document}, nil
}

func (s *service) ImportProject(ctx context.Context, r *settingsv1.ImportProjectRequest) (*settingsv1.ImportProjectResponse, error) {
	project, err := settings.ParseProjectName(r.GetName())
	if err != nil {
		return nil, err
	}
	team, links, err := s.store.Import(ctx, project, r.GetDocument())
	if errors.Is(err, settings.ErrInvalid) {
		return nil, invalidField("document", fmt.Sprintf("%.500s", err))
	}
	if err != nil {
		return nil, err
	}
	return &settingsv1.ImportProjectResponse{TeamSettings: team, OperatorLinks: int32(links)}, nil //nolint:gosec // bounded by the size of a request
}
