package conversation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// ErrNotFound is answered for a conversation that there is not, or no longer.
var ErrNotFound = errors.New("no such conversation")

// Find answers a conversation, also by the name of one that goes on in it; ErrNotFound when there is none.
func (s *Store) Find(ctx context.Context, project, id string) (Conversation, error) {
	at, err := s.find(ctx, project, id)
	if err != nil {
		return Conversation{}, err
	}
	if at == nil {
		return Conversation{}, fmt.Errorf("conversation %s: %w", id, ErrNotFound)
	}
	return Conversation{Project: project, ID: at.id, Record: at.record, Revision: at.revision, Origin: id}, nil
}

// ThreadOf answers where the thread of a conversation is, as slack-gateway has written it; an empty record when there is none.
func (s *Store) ThreadOf(ctx context.Context, conv Conversation) (*eventv1.ThreadRecord, error) {
	record := freshThread()
	_, err := s.threads.Read(ctx, bus.ConversationKey(conv.Project, conv.ID), record)
	return record, err
}

// Move sends a conversation to another channel, unless it is on its way there or was never anywhere else. Of two moves the later one has the larger number.
func (s *Store) Move(ctx context.Context, conv Conversation, team, channel string) (Conversation, error) {
	return s.Update(ctx, conv, func(record *eventv1.ConversationRecord) {
		if record.GetChannel() == channel && record.GetTeam() == team {
			return
		}
		if record.GetChannel() != "" {
			record.Moves++
			if record.GetMovedFrom() == "" {
				record.MovedFrom = record.GetChannel()
			}
		}
		record.Team, record.Channel = team, channel
	})
}

// Arrived notes that the move with this number is over.
func (s *Store) Arrived(ctx context.Context, conv Conversation, moves uint32) error {
	_, err := s.Update(ctx, conv, func(record *eventv1.ConversationRecord) {
		if record.GetMoves() == moves {
			record.MovedFrom = ""
		}
	})
	return err
}

// LastPage answers the page on which the customer was last known to write, empty when no message that is still there tells.
func (s *Store) LastPage(ctx context.Context, project, id string) (page string, err error) {
	l, ok, err := s.Get(ctx, project, id)
	if err != nil || !ok {
		return "", err
	}
	family, latest := l.Family(), time.Time{}
	tokens := []string{}
	for _, c := range append(l.customers(), l.Record.GetCustomer()) {
		for _, raw := range []string{c.GetVisitorId(), c.GetUserId()} {
			if raw != "" && !slices.Contains(tokens, raw) {
				tokens = append(tokens, raw)
			}
		}
	}
	for _, raw := range tokens {
		filter := "talk.*." + bus.ProjectToken(project) + "." + bus.Token(raw) + ".customer-message.>"
		_, err := s.bus.Scan(ctx, bus.Talk, filter, 1, func(m bus.Message) error {
			var fact eventv1.TalkFact
			if proto.Unmarshal(m.Data, &fact) != nil || !family.Owns(fact.GetCustomer()) {
				return nil //nolint:nilerr // what cannot be read is no message of anybody
			}
			if url := fact.GetCustomerMessage().GetPage().GetUrl(); url != "" && !m.StoredAt.Before(latest) {
				page, latest = url, m.StoredAt
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return page, nil
}

// customers answers the ids of the aliases.
func (l Listed) customers() (customers []*eventv1.Customer) {
	for _, alias := range l.Activity.Aliases {
		customers = append(customers, alias)
	}
	return customers
}
