package slackstandin

import "context"

type clientKey struct{}

// InClient says in which of a member's clients they do something, by any name: what the app opens in answer is shown there, as Slack opens a modal where its button was
// pressed. What is done without is done in no client in particular.
func InClient(ctx context.Context, client string) context.Context {
	return context.WithValue(ctx, clientKey{}, client)
}

// opensIn notes in which client a trigger was given. The lock is held.
func (s *Server) opensIn(ctx context.Context, triggerID any) {
	client, _ := ctx.Value(clientKey{}).(string)
	id, _ := triggerID.(string)
	if t := s.triggers[id]; t != nil {
		t.client = client
	}
}
