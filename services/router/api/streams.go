package api

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
)

// openStreams counts what each holder has open. The rates bound how often streams are opened, which is no bound for what stays open for minutes.
type openStreams struct {
	most int
	mu   sync.Mutex
	held map[streamHolder]int
}

// streamHolder is a token's name or, where none is needed, an address.
type streamHolder struct{ caller, address string }

// enter lets the call of ctx hold a stream until it calls leave.
func (s *openStreams) enter(ctx context.Context) (leave func(), err error) {
	holder := streamHolder{caller: callerOf(ctx).Name}
	if holder.caller == "" {
		holder.address = addressOf(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[holder] >= s.most {
		return nil, refusal(codes.ResourceExhausted, "TOO_MANY_STREAMS", "too many streams are open; end one, or try again later")
	}
	s.held[holder]++
	return func() { s.leave(holder) }, nil
}

func (s *openStreams) leave(holder streamHolder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[holder]--; s.held[holder] == 0 {
		delete(s.held, holder)
	}
}
