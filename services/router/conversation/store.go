package conversation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Store finds and changes conversations. The bucket CONVERSATIONS is the truth and is changed by compare-and-set only,
// Redis is in front of it.
type Store struct {
	bus     *bus.Bus
	redis   redis.UniversalClient
	records bus.Records[*eventv1.ConversationRecord]
	threads bus.Records[*eventv1.ThreadRecord]
}

// New makes a store.
func New(client redis.UniversalClient, b *bus.Bus) *Store {
	return &Store{
		bus:     b,
		redis:   client,
		records: bus.NewRecords[*eventv1.ConversationRecord](b, bus.Conversations),
		threads: bus.NewRecords[*eventv1.ThreadRecord](b, bus.Threads),
	}
}

func recordKey(project, identity string) string { return bus.ProjectToken(project) + "." + identity }

// tries bounds how often a change is repeated because somebody else was faster.
const tries = 8

// Resolve answers the conversation of a customer, making it when it is new. merged is an anonymous conversation that
// this event has shown to be the same customer's; it is answered once only.
func (s *Store) Resolve(ctx context.Context, project string, c *eventv1.Customer) (conv Conversation, merged *Conversation, err error) {
	member, visitor := identities(project, c)
	if member == "" && visitor == "" {
		return Conversation{}, nil, errors.New("customer without an id")
	}
	for range tries {
		conv, merged, err = s.resolve(ctx, project, member, visitor, c)
		if !errors.Is(err, bus.ErrConflict) {
			return conv, merged, err
		}
	}
	return conv, merged, err
}

func (s *Store) resolve(ctx context.Context, project, member, visitor string, c *eventv1.Customer) (Conversation, *Conversation, error) {
	byMember, err := s.find(ctx, project, member)
	if err != nil {
		return Conversation{}, nil, err
	}
	byVisitor, err := s.find(ctx, project, visitor)
	if err != nil {
		return Conversation{}, nil, err
	}
	p := join(member, visitor, byMember, byVisitor, c)
	conv := Conversation{Project: project, ID: p.id, Record: p.record}
	switch {
	case p.record != nil:
		if conv.Record, conv.Revision, err = s.put(ctx, project, p.id, p.record); err != nil {
			return Conversation{}, nil, err
		}
	case byMember != nil && byMember.id == p.id:
		conv.Record, conv.Revision = byMember.record, byMember.revision
	default:
		conv.Record, conv.Revision = byVisitor.record, byVisitor.revision
	}
	for _, alias := range p.aliases {
		if err := s.point(ctx, project, alias, p.id, p.ended, idsOf(alias, member, c)); err != nil {
			return Conversation{}, nil, err
		}
	}
	if p.merged == nil {
		return conv, nil, nil
	}
	return conv, &Conversation{Project: project, ID: p.merged.id, Record: p.merged.record, Revision: p.merged.revision}, nil
}

// find follows an identity to its conversation; nil when it leads to none.
func (s *Store) find(ctx context.Context, project, identity string) (*known, error) {
	for id := identity; id != ""; {
		record, revision, err := s.read(ctx, project, id)
		if err != nil || record == nil {
			return nil, err
		}
		if record.GetAliasOf() == "" {
			return &known{id: id, record: record, revision: revision}, nil
		}
		id = record.GetAliasOf()
	}
	return nil, nil
}

// read answers the record of an identity, and its revision, from Redis, else from the bucket; nil when there is none.
func (s *Store) read(ctx context.Context, project, id string) (*eventv1.ConversationRecord, uint64, error) {
	records, err := s.cached(ctx, project, []string{id})
	if err != nil {
		return nil, 0, err
	}
	if records[0].record != nil {
		return records[0].record, records[0].revision, nil
	}
	var record eventv1.ConversationRecord
	revision, err := s.records.Read(ctx, recordKey(project, id), &record)
	if err != nil || revision == 0 {
		return nil, 0, err
	}
	return &record, revision, s.cache(ctx, project, id, &record, revision)
}

