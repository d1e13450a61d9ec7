package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is everybody who writes.
type load struct {
	*system
	// replying is held for reading while the operator writes, for writing while the bot is out of the channel and Slack would tell it nothing.
	replying sync.RWMutex
	mu       sync.Mutex
	heads    map[int]string // thread by customer, as soon as there is one
	written  [][]sent
}

func newLoad(s *system) *load {
	return &load{system: s, heads: map[int]string{}, written: make([][]sent, s.options.Customers)}
}

// run lets every customer write, and the operator in every thread, until all has been written.
func (l *load) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	looking, done := context.WithCancel(ctx)
	var writers errgroup.Group
	for n := range l.options.Customers {
		writers.Go(func() error { return l.converse(ctx, n) })
	}
	group.Go(func() error { defer done(); return writers.Wait() })
	group.Go(func() error { return l.look(looking) })
	return group.Wait()
}

// converse is one customer's conversation.
func (l *load) converse(ctx context.Context, n int) error {
	r := rand.New(rand.NewPCG(l.options.Seed, uint64(n)+1))
	count := l.options.Messages / l.options.Customers
	if n < l.options.Messages%l.options.Customers {
		count++
	}
	each := l.options.Duration / time.Duration(count+1)
	begin := time.Now()
	for i := range count {
		due := begin.Add(time.Duration(float64(each) * (float64(i) + r.Float64())))
		k, long := pick(r), r.IntN(60) == 0 && i > 0
		thread := l.head(n)
		if thread == "" {
			k = fromCustomer
		}
		s := compose(r, k, n, i, long)
		if !sleep(ctx, time.Until(due)) {
			return ctx.Err()
		}
		if err := l.say(ctx, &s, thread); err != nil {
			return err
		}
		l.mu.Lock()
		l.written[n] = append(l.written[n], s)
		l.mu.Unlock()
	}
	return nil
}

func pick(r *rand.Rand) kind {
	switch n := r.IntN(10); {
	case n < 5:
		return fromCustomer
	case n < 9:
		return reply
	}
	return note
}

func (l *load) say(ctx context.Context, s *sent, thread string) error {
	var err error
	switch s.kind {
	case fromCustomer:
		s.at = time.Now()
		err = l.karte.write(ctx, customerOf(s.customer), l.options.page(s.customer), s.text)
	case reply, note:
		text := s.text
		if s.kind == reply {
			text = "```" + text + "```"
		}
		l.replying.RLock()
		s.at = time.Now()
		s.ts, err = l.slack.write(ctx, l.options.channelOf(s.customer), thread, text)
		l.replying.RUnlock()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", s.marks[len(s.marks)-1], err)
	}
	return nil
}

// look learns of threads until every customer has one.
func (l *load) look(ctx context.Context) error {
	for {
		messages, err := l.slack.messages(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the load is over: what the cut call answered does not matter
		}
		if err != nil {
			return err
		}
		l.mu.Lock()
		for _, m := range messages {
			if n, ok := headOf(m.Text, l.options.Customers); ok && m.BotID != "" && (m.ThreadTS == "" || m.ThreadTS == m.TS) && l.heads[n] == "" {
				l.heads[n] = m.TS
			}
		}
		all := len(l.heads) == l.options.Customers
		l.mu.Unlock()
		if all || !sleep(ctx, 500*time.Millisecond) {
			return nil
		}
	}
}

func (l *load) head(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heads[n]
}

// texts answers what was written so far.
func (l *load) texts() [][]sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([][]sent, len(l.written))
	for n := range l.written {
		all[n] = append(all[n], l.written[n]...)
	}
	return all
}
