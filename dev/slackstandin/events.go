package slackstandin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"
)

// envelope is the outer form of every event (sheet 1.1).
type envelope struct {
	Token             string          `json:"token"`
	TeamID            string          `json:"team_id"`
	ContextTeamID     string          `json:"context_team_id"`
	ContextEnterprise *string         `json:"context_enterprise_id"`
	APIAppID          string          `json:"api_app_id"`
	Event             json.RawMessage `json:"event"`
	Type              string          `json:"type"`
	EventID           string          `json:"event_id"`
	EventTime         int64           `json:"event_time"`
	Authorizations    []authorization `json:"authorizations"`
	ExtShared         bool            `json:"is_ext_shared_channel"`
	EventContext      string          `json:"event_context"`
}

type authorization struct {
	EnterpriseID        *string `json:"enterprise_id"`
	TeamID              string  `json:"team_id"`
	UserID              string  `json:"user_id"`
	IsBot               bool    `json:"is_bot"`
	IsEnterpriseInstall bool    `json:"is_enterprise_install"`
}

// messageEvent is the inner event of a new message.
type messageEvent struct {
	*Message
	Channel     string `json:"channel"`
	ChannelType string `json:"channel_type"`
	EventTS     string `json:"event_ts"`
}

// changeEvent is the inner event about a message that exists: changed, deleted or replied to.
type changeEvent struct {
	Type            string   `json:"type"`
	Subtype         string   `json:"subtype,omitempty"`
	Hidden          bool     `json:"hidden,omitempty"`
	Message         *Message `json:"message,omitempty"`
	PreviousMessage *Message `json:"previous_message,omitempty"`
	DeletedTS       string   `json:"deleted_ts,omitempty"`
	Channel         string   `json:"channel"`
	ChannelType     string   `json:"channel_type"`
	TS              string   `json:"ts"`
	EventTS         string   `json:"event_ts"`
}

// emitMessage sends the events of a new message: itself, and for a reply the message_replied about its head,
// which comes without its subtype (sheet 2.2).
func (s *Server) emitMessage(c *channel, m, head *Message) {
	shown := m
	if s.cfg.NoEchoMetadata {
		shown = m.withoutMetadata()
	}
	thread := cmp.Or(m.ThreadTS, m.TS)
	s.emit(c, thread, messageEvent{Message: shown, Channel: c.ID, ChannelType: c.kind(), EventTS: m.TS})
	if head != nil {
		ts := c.nextTS(s.cfg.Clock())
		s.emit(c, thread, changeEvent{
			Type: "message", Message: head.withoutMetadata(), Channel: c.ID, ChannelType: c.kind(), TS: ts, EventTS: ts,
		})
	}
}

// emitChanged sends message_changed; its own ts is that of the event, the message's is inside.
func (s *Server) emitChanged(c *channel, now, before *Message) {
	ts := c.nextTS(s.cfg.Clock())
	s.emit(c, cmp.Or(now.ThreadTS, now.TS), changeEvent{
		Type: "message", Subtype: "message_changed", Hidden: true, Message: now, PreviousMessage: before,
		Channel: c.ID, ChannelType: c.kind(), TS: ts, EventTS: ts,
	})
}

// emitDeleted sends message_deleted.
func (s *Server) emitDeleted(c *channel, before *Message) {
	ts := c.nextTS(s.cfg.Clock())
	s.emit(c, cmp.Or(before.ThreadTS, before.TS), changeEvent{
		Type: "message", Subtype: "message_deleted", Hidden: true, DeletedTS: before.TS, PreviousMessage: before,
		Channel: c.ID, ChannelType: c.kind(), TS: ts, EventTS: ts,
	})
}

// emitReaction sends reaction_added or reaction_removed.
func (s *Server) emitReaction(c *channel, m *Message, kind, name, by string) {
	s.emit(c, cmp.Or(m.ThreadTS, m.TS), map[string]any{
		"type": kind, "user": by, "reaction": name, "item_user": m.User,
		"item":     map[string]any{"type": "message", "channel": c.ID, "ts": m.TS},
		"event_ts": c.nextTS(s.cfg.Clock()),
	})
}

