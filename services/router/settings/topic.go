package settings

import (
	"context"
	"fmt"
	"sync"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// SharedTeam is GetTeam for those who change nothing of what they get: whoever asks for the settings of a project while they are being read waits for the next
// read, which is one for all who wait by then. Each answer is as new as its call, whichever replica wrote what it says; settings that are kept for a while
// would not be, for Redis promises nobody to hear of a change before its writer does.
func (s *Store) SharedTeam(ctx context.Context, project string) (*settingsv1.TeamSettings, error) {
	t := s.asked.join(project)
	defer s.asked.leave(t)
	if err := t.refresh(ctx, s); err != nil {
		return nil, err
	}
	team, _ := t.latest()
	return team, nil
}

// topics are those that somebody uses, by project.
type topics struct {
	mu  sync.Mutex
	all map[string]*topic
}

func (s *topics) join(project string) *topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.all[project]
	if t == nil {
		t = &topic{project: project, turn: make(chan struct{}, 1), news: make(chan struct{})}
		if s.all == nil {
			s.all = map[string]*topic{}
		}
		s.all[project] = t
	}
	t.users++
	return t
}

func (s *topics) leave(t *topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(s.all, t.project)
	}
}

// topic is a project whose settings somebody watches or asks for. They are read by one goroutine at a time, so that what is told never goes back to something older.
type topic struct {
	project string
	users   int           // under the mutex of topics
	turn    chan struct{} // holds one thing while somebody reads

	mu              sync.Mutex
	asked, answered uint64 // refreshes are numbered; a read serves all that were asked for before it began
	team            *settingsv1.TeamSettings
	news            chan struct{} // closed when team becomes another
}

func (t *topic) latest() (team *settingsv1.TeamSettings, news <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.team, t.news
}

// refresh returns when the topic knows settings that are at least as new as its call.
func (t *topic) refresh(ctx context.Context, store *Store) error {
	t.mu.Lock()
	t.asked++
	ticket := t.asked
	t.mu.Unlock()
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case t.turn <- struct{}{}:
	case <-patient.Done():
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("read settings of project %s: others have waited in vain: %w", t.project, ErrUnavailable)
	}
	defer func() { <-t.turn }()
	t.mu.Lock()
	serves, done := t.asked, t.answered >= ticket
	t.mu.Unlock()
	if done {
		return nil
	}
	_, team, err := store.readTeam(ctx, t.project)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answered = serves
	if t.team == nil || t.team.GetEtag() != team.GetEtag() {
		t.team = team
		close(t.news)
		t.news = make(chan struct{})
	}
	return nil
}
