package kartestandin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Customer is an end user. A visitor has a VisitorID ("vis-…") alone, a member a UserID too.
type Customer struct {
	UserID    string `json:"user_id"`
	VisitorID string `json:"visitor_id"`
}

func (c Customer) id() string { return cmp.Or(c.UserID, c.VisitorID) }

// Operator is a person or bot who answers; bot ids look like "bot-…".
type Operator struct {
	ID     string `json:"id"`
	Name   string `json:"profile_name"` // what customers see
	Bot    bool   `json:"is_bot"`
	Online bool   `json:"online"`
}

// Kind tells what the customer sees from what only staff see.
type Kind string

// The kinds of entries in a conversation.
const (
	KindMessage Kind = "message"
	KindNote    Kind = "note"
)

// Status is a conversation's state, named as the API names it.
type Status string

// The states of a conversation: 対応中, 返信待ち and 対応済み.
const (
	StatusOpen    Status = "open"
	StatusWaiting Status = "waiting"
	StatusClosed  Status = "closed"
)

// Message is one entry of a conversation.
type Message struct {
	Kind   Kind      `json:"kind"`
	Sender string    `json:"sender"` // operator or bot id; empty for the customer
	Text   string    `json:"text"`
	Date   time.Time `json:"date"`
	API    bool      `json:"api"` // came through the REST API
	// Image is the JSON of content.image as it was written; empty when there is none.
	Image string `json:"image,omitempty"`
}

// Conversation is all that was said with one customer.
type Conversation struct {
	Customer Customer  `json:"customer"` // with the visitor id seen last
	IDs      []string  `json:"ids"`      // every id the customer had
	Assignee *Operator `json:"assignee"` // nil when nobody
	Status   Status    `json:"status"`
	Messages []Message `json:"messages"` // in the order they were stored
}

type conversation struct{ Conversation }

// conversation finds or makes the conversation of a customer the way KARTE merges them: visitors join the member that
// they turn out to be, two members never merge. The lock is held.
func (s *Server) conversation(c Customer) *conversation {
	member, visitor := s.byID[c.UserID], s.byID[c.VisitorID]
	if c.UserID == "" {
		member = visitor
	}
	anonymous := visitor != nil && visitor.Customer.UserID == ""
	if member == nil && anonymous {
		member = visitor
	}
	if member == nil {
		member = &conversation{}
		s.conversations = append(s.conversations, member)
	}
	if anonymous && visitor != member {
		s.merge(visitor, member)
	}
	s.name(member, c.UserID, &member.Customer.UserID)
	s.name(member, c.VisitorID, &member.Customer.VisitorID)
	return member
}

// name lets an id lead to a conversation.
func (s *Server) name(c *conversation, id string, field *string) {
	if id == "" {
		return
	}
	*field = id
	s.byID[id] = c
	if !slices.Contains(c.IDs, id) {
		c.IDs = append(slices.Clip(c.IDs), id)
	}
}

// merge moves everything of a visitor's conversation into a member's.
func (s *Server) merge(from, into *conversation) {
	into.Messages = slices.Concat(from.Messages, into.Messages)
	slices.SortStableFunc(into.Messages, func(a, b Message) int { return a.Date.Compare(b.Date) })
	into.Status = cmp.Or(into.Status, from.Status)
	if into.Assignee == nil {
		into.Assignee = from.Assignee
	}
	for _, id := range from.IDs {
		s.name(into, id, new(string))
	}
	s.conversations = slices.DeleteFunc(s.conversations, func(c *conversation) bool { return c == from })
}

// byAnyID finds or makes the conversation that the API's user_id means. The lock is held.
func (s *Server) byAnyID(id string) *conversation {
	if c := s.byID[id]; c != nil {
		return c
	}
	if strings.HasPrefix(id, "vis-") {
		return s.conversation(Customer{VisitorID: id})
	}
	return s.conversation(Customer{UserID: id})
}

// add stores a message. What a customer writes opens the conversation, after closing without an assignee.
func (c *conversation) add(m Message) {
	c.Messages = append(c.Messages, m)
	if m.Sender != "" || m.Kind == KindNote {
		return
	}
	if c.Status == StatusClosed {
		c.Assignee = nil
	}
	if c.Status != StatusWaiting {
		c.Status = StatusOpen
	}
}

// operator returns the one with this id, or one without a name. The lock is held.
func (s *Server) operator(id string) Operator {
	for _, o := range s.cfg.Operators {
		if o.ID == id {
			return o
		}
	}
	return Operator{ID: id, Bot: strings.HasPrefix(id, "bot-")}
}

// knownOperator tells whether an id may send; the lock is held.
func (s *Server) knownOperator(id string) bool {
	return len(s.cfg.Operators) == 0 ||
		slices.ContainsFunc(s.cfg.Operators, func(o Operator) bool { return o.ID == id })
}

// Snapshot is the state at one moment. It is not to be changed.
type Snapshot struct {
	Version       uint64         `json:"version"` // grows with every change
	Conversations []Conversation `json:"conversations"`
	// Undelivered are the hooks that were never accepted, except those dropped or held.
	Undelivered []Hook `json:"undelivered"`
	// Waiting counts the deliveries still to be made, duplicates included.
	Waiting int `json:"waiting"`
	// Calls of the REST API by path, failed ones included.
	Calls map[string]int `json:"calls"`
}

// Conversation returns the one with the customer who has this user id or visitor id, or nil.
func (s *Snapshot) Conversation(id string) *Conversation {
	for i := range s.Conversations {
		if slices.Contains(s.Conversations[i].IDs, id) {
			return &s.Conversations[i]
		}
	}
	return nil
}

// Messages returns what was said with the customer who has this user id or visitor id.
func (s *Snapshot) Messages(id string) []Message {
	if c := s.Conversation(id); c != nil {
		return c.Messages
	}
	return nil
}

// Snapshot returns the state at this moment.
func (s *Server) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot()
}

// snapshot shares the messages, which are never changed once stored.
func (s *Server) snapshot() *Snapshot {
	now := &Snapshot{
		Version: s.version, Waiting: s.waiting, Calls: maps.Clone(s.calls),
		Conversations: make([]Conversation, 0, len(s.conversations)), Undelivered: []Hook{},
	}
	for _, c := range s.conversations {
		copied := c.Conversation
		copied.Messages = slices.Clip(copied.Messages)
		now.Conversations = append(now.Conversations, copied)
	}
	for _, h := range s.hooks {
		if h.Accepted == 0 && !h.Dropped && !h.Held {
			now.Undelivered = append(now.Undelivered, *h)
		}
	}
	return now
}

// Messages returns what was said with the customer who has this user id or visitor id.
func (s *Server) Messages(id string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byID[id]; c != nil {
		return slices.Clip(c.Messages)
	}
	return nil
}

// Hooks returns all hooks that were ever made, in that order.
func (s *Server) Hooks() []Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	hooks := make([]Hook, 0, len(s.hooks))
	for _, h := range s.hooks {
		hooks = append(hooks, *h)
	}
	return hooks
}

// Await returns as soon as done says yes of the state, and the context's error when that comes first.
func (s *Server) Await(ctx context.Context, done func(*Snapshot) bool) error {
	for {
		s.mu.Lock()
		now, changed := s.snapshot(), s.changed
		s.mu.Unlock()
		if done(now) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the KARTE stand-in (%d conversations, %d deliveries waiting, calls %v): %w",
				len(now.Conversations), now.Waiting, now.Calls, context.Cause(ctx))
		}
	}
}
