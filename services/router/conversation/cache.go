package conversation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Redis is an index here, never the truth: what it has lost is read from the buckets again. Copies are kept for as long as a conversation is likely to go on: most of those that
// are known are over, and a copy takes more room than all that the index says of a conversation.
//
//	conv:{project}:<identity>        → revision (20 digits) + ConversationRecord; the revision alone for a while after the record was erased
//	thread:{team}:<channel>:<ts>     → project, NUL, conversation; "-" for a while after it was erased
const cacheFor = 6 * time.Hour

func convKey(project, identity string) string { return "conv:{" + project + "}:" + identity }

func threadKey(team, channel, ts string) string {
	return "thread:{" + team + "}:" + channel + ":" + ts
}

// putNewer stores a record unless a newer revision is there: two replicas may write in either order.
var putNewer = redis.NewScript(`
local old = redis.call('GET', KEYS[1])
if not old or string.sub(old, 1, 20) <= string.sub(ARGV[1], 1, 20) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
return 1`)

// forget removes the copy of a record that is no longer there.
func (s *Store) forget(ctx context.Context, project, id string) error {
	if err := s.redis.Del(ctx, convKey(project, id)).Err(); err != nil {
		return fmt.Errorf("remove conversation from Redis: %w", err)
	}
	return nil
}

// copied is what Redis has of a record; nil when it has none.
type copied struct {
	record   *eventv1.ConversationRecord
	revision uint64
}

func (s *Store) cached(ctx context.Context, project string, ids []string) ([]copied, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = convKey(project, id)
	}
	values, err := s.redis.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, fmt.Errorf("read conversations from Redis: %w", err)
	}
	records := make([]copied, len(ids))
	for i, value := range values {
		text, ok := value.(string)
		if !ok || len(text) <= 20 { // a revision alone says that what was there is erased
			continue
		}
		var record eventv1.ConversationRecord
		revision, err := strconv.ParseUint(text[:20], 10, 64)
		if err == nil && proto.Unmarshal([]byte(text[20:]), &record) == nil {
			records[i] = copied{&record, revision}
		}
	}
	return records, nil
}

func (s *Store) cache(ctx context.Context, project, id string, record *eventv1.ConversationRecord, revision uint64) error {
	data, err := proto.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode conversation: %w", err)
	}
	value := append(fmt.Appendf(nil, "%020d", revision), data...)
	if err := putNewer.Run(ctx, s.redis, []string{convKey(project, id)}, value, int(cacheFor.Seconds())).Err(); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("write conversation to Redis: %w", err)
	}
	return nil
}
