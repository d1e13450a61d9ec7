package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
)

// known measures whether it matters how many conversations are known, and how much room one takes. The worlds take turns.
func (b *bench) known(ctx context.Context) (_ []Measure, err error) {
	var worlds []*talk
	defer func() {
		for _, t := range worlds {
			err = errors.Join(err, t.close())
		}
	}()
	var measures []Measure
	var turns []func() error
	rates, costs := make([]Measure, len(b.Sizes.Known)), make([]Measure, len(b.Sizes.Known))
	for i, n := range b.Sizes.Known {
		t, err := b.talk(ctx, min(b.Sizes.Customers, n), b.Sizes.Channels)
		if err != nil {
			return nil, err
		}
		worlds = append(worlds, t)
		room, err := t.populate(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("make %d conversations: %w", n, err)
		}
		measures = append(measures, room...)
		rates[i] = Measure{What: fmt.Sprintf("%s conversations, customer to Slack, messages per second", number(float64(n))), Unit: "/s"}
		costs[i] = Measure{What: fmt.Sprintf("%s conversations, CPU per message, all three services", number(float64(n))), Unit: "ms"}
		l := load{window: b.Sizes.Window, warm: b.Sizes.Warm, span: b.Sizes.Span, senders: b.Sizes.Connections}
		turn := t.turn(ctx, l, t.services[slackGateway], t.fromCustomer(t.services[ingestKARTE].addr), func(d driven, cpu used) {
			rates[i].Subject, costs[i].Subject = append(rates[i].Subject, d.perSecond), append(costs[i].Subject, cpu.of(d.messages, services...))
		})
		turns = append(turns, func() error {
			t.hangUp() // the other worlds' turns, and their making, take their time
			return turn()
		})
	}
	if err := b.turns(turns...); err != nil {
		return nil, err
	}
	again, err := worlds[len(worlds)-1].rebuild(ctx, b.Sizes.Known[len(b.Sizes.Known)-1])
	if err != nil {
		return nil, err
	}
	measures = append(measures, again)
	for i := 1; i < len(rates); i++ {
		fewest := number(float64(b.Sizes.Known[0])) + " conversations"
		rates[i].Reference, rates[i].Against, rates[i].Goal = rates[0].Subject, fewest, Goal{AtLeast: 0.9}
		costs[i].Reference, costs[i].Against, costs[i].Goal = costs[0].Subject, fewest, Goal{AtMost: 1.1}
	}
	return append(append(rates, costs...), measures...), nil
}

// populate adds conversations until there are n, as copies of one that was really had, and answers how much room one takes.
func (t *talk) populate(ctx context.Context, n int) ([]Measure, error) {
	add := n - len(t.customers)
	if add <= 0 {
		return nil, nil
	}
	p, err := t.pattern(ctx)
	if err != nil {
		return nil, err
	}
	redisBefore, threadsBefore, err := t.room(ctx)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := t.copies(ctx, p, add); err != nil {
		return nil, err
	}
	t.Say("  %s conversations written in %v", number(float64(add)), time.Since(begun).Round(time.Second))
	redisAfter, threadsAfter, err := t.room(ctx)
	if err != nil {
		return nil, err
	}
	what := number(float64(n)) + " conversations, "
	return []Measure{
		{What: what + "Redis", Unit: "bytes per conversation", Subject: []float64{(redisAfter - redisBefore) / float64(add)}, Goal: Goal{AtMost: 400}},
		{What: what + "Redis, for one that goes on", Unit: "bytes for hours", Subject: []float64{p.passing}},
		{What: what + "JetStream's THREADS", Unit: "bytes per conversation", Subject: []float64{(threadsAfter - threadsBefore) / float64(add)}, Goal: Goal{AtMost: 400}},
	}, nil
}

