package conversation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// makingFor bounds how long the index may be in the making before it has to be begun again.
const makingFor = 10 * time.Minute

// finish marks the index as complete, but only if Redis has kept everything since it was begun.
var finish = redis.NewScript(`
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], '1')
return 1`)

var errEmptied = errors.New("the index was lost again: Redis was emptied while the index was being made")

// ensureIndex makes the index of a project where there is none, while facts go on being handled: what they write and what is found in the buckets do not
// undo each other. Two replicas may do it at once.
func (s *Store) ensureIndex(ctx context.Context, project string) error {
	there, err := s.redis.Exists(ctx, indexKey(project, "complete")).Result()
	if err != nil {
		return fmt.Errorf("read index from Redis: %w", err)
	}
	if there > 0 {
		return nil
	}
	making := indexKey(project, "making:"+rand.Text())
	if err := s.redis.Set(ctx, making, "1", makingFor).Err(); err != nil {
		return fmt.Errorf("write index to Redis: %w", err)
	}
	if err := s.build(ctx, project); err != nil {
		return fmt.Errorf("make the index of %s: %w", project, err)
	}
	done, err := finish.Run(ctx, s.redis, []string{making, indexKey(project, "complete")}).Int()
	if err == nil && done == 0 {
		err = errEmptied
	}
	if err != nil {
		return fmt.Errorf("make the index of %s: %w", project, err)
	}
	return nil
}

// build writes everything that the buckets and TALK say into the index. Of each record it keeps in memory only where it leads: there may be millions.
func (s *Store) build(ctx context.Context, project string) error {
	w := &writer{ctx: ctx, store: s, pipe: s.redis.Pipeline()}
	var aliases []alias
	all, err := s.scan(ctx, project, func(id string, record *eventv1.ConversationRecord, at time.Time) error {
		if record.GetAliasOf() != "" {
			aliases = append(aliases, alias{id, record.GetCustomer()})
			return nil
		}
		touch(ctx, w.pipe, project, id, Nobody, at)
		return w.flush(false)
	})
	if err != nil {
		return err
	}
	for _, a := range aliases {
		if root, ok := all.root(a.id); ok && root != a.id {
			addAlias(ctx, w.pipe, project, a.id, root, a.customer)
		}
		if err := w.flush(false); err != nil {
			return err
		}
	}
	err = s.eachThread(ctx, project, func(id string, t Thread) error {
		root, ok := all.root(id)
		if !ok {
			return nil
		}
		kind := "t:"
		if root != id {
			kind = "m:"
		}
		w.pipe.HSet(ctx, ofKey(project, root), kind+t.field(), "")
		return w.flush(false)
	})
	if err != nil {
		return err
	}
	_, err = s.bus.Scan(ctx, bus.Talk, "talk.*."+bus.ProjectToken(project)+".>", 1, func(m bus.Message) error {
		var fact eventv1.TalkFact
		if proto.Unmarshal(m.Data, &fact) != nil {
			return nil //nolint:nilerr // what cannot be read is no message of anybody
		}
		root, ok := all.of(fact.GetCustomer())
		if author, at := Said(&fact); ok && author != Nobody {
			touch(ctx, w.pipe, project, root, author, at)
		}
		return w.flush(false)
	})
	if err != nil {
		return err
	}
	return w.flush(true)
}

// writer sends what is written to Redis now and then.
type writer struct {
	ctx   context.Context //nolint:containedctx // it lives as long as one call
	store *Store
	pipe  redis.Pipeliner
}

func (w *writer) flush(rest bool) error {
	if n := w.pipe.Len(); n == 0 || n < 1000 && !rest {
		return nil
	}
	if _, err := w.pipe.Exec(w.ctx); err != nil {
		return fmt.Errorf("write index to Redis: %w", err)
	}
	return nil
}

// alias is an identity that leads to a conversation, and what it stands for.
type alias struct {
	id       string
	customer *eventv1.Customer
}

// everything is where all identities of a project lead, as CONVERSATIONS says.
type everything struct {
	project string
	leads   map[string]lead
}

// lead is what is kept of a record: where it leads, and which member it is of.
type lead struct{ to, user string }

func leadOf(record *eventv1.ConversationRecord) lead {
	return lead{to: record.GetAliasOf(), user: record.GetCustomer().GetUserId()}
}

// scan reads all records of a project, and calls do with each.
func (s *Store) scan(ctx context.Context, project string, do func(id string, record *eventv1.ConversationRecord, at time.Time) error) (everything, error) {
	all := everything{project: project, leads: map[string]lead{}}
	prefix := bus.ProjectToken(project) + "."
	err := s.records.Each(ctx, prefix+"*", freshRecord, func(key string, record *eventv1.ConversationRecord, _ uint64, at time.Time) error {
		id := strings.TrimPrefix(key, prefix)
		all.leads[id] = leadOf(record)
		return do(id, record, at)
	})
	return all, err
}

func freshRecord() *eventv1.ConversationRecord { return &eventv1.ConversationRecord{} }

func freshThread() *eventv1.ThreadRecord { return &eventv1.ThreadRecord{} }

// root follows an identity to its conversation; ok is false when it leads to none.
func (e everything) root(id string) (root string, ok bool) {
	for range len(e.leads) {
		found, ok := e.leads[id]
		if !ok {
			return "", false
		}
		if found.to == "" {
			return id, true
		}
		id = found.to
	}
	return "", false
}

// of answers the conversation of a customer as Resolve would, as far as there is one.
func (e everything) of(c *eventv1.Customer) (root string, ok bool) {
	member, visitor := identities(e.project, c)
	if root, ok = e.root(member); ok {
		return root, true
	}
	if root, ok = e.root(visitor); !ok || member == "" {
		return root, ok
	}
	return root, mayBe(e.leads[root].user, c)
}

// eachThread calls do with all threads of a project's conversations, the former ones too.
func (s *Store) eachThread(ctx context.Context, project string, do func(conversation string, t Thread) error) error {
	return s.threads.Each(ctx, "t.>", freshThread, func(key string, record *eventv1.ThreadRecord, _ uint64, _ time.Time) error {
		parts := strings.Split(key, ".")
		if len(parts) != 4 || record.GetProject() != project {
			return nil
		}
		return do(record.GetConversation(), Thread{Team: parts[1], Channel: parts[2], TS: strings.ReplaceAll(parts[3], "-", ".")})
	})
}
