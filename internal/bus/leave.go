package bus

import (
	"context"
	"errors"
	"sync"
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

	mu     sync.Mutex
	latest time.Time // when a message came
	came   chan struct{}
}

func newRequests(messages jetstream.MessagesContext) *requests {
	return &requests{messages: messages, came: make(chan struct{}, 1)}
}

// withdrawn withdraws the requests some time after ctx has ended; call stop, which waits for that where it has begun.
func (r *requests) withdrawn(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		defer close(done)
		r.mu.Lock()
		used := time.Since(r.latest) < 2*lingering
		r.mu.Unlock()
		if used {
			timer := time.NewTimer(lingering)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.came:
			}
		}
		r.messages.Drain()
	})
	return func() {
		if !release() {
			<-done
		}
	}
}

// got notes that a message is in hand.
func (r *requests) got() {
	r.mu.Lock()
	r.latest = time.Now()
	r.mu.Unlock()
	select {
	case r.came <- struct{}{}:
	default:
	}
}

// gone notes that none is.
func (r *requests) gone() {
	select {
	case <-r.came:
	default:
	}
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
