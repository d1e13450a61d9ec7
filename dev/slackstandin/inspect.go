package slackstandin

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Snapshot is the whole workspace at one moment. It is the caller's to read for as long as it likes.
type Snapshot struct {
	Version     uint64                 `json:"version"` // rises with every change
	Channels    map[string]ChannelView `json:"channels"`
	Ephemerals  []Ephemeral            `json:"ephemerals"`
	Views       []View                 `json:"views"`
	Calls       map[string]int         `json:"calls"`        // requests by method, failed ones too; response_url under its name
	Pending     int                    `json:"pending"`      // events not settled
	Accepted    int                    `json:"accepted"`     // events the app accepted
	Undelivered []Delivery             `json:"undelivered"`  // events given up
	EventFaults map[EventFaultKind]int `json:"event_faults"` // how often each kind acted
	Workspace   Workspace              `json:"workspace"`
}

// Workspace is what everybody in it sees beside the messages.
type Workspace struct {
	Team      string         `json:"team"`
	Name      string         `json:"name"`
	BotUser   string         `json:"bot_user"`
	BotName   string         `json:"bot_name"`
	Members   []Member       `json:"members"` // the app's user too, by id
	Groups    []UserGroup    `json:"groups"`
	Shortcuts []Shortcut     `json:"shortcuts"`
	Commands  []SlashCommand `json:"commands"`
}

func (s *Server) workspace() Workspace {
	w := Workspace{
		Team: s.cfg.Team, Name: s.cfg.TeamName, BotUser: s.cfg.BotUser, BotName: s.cfg.BotName,
		Groups: slices.Clone(s.groups), Shortcuts: slices.Clone(s.shortcuts), Commands: slices.Clone(s.commands),
	}
	for _, id := range slices.Sorted(maps.Keys(s.members)) {
		w.Members = append(w.Members, *s.members[id])
	}
	return w
}

// ChannelView is a channel with all its messages, replies too, by rising ts.
type ChannelView struct {
	Channel  Channel    `json:"channel"`
	Messages []*Message `json:"messages"`
}

// Thread returns the head and the replies of a thread.
func (v ChannelView) Thread(ts string) []*Message {
	var out []*Message
	for _, m := range v.Messages {
		if m.TS == ts || m.ThreadTS == ts {
			out = append(out, m)
		}
	}
	return out
}

// Snapshot copies the state. Messages are shared with it and never change.
func (s *Server) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot()
}

func (s *Server) snapshot() *Snapshot {
	snap := &Snapshot{
		Version: s.version, Channels: map[string]ChannelView{}, Ephemerals: slices.Clone(s.ephemeral),
		Calls: maps.Clone(s.calls), Pending: s.pending(), Accepted: s.accepted, Undelivered: slices.Clone(s.lost), EventFaults: maps.Clone(s.struck),
		Workspace: s.workspace(),
	}
	for id, c := range s.channels {
		view := ChannelView{Channel: c.Channel, Messages: slices.Clone(c.messages)}
		view.Channel.Members = slices.Clone(c.inside)
		snap.Channels[id] = view
	}
	for _, id := range slices.Sorted(maps.Keys(s.views)) {
		snap.Views = append(snap.Views, *s.views[id])
	}
	return snap
}

// pending counts the events on their way. The lock is held.
func (s *Server) pending() int {
	n := s.aside
	for _, l := range s.lanes {
		n += len(l.queue)
	}
	return n
}

// Await returns when the condition holds, which it tests now and after every change, or when the context ends.
func (s *Server) Await(ctx context.Context, holds func(*Snapshot) bool) error {
	for {
		s.mu.Lock()
		snap, changed := s.snapshot(), s.changed
		s.mu.Unlock()
		if holds(snap) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("await state of the slack stand-in: %w", ctx.Err())
		}
	}
}

// Messages returns all messages of a channel, replies and tombstones too, by rising ts.
func (s *Server) Messages(channel string) []*Message { return s.Snapshot().Channels[channel].Messages }

// Thread returns the head of a thread and its replies.
func (s *Server) Thread(channel, ts string) []*Message {
	return s.Snapshot().Channels[channel].Thread(ts)
}

// Ephemerals returns what single members were shown.
func (s *Server) Ephemerals() []Ephemeral { return s.Snapshot().Ephemerals }

// Reactions returns the reactions of a message.
func (s *Server) Reactions(channel, ts string) []Reaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, m, err := s.at(channel, ts); err == nil {
		return m.Reactions
	}
	return nil
}

// Calls counts the requests of a method, failed ones too.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Undelivered returns the events that were given up or dropped.
func (s *Server) Undelivered() []Delivery { return s.Snapshot().Undelivered }

// Deliveries returns every settled event in the order they were settled.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}
