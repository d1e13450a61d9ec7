package settings

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	// rereadEvery bounds how long a change stays unnoticed whose announcement got lost: Redis promises none.
	rereadEvery = 30 * time.Second
	// calm lies between two rounds of reading, so that changes in quick succession wake the watchers only now and then.
	calm = 50 * time.Millisecond
	// afterFailure is how long the hub waits when Redis does not answer.
	afterFailure = time.Second
)

// Hub tells any number of watchers in this process about changes, whichever replica makes them. It has one subscription at Redis, and reads
// settings once per change, however many watch them; writers and readers never wait for watchers.
type Hub struct {
	store  *Store
	log    *slog.Logger
	reread time.Duration
	ended  chan struct{}

	topics
	due  map[string]bool // whose settings are to be read again; under the mutex of topics
	wake chan struct{}   // holds one thing when something became due
}

// NewHub makes a hub that begins to hear of changes with Run.
func NewHub(store *Store, log *slog.Logger) *Hub {
	return &Hub{
		store: store, log: log, reread: rereadEvery, ended: make(chan struct{}),
		due: map[string]bool{}, wake: make(chan struct{}, 1),
	}
}

// Run serves the watchers until ctx ends; then all of them end. It is called once.
func (h *Hub) Run(ctx context.Context) error {
	defer close(h.ended)
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	reading.Go(func() { h.read(ctx) })
	announced := h.store.redis.Subscribe(ctx, changes)
	defer func() { _ = announced.Close() }()
	heard, again := announced.ChannelWithSubscriptions(), time.NewTicker(h.reread)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			h.markAll()
		case said := <-heard:
			if message, ok := said.(*redis.Message); ok {
				h.mark(message.Payload)
				continue
			}
			// Subscribed, for the first time or again: whatever was announced before is unknown.
			h.markAll()
		}
	}
}

// Watch tells the settings of a project, unless they have the etag, and then every change, until ctx ends, tell fails or the hub is stopped; in the
// last case it answers nil. Changes while tell works become one, the last. What is told is shared: it must not be changed. An error that matches
// ErrUnavailable comes before the first settings only; a Redis that is away later is waited for.
func (h *Hub) Watch(ctx context.Context, project, etag string, tell func(*settingsv1.TeamSettings) error) error {
	t := h.join(project)
	defer h.leave(t)
	if err := t.refresh(ctx, h.store); err != nil {
		return err
	}
	for {
		team, news := t.latest()
		if team.GetEtag() != etag {
			if err := tell(team); err != nil {
				return err
			}
			etag = team.GetEtag()
		}
		select {
		case <-news:
		case <-h.ended:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// mark says that somebody may have changed the settings of projects. Those that nobody watches are of no interest.
func (h *Hub) mark(projects ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, project := range projects {
		if h.all[project] != nil {
			h.due[project] = true
		}
	}
	if len(h.due) == 0 {
		return
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *Hub) markAll() {
	h.mu.Lock()
	projects := slices.Collect(maps.Keys(h.all))
	h.mu.Unlock()
	h.mark(projects...)
}

// taken answers what is due, which then is no more.
func (h *Hub) taken() (due []*topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for project := range h.due {
		if t := h.all[project]; t != nil {
			due = append(due, t)
		}
	}
	clear(h.due)
	return due
}

// read reads what is due until ctx ends.
func (h *Hub) read(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		pause := calm
		if err := h.round(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("changed settings cannot be read now, watchers wait", "err", err)
			pause = afterFailure
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// round reads everything that is due once. What it cannot read stays due.
func (h *Hub) round(ctx context.Context) error {
	due := h.taken()
	for i, t := range due {
		if err := t.refresh(ctx, h.store); err != nil {
			for _, left := range due[i:] {
				h.mark(left.project)
			}
			return err
		}
	}
	return nil
}