// put writes a new conversation, or adds the member to an anonymous one.
func (s *Store) put(ctx context.Context, project, id string, record *eventv1.ConversationRecord) (*eventv1.ConversationRecord, uint64, error) {
	return s.change(ctx, project, id, func(now *eventv1.ConversationRecord, exists bool) error {
		switch {
		case !exists && record.GetCreateTime() != nil:
			return bus.ErrConflict // it was erased meanwhile
		case now.GetAliasOf() != "":
			led, err := s.leads(ctx, project, now.GetAliasOf())
			if err != nil || led {
				return errors.Join(err, bus.ErrConflict) // it was merged meanwhile: look again
			}
			fallthrough // the conversation was erased as this identity began to lead there
		case !exists:
			proto.Reset(now)
			proto.Merge(now, record)
			now.CreateTime = timestamppb.Now()
		case now.GetCustomer().GetUserId() == "":
			now.Customer = record.GetCustomer()
			if record.GetAssignee() != nil {
				now.Assignee = record.GetAssignee()
			}
		case now.GetCustomer().GetUserId() != record.GetCustomer().GetUserId():
			return bus.ErrConflict // it became another member's meanwhile
		}
		return nil
	})
}

// leads reports whether an identity leads to a conversation, as the bucket says.
func (s *Store) leads(ctx context.Context, project, id string) (bool, error) {
	for {
		var record eventv1.ConversationRecord
		revision, err := s.records.Read(ctx, recordKey(project, id), &record)
		if err != nil || revision == 0 {
			return false, err
		}
		if record.GetAliasOf() == "" {
			return true, nil
		}
		id = record.GetAliasOf()
	}
}

// idsOf answers the ids that an identity of an event's customer stands for.
func idsOf(identity, member string, c *eventv1.Customer) *eventv1.Customer {
	if identity == member {
		return &eventv1.Customer{UserId: c.GetUserId()}
	}
	return &eventv1.Customer{VisitorId: visitorID(c)}
}

// point makes an identity lead to a conversation. from is the conversation that ends with this, nil when the identity led to
// none; customer is what the identity stands for. ErrConflict: it leads somewhere else by now, look again.
func (s *Store) point(ctx context.Context, project, identity, id string, from *known, customer *eventv1.Customer) error {
	if identity == id {
		return nil
	}
	if from != nil {
		customer = from.record.GetCustomer()
	}
	_, _, err := s.change(ctx, project, identity, func(now *eventv1.ConversationRecord, exists bool) error {
		switch {
		case !exists:
		case now.GetAliasOf() == id:
			return nil
		case now.GetAliasOf() != "":
			if led, err := s.leads(ctx, project, now.GetAliasOf()); err != nil || led {
				return errors.Join(err, bus.ErrConflict)
			}
		case from == nil, now.GetCustomer().GetUserId() != from.record.GetCustomer().GetUserId(), now.GetChannel() != from.record.GetChannel():
			return bus.ErrConflict
		}
		began := now.GetCreateTime()
		if began == nil {
			began = timestamppb.Now()
		}
		proto.Reset(now)
		now.AliasOf, now.Customer, now.CreateTime = id, proto.CloneOf(customer), began
		return nil
	})
	if err != nil {
		return err
	}
	return s.aliased(ctx, project, identity, id, customer)
}

// Update changes a conversation's record; change may be called more than once.
func (s *Store) Update(ctx context.Context, conv Conversation, change func(*eventv1.ConversationRecord)) (Conversation, error) {
	record, revision, err := s.change(ctx, conv.Project, conv.ID, func(now *eventv1.ConversationRecord, exists bool) error {
		if !exists {
			return bus.ErrConflict // it was erased meanwhile: whatever comes next belongs to a new conversation
		}
		if now.GetAliasOf() != "" {
			return bus.ErrConflict // it was merged meanwhile: whatever comes next belongs to the other one
		}
		change(now)
		return nil
	})
	if err != nil {
		return conv, err
	}
	conv.Record, conv.Revision = record, revision
	return conv, nil
}

