package conversation

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// skew is how far Slack's clock and ours may be apart.
const skew = 5 * time.Minute

// Adopt makes a thread known of which its own head says whose it is; ok is false when there is no such conversation, or only one that began later: the thread is
// of one that was erased, and nobody's.
func (s *Store) Adopt(ctx context.Context, team, channel, ts, project, id string) (conv Conversation, ok bool, err error) {
	at, err := s.find(ctx, project, id)
	if err != nil || at == nil {
		return Conversation{}, false, err
	}
	record, _, err := s.read(ctx, project, id)
	if err != nil || record.GetCreateTime().AsTime().After(opened(ts).Add(skew)) {
		return Conversation{}, false, err
	}
	if err := s.Opened(ctx, team, channel, ts, project, id); err != nil {
		return Conversation{}, false, err
	}
	return Conversation{Project: project, ID: at.id, Record: at.record, Revision: at.revision, Origin: id}, true, nil
}

// opened answers when a thread was, to the second.
func opened(ts string) time.Time {
	seconds, _, _ := strings.Cut(ts, ".")
	n, _ := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(n, 0)
}
