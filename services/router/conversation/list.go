package conversation

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Listed is a conversation with what the index knows of it.
type Listed struct {
	Conversation
	Activity Activity
	// At is the place just behind it, in a list.
	At Cursor
}

// Cursor is a place in the list of a project's conversations; the zero Cursor is its beginning.
type Cursor struct {
	millis int64
	id     string
}

// String is the reverse of ParseCursor.
func (c Cursor) String() string {
	if c.id == "" {
		return ""
	}
	return fmt.Sprintf("%d %s", c.millis, c.id)
}

// ParseCursor reads what String answered; ok is false for everything else.
func ParseCursor(s string) (c Cursor, ok bool) {
	if s == "" {
		return c, true
	}
	millis, id, _ := strings.Cut(s, " ")
	n, err := strconv.ParseInt(millis, 10, 64)
	return Cursor{millis: n, id: id}, err == nil && id != ""
}

// List answers up to limit conversations of a project behind after, the one with the latest change or message first, and where it ended; the zero Cursor when
// there is nothing behind. Fewer than limit do not mean that there is nothing behind. A conversation that changes while somebody goes through the list moves to
// its front and is not met again; no other one is told twice or left out.
func (s *Store) List(ctx context.Context, project string, after Cursor, limit int) ([]Listed, Cursor, error) {
	if err := s.ensureIndex(ctx, project); err != nil {
		return nil, after, err
	}
	places, end, err := s.places(ctx, project, after, limit)
	if err != nil {
		return nil, after, err
	}
	listed, err := s.known(ctx, project, places)
	return listed, end, err
}

// places answers where the next conversations stand in the index. Those of one millisecond stand in the reverse order of their ids.
func (s *Store) places(ctx context.Context, project string, after Cursor, limit int) (places []Cursor, end Cursor, err error) {
	from := "+inf"
	if after.id != "" {
		from = strconv.FormatInt(after.millis, 10)
	}
	for skipped := int64(0); ; {
		page, err := s.redis.ZRevRangeByScoreWithScores(ctx, indexKey(project, "activity"), &redis.ZRangeBy{Min: "-inf", Max: from, Offset: skipped, Count: int64(limit)}).Result()
		if err != nil {
			return nil, after, fmt.Errorf("read index from Redis: %w", err)
		}
		for _, z := range page {
			id, _ := z.Member.(string)
			if after.id != "" && int64(z.Score) == after.millis && id >= after.id {
				continue
			}
			end = Cursor{millis: int64(z.Score), id: id}
			places = append(places, end)
		}
		switch skipped += int64(len(page)); {
		case len(page) < limit:
			return places, Cursor{}, nil
		case len(places) > 0:
			return places, end, nil
		}
	}
}

// known reads the records of conversations in the index. Those that are none, or none any more, are taken out of it.
func (s *Store) known(ctx context.Context, project string, places []Cursor) ([]Listed, error) {
	if len(places) == 0 {
		return nil, nil
	}
	ids := make([]string, len(places))
	for i, at := range places {
		ids[i] = at.id
	}
	records, err := s.cached(ctx, project, ids)
	if err != nil {
		return nil, err
	}
	activities, err := s.activities(ctx, project, ids)
	if err != nil {
		return nil, err
	}
	if err := s.complete(ctx, project, ids, records); err != nil {
		return nil, err
	}
	var listed []Listed
	var lost []string
	for i, id := range ids {
		if records[i].record == nil || records[i].record.GetAliasOf() != "" {
			lost = append(lost, id)
			continue
		}
		listed = append(listed, Listed{Conversation: Conversation{Project: project, ID: id, Record: records[i].record, Revision: records[i].revision, Origin: id}, Activity: activities[i], At: places[i]})
	}
	if len(lost) == 0 {
		return listed, nil
	}
	pipe := s.redis.Pipeline()
	dropIndex(ctx, pipe, project, lost)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("write index to Redis: %w", err)
	}
	return listed, nil
}

// together is how many records are asked for at the same time.
const together = 16

// complete reads from the bucket what Redis has no copy of, and leaves none there: who goes through a list does not come back to each.
func (s *Store) complete(ctx context.Context, project string, ids []string, records []copied) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for i, id := range ids {
		if records[i].record != nil {
			continue
		}
		group.Go(func() error {
			record := freshRecord()
			revision, err := s.records.Read(ctx, recordKey(project, id), record)
			if err == nil && revision != 0 {
				records[i] = copied{record, revision}
			}
			return err
		})
	}
	return group.Wait()
}

// Get answers one conversation, also by the name of one that goes on in it; ok is false when there is none.
func (s *Store) Get(ctx context.Context, project, id string) (l Listed, ok bool, err error) {
	at, err := s.find(ctx, project, id)
	if err != nil || at == nil {
		return l, false, err
	}
	if err := s.ensureIndex(ctx, project); err != nil {
		return l, false, err
	}
	activities, err := s.activities(ctx, project, []string{at.id})
	if err != nil {
		return l, false, err
	}
	return Listed{Conversation: Conversation{Project: project, ID: at.id, Record: at.record, Revision: at.revision, Origin: id}, Activity: activities[0]}, true, nil
}

// Of answers the conversation that a fact of TALK belongs to by its customer, empty when there is none; unlike Resolve it makes none.
func (s *Store) Of(ctx context.Context, project string, c *eventv1.Customer) (id string, err error) {
	member, visitor := identities(project, c)
	for _, identity := range []string{member, visitor} {
		at, err := s.find(ctx, project, identity)
		if err != nil {
			return "", err
		}
		if at != nil {
			return at.id, nil
		}
	}
	return "", nil
}

// Lead answers where a conversation goes on: itself, or the one it was merged into; empty when there is none.
func (s *Store) Lead(ctx context.Context, project, id string) (string, error) {
	at, err := s.find(ctx, project, id)
	if err != nil || at == nil {
		return "", err
	}
	return at.id, nil
}

// whenWritten answers KARTE's time of a fact, or else ours.
func whenWritten(fact *eventv1.TalkFact) time.Time {
	if fact.GetOccurredAt() != nil {
		return fact.GetOccurredAt().AsTime()
	}
	return fact.GetReceivedAt().AsTime()
}

// Said answers who wrote what a fact of TALK tells, and when. A bot is nobody.
func Said(fact *eventv1.TalkFact) (Author, time.Time) {
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_CustomerMessage:
		return Customer, whenWritten(fact)
	case *eventv1.TalkFact_OperatorMessage:
		if !f.OperatorMessage.GetOperator().GetBot() {
			return Operator, whenWritten(fact)
		}
	case *eventv1.TalkFact_ReplyDelivered:
		if f.ReplyDelivered.GetKind() == eventv1.ReplyKind_REPLY_KIND_MESSAGE {
			return Operator, whenWritten(fact)
		}
	}
	return Nobody, whenWritten(fact)
}
