package conversation

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/bus"
)

// mention:{project}:<conversation> → whom the last mention was for, and which fact it came of; for as long as they are not to be mentioned again. Written and read by router.
func mentionKey(project, id string) string { return "mention:{" + project + "}:" + id }

// mention answers 1 for the first fact in a while that is for the same people, and for that fact again. Of a conversation that was erased a moment ago, whose copy is a
// revision alone, nothing is to be written any more: whoever is at work on it still has read it before.
var mention = redis.NewScript(`
local conversation = redis.call('GET', KEYS[2])
if conversation and #conversation == 20 then return 0 end
local last = redis.call('GET', KEYS[1])
if last == ARGV[1] .. ' ' .. ARGV[2] then return 1 end
if last and string.sub(last, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1`)

// Mention reports whether the same people have not been mentioned in a conversation for quiet, and remembers that they are now; for the same fact it answers the same again.
func (s *Store) Mention(ctx context.Context, project, id, who, fact string, quiet time.Duration) (bool, error) {
	first, err := mention.Run(ctx, s.redis, []string{mentionKey(project, id), convKey(project, id)}, bus.Token(who), bus.Token(fact), quiet.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("write mention to Redis: %w", err)
	}
	return first == 1, nil
}