// EmitEvent sends any inner event, such as app_uninstalled or tokens_revoked. The channel gives it its place in
// the order of delivery and may be empty. A missing event_ts is filled in.
func (s *Server) EmitEvent(channelID string, inner map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if inner["event_ts"] == nil {
		now := s.cfg.Clock().UnixMicro()
		inner["event_ts"] = fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
	}
	if _, err := encode(inner); err != nil {
		return fmt.Errorf("emit event: %w", err)
	}
	c := s.channels[channelID]
	if c == nil {
		c = &channel{Channel: Channel{ID: channelID}, inside: []string{s.cfg.BotUser}}
	}
	s.emit(c, "", inner)
	s.touch()
	return nil
}

// OpenHome sends the app_home_opened of a member who looks at the app's Home tab.
func (s *Server) OpenHome(member string) error {
	dm, err := s.OpenDM(member)
	if err != nil {
		return err
	}
	return s.EmitEvent("", map[string]any{"type": "app_home_opened", "user": member, "channel": dm, "tab": "home"})
}

// emit puts an event on its way if the app can see the channel. The lock is held.
func (s *Server) emit(c *channel, thread string, inner any) {
	if !c.has(s.cfg.BotUser) {
		return
	}
	raw, err := encode(inner)
	if err != nil {
		s.cfg.Log.Error("event lost", "channel", c.ID, "err", err)
		return
	}
	var head struct{ Type, Subtype, TS string }
	_ = json.Unmarshal(raw, &head) // raw was encoded above
	d := &delivery{inner: raw, Delivery: Delivery{
		Channel: c.ID, Type: head.Type, Subtype: head.Subtype, TS: head.TS, ThreadTS: thread, ExtShared: c.ExtShared,
	}}
	s.seal(d)
	name := laneName{channel: c.ID}
	if s.cfg.RetryUntilAccepted {
		name.thread = thread
	}
	s.dispatch(name, d, s.takeEventFault(head.Type, c.ID))
}

// seal gives an event its id and its body.
func (s *Server) seal(d *delivery) {
	now := s.cfg.Clock()
	d.EventID = fmt.Sprintf("Ev%08X", s.nextSerial())
	var enterprise *string
	wide := false
	if p := s.cfg.platform; p != nil && p.Enterprise != "" {
		enterprise, wide = &p.Enterprise, p.wide()
	}
	d.body, _ = encode(envelope{ // inner is valid JSON, so this cannot fail
		Token: "deprecated-verification-token", TeamID: s.cfg.Team, ContextTeamID: s.cfg.Team, ContextEnterprise: enterprise, APIAppID: s.cfg.AppID,
		Event: d.inner, Type: "event_callback", EventID: d.EventID, EventTime: now.Unix(), ExtShared: d.ExtShared,
		Authorizations: []authorization{{EnterpriseID: enterprise, TeamID: s.cfg.Team, UserID: s.cfg.BotUser, IsBot: true, IsEnterpriseInstall: wide}},
		EventContext:   "4-" + d.EventID,
	})
}

// dispatch puts an event into its lane, as the fault wants it.
func (s *Server) dispatch(name laneName, d *delivery, f *EventFault) {
	if f == nil {
		s.enqueue(name, d)
		return
	}
	switch f.Kind {
	case Drop:
		d.Reason = "dropped"
		s.lost = append(s.lost, d.Delivery)
	case Late:
		d.wait = f.Delay
		s.enqueue(name, d)
	case Aside:
		d.wait = f.Delay
		s.enqueue(laneName{channel: name.channel, thread: name.thread, copy: d.EventID}, d)
	case Reorder:
		d.hold = cmp.Or(f.Delay, 250*time.Millisecond)
		s.enqueue(name, d)
	case Duplicate:
		again := &delivery{inner: d.inner, Delivery: d.Delivery}
		s.seal(again)
		s.enqueue(name, d)
		if f.Delay == 0 {
			s.enqueue(name, again)
			return
		}
		// A lane of its own lets the later copy come past whatever follows.
		again.wait = f.Delay
		s.enqueue(laneName{channel: name.channel, thread: name.thread, copy: again.EventID}, again)
	default:
		s.enqueue(name, d)
	}
}
