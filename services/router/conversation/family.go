package conversation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Family is all that leads to one conversation, as the buckets say: for following a customer's messages everywhere.
type Family struct {
	Project string
	// ID is the conversation; identities lead to it directly or by others, the farthest first, itself last.
	ID         string
	Identities []string
	// Threads are all that were ever opened for it.
	Threads []Thread

	root *eventv1.ConversationRecord
	// records are those of the identities, as far as there are any.
	records map[string]*eventv1.ConversationRecord
	all     everything
}

// Family answers everything that leads to a conversation, or to the one that it goes on in. Without such a conversation it is what would lead to it:
// the identity itself, and what still points there.
func (s *Store) Family(ctx context.Context, project, id string) (Family, error) {
	all, err := s.scan(ctx, project, func(string, *eventv1.ConversationRecord, time.Time) error { return nil })
	if err != nil {
		return Family{}, err
	}
	f := Family{Project: project, ID: id, all: all, records: map[string]*eventv1.ConversationRecord{}}
	if root, ok := all.root(id); ok {
		f.ID = root
	}
	f.Identities = []string{f.ID}
	if f.ID != id {
		f.Identities = append(f.Identities, id)
	}
	for i := 0; i < len(f.Identities); i++ {
		for identity, found := range all.leads {
			if found.to == f.Identities[i] && !slices.Contains(f.Identities, identity) {
				f.Identities = append(f.Identities, identity)
			}
		}
	}
	slices.Reverse(f.Identities)
	for _, identity := range f.Identities {
		record := freshRecord()
		revision, err := s.records.Read(ctx, recordKey(project, identity), record)
		if err != nil {
			return Family{}, err
		}
		if revision != 0 {
			f.records[identity] = record
		}
	}
	f.root = f.records[f.ID]
	err = s.eachThread(ctx, project, func(conversation string, t Thread) error {
		if f.Holds(conversation) {
			f.Threads = append(f.Threads, t)
		}
		return nil
	})
	return f, err
}

// Join adds what another look has found.
func (f Family) Join(later Family) Family {
	later.ID = f.ID
	if later.root == nil {
		later.root = f.root
	}
	for _, identity := range f.Identities {
		if !slices.Contains(later.Identities, identity) {
			later.Identities = append([]string{identity}, later.Identities...)
		}
	}
	for _, thread := range f.Threads {
		if !slices.Contains(later.Threads, thread) {
			later.Threads = append(later.Threads, thread)
		}
	}
	return later
}

// Size grows when Join has added something.
func (f Family) Size() int { return len(f.Identities) + len(f.Threads) }

// Holds reports whether an identity, or a conversation, is one of the family.
func (f Family) Holds(id string) bool { return id != "" && slices.Contains(f.Identities, id) }

// HoldsThread reports whether a thread was opened for it.
func (f Family) HoldsThread(team, channel, ts string) bool {
	return slices.Contains(f.Threads, Thread{Team: team, Channel: channel, TS: ts})
}

// Owns reports whether an event with this customer belongs to it, as Resolve would decide.
func (f Family) Owns(c *eventv1.Customer) bool {
	member, visitor := identities(f.Project, c)
	if member == "" {
		return f.Holds(visitor)
	}
	if f.Holds(member) {
		return true
	}
	if _, elsewhere := f.all.root(member); elsewhere || !f.Holds(visitor) {
		return false
	}
	return mayBe(f.root.GetCustomer().GetUserId(), c)
}

// Channels answers where its threads are, and where they are to be.
func (f Family) Channels() (channels []Thread) {
	add := func(team, channel string) {
		if at := (Thread{Team: team, Channel: channel}); channel != "" && !slices.Contains(channels, at) {
			channels = append(channels, at)
		}
	}
	for _, t := range f.Threads {
		add(t.Team, t.Channel)
	}
	for _, identity := range f.Identities {
		record := f.records[identity]
		add(record.GetTeam(), record.GetChannel())
		add(record.GetTeam(), record.GetMovedFrom())
	}
	return channels
}

// erasedFor is how long it is remembered that something was erased: nobody who read it before is that slow to write it to Redis.
const erasedFor = time.Minute