// room answers the bytes that Redis uses and those of THREADS.
func (t *talk) room(ctx context.Context) (inRedis, inThreads float64, err error) {
	info, err := t.store.Info(ctx, "memory").Result()
	if err != nil {
		return 0, 0, fmt.Errorf("ask Redis for its memory: %w", err)
	}
	for line := range strings.Lines(info) {
		if used, ok := strings.CutPrefix(line, "used_memory:"); ok {
			inRedis, err = strconv.ParseFloat(strings.TrimSpace(used), 64)
		}
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read Redis's memory: %w", err)
	}
	threads, err := t.js.Stream(ctx, bus.Bucket(bus.Threads))
	if err != nil {
		return 0, 0, fmt.Errorf("look at THREADS: %w", err)
	}
	return inRedis, float64(threads.CachedInfo().State.Bytes), nil
}

// pattern is everything that is kept of one conversation. A copy is the same with other names, which are as long as the original's.
type pattern struct {
	user, id, ts string
	// records are the messages of the buckets, by subject.
	records map[string]*nats.Msg
	// strings are those of Redis with their times to live, fields those of the hash of what leads to it, sets the scores in sorted sets.
	strings map[string]string
	expiry  map[string]time.Duration
	fields  map[string]map[string]string
	sets    map[string]float64
	// passing is what Redis holds besides for as long as the conversation goes on, in bytes.
	passing float64
}

// pattern reads what is kept of the first customer's conversation.
func (t *talk) pattern(ctx context.Context) (*pattern, error) {
	c := t.customers[0]
	p := &pattern{
		user: c.user, id: bus.Token(project + "\x00member\x00" + c.user), ts: c.thread, records: map[string]*nats.Msg{},
		strings: map[string]string{}, expiry: map[string]time.Duration{}, fields: map[string]map[string]string{}, sets: map[string]float64{},
	}
	for _, subject := range []string{
		"$KV." + bus.Conversations + "." + bus.ProjectToken(project) + "." + p.id,
		"$KV." + bus.Threads + "." + bus.ConversationKey(project, p.id),
		"$KV." + bus.Threads + "." + bus.ThreadKey(team, c.channel, p.ts),
	} {
		raw, err := t.last(ctx, subject)
		if err != nil {
			return nil, err
		}
		// The condition under which the original was written stays with it; a copy's is that there is none yet.
		own := &nats.Msg{Subject: subject, Data: raw.Data, Header: nats.Header{}}
		if raw.Header.Get(jetstream.ExpectedLastSubjSeqHeader) != "" {
			own.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
		}
		p.records[subject] = own
	}
	return p, t.readRedis(ctx, p)
}

func (t *talk) last(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	stream, err := t.js.Stream(ctx, bus.Bucket(strings.Split(subject, ".")[1]))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", subject, err)
	}
	raw, err := stream.GetLastMsgForSubject(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", subject, err)
	}
	return raw, nil
}

// lasting is how long what Redis holds has to stay to count as kept; what stays for hours is told apart, what stays for minutes is left out.
const (
	lasting = 24 * time.Hour
	passing = time.Hour
)

// readRedis finds every key that is about the conversation.
func (t *talk) readRedis(ctx context.Context, p *pattern) error {
	keys, err := t.store.Keys(ctx, "*").Result()
	if err != nil {
		return fmt.Errorf("list Redis's keys: %w", err)
	}
	for _, key := range keys {
		own := strings.Contains(key, p.id) || strings.Contains(key, p.ts)
		left, err := t.store.TTL(ctx, key).Result()
		if err != nil {
			return fmt.Errorf("look at %s: %w", key, err)
		}
		if own && left > passing && left < lasting {
			bytes, err := t.store.MemoryUsage(ctx, key).Result()
			if err != nil {
				return fmt.Errorf("look at %s: %w", key, err)
			}
			p.passing += float64(bytes)
		}
		if strings.HasPrefix(key, referenceKey("")) || left > 0 && left < lasting {
			continue
		}
		kind, err := t.store.Type(ctx, key).Result()
		switch {
		case err != nil:
		case kind == "string" && own:
			p.strings[key], err = t.store.Get(ctx, key).Result()
			p.expiry[key] = max(left, 0)
		case kind == "hash" && own:
			p.fields[key], err = t.store.HGetAll(ctx, key).Result()
		case kind == "zset":
			score, missing := t.store.ZScore(ctx, key, p.id).Result()
			if missing == nil {
				p.sets[key] = score
			}
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", key, err)
		}
	}
	return nil
}
