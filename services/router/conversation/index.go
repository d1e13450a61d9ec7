package conversation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// The index says what the records do not: in which order conversations were last written to, by whom, and what leads to them. It is made again
// from the buckets and from TALK when Redis has lost it (see build), except for times that TALK has forgotten.
//
//	index:{project}:activity     sorted set  conversation → time of the latest change or message, in milliseconds
//	index:{project}:of:<id>      hash        c, o → time of the latest message of the customer, of an operator; a:<identity> → its ids;
//	                                         t:<team>:<channel>:<ts>, m:… → nothing: its threads, and those of what was merged into it
//	index:{project}:complete     string      set when nothing is missing
//	index:{project}:making:<n>   string      set while it is being made; gone with the rest if Redis is emptied meanwhile
//
// Only what gives the list its order is a sorted set: an entry of one takes Redis as much as ten fields of a small hash. Earlier versions kept the times of
// messages in two more, index:{project}:customer and …:operator, which are read as well: a time moves to the hash when there is a later one.
//
// What cannot be written fails the fact that is being handled, which waits in HELD then: Redis is needed for it anyway.
func indexKey(project, what string) string { return "index:{" + project + "}:" + what }

func ofKey(project, id string) string { return indexKey(project, "of:"+id) }

// An Author is who has caused a change.
type Author string

// The authors.
const (
	Nobody   Author = ""
	Customer Author = "customer"
	Operator Author = "operator"
)

// Touch notes that something happened to a conversation; earlier times than the one that is known change nothing.
func (s *Store) Touch(ctx context.Context, project, id string, author Author, at time.Time) error {
	pipe := s.redis.Pipeline()
	touch(ctx, pipe, project, id, author, at)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("write index to Redis: %w", err)
	}
	return nil
}

// Touched is Touch, and answers what the index knows of the conversation then, at the cost of one.
func (s *Store) Touched(ctx context.Context, project, id string, author Author, at time.Time) (Activity, error) {
	pipe := s.redis.Pipeline()
	touch(ctx, pipe, project, id, author, at)
	known, err := readAll(ctx, pipe, project, []string{id})
	if err != nil {
		return Activity{}, err
	}
	return known[0], nil
}

// Activity answers what the index knows of a conversation.
func (s *Store) Activity(ctx context.Context, project, id string) (Activity, error) {
	known, err := s.activities(ctx, project, []string{id})
	if err != nil {
		return Activity{}, err
	}
	return known[0], nil
}

func touch(ctx context.Context, pipe redis.Pipeliner, project, id string, author Author, at time.Time) {
	z := redis.Z{Score: float64(at.UnixMilli()), Member: id}
	pipe.ZAddGT(ctx, indexKey(project, "activity"), z)
	if author != Nobody {
		keepLatest.Eval(ctx, pipe, []string{ofKey(project, id), indexKey(project, string(author))}, author.field(), at.UnixMilli(), id)
	}
}

// keepLatest keeps the latest time of a message in the hash, and takes what an earlier version has kept in a set.
var keepLatest = redis.NewScript(`
local at = tonumber(ARGV[2])
at = math.max(at, tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0), tonumber(redis.call('ZSCORE', KEYS[2], ARGV[3]) or 0))
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', at))
return redis.call('ZREM', KEYS[2], ARGV[3])`)

// field is where the time of an author's latest message stands.
func (a Author) field() string { return string(a[:1]) }

// A Thread is where a conversation is, or once was, shown in Slack.
type Thread struct{ Team, Channel, TS string }

func (t Thread) field() string { return t.Team + ":" + t.Channel + ":" + t.TS }

func parseThread(field string) (t Thread, ok bool) {
	parts := strings.Split(field, ":")
	if len(parts) != 3 {
		return t, false
	}
	return Thread{Team: parts[0], Channel: parts[1], TS: parts[2]}, true
}

// Activity is what the index knows of a conversation. Times are zero when they are not known.
type Activity struct {
	Update, Customer, Operator time.Time
	// Threads are all that were opened for it, Current is the latest; zero while there is none.
	Threads []Thread
	Current Thread
	// Merged are the threads of conversations that go on in this one.
	Merged []Thread
	// Aliases are the other identities that lead to it, by their ids as far as those are known.
	Aliases map[string]*eventv1.Customer
}

