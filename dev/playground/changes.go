package playground

import (
	"cmp"
	"context"
	"reflect"
	"slices"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

// slackChange is what a page is told of the workspace. What did not change is left out.
type slackChange struct {
	Reset       bool                      `json:"reset,omitempty"` // forget what was told before
	Workspace   *slackstandin.Workspace   `json:"workspace,omitempty"`
	Channels    []channelChange           `json:"channels,omitempty"`
	Ephemerals  *[]slackstandin.Ephemeral `json:"ephemerals,omitempty"`
	Views       *[]slackstandin.View      `json:"views,omitempty"`
	Faults      *[]slackstandin.Fault     `json:"faults,omitempty"`
	Pending     int                       `json:"pending"`
	Undelivered int                       `json:"undelivered"`
}

type channelChange struct {
	Channel slackstandin.Channel    `json:"channel"`
	Put     []*slackstandin.Message `json:"put,omitempty"`    // new or changed
	Remove  []string                `json:"remove,omitempty"` // by ts
}

// slackTold is what a page knows. Messages never change in place, so that the same pointer is the same message.
type slackTold struct {
	begun      bool
	workspace  slackstandin.Workspace
	channels   map[string]slackstandin.Channel
	messages   map[string]map[string]*slackstandin.Message
	ephemerals []slackstandin.Ephemeral
	views      []slackstandin.View
	faults     []slackstandin.Fault
}

func (p *Server) tellSlack(ctx context.Context, send func(event) error) error {
	told := slackTold{channels: map[string]slackstandin.Channel{}, messages: map[string]map[string]*slackstandin.Message{}}
	for version := uint64(0); ; {
		var now *slackstandin.Snapshot
		err := p.stack.Slack.Await(ctx, func(s *slackstandin.Snapshot) bool {
			now = s
			return !told.begun || s.Version > version
		})
		if err != nil {
			return err
		}
		version = now.Version
		if err := send(event{name: "slack", data: told.change(now, p.stack.Slack.Faults())}); err != nil {
			return err
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}

func (t *slackTold) change(now *slackstandin.Snapshot, faults []slackstandin.Fault) slackChange {
	c := slackChange{Reset: !t.begun, Pending: now.Pending, Undelivered: len(now.Undelivered)}
	if !t.begun || !reflect.DeepEqual(t.workspace, now.Workspace) {
		t.workspace, c.Workspace = now.Workspace, &now.Workspace
	}
	if !t.begun || !reflect.DeepEqual(t.ephemerals, now.Ephemerals) {
		t.ephemerals, c.Ephemerals = now.Ephemerals, listed(now.Ephemerals)
	}
	if !t.begun || !slices.EqualFunc(t.views, now.Views, func(a, b slackstandin.View) bool { return a.ID == b.ID && a.Hash == b.Hash }) {
		t.views, c.Views = now.Views, listed(now.Views)
	}
	if !t.begun || !slices.Equal(t.faults, faults) {
		t.faults, c.Faults = faults, listed(faults)
	}
	for id, view := range now.Channels {
		if change, moved := t.channel(id, view); moved {
			c.Channels = append(c.Channels, change)
		}
	}
	slices.SortFunc(c.Channels, func(a, b channelChange) int { return cmp.Compare(a.Channel.ID, b.Channel.ID) })
	t.begun = true
	return c
}

func (t *slackTold) channel(id string, now slackstandin.ChannelView) (c channelChange, moved bool) {
	c.Channel = now.Channel
	before, known := t.channels[id]
	moved = !known || !reflect.DeepEqual(before, now.Channel)
	t.channels[id] = now.Channel
	were := t.messages[id]
	are := make(map[string]*slackstandin.Message, len(now.Messages))
	for _, m := range now.Messages {
		if are[m.TS] = m; were[m.TS] != m {
			c.Put = append(c.Put, m)
		}
	}
	for ts := range were {
		if are[ts] == nil {
			c.Remove = append(c.Remove, ts)
		}
	}
	t.messages[id] = are
	return c, moved || len(c.Put) > 0 || len(c.Remove) > 0
}

// listed is a list that is there even when it is empty.
func listed[E any](list []E) *[]E {
	if list == nil {
		list = []E{}
	}
	return &list
}

// karteChange is what a page is told of KARTE.
type karteChange struct {
	Reset         bool                  `json:"reset,omitempty"`
	Order         *[]string             `json:"order,omitempty"` // all conversations by their first id
	Conversations []conversationChange  `json:"conversations,omitempty"`
	Hooks         []hookChange          `json:"hooks,omitempty"`
	Faults        *[]kartestandin.Fault `json:"faults,omitempty"`
	Waiting       int                   `json:"waiting"`
}

type conversationChange struct {
	Key string `json:"key"`
	kartestandin.Conversation
	From int `json:"from"` // the place of the first of Messages; those before it are known
}

type hookChange struct {
	Place int `json:"place"`
	kartestandin.Hook
}

type karteTold struct {
	begun         bool
	order         []string
	conversations map[string]kartestandin.Conversation
	hooks         []kartestandin.Hook
	faults        []kartestandin.Fault
}

func (p *Server) tellKARTE(ctx context.Context, send func(event) error) error {
	told := karteTold{conversations: map[string]kartestandin.Conversation{}}
	for version := uint64(0); ; {
		var now *kartestandin.Snapshot
		err := p.stack.KARTE.Await(ctx, func(s *kartestandin.Snapshot) bool {
			now = s
			return !told.begun || s.Version > version
		})
		if err != nil {
			return err
		}
		version = now.Version
		if err := send(event{name: "karte", data: told.change(now, p.stack.KARTE.Hooks(), p.stack.KARTE.Faults())}); err != nil {
			return err
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}

func (t *karteTold) change(now *kartestandin.Snapshot, hooks []kartestandin.Hook, faults []kartestandin.Fault) karteChange {
	c := karteChange{Reset: !t.begun, Waiting: now.Waiting}
	order := make([]string, 0, len(now.Conversations))
	for _, conversation := range now.Conversations {
		key := conversation.IDs[0]
		order = append(order, key)
		if change, moved := t.conversation(key, conversation); moved {
			c.Conversations = append(c.Conversations, change)
		}
	}
	if !t.begun || !slices.Equal(t.order, order) {
		t.order, c.Order = order, &order
	}
	for i, h := range hooks {
		if i >= len(t.hooks) || hookMoved(t.hooks[i], h) {
			c.Hooks = append(c.Hooks, hookChange{Place: i, Hook: h})
		}
	}
	t.hooks = hooks
	if !t.begun || !slices.Equal(t.faults, faults) {
		t.faults, c.Faults = faults, listed(faults)
	}
	t.begun = true
	return c
}

func (t *karteTold) conversation(key string, now kartestandin.Conversation) (c conversationChange, moved bool) {
	before, known := t.conversations[key]
	t.conversations[key] = now
	c = conversationChange{Key: key, Conversation: now}
	// A merger puts messages between the others, and always brings ids along.
	if known && slices.Equal(before.IDs, now.IDs) && len(before.Messages) <= len(now.Messages) {
		c.From, c.Messages = len(before.Messages), now.Messages[len(before.Messages):]
	}
	if c.Messages == nil {
		c.Messages = []kartestandin.Message{}
	}
	before.Messages, now.Messages = nil, nil
	return c, !known || len(c.Messages) > 0 || !reflect.DeepEqual(before, now)
}

func hookMoved(a, b kartestandin.Hook) bool {
	return a.Attempts != b.Attempts || a.Accepted != b.Accepted || a.Status != b.Status || a.Error != b.Error || a.GaveUp != b.GaveUp || a.Dropped != b.Dropped || a.Held != b.Held
}
