package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Channels knows which ids of Slack channels are the same channel's: Slack gives a private one another id, for good, when it is shared with another
// organisation, and takes the former one no more. Inside, a channel keeps the first id that it was known by; only what is said to Slack names the latest.
type Channels struct {
	bus     *Bus
	records Records[*eventv1.ChannelRecord]
	loaded  chan struct{}
	once    sync.Once

	mu         sync.RWMutex
	next, prev map[channelID]string
	changed    func()
}

type channelID struct{ team, id string }

// NewChannels makes one that knows nothing until it is served. changed, which may be nil, is called when it has learned something.
func (b *Bus) NewChannels(changed func()) *Channels {
	if changed == nil {
		changed = func() {}
	}
	return &Channels{bus: b, records: NewRecords[*eventv1.ChannelRecord](b, Threads), loaded: make(chan struct{}), next: map[channelID]string{}, prev: map[channelID]string{}, changed: changed}
}

// Serve learns of changes, by whichever replica they were written down, until ctx ends.
func (c *Channels) Serve(ctx context.Context) error {
	Watch(ctx, c.bus, Threads, channelPrefix, func(key string, record *eventv1.ChannelRecord, _ uint64) {
		if team, id, ok := strings.Cut(strings.TrimPrefix(key, channelPrefix), "."); ok {
			c.learn(team, id, record.GetNext())
		}
	}, func() { c.once.Do(func() { close(c.loaded) }) })
	return nil
}

// Loaded reports whether everything is known that was written down before it was served.
func (c *Channels) Loaded() bool {
	select {
	case <-c.loaded:
		return true
	default:
		return false
	}
}

// Await returns when it is loaded; false when ctx ended first.
func (c *Channels) Await(ctx context.Context) bool {
	select {
	case <-c.loaded:
		return true
	case <-ctx.Done():
		return false
	}
}

// First answers the id that a channel is known by inside.
func (c *Channels) First(team, id string) string { return c.follow(c.prev, team, id) }

// Latest answers the id that Slack knows it by.
func (c *Channels) Latest(team, id string) string { return c.follow(c.next, team, id) }

// IDs answers all ids of a channel, the first one first.
func (c *Channels) IDs(team, id string) []string {
	ids := []string{c.First(team, id)}
	c.mu.RLock()
	defer c.mu.RUnlock()
	for {
		next, ok := c.next[channelID{team, ids[len(ids)-1]}]
		if !ok || slices.Contains(ids, next) {
			return ids
		}
		ids = append(ids, next)
	}
}

func (c *Channels) follow(way map[channelID]string, team, id string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for range len(way) + 1 {
		to, ok := way[channelID{team, id}]
		if !ok {
			break
		}
		id = to
	}
	return id
}

func (c *Channels) learn(team, before, now string) {
	if now == "" || slices.Contains(c.IDs(team, before), now) {
		return
	}
	c.mu.Lock()
	c.next[channelID{team, before}], c.prev[channelID{team, now}] = now, before
	c.mu.Unlock()
	c.changed()
}

// Changed writes down that a channel has another id now; said again it changes nothing.
func (c *Channels) Changed(ctx context.Context, team, before, now string) error {
	if slices.Contains(c.IDs(team, before), now) {
		return nil
	}
	_, err := c.records.Write(ctx, channelKey(team, before), &eventv1.ChannelRecord{Next: now}, 0)
	if err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("note the new id of channel %s: %w", before, err)
	}
	if err == nil {
		c.learn(team, before, now)
	}
	return nil
}