// change reads the record of an identity from the bucket, changes it, and writes it back to the bucket and to Redis.
func (s *Store) change(ctx context.Context, project, id string, change func(now *eventv1.ConversationRecord, exists bool) error) (*eventv1.ConversationRecord, uint64, error) {
	var last error
	for range tries {
		var now eventv1.ConversationRecord
		revision, err := s.records.Read(ctx, recordKey(project, id), &now)
		if err != nil {
			return nil, 0, err
		}
		before := proto.CloneOf(&now)
		if err := change(&now, revision != 0); err != nil {
			// What led here was out of date: the next look must not see it again.
			if revision != 0 {
				return nil, 0, errors.Join(err, s.cache(ctx, project, id, before, revision))
			}
			return nil, 0, errors.Join(err, s.forget(ctx, project, id))
		}
		if revision == 0 || !proto.Equal(before, &now) {
			revision, err = s.records.Write(ctx, recordKey(project, id), &now, revision)
		}
		if last = err; errors.Is(err, bus.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		return &now, revision, s.cache(ctx, project, id, &now, revision)
	}
	return nil, 0, last
}

// ThreadOpened remembers that a conversation has a new thread.
func (s *Store) ThreadOpened(ctx context.Context, t Thread, project, id string) error {
	if err := s.Opened(ctx, t.Team, t.Channel, t.TS, project, id); err != nil {
		return err
	}
	return s.opened(ctx, project, id, t)
}

// Opened remembers which conversation a thread belongs to.
func (s *Store) Opened(ctx context.Context, team, channel, ts, project, id string) error {
	// A thread never changes hands, and what says that it was erased is to stay.
	if err := s.redis.SetNX(ctx, threadKey(team, channel, ts), project+"\x00"+id, cacheFor).Err(); err != nil {
		return fmt.Errorf("write thread to Redis: %w", err)
	}
	return nil
}

// ByThread answers the conversation of a thread; ok is false when it is none of ours, as far as is known yet.
func (s *Store) ByThread(ctx context.Context, team, channel, ts string) (conv Conversation, ok bool, err error) {
	value, err := s.redis.Get(ctx, threadKey(team, channel, ts)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Conversation{}, false, fmt.Errorf("read thread from Redis: %w", err)
	}
	project, id, found := strings.Cut(value, "\x00")
	if !found {
		var record eventv1.ThreadRecord
		revision, err := s.threads.Read(ctx, bus.ThreadKey(team, channel, ts), &record)
		if err != nil || revision == 0 {
			return Conversation{}, false, err
		}
		project, id = record.GetProject(), record.GetConversation()
		if err := s.Opened(ctx, team, channel, ts, project, id); err != nil {
			return Conversation{}, false, err
		}
	}
	// A conversation that was merged into another one is followed there.
	at, err := s.find(ctx, project, id)
	if err != nil || at == nil {
		return Conversation{}, false, err
	}
	return Conversation{Project: project, ID: at.id, Record: at.record, Revision: at.revision, Origin: id}, true, nil
}

// HasThread reports whether a thread was opened, as slack-gateway has written it.
func (s *Store) HasThread(ctx context.Context, t Thread) (bool, error) {
	revision, err := s.threads.Read(ctx, bus.ThreadKey(t.Team, t.Channel, t.TS), &eventv1.ThreadRecord{})
	return revision != 0, err
}

// Remember notes for a while that something was sent to KARTE, so that its echo is recognised; see Echo.
func (s *Store) Remember(ctx context.Context, conv Conversation, operator, text string, window time.Duration) error {
	if window <= 0 {
		return nil
	}
	if err := s.redis.Set(ctx, echoKey(conv, operator, text), 1, window).Err(); err != nil {
		return fmt.Errorf("write echo to Redis: %w", err)
	}
	return nil
}

// Echo reports whether an operator's message is what the bridge itself sent a short while ago.
func (s *Store) Echo(ctx context.Context, conv Conversation, operator, text string) (bool, error) {
	n, err := s.redis.Exists(ctx, echoKey(conv, operator, text)).Result()
	if err != nil {
		return false, fmt.Errorf("read echo from Redis: %w", err)
	}
	return n > 0, nil
}

func echoKey(conv Conversation, operator, text string) string {
	return "echo:{" + conv.Project + "}:" + conv.ID + ":" + bus.Token(operator+"\x00"+text)
}

// GestureKey names a reply of a thread for First: Slack may tell one twice, as two messages.
func GestureKey(team, clientMsgID, thread, text string) string {
	return "gesture:" + team + ":" + clientMsgID + ":" + bus.Token(thread+"\x00"+text)
}

// EndedKey names for First what a project's admins are told when the app is gone from a workspace.
func EndedKey(project, workspace string) string { return "ended:{" + project + "}:" + workspace }

// HintKey names for First the hint to a project's admins that an operator is linked to nobody.
func HintKey(project, operator string) string { return "not-linked:{" + project + "}:" + operator }

// HowToSendKey names the link of an operator to a member, for First: they are told once how replies reach the customer. It is kept for ever.
func HowToSendKey(project, operator, member string) string {
	return "how-to-send:{" + project + "}:" + bus.Token(operator+"\x00"+member)
}

// First reports whether this is the first time in window that key is seen with value; the same value is always first.
func (s *Store) First(ctx context.Context, key, value string, window time.Duration) (bool, error) {
	before, err := s.redis.SetArgs(ctx, "once:"+key, value, redis.SetArgs{Mode: "NX", Get: true, TTL: window}).Result()
	if errors.Is(err, redis.Nil) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("write to Redis: %w", err)
	}
	return before == value, nil
}
