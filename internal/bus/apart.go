package bus

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// apartAtOnce is how many messages of a queue that keeps things apart one replica works on at the same time.
	apartAtOnce = 16
	// apartInHand is how many it has in hand, those included that wait for their turn; of one thing at most apartOfOne.
	apartInHand, apartOfOne = 64, 8
	// apartPending is how many may be out in all, with those that were put back for a while: many of one thing leave room for others.
	apartPending = 1000
	// apartAgain is when one that was put back comes again.
	apartAgain = 3 * time.Second
)

// apart answers what takes the messages of a queue without an order, and what waits for those in hand: whatever is about different things is done at the same time, whatever
// is about one thing one after the other. Nothing waits in a buffer, where JetStream would hear nothing of it for longer than ackWait.
func (b *Bus) apart(ctx context.Context, q Queue) (take func(jetstream.Msg), wait func()) {
	turns, working := newTurns(), &sync.WaitGroup{}
	return func(raw jetstream.Msg) { b.takeApart(ctx, q, raw, turns, working) }, working.Wait
}

// takeApart lets a message be worked on when its turn comes, or puts it back for a while where many of its kind wait.
func (b *Bus) takeApart(ctx context.Context, q Queue, raw jetstream.Msg, turns *turns, working *sync.WaitGroup) {
	about := q.Apart(Message{Stream: q.Stream, Subject: raw.Subject(), Data: raw.Data()})
	if !turns.enter(about) {
		b.settled(q, "", raw.NakWithDelay(apartAgain))
		return
	}
	handle := q.Handle
	q.Handle = func(ctx context.Context, m Message) error {
		end, err := turns.begin(ctx, about)
		if err != nil {
			return err
		}
		defer end()
		return handle(ctx, m)
	}
	working.Go(func() {
		defer turns.leave(about)
		done := atWork(ctx, raw)
		result, tell := b.outcome(ctx, q, raw)
		done()
		if tell != nil {
			b.settled(q, result, tell())
		}
	})
}

// turns says whose turn it is.
type turns struct {
	atOnce chan struct{}

	mu     sync.Mutex
	inHand int
	of     map[string]*turn
}

// A turn is that of what is about one thing.
type turn struct {
	inHand int
	taken  chan struct{}
}

func newTurns() *turns {
	return &turns{atOnce: make(chan struct{}, apartAtOnce), of: map[string]*turn{}}
}

// enter reports whether there is room for one more message; it has to leave again.
func (t *turns) enter(about string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.of[about]
	if t.inHand == apartInHand || own != nil && own.inHand == apartOfOne {
		return false
	}
	if own == nil {
		own = &turn{taken: make(chan struct{}, 1)}
		t.of[about] = own
	}
	t.inHand++
	own.inHand++
	return true
}

func (t *turns) leave(about string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.of[about]
	t.inHand--
	if own.inHand--; own.inHand == 0 {
		delete(t.of, about)
	}
}

// begin waits for the turn of a message that has entered; end passes it on.
func (t *turns) begin(ctx context.Context, about string) (end func(), err error) {
	t.mu.Lock()
	own := t.of[about]
	t.mu.Unlock()
	select {
	case own.taken <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case t.atOnce <- struct{}{}:
		return func() { <-t.atOnce; <-own.taken }, nil
	case <-ctx.Done():
		<-own.taken
		return nil, context.Cause(ctx)
	}
}
