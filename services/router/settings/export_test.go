package settings

import "time"

// Reread sets how often a hub looks for changes that were not announced; before Run.
func (h *Hub) Reread(every time.Duration) { h.reread = every }

// Watched answers how many projects somebody watches.
func (h *Hub) Watched() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// Asking answers how many are asking for the settings of a project now.
func (s *Store) Asking(project string) int {
	s.asked.mu.Lock()
	defer s.asked.mu.Unlock()
	if t := s.asked.all[project]; t != nil {
		return t.users
	}
	return 0
}