// EraseThreads removes where the threads of a family are; what is written in them is nobody's then. It answers how many records there were.
func (s *Store) EraseThreads(ctx context.Context, f Family) (removed int, err error) {
	keys := make([]string, 0, f.Size())
	for _, t := range f.Threads {
		keys = append(keys, bus.ThreadKey(t.Team, t.Channel, t.TS))
	}
	for _, id := range f.Identities {
		keys = append(keys, bus.ConversationKey(f.Project, id))
	}
	for _, key := range keys {
		revision, err := s.threads.Erase(ctx, key, freshThread)
		if err != nil {
			return removed, err
		}
		if revision > 0 {
			removed++
		}
	}
	return removed, nil
}

// EraseRecords removes the records of a family, what points to the conversation before the conversation itself: nobody is led to where nothing is. It answers how
// many there were, and how many copies of them in Redis.
func (s *Store) EraseRecords(ctx context.Context, f Family) (removed int, copies int64, err error) {
	for _, id := range f.Identities {
		revision, err := s.records.Erase(ctx, recordKey(f.Project, id), freshRecord)
		if err != nil {
			return removed, copies, err
		}
		if revision == 0 {
			continue
		}
		removed++
		// The next revision stands there for a while, without a record.
		n, err := entomb.Run(ctx, s.redis, []string{convKey(f.Project, id)}, fmt.Sprintf("%020d", revision+1), erasedFor.Milliseconds()).Int64()
		if err != nil {
			return removed, copies, fmt.Errorf("write to Redis: %w", err)
		}
		copies += n
	}
	return removed, copies, nil
}

// entomb puts something in a key's place for a while, so that whoever has read what is erased does not bring it back. It answers whether the key held more than that.
var entomb = redis.NewScript(`
local old = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if old and #old > #ARGV[1] then return 1 end
return 0`)

// An Echo is what was sent to KARTE for an operator.
type Echo struct{ Operator, Text string }

// Memories are the short ones that Redis keeps of what was said.
type Memories struct {
	Echoes []Echo
	// Gestures are keys as GestureKey makes them.
	Gestures []string
}

// EraseIndex removes what Redis holds of a family, and answers how many keys and entries there were.
func (s *Store) EraseIndex(ctx context.Context, f Family, said Memories) (removed int64, err error) {
	pipe := s.redis.Pipeline()
	var counts []interface{ Val() int64 }
	var entombed []*redis.Cmd
	for _, t := range f.Threads {
		entombed = append(entombed, entomb.Eval(ctx, pipe, []string{threadKey(t.Team, t.Channel, t.TS)}, "-", erasedFor.Milliseconds()))
	}
	for _, id := range f.Identities {
		conv := Conversation{Project: f.Project, ID: id}
		for _, echo := range said.Echoes {
			counts = append(counts, pipe.Del(ctx, echoKey(conv, echo.Operator, echo.Text)))
		}
		for _, set := range []string{"activity", string(Customer), string(Operator)} {
			counts = append(counts, pipe.ZRem(ctx, indexKey(f.Project, set), id))
		}
		counts = append(counts, pipe.Del(ctx, ofKey(f.Project, id)), pipe.Del(ctx, mentionKey(f.Project, id)))
	}
	for _, key := range said.Gestures {
		counts = append(counts, pipe.Del(ctx, "once:"+key))
	}
	if pipe.Len() == 0 {
		return 0, nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, fmt.Errorf("remove from Redis: %w", err)
	}
	for _, n := range counts {
		removed += n.Val()
	}
	for _, cmd := range entombed {
		n, _ := cmd.Int64() // its error would have been that of Exec
		removed += n
	}
	return removed, nil
}

// Family is what the index knows to lead to a conversation: enough to show its messages, not enough to erase them.
func (l Listed) Family() Family {
	f := Family{Project: l.Project, ID: l.ID, Identities: []string{l.ID}, Threads: append(slices.Clone(l.Activity.Threads), l.Activity.Merged...), root: l.Record}
	f.records = map[string]*eventv1.ConversationRecord{l.ID: l.Record}
	f.all = everything{project: l.Project, leads: map[string]lead{l.ID: leadOf(l.Record)}}
	for identity := range l.Activity.Aliases {
		f.Identities = append(f.Identities, identity)
	}
	return f
}
