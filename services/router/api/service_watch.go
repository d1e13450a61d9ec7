package api

import (
	"google.golang.org/grpc"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func (s *service) WatchTeamSettings(
	r *settingsv1.WatchTeamSettingsRequest, stream grpc.ServerStreamingServer[settingsv1.WatchTeamSettingsResponse],
) error {
	project, err := settings.ParseTeamName(r.GetName())
	if err != nil {
		return err
	}
	team, err := s.store.GetTeam(stream.Context(), project)
	if err != nil {
		return err
	}
	if err := stream.Send(&settingsv1.WatchTeamSettingsResponse{TeamSettings: team}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}
