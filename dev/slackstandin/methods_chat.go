package slackstandin

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// target finds the channel a call is about. A private channel the app is not in does not exist for it.
func (s *Server) target(id string) (*channel, error) {
	c := s.channels[id]
	if c == nil || c.Private && !c.has(s.cfg.BotUser) {
		return nil, apiError("channel_not_found")
	}
	return c, nil
}

// postTarget finds the channel a message goes to, opening a direct message for a member id.
func (s *Server) postTarget(id string) (*channel, error) {
	if s.members[id] != nil && id != s.cfg.BotUser {
		return s.dm(id), nil
	}
	c, err := s.target(id)
	switch {
	case err != nil:
		return nil, err
	case c.Archived:
		return nil, apiError("is_archived")
	case !c.has(s.cfg.BotUser) && !s.cfg.PublicWrite:
		return nil, apiError("not_in_channel")
	}
	return c, nil
}

// content is what a call puts into a message.
type content struct {
	text                   string
	cut                    bool
	blocks, attached, meta json.RawMessage
}

func (s *Server) content(a args) (content, error) {
	var in content
	if a["markdown_text"] != "" && (a["text"] != "" || a["blocks"] != "") {
		return in, apiError("markdown_text_conflict")
	}
	in.text, in.cut = cutText(echoText(cmp.Or(a["text"], a["markdown_text"])), maxText)
	var err error
	if in.blocks, err = s.checkBlocks(a["blocks"], maxBlocks); err != nil {
		return in, err
	}
	if a["attachments"] != "" && a["attachments"] != "[]" {
		var list []json.RawMessage
		if json.Unmarshal([]byte(a["attachments"]), &list) != nil {
			return in, apiError("invalid_attachments")
		}
		if len(list) > 100 {
			return in, apiError("too_many_attachments")
		}
		in.attached = json.RawMessage(a["attachments"])
	}
	if in.meta, err = checkMetadata(a["metadata"]); err != nil {
		return in, err
	}
	if strings.TrimSpace(in.text) == "" && in.blocks == nil && in.attached == nil {
		return in, apiError("no_text")
	}
	if s.cfg.GeneratedBlocks && in.blocks == nil {
		in.blocks = source{wire: true}.compose(in.text).richText(s.blockID())
	}
	return in, nil
}

func (s *Server) chatPostMessage(a args) (reply, error) {
	c, err := s.postTarget(a["channel"])
	if err != nil {
		return nil, err
	}
	in, err := s.content(a)
	if err != nil {
		return nil, err
	}
	m := s.ownMessage(c, a, in)
	if head := c.message(a["thread_ts"]); head != nil && !head.isReply() {
		if head.isSystem() {
			return nil, apiError("cannot_reply_to_message")
		}
		m.ThreadTS, m.ParentUserID = head.TS, head.User
		if a.yes("reply_broadcast") {
			m.Subtype, m.Root = "thread_broadcast", head.withoutMetadata()
		}
	} // a deleted or unknown head: the post lands in the channel (sheet 3.4, 1)
	head := c.add(m)
	s.emitMessage(c, m, head)
	out := reply{"channel": c.ID, "ts": m.TS, "message": m.withoutMetadata()}
	if in.cut {
		out["warning"] = "message_truncated"
		out["response_metadata"] = reply{"warnings": []string{"message_truncated"}}
	}
	return out, nil
}

// ownMessage makes the message of a post by the app (sheet 6.1, 2).
func (s *Server) ownMessage(c *channel, a args, in content) *Message {
	m := &Message{
		Type: "message", User: s.cfg.BotUser, BotID: s.cfg.BotID, AppID: s.cfg.AppID, Team: s.cfg.Team,
		BotProfile: &BotProfile{ID: s.cfg.BotID, AppID: s.cfg.AppID, Name: s.cfg.BotName, TeamID: s.cfg.Team},
		Text:       in.text, Blocks: in.blocks, Attachments: in.attached, Metadata: in.meta,
		TS: c.nextTS(s.cfg.Clock()),
	}
	if a["username"]+a["icon_url"]+a["icon_emoji"] != "" {
		m.Subtype, m.User, m.Username = "bot_message", "", cmp.Or(a["username"], s.cfg.BotName)
		switch {
		case a["icon_emoji"] != "":
			m.Icons, _ = encode(map[string]string{"emoji": a["icon_emoji"]})
		case a["icon_url"] != "":
			m.Icons, _ = encode(map[string]string{"image_48": a["icon_url"]})
		}
	}
	return m
}

// own finds a message the app may change.
func (s *Server) own(a args, denied apiError) (*channel, *Message, error) {
	c, err := s.target(a["channel"])
	if err != nil {
		return nil, nil, err
	}
	m := c.message(a["ts"])
	switch {
	case m == nil:
		return nil, nil, apiError("message_not_found")
	case m.BotID != s.cfg.BotID:
		return nil, nil, denied
	}
	return c, m, nil
}

func (s *Server) chatUpdate(a args) (reply, error) {
	c, before, err := s.own(a, "cant_update_message")
	switch {
	case err != nil:
		return nil, err
	case c.Archived:
		return nil, apiError("is_inactive")
	case tooLong(a["text"], maxUpdateText):
		return nil, apiError("msg_too_long")
	}
	now, err := s.updated(before, a)
	if err != nil {
		return nil, err
	}
	now.Edited = &Edited{User: s.cfg.BotUser, TS: c.nextTS(s.cfg.Clock())}
	c.replace(now)
	s.emitChanged(c, now, before)
	return reply{"channel": c.ID, "ts": now.TS, "text": now.Text, "message": now.withoutMetadata()}, nil
}

