package conversation

import "context"

// Adopt makes a thread known of which its own head says whose it is; ok is false when there is no such conversation.
func (s *Store) Adopt(ctx context.Context, team, channel, ts, project, id string) (conv Conversation, ok bool, err error) {
	at, err := s.find(ctx, project, id)
	if err != nil || at == nil {
		return Conversation{}, false, err
	}
	if err := s.Opened(ctx, team, channel, ts, project, id); err != nil {
		return Conversation{}, false, err
	}
	return Conversation{Project: project, ID: at.id, Record: at.record, Origin: id}, true, nil
}
