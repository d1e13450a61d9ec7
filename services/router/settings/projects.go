package settings

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// complete stands among the projects once all of them do; no project may be called so.
const complete = "*"

// ListTeams answers the settings of the projects that post to a workspace, by project.
func (s *Store) ListTeams(ctx context.Context, workspace string) ([]*settingsv1.TeamSettings, error) {
	projects, err := s.projects(ctx)
	if err != nil || len(projects) == 0 {
		return nil, err
	}
	slices.Sort(projects)
	raws := make([]*redis.StringCmd, len(projects))
	err = s.step(ctx, "read settings of the projects", func(ctx context.Context) error {
		pipe := s.redis.Pipeline()
		for i, project := range projects {
			raws[i] = pipe.Get(ctx, TeamKey(project))
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var teams []*settingsv1.TeamSettings
	for i, raw := range raws {
		if err := raw.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("read settings of project %s: %w: %w", projects[i], ErrUnavailable, err)
		}
		team := &settingsv1.TeamSettings{}
		if err := decode(raw.Val(), team); err != nil {
			return nil, err
		}
		if team.GetWorkspace() == workspace && workspace != "" {
			team.Name = TeamName(projects[i])
			teams = append(teams, team)
		}
	}
	return teams, nil
}

// projects answers all that have been configured, perhaps some that were not after all.
func (s *Store) projects(ctx context.Context) (projects []string, err error) {
	read := func(ctx context.Context) error {
		projects, err = s.redis.SMembers(ctx, projectsKey).Result()
		return err
	}
	if err := s.step(ctx, "list projects", read); err != nil {
		return nil, err
	}
	if !slices.Contains(projects, complete) {
		// Earlier versions did not keep the list. What is configured meanwhile is entered by whoever does it.
		if err := s.findProjects(ctx); err != nil {
			return nil, err
		}
		if err := s.step(ctx, "list projects", read); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(projects, func(project string) bool { return !id.MatchString(project) }), nil
}

// findProjects enters every project that has settings, and that all are entered.
func (s *Store) findProjects(ctx context.Context) error {
	var cursor uint64
	for {
		var keys []string
		err := s.step(ctx, "look for projects", func(ctx context.Context) (err error) {
			keys, cursor, err = s.redis.Scan(ctx, cursor, TeamKey("*"), scanCount).Result()
			return err
		})
		if err != nil {
			return err
		}
		for _, key := range keys {
			if project := projectOfTeamKey(key); project != "" {
				if err := s.enter(ctx, project); err != nil {
					return err
				}
			}
		}
		if cursor == 0 {
			return s.enter(ctx, complete)
		}
	}
}

// scanCount is how many keys Redis looks at for one answer.
const scanCount = 1000

// enter keeps a project in the list. It is done before its first settings are written: a project too many in the list does no harm.
func (s *Store) enter(ctx context.Context, project string) error {
	return s.step(ctx, "enter project "+project, func(ctx context.Context) error { return s.redis.SAdd(ctx, projectsKey, project).Err() })
}
