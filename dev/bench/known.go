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
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
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
		turns = append(turns, t.turn(ctx, l, t.services[slackGateway], t.fromCustomer(t.services[ingestKARTE].addr), func(d driven, cpu used) {
			rates[i].Subject, costs[i].Subject = append(rates[i].Subject, d.perSecond), append(costs[i].Subject, cpu.of(d.messages, services...))
		}))
	}
	if err := b.turns(turns...); err != nil {
		return nil, err
	}
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
	if err := t.copies(ctx, p, add); err != nil {
		return nil, err
	}
	redisAfter, threadsAfter, err := t.room(ctx)
	if err != nil {
		return nil, err
	}
	what := number(float64(n)) + " conversations, "
	return []Measure{
		{What: what + "Redis", Unit: "bytes per conversation", Subject: []float64{(redisAfter - redisBefore) / float64(add)}, Goal: Goal{AtMost: 400}},
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

// pattern is everything that is kept of one conversation: where its customer, its own name and its thread stand, a copy's go.
type pattern struct {
	user, id, channel, ts string
	conversation          *eventv1.ConversationRecord
	thread, reverse       *eventv1.ThreadRecord
	// strings are those of Redis with their times to live, fields those of the hash of what leads to it, sets the scores in sorted sets.
	strings map[string]string
	expiry  map[string]time.Duration
	fields  map[string]map[string]string
	sets    map[string]float64
}

// pattern reads what is kept of the first customer's conversation.
func (t *talk) pattern(ctx context.Context) (*pattern, error) {
	c := t.customers[0]
	p := &pattern{
		user: c.user, id: bus.Token(project + "\x00member\x00" + c.user), channel: c.channel, ts: c.thread,
		conversation: &eventv1.ConversationRecord{}, thread: &eventv1.ThreadRecord{}, reverse: &eventv1.ThreadRecord{},
		strings: map[string]string{}, expiry: map[string]time.Duration{}, fields: map[string]map[string]string{}, sets: map[string]float64{},
	}
	for key, into := range p.records() {
		raw, err := t.last(ctx, key)
		if err != nil {
			return nil, err
		}
		if err := proto.Unmarshal(raw.Data, into); err != nil {
			return nil, fmt.Errorf("read %s: %w", key, err)
		}
	}
	return p, t.readRedis(ctx, p)
}

// records are the keys of the buckets.
func (p *pattern) records() map[string]proto.Message {
	return map[string]proto.Message{
		"$KV." + bus.Conversations + "." + bus.ProjectToken(project) + "." + p.id: p.conversation,
		"$KV." + bus.Threads + "." + bus.ConversationKey(project, p.id):           p.thread,
		"$KV." + bus.Threads + "." + bus.ThreadKey(team, p.channel, p.ts):         p.reverse,
	}
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

// readRedis finds every key that is about the conversation. What is there for minutes only is left out.
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
		if strings.HasPrefix(key, referenceKey("")) || left > 0 && left < 24*time.Hour {
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

// copies writes n copies, in the form in which the services write the original.
func (t *talk) copies(ctx context.Context, p *pattern, n int) error {
	const together = 1000
	pipe := t.store.Pipeline()
	for i := range n {
		user, ts := fmt.Sprintf("copied-%07d", i)[:max(len(p.user), 14)], fmt.Sprintf("17%08d.%06d", i/1000, i%1000)
		id := bus.Token(project + "\x00member\x00" + user)
		as := strings.NewReplacer(p.id, id, p.user, user, p.ts, ts)
		for key, record := range p.records() {
			if err := t.copyRecord(as.Replace(key), record, as); err != nil {
				return err
			}
		}
		p.copyRedis(ctx, pipe, as, id)
		if i%together == together-1 || i == n-1 {
			if _, err := pipe.Exec(ctx); err != nil {
				return fmt.Errorf("write to Redis: %w", err)
			}
			select {
			case <-t.js.PublishAsyncComplete():
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// copyRecord stores a record under another key. The header is the one that compare-and-set leaves.
func (t *talk) copyRecord(subject string, record proto.Message, as *strings.Replacer) error {
	own := proto.Clone(record)
	switch r := own.(type) {
	case *eventv1.ConversationRecord:
		r.Customer.UserId = as.Replace(r.GetCustomer().GetUserId())
	case *eventv1.ThreadRecord:
		r.Conversation, r.Ts = as.Replace(r.GetConversation()), as.Replace(r.GetTs())
		if r.Customer != nil {
			r.Customer.UserId = as.Replace(r.GetCustomer().GetUserId())
		}
	}
	data, err := proto.Marshal(own)
	if err != nil {
		return fmt.Errorf("copy %s: %w", subject, err)
	}
	_, err = t.js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: data, Header: nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"0"}}})
	if err != nil {
		return fmt.Errorf("copy %s: %w", subject, err)
	}
	return nil
}

// copyRedis adds what Redis holds of a copy. A copied record in Redis is as long as its original, whatever it says: nobody of them writes.
func (p *pattern) copyRedis(ctx context.Context, pipe redis.Pipeliner, as *strings.Replacer, id string) {
	for key, value := range p.strings {
		pipe.Set(ctx, as.Replace(key), value, p.expiry[key])
	}
	for key, fields := range p.fields {
		for field, value := range fields {
			pipe.HSet(ctx, as.Replace(key), as.Replace(field), value)
		}
	}
	for key, score := range p.sets {
		pipe.ZAdd(ctx, key, redis.Z{Score: score, Member: id})
	}
}
