package slackstandin

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// channel is a conversation with everything in it. It is read and changed under the server's lock.
type channel struct {
	Channel
	created  int64
	inside   []string   // member ids in the order they came
	messages []*Message // by rising ts
	lastTS   int64      // microseconds
}

// nextTS gives a ts later than every other of this conversation (sheet 6.1, 1).
func (c *channel) nextTS(now time.Time) string {
	c.lastTS = max(now.UnixMicro(), c.lastTS+1)
	return fmt.Sprintf("%d.%06d", c.lastTS/1e6, c.lastTS%1e6)
}

// find returns the position of the message with this ts, or false.
func (c *channel) find(ts string) (int, bool) {
	i := sort.Search(len(c.messages), func(i int) bool { return !tsLess(c.messages[i].TS, ts) })
	return i, i < len(c.messages) && c.messages[i].TS == ts
}

// message returns the message with this ts, or nil; what stays of a deleted head is not a message any more.
func (c *channel) message(ts string) *Message {
	if i, ok := c.find(ts); ok && c.messages[i].Subtype != subtypeTombstone {
		return c.messages[i]
	}
	return nil
}

// replace stores a changed copy of a message.
func (c *channel) replace(m *Message) {
	if i, ok := c.find(m.TS); ok {
		c.messages[i] = m
	}
}

// thread returns the head, or what stays of it, and its replies; empty when there is no such message.
func (c *channel) thread(ts string) []*Message {
	i, ok := c.find(ts)
	if !ok {
		return nil
	}
	thread := []*Message{c.messages[i]}
	for _, m := range c.messages[i+1:] {
		if m.ThreadTS == ts {
			thread = append(thread, m)
		}
	}
	return thread
}

// add stores a new message and keeps the book of its thread (sheet 6.1, 3). It returns the changed head of the
// thread, or nil when the message is no reply.
func (c *channel) add(m *Message) (head *Message) {
	c.messages = append(c.messages, m)
	if !m.isReply() {
		return nil
	}
	return c.recount(m.ThreadTS)
}

// recount rewrites the thread fields of a head after its replies changed. A head keeps its thread_ts even when
// no reply is left (sheet 2.1).
func (c *channel) recount(ts string) *Message {
	thread := c.thread(ts)
	if len(thread) == 0 {
		return nil
	}
	head := thread[0].clone()
	head.ThreadTS, head.ReplyCount, head.LatestReply, head.ReplyUsers = head.TS, len(thread)-1, "", nil
	users := 0
	seen := map[string]bool{}
	for _, reply := range thread[1:] {
		head.LatestReply = reply.TS
		author := reply.User
		if author == "" {
			author = reply.BotID
		}
		if seen[author] {
			continue
		}
		seen[author] = true
		if users++; users <= 5 {
			head.ReplyUsers = append(head.ReplyUsers, author)
		}
	}
	head.ReplyUsersCount = users
	c.replace(head)
	return head
}

// remove deletes a message. A head with replies leaves a tombstone, which is returned; otherwise nil is.
func (c *channel) remove(m *Message) (tombstone *Message) {
	if !m.isReply() && m.ReplyCount > 0 {
		stays := m.clone()
		stays.Subtype, stays.Hidden, stays.Text = subtypeTombstone, true, "This message was deleted."
		stays.User, stays.BotID, stays.AppID, stays.BotProfile = "USLACKBOT", "", "", nil
		stays.Blocks, stays.Attachments, stays.Files, stays.Metadata = nil, nil, nil, nil
		stays.Reactions, stays.ClientMsgID, stays.Edited = nil, "", nil
		stays.Username, stays.Icons = "", nil
		c.replace(stays)
		return stays
	}
	if i, ok := c.find(m.TS); ok {
		c.messages = slices.Delete(slices.Clone(c.messages), i, i+1)
	}
	if m.isReply() {
		c.recount(m.ThreadTS)
	}
	return nil
}

func (c *channel) has(member string) bool { return slices.Contains(c.inside, member) }

func (c *channel) enter(member string) bool {
	if c.has(member) {
		return false
	}
	c.inside = append(c.inside, member)
	return true
}

func (c *channel) leave(member string) bool {
	i := slices.Index(c.inside, member)
	if i < 0 {
		return false
	}
	c.inside = slices.Delete(slices.Clone(c.inside), i, i+1)
	return true
}

// kind is the channel_type of message events (sheet 2.1).
func (c *channel) kind() string {
	switch {
	case c.DM:
		return "im"
	case c.Private:
		return "group"
	}
	return "channel"
}
