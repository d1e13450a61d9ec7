package api

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// WatchTeamSettings ends without an error when the server stops; the caller goes on elsewhere with the etag last seen.
func (s *service) WatchTeamSettings(
	r *settingsv1.WatchTeamSettingsRequest, stream grpc.ServerStreamingServer[settingsv1.WatchTeamSettingsResponse],
) error {
	if s.watches == nil {
		return status.Error(codes.Unimplemented, "this router does not hear of changes")
	}
	project, err := settings.ParseTeamName(r.GetName())
	if err != nil {
		return err
	}
	return s.watches.Watch(stream.Context(), project, r.GetEtag(), func(team *settingsv1.TeamSettings) error {
		return stream.Send(&settingsv1.WatchTeamSettingsResponse{TeamSettings: team})
	})
}
