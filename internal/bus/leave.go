package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// lingering is how long a replica that is to stop waits for one more message of a queue that is in use. Between JetStream's choice of whom it gives a message and
// the moment it sends it, the choice is copied to the other servers; who stops listening in between makes the message wait for ackWait. While a replica
// has the one message that may be out, nothing else can be on its way to it, so that is when it stops listening.
const lingering = time.Second

// requests are one replica's standing requests for the messages of a queue.
type requests struct {
	messages jetstream.MessagesContext
	idle     time.Duration
	latest   time.Time // when a message came
}

// next waits for a message. When ctx ends it waits a little longer for one, if the queue is in use; nil is none.
func (r *requests) next(ctx context.Context) (jetstream.Msg, error) {
	m, err := r.await(ctx, r.idle)
	if ctx.Err() != nil && m == nil && time.Since(r.latest) < 2*lingering {
		m, err = r.await(context.WithoutCancel(ctx), lingering)
	}
	if m != nil {
		r.latest = time.Now()
	}
	return m, err
}

func (r *requests) await(ctx context.Context, limit time.Duration) (jetstream.Msg, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errIdle)
		defer cancel()
	}
	m, err := r.messages.Next(jetstream.NextContext(ctx))
	if err != nil && ctx.Err() != nil {
		return nil, errIdle
	}
	return m, err
}

// leave withdraws the requests, and answers what came all the same. It returns when the server no longer sends anything here: what is told of a message
// after that makes JetStream choose another replica.
func (r *requests) leave() (rest []jetstream.Msg) {
	r.messages.Drain()
	deadline := time.Now().Add(callTimeout)
	for time.Now().Before(deadline) {
		m, err := r.messages.Next(jetstream.NextMaxWait(time.Until(deadline)))
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) || errors.Is(err, nats.ErrTimeout) {
			break
		}
		if m != nil {
			rest = append(rest, m)
		}
	}
	return rest
}