// opened notes a thread of a conversation.
func (s *Store) opened(ctx context.Context, project, id string, t Thread) error {
	at, err := s.find(ctx, project, id)
	if err != nil || at == nil {
		return err
	}
	kind := "t:"
	if at.id != id {
		kind = "m:"
	}
	if err := s.redis.HSet(ctx, ofKey(project, at.id), kind+t.field(), "").Err(); err != nil {
		return fmt.Errorf("write index to Redis: %w", err)
	}
	return nil
}

// aliased notes that an identity leads to a conversation; what was known of a conversation of that identity becomes the other's.
func (s *Store) aliased(ctx context.Context, project, identity, id string, customer *eventv1.Customer) error {
	before, err := s.activities(ctx, project, []string{identity})
	if err != nil {
		return err
	}
	pipe := s.redis.TxPipeline()
	addAlias(ctx, pipe, project, identity, id, customer)
	moveAll(ctx, pipe, project, id, before[0])
	dropIndex(ctx, pipe, project, []string{identity})
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("write index to Redis: %w", err)
	}
	return nil
}

func addAlias(ctx context.Context, pipe redis.Pipeliner, project, identity, id string, customer *eventv1.Customer) {
	pipe.HSet(ctx, ofKey(project, id), "a:"+identity, customer.GetUserId()+"\x00"+customer.GetVisitorId())
}

// moveAll gives what is known of a conversation to another one.
func moveAll(ctx context.Context, pipe redis.Pipeliner, project, to string, known Activity) {
	for identity, customer := range known.Aliases {
		addAlias(ctx, pipe, project, identity, to, customer)
	}
	for _, thread := range append(known.Threads, known.Merged...) {
		pipe.HSet(ctx, ofKey(project, to), "m:"+thread.field(), "")
	}
	for author, at := range map[Author]time.Time{Nobody: known.Update, Customer: known.Customer, Operator: known.Operator} {
		if !at.IsZero() {
			touch(ctx, pipe, project, to, author, at)
		}
	}
}

func dropIndex(ctx context.Context, pipe redis.Pipeliner, project string, ids []string) {
	for _, id := range ids {
		for _, set := range []string{"activity", string(Customer), string(Operator)} {
			pipe.ZRem(ctx, indexKey(project, set), id)
		}
		pipe.Del(ctx, ofKey(project, id))
	}
}

// activities answers what the index knows of conversations, in their order.
func (s *Store) activities(ctx context.Context, project string, ids []string) ([]Activity, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return readAll(ctx, s.redis.Pipeline(), project, ids)
}

// readAll carries out pipe, and reads with it what the index knows of conversations.
func readAll(ctx context.Context, pipe redis.Pipeliner, project string, ids []string) ([]Activity, error) {
	update := pipe.ZMScore(ctx, indexKey(project, "activity"), ids...)
	customer := pipe.ZMScore(ctx, indexKey(project, string(Customer)), ids...)
	operator := pipe.ZMScore(ctx, indexKey(project, string(Operator)), ids...)
	fields := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		fields[i] = pipe.HGetAll(ctx, ofKey(project, id))
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read index from Redis: %w", err)
	}
	known := make([]Activity, len(ids))
	for i := range ids {
		known[i] = activityOf(fields[i].Val())
		known[i].Update = timeOf(update.Val(), i)
		known[i].Customer, known[i].Operator = latest(known[i].Customer, timeOf(customer.Val(), i)), latest(known[i].Operator, timeOf(operator.Val(), i))
	}
	return known, nil
}

func timeOf(scores []float64, i int) time.Time {
	if i >= len(scores) || scores[i] == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(scores[i])).UTC()
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// millis reads a time of the hash; what is none is zero.
func millis(value string) time.Time {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

func activityOf(fields map[string]string) Activity {
	a := Activity{Aliases: map[string]*eventv1.Customer{}}
	for field, value := range fields {
		kind, rest, _ := strings.Cut(field, ":")
		thread, isThread := parseThread(rest)
		switch {
		case field == Customer.field():
			a.Customer = millis(value)
		case field == Operator.field():
			a.Operator = millis(value)
		case kind == "a":
			user, visitor, _ := strings.Cut(value, "\x00")
			a.Aliases[rest] = &eventv1.Customer{UserId: user, VisitorId: visitor}
		case kind == "t" && isThread:
			a.Threads = append(a.Threads, thread)
			if later(thread.TS, a.Current.TS) {
				a.Current = thread
			}
		case kind == "m" && isThread:
			a.Merged = append(a.Merged, thread)
		}
	}
	return a
}

// later compares two of Slack's ts, which are seconds with six decimals.
func later(a, b string) bool {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	if errA == nil && errB == nil && x != y {
		return x > y
	}
	return a > b
}
