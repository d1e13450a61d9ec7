package settings

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// GetTeam answers the settings of a project. One that was never configured, or cannot exist, has the defaults: everything off
// and EmptyEtag.
func (s *Store) GetTeam(ctx context.Context, project string) (*settingsv1.TeamSettings, error) {
	_, team, err := s.readTeam(ctx, project)
	return team, err
}

// UpdateTeam applies change to the settings of a project and answers them as stored. With a non-empty etag it returns ErrStale
// unless that is the etag of what is stored; without, it starts over when somebody else was faster, so change may be called
// several times. Whatever change does to name, etag and update time is overwritten. An error of change ends the update and is
// returned; a result that breaks a rule gives an *InvalidError.
func (s *Store) UpdateTeam(
	ctx context.Context, project string, change func(*settingsv1.TeamSettings) error, etag string,
) (*settingsv1.TeamSettings, error) {
	for range maxAttempts {
		raw, team, err := s.readTeam(ctx, project)
		if err != nil {
			return nil, err
		}
		if etag != "" && etag != team.GetEtag() {
			break
		}
		if err := change(team); err != nil {
			return nil, err
		}
		verdict, err := s.writeTeam(ctx, project, raw, team)
		if err != nil {
			return nil, err
		}
		if verdict == verdictOK {
			return team, nil
		}
	}
	return nil, fmt.Errorf("update settings of project %s: %w", project, ErrStale)
}

// readTeam answers the settings and the bytes they were stored as, which a change is compared with.
func (s *Store) readTeam(ctx context.Context, project string) (raw string, team *settingsv1.TeamSettings, err error) {
	err = s.step(ctx, "read settings of project "+project, func(ctx context.Context) error {
		raw, err = s.redis.Get(ctx, TeamKey(project)).Result()
		return err
	})
	if err != nil {
		return "", nil, err
	}
	team = &settingsv1.TeamSettings{Etag: EmptyEtag}
	if err := decode(raw, team); err != nil {
		return "", nil, err
	}
	team.Name = TeamName(project)
	return raw, team, nil
}

func (s *Store) writeTeam(ctx context.Context, project, before string, team *settingsv1.TeamSettings) (string, error) {
	s.stampTeam(project, team)
	if err := CheckTeam(team); err != nil {
		return "", err
	}
	after, err := encode(team)
	if err != nil {
		return "", err
	}
	if before == "" {
		if err := s.enter(ctx, project); err != nil {
			return "", err
		}
	}
	return s.run(ctx, "write settings of project "+project, setTeam, []string{TeamKey(project)}, before, after, changes, project)
}

func (s *Store) stampTeam(project string, team *settingsv1.TeamSettings) {
	team.Name, team.Etag, team.UpdateTime = TeamName(project), newEtag(), timestamppb.New(s.now())
}
