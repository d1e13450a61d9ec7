package slackstandin

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// App is another app that posts.
type App struct {
	BotID string `json:"bot_id"`
	AppID string `json:"app_id"`
	User  string `json:"user"` // its user id; empty gives a bot_message without user
	Name  string `json:"name"`
}

// WriteOptions make a message other than what a person of the workspace types.
type WriteOptions struct {
	Raw         bool            `json:"raw"`           // the text is as it goes over the wire, blocks are only those given
	Blocks      json.RawMessage `json:"blocks"`        // instead of those composed from the text
	Files       json.RawMessage `json:"files"`         // a list; makes the message a file_share
	Subtype     string          `json:"subtype"`       // as given
	Broadcast   bool            `json:"broadcast"`     // "also send to channel": a thread_broadcast
	App         *App            `json:"app"`           // posted by another app instead of the member
	Metadata    json.RawMessage `json:"metadata"`      // as given
	ClientMsgID string          `json:"client_msg_id"` // instead of a fresh one
	Paragraphs  []Paragraph     `json:"paragraphs"`    // what was formatted, instead of a text with marks
}

// Write posts what a member types into a channel, or into a thread when threadTS names its head, and returns the
// ts. The typed text is composed as in Slack's default composer: a pair of ``` fences is a code block. A member
// of another team makes the channel a shared one. The member is let into the channel without further events.
func (s *Server) Write(member, channelID, threadTS, typed string, o WriteOptions) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, author, err := s.writer(member, channelID, o)
	if err != nil {
		return "", fmt.Errorf("write in %s: %w", channelID, err)
	}
	m := s.typedMessage(c, author, typed, o)
	if threadTS != "" {
		i, ok := c.find(threadTS)
		if !ok || c.messages[i].isReply() {
			return "", fmt.Errorf("write in %s: %w", channelID, apiError("thread_not_found"))
		}
		head := c.messages[i]
		m.ThreadTS, m.ParentUserID = threadTS, head.User
		if o.Broadcast {
			m.Subtype, m.Root = "thread_broadcast", head.withoutMetadata()
		}
	}
	head := c.add(m)
	s.emitMessage(c, m, head)
	s.touch()
	return m.TS, nil
}

func (s *Server) writer(member, channelID string, o WriteOptions) (*channel, *Member, error) {
	c := s.channels[channelID]
	author := s.members[member]
	switch {
	case c == nil:
		return nil, nil, apiError("channel_not_found")
	case c.Archived:
		return nil, nil, apiError("is_archived")
	case o.App != nil:
		return c, &Member{ID: o.App.User, Team: s.cfg.Team}, nil
	case author == nil:
		return nil, nil, apiError("user_not_found")
	}
	c.enter(member)
	if author.Team != s.cfg.Team {
		c.ExtShared = true
	}
	return c, author, nil
}

func (s *Server) typedMessage(c *channel, author *Member, typed string, o WriteOptions) *Message {
	m := &Message{
		Type: "message", Subtype: o.Subtype, User: author.ID, Team: author.Team, TS: c.nextTS(s.cfg.Clock()),
		Metadata: o.Metadata,
	}
	s.setTyped(m, typed, o)
	if o.Files != nil {
		m.Files, m.Upload, m.Subtype = o.Files, true, cmp.Or(o.Subtype, "file_share")
	}
	if author.Team != s.cfg.Team {
		m.UserTeam, m.SourceTeam = author.Team, author.Team
	}
	if app := o.App; app != nil {
		m.BotID, m.AppID = app.BotID, app.AppID
		m.BotProfile = &BotProfile{ID: app.BotID, AppID: app.AppID, Name: app.Name, TeamID: s.cfg.Team}
		if app.User == "" {
			m.Subtype, m.Username = cmp.Or(o.Subtype, "bot_message"), app.Name
		}
		return m
	}
	m.ClientMsgID = cmp.Or(o.ClientMsgID, fmt.Sprintf("00000000-0000-4000-8000-%012x", s.nextSerial()))
	return m
}

// setTyped gives a message its text and blocks.
func (s *Server) setTyped(m *Message, typed string, o WriteOptions) {
	m.Text, m.Blocks = typed, o.Blocks
	if o.Raw {
		return
	}
	out := compose(typed)
	if len(o.Paragraphs) > 0 {
		out = composeFormatted(o.Paragraphs)
	}
	m.Text = out.text
	if o.Blocks == nil && out.text != "" {
		m.Blocks = out.richText(s.blockID())
	}
}

// Edit changes the text of a member's message and sends message_changed.
func (s *Server) Edit(channelID, ts, typed string, o WriteOptions) error {
	return s.change(channelID, ts, func(c *channel, now *Message) {
		s.setTyped(now, typed, o)
		now.Edited = &Edited{User: now.User, TS: c.nextTS(s.cfg.Clock())}
	})
}

// Unfurl attaches a link preview to a message, which sends a message_changed that changes no text.
func (s *Server) Unfurl(channelID, ts, url string) error {
	return s.change(channelID, ts, func(_ *channel, now *Message) {
		now.Attachments, _ = encode([]map[string]any{{"id": 1, "from_url": url, "title": url}})
	})
}

func (s *Server) change(channelID, ts string, apply func(*channel, *Message)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, before, err := s.at(channelID, ts)
	if err != nil {
		return fmt.Errorf("change message: %w", err)
	}
	now := before.clone()
	apply(c, now)
	c.replace(now)
	s.emitChanged(c, now, before)
	s.touch()
	return nil
}

// DeleteOptions choose what is not known about Slack.
type DeleteOptions struct {
	// AsDeleted sends message_deleted for a head with replies too, instead of a message_changed to a tombstone.
	AsDeleted bool `json:"as_deleted"`
}

// Delete deletes a message, whoever wrote it. A head with replies leaves a tombstone, and its thread stays.
func (s *Server) Delete(channelID, ts string, o DeleteOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, m, err := s.at(channelID, ts)
	if err != nil {
		return fmt.Errorf("delete message: %w", err)
	}
	s.drop(c, m, o.AsDeleted)
	s.touch()
	return nil
}

// React gives a member's reaction to a message, or takes it back.
func (s *Server) React(member, channelID, ts, name string, add bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.place(channelID, member)
	if err == nil {
		err = s.react(c, ts, name, member, add)
	}
	if err != nil {
		return fmt.Errorf("react to %s: %w", ts, err)
	}
	s.touch()
	return nil
}

func (s *Server) at(channelID, ts string) (*channel, *Message, error) {
	c := s.channels[channelID]
	if c == nil {
		return nil, nil, apiError("channel_not_found")
	}
	if m := c.message(ts); m != nil {
		return c, m, nil
	}
	return nil, nil, apiError("message_not_found")
}
