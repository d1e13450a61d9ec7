package slackstandin

import (
	"encoding/json"
	"strings"
)

// Message is a message as the Web API and the events show it (sheet 2.1). A stored Message is never changed in
// place, so a pointer to one may be kept and read at any time.
type Message struct {
	Type            string          `json:"type"`
	Subtype         string          `json:"subtype,omitempty"`
	Hidden          bool            `json:"hidden,omitempty"`
	User            string          `json:"user,omitempty"`
	BotID           string          `json:"bot_id,omitempty"`
	AppID           string          `json:"app_id,omitempty"`
	BotProfile      *BotProfile     `json:"bot_profile,omitempty"`
	Username        string          `json:"username,omitempty"`
	Icons           json.RawMessage `json:"icons,omitempty"`
	Team            string          `json:"team,omitempty"`
	UserTeam        string          `json:"user_team,omitempty"`
	SourceTeam      string          `json:"source_team,omitempty"`
	Text            string          `json:"text"`
	Blocks          json.RawMessage `json:"blocks,omitempty"`
	Attachments     json.RawMessage `json:"attachments,omitempty"`
	Files           json.RawMessage `json:"files,omitempty"`
	Upload          bool            `json:"upload,omitempty"`
	TS              string          `json:"ts"`
	ClientMsgID     string          `json:"client_msg_id,omitempty"`
	ThreadTS        string          `json:"thread_ts,omitempty"`
	ParentUserID    string          `json:"parent_user_id,omitempty"`
	ReplyCount      int             `json:"reply_count,omitempty"`
	ReplyUsers      []string        `json:"reply_users,omitempty"`
	ReplyUsersCount int             `json:"reply_users_count,omitempty"`
	LatestReply     string          `json:"latest_reply,omitempty"`
	Reactions       []Reaction      `json:"reactions,omitempty"`
	Edited          *Edited         `json:"edited,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	Root            *Message        `json:"root,omitempty"`
}

// BotProfile says which app made a message.
type BotProfile struct {
	ID     string `json:"id"`
	AppID  string `json:"app_id"`
	Name   string `json:"name"`
	TeamID string `json:"team_id"`
}

// Edited says who edited a message and at which ts.
type Edited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

// Reaction is one emoji under a message with everybody who gave it.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// subtypeTombstone marks what stays of a deleted message that has replies.
const subtypeTombstone = "tombstone"

// isReply tells a thread reply from a head or a message outside threads.
func (m *Message) isReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// inHistory tells whether conversations.history shows the message: replies are hidden unless broadcast.
func (m *Message) inHistory() bool { return !m.isReply() || m.Subtype == "thread_broadcast" }

// isSystem tells messages about the channel itself, which take no replies.
func (m *Message) isSystem() bool {
	return strings.HasPrefix(m.Subtype, "channel_") || strings.HasPrefix(m.Subtype, "group_")
}

// clone copies the message so that the copy may be changed and stored in its place.
func (m *Message) clone() *Message {
	c := *m
	c.ReplyUsers = append([]string(nil), m.ReplyUsers...)
	c.Reactions = make([]Reaction, len(m.Reactions))
	for i, r := range m.Reactions {
		r.Users = append([]string(nil), r.Users...)
		c.Reactions[i] = r
	}
	return &c
}

// withoutMetadata is the message as it is shown to callers who did not ask for metadata.
func (m *Message) withoutMetadata() *Message {
	if m.Metadata == nil {
		return m
	}
	c := *m
	c.Metadata = nil
	return &c
}

// tsLess orders ts values as the numbers they are, without making floats of them.
func tsLess(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