// updated applies an update: blocks stay only when no text comes without them, metadata stays unless it comes,
// and an empty object removes it.
func (s *Server) updated(before *Message, a args) (*Message, error) {
	now := before.clone()
	if a["metadata"] == "{}" {
		now.Metadata = nil
		delete(a, "metadata")
	}
	if _, given := a["text"]; !given && a["blocks"] == "" && a["attachments"] == "" && a["markdown_text"] == "" {
		return nil, apiError("no_text")
	}
	in, err := s.content(a)
	if err != nil {
		return nil, err
	}
	if in.text != "" {
		now.Text = in.text
	}
	now.Blocks = in.blocks
	if in.attached != nil {
		now.Attachments = in.attached
	}
	if in.meta != nil {
		now.Metadata = in.meta
	}
	return now, nil
}

func (s *Server) chatDelete(a args) (reply, error) {
	c, m, err := s.own(a, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.drop(c, m, false)
	return reply{"channel": c.ID, "ts": m.TS}, nil
}

// drop removes a message and sends the event of it. A head with replies becomes a tombstone; whether that shows
// as message_changed or as message_deleted is not known (sheet 2.2), so the caller chooses.
func (s *Server) drop(c *channel, m *Message, asDeleted bool) {
	if tombstone := c.remove(m); tombstone != nil && !asDeleted {
		s.emitChanged(c, tombstone, m)
		return
	}
	s.emitDeleted(c, m)
}

// Ephemeral is a message only one member sees. Such messages are in no history.
type Ephemeral struct {
	Channel  string          `json:"channel"`
	User     string          `json:"user"`
	TS       string          `json:"ts"`
	ThreadTS string          `json:"thread_ts,omitempty"`
	Text     string          `json:"text"`
	Blocks   json.RawMessage `json:"blocks,omitempty"`
}

func (s *Server) chatPostEphemeral(a args) (reply, error) {
	c, err := s.postTarget(a["channel"])
	switch {
	case err != nil:
		return nil, err
	case !c.has(a["user"]):
		return nil, apiError("user_not_in_channel")
	case tooLong(a["text"], maxText):
		return nil, apiError("msg_too_long")
	}
	in, err := s.content(a)
	if err != nil {
		return nil, err
	}
	ts := s.showEphemeral(c, a["user"], a["thread_ts"], in)
	return reply{"message_ts": ts}, nil
}

func (s *Server) showEphemeral(c *channel, user, threadTS string, in content) string {
	e := Ephemeral{Channel: c.ID, User: user, TS: c.nextTS(s.cfg.Clock()), ThreadTS: threadTS, Text: in.text, Blocks: in.blocks}
	s.ephemeral = append(slices.Clip(s.ephemeral), e)
	return e.TS
}

func (s *Server) chatGetPermalink(a args) (reply, error) {
	c, err := s.target(a["channel"])
	if err != nil {
		return nil, err
	}
	m := c.message(a["message_ts"])
	if m == nil {
		return nil, apiError("message_not_found")
	}
	link := "https://" + s.cfg.TeamName + ".slack.com/archives/" + c.ID + "/p" + strings.ReplaceAll(m.TS, ".", "")
	if m.isReply() {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + c.ID
	}
	return reply{"channel": c.ID, "permalink": link}, nil
}

func (s *Server) reactionsAdd(a args) (reply, error) { return s.reaction(a, true) }

func (s *Server) reactionsRemove(a args) (reply, error) { return s.reaction(a, false) }

func (s *Server) reaction(a args, add bool) (reply, error) {
	c, err := s.target(a["channel"])
	if err != nil {
		return nil, err
	}
	switch {
	case !c.has(s.cfg.BotUser):
		return nil, apiError("not_in_channel")
	case c.Archived:
		return nil, apiError("is_archived")
	case a["name"] == "" || strings.Contains(strings.ReplaceAll(a["name"], "::skin-tone-", ""), ":"):
		return nil, apiError("invalid_name")
	}
	return reply{}, s.react(c, a["timestamp"], a["name"], s.cfg.BotUser, add)
}

// react adds or removes a reaction and sends the event of it.
func (s *Server) react(c *channel, ts, name, by string, add bool) error {
	before := c.message(ts)
	if before == nil {
		return apiError("message_not_found")
	}
	m := before.clone()
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == name })
	given := i >= 0 && slices.Contains(m.Reactions[i].Users, by)
	switch {
	case add && given:
		return apiError("already_reacted")
	case !add && !given:
		return apiError("no_reaction")
	case add && i < 0:
		m.Reactions = append(m.Reactions, Reaction{Name: name, Users: []string{by}, Count: 1})
	case add:
		m.Reactions[i].Users = append(m.Reactions[i].Users, by)
		m.Reactions[i].Count++
	default:
		m.Reactions[i].Users = slices.DeleteFunc(m.Reactions[i].Users, func(u string) bool { return u == by })
		if m.Reactions[i].Count--; m.Reactions[i].Count == 0 {
			m.Reactions = slices.Delete(m.Reactions, i, i+1)
		}
	}
	c.replace(m)
	kind := "reaction_added"
	if !add {
		kind = "reaction_removed"
	}
	s.emitReaction(c, m, kind, name, by)
	return nil
}

// blockID names a block that came without a name. The lock is held.
func (s *Server) blockID() string { return "b" + strconv.Itoa(s.nextSerial()) }
