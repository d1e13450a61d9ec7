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

// Asked answers how many have asked for the settings of a project since somebody began to; 0 when nobody asks any more.
func (s *Store) Asked(project string) uint64 {
	s.asked.mu.Lock()
	defer s.asked.mu.Unlock()
	t := s.asked.all[project]
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked
}
