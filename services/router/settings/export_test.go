package settings

import "time"

// Reread sets how often a hub looks for changes that were not announced; before Run.
func (h *Hub) Reread(every time.Duration) { h.reread = every }

// Watched answers how many projects somebody watches.
func (h *Hub) Watched() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.topics)
}
