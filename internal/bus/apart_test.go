package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/retry"
)

// crew remembers who was worked on, and how many of one at the same time.
type crew struct {
	mu   sync.Mutex
	at   map[string]int
	most map[string]int
	done []string
}

func newCrew() *crew { return &crew{at: map[string]int{}, most: map[string]int{}} }

// whom is the customer of a message.
func whom(m bus.Message) string { return strings.Split(m.Subject, ".")[3] }

func (c *crew) begin(who string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at[who]++
	c.most[who] = max(c.most[who], c.at[who])
}

func (c *crew) end(who string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at[who]--
	c.done = append(c.done, who)
}

func (c *crew) finished(who string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.done {
		if w == who {
			n++
		}
	}
	return n
}

// One that takes for ever, with many waiting behind it, delays no other.
func TestWhatIsSlowDelaysNothingElse(t *testing.T) {
	b, _ := ready(t)
	b.SetAckWait(500 * time.Millisecond)
	c, release := newCrew(), make(chan struct{})
	slow := bus.Token("slow")
	serve(t, func(ctx context.Context) error {
		return b.Serve(ctx, bus.Queue{Stream: bus.Talk, Durable: "apart", Filter: "talk.>", Apart: whom, Handle: func(ctx context.Context, m bus.Message) error {
			who := whom(m)
			c.begin(who)
			defer c.end(who)
			if who == slow {
				select {
				case <-release:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			return nil
		}})
	})
	for n := range 20 {
		publish(t, b, "slow", fmt.Sprintf("slow-%d", n))
	}
	for n := range 3 {
		for other := range 30 {
			publish(t, b, fmt.Sprintf("other-%d", other), fmt.Sprintf("other-%d-%d", other, n))
		}
	}
	for other := range 30 {
		who := bus.Token(fmt.Sprintf("other-%d", other))
		eventually.Holds(t, 20*time.Second, "another one is done", func() bool { return c.finished(who) >= 3 })
	}
	if c.finished(slow) > 0 {
		t.Error("the slow one was not slow")
	}
	close(release)
	eventually.Holds(t, 60*time.Second, "the slow ones are done", func() bool { return c.finished(slow) >= 20 })
	for who, n := range c.most {
		if n > 1 {
			t.Errorf("%d of %s at the same time", n, who)
		}
	}
}

// JetStream is told that somebody is at work on each, as on what has an order: none is handed out again meanwhile, but where the machine stands still.
func TestWhatIsWorkedOnApartIsNotHandedOutAgain(t *testing.T) {
	b, _ := ready(t)
	done := make(chan struct{}, 10)
	serve(t, func(ctx context.Context) error {
		return b.Serve(ctx, bus.Queue{Stream: bus.Talk, Durable: "apart", Filter: "talk.>", Apart: whom, Handle: func(ctx context.Context, _ bus.Message) error {
			long := time.NewTimer(10 * time.Second) // three times as long as JetStream waits without a word
			defer long.Stop()
			select {
			case <-long.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			done <- struct{}{}
			return nil
		}})
	})
	publish(t, b, "slow", "slow-1")
	<-done
	consumer, err := jetStream(t, b).Consumer(t.Context(), bus.Talk, "apart")
	if err != nil {
		t.Fatal(err)
	}
	if n := consumer.CachedInfo().Delivered.Consumer; n > 2 {
		t.Errorf("handed out %d times", n)
	}
}

// What fails comes again, and what goes wrong for good goes to DEAD; a replica that stops gives back what waits for its turn.
func TestWhatIsDoneApartIsSettledLikeEverythingElse(t *testing.T) {
	b, url := ready(t)
	other := connect(t, url, 4, 0)
	var mu sync.Mutex
	var done []string
	started := make(chan struct{}, 100)
	ctx, stop := context.WithCancel(t.Context())
	first := make(chan error, 1)
	queue := func(handle bus.Handler) bus.Queue {
		return bus.Queue{Stream: bus.Talk, Durable: "apart", Filter: "talk.>", Apart: whom, Handle: handle}
	}
	go func() {
		first <- b.Serve(ctx, queue(func(ctx context.Context, _ bus.Message) error {
			started <- struct{}{}
			<-ctx.Done()
			return context.Cause(ctx)
		}))
	}()
	for _, id := range []string{"again", "never", "fine-1", "fine-2", "fine-3"} {
		publish(t, b, strings.TrimRight(id, "-0123456789"), id)
	}
	<-started
	stop()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	serve(t, func(ctx context.Context) error {
		return other.Serve(ctx, queue(func(_ context.Context, m bus.Message) error {
			mu.Lock()
			defer mu.Unlock()
			id := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
			before := slices.Contains(done, id)
			done = append(done, id)
			switch {
			case whom(m) == bus.Token("never"):
				return retry.Malformed(errors.New("never"))
			case whom(m) == bus.Token("again") && !before:
				return retry.After(time.Millisecond, errors.New("not now"))
			}
			return nil
		}))
	})
	eventually.Holds(t, 20*time.Second, "all are done", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(done) >= 6
	})
	eventually.Holds(t, 20*time.Second, "what never can be done is in DEAD", func() bool {
		letters, err := b.Before(t.Context(), bus.Dead, "dead.>", "")
		return err == nil && len(letters) == 1
	})
}
