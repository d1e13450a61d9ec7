package slackstandin

import (
	"cmp"
	"fmt"
	"slices"
)

// Member is a person or a bot that Slack knows.
type Member struct {
	ID          string `json:"id"`
	Name        string `json:"name"`         // the handle
	DisplayName string `json:"display_name"` // as chosen by the person, may be empty
	RealName    string `json:"real_name"`
	Email       string `json:"email"`
	Team        string `json:"team"` // another team than the workspace makes a Slack Connect user
	Guest       bool   `json:"guest"`
	SingleGuest bool   `json:"single_guest"` // guest of one channel
	Admin       bool   `json:"admin"`
	Bot         bool   `json:"bot"`
	Deleted     bool   `json:"deleted"`
	Locale      string `json:"locale"` // "en-US" when empty; people of other teams show none
	TZ          string `json:"tz"`

	botID string
}

// Channel is a conversation.
type Channel struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Private   bool     `json:"private"`
	DM        bool     `json:"dm"` // between the app and one member
	Archived  bool     `json:"archived"`
	ExtShared bool     `json:"ext_shared"` // shared with another team by Slack Connect
	Members   []string `json:"members"`
}

// UserGroup is a mentionable group of members.
type UserGroup struct {
	ID     string   `json:"id"`
	Handle string   `json:"handle"`
	Name   string   `json:"name"`
	Users  []string `json:"users"`
}

// AddMember makes a member known, or replaces what is known of one. Empty names are filled from the id.
func (s *Server) AddMember(m Member) {
	m.Team = cmp.Or(m.Team, s.cfg.Team)
	m.Name = cmp.Or(m.Name, m.ID)
	m.RealName = cmp.Or(m.RealName, m.DisplayName, m.Name)
	m.TZ = cmp.Or(m.TZ, "Asia/Tokyo")
	if m.Locale == "" && m.Team == s.cfg.Team {
		m.Locale = "en-US"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[m.ID] = &m
	s.touch()
}

// AddUserGroup makes a user group known.
func (s *Server) AddUserGroup(g UserGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups = append(s.groups, g)
	s.touch()
}

// AddEmoji makes a custom emoji known to emoji.list.
func (s *Server) AddEmoji(name, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emoji[name] = url
	s.touch()
}

// AddChannel makes a channel with the given members. The app is in it only when its user is named among them.
// Adding a known id again does nothing.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addChannel(c)
	s.touch()
}

func (s *Server) addChannel(c Channel) *channel {
	if known := s.channels[c.ID]; known != nil {
		return known
	}
	made := &channel{Channel: c, created: s.cfg.Clock().Unix(), inside: slices.Clone(c.Members)}
	made.Name = cmp.Or(c.Name, c.ID)
	s.channels[c.ID] = made
	s.order = append(s.order, c.ID)
	return made
}

// OpenDM returns the id of the direct message channel between the app and a member, made at first use.
func (s *Server) OpenDM(member string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.members[member] == nil {
		return "", fmt.Errorf("open a direct message with %s: user_not_found", member)
	}
	return s.dm(member).ID, nil
}

func (s *Server) dm(member string) *channel {
	id := "D" + member[1:]
	if c := s.channels[id]; c != nil {
		return c
	}
	s.touch()
	return s.addChannel(Channel{ID: id, DM: true, Members: []string{s.cfg.BotUser, member}})
}

// InviteBot lets the app into a channel and sends member_joined_channel about it.
func (s *Server) InviteBot(channel, inviter string) error {
	return s.join(channel, s.cfg.BotUser, inviter)
}

// RemoveBot puts the app out of a channel and sends member_left_channel about it.
func (s *Server) RemoveBot(channel string) error { return s.Leave(channel, s.cfg.BotUser) }

// Join lets a member into a channel; the app hears of it when it is in there.
func (s *Server) Join(channel, member string) error { return s.join(channel, member, "") }

func (s *Server) join(id, member, inviter string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.place(id, member)
	if err != nil {
		return fmt.Errorf("join %s: %w", id, err)
	}
	if c.enter(member) {
		s.emitMembership(c, "member_joined_channel", member, inviter)
		s.touch()
	}
	return nil
}

// Leave puts a member out of a channel.
func (s *Server) Leave(id, member string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.place(id, member)
	if err != nil {
		return fmt.Errorf("leave %s: %w", id, err)
	}
	if c.has(member) {
		s.emitMembership(c, "member_left_channel", member, "")
		c.leave(member)
		s.touch()
	}
	return nil
}

// Archive archives a channel, or brings it back, and sends channel_archive, channel_unarchive or their group_
// twins.
func (s *Server) Archive(id, member string, archived bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.place(id, member)
	if err != nil {
		return fmt.Errorf("archive %s: %w", id, err)
	}
	kind := "unarchive"
	if archived {
		kind = "archive"
	}
	prefix := "channel_"
	if c.Private {
		prefix = "group_"
	}
	c.Archived = archived
	s.emit(c, "", map[string]any{
		"type": prefix + kind, "channel": c.ID, "user": member, "event_ts": c.nextTS(s.cfg.Clock()),
	})
	s.touch()
	return nil
}

// place finds a channel and checks that the member exists.
func (s *Server) place(id, member string) (*channel, error) {
	c := s.channels[id]
	if c == nil {
		return nil, apiError("channel_not_found")
	}
	if s.members[member] == nil {
		return nil, apiError("user_not_found")
	}
	return c, nil
}

func (s *Server) emitMembership(c *channel, kind, member, inviter string) {
	letter := "C"
	if c.Private {
		letter = "G"
	}
	event := map[string]any{
		"type": kind, "user": member, "channel": c.ID, "channel_type": letter, "team": s.cfg.Team,
		"event_ts": c.nextTS(s.cfg.Clock()),
	}
	if inviter != "" {
		event["inviter"] = inviter
	}
	s.emit(c, "", event)
}

// ChangeChannelID gives a channel another id, as Slack does when a private one is shared with another organisation: the former id is unknown from then
// on. tell sends channel_id_changed, which Slack may also lose.
func (s *Server) ChangeChannelID(before, now string, tell bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[before]
	if c == nil || s.channels[now] != nil {
		return fmt.Errorf("change the id of %s: there is no such channel, or one with the new id", before)
	}
	delete(s.channels, before)
	c.ID, s.channels[now] = now, c
	s.order[slices.Index(s.order, before)] = now
	if tell {
		s.emit(c, "", map[string]any{"type": "channel_id_changed", "old_channel_id": before, "new_channel_id": now, "event_ts": c.nextTS(s.cfg.Clock())})
	}
	s.touch()
	return nil
}
