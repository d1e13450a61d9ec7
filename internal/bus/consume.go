package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Message is one message of a stream.
type Message struct {
	Stream   string
	Subject  string
	Data     []byte
	Sequence uint64
	// Deliveries counts this one; above 1 an earlier attempt may have had its effect.
	Deliveries uint64
	// Turn counts the deliveries of the queue, to whichever replica: where one follows the other here, nobody else was at work in between.
	Turn uint64
	// Pending is how many messages waited in the queue behind this one when it was handed out.
	Pending  uint64
	StoredAt time.Time
	// Held says that the message comes from HELD; Stream, Subject and Sequence are those of where it was before.
	Held bool
	// Letter is the dead letter that a held message was replayed from; 0 when it was not.
	Letter uint64
	// Attempted says that it was set aside after an attempt whose outcome is unknown.
	Attempted bool
	// Origin is what it comes from, Trace the span that stored it.
	Origin telemetry.Origin
	Trace  trace.SpanContext
}

// Handler carries out one message. nil acknowledges it. An error that retry.Reason knows as permanent sends it to DEAD;
// any other brings it back after retry.Wait, before anything behind it.
type Handler func(ctx context.Context, m Message) error

// Queue is a durable consumer. It has an order, unless Apart is set: the next message is handed out only after the last one is settled, whichever replica asks.
type Queue struct {
	Stream  string
	Durable string
	Filter  string
	Handle  Handler
	// Forget deletes the consumer after this long without any replica serving it; 0 means never. Only for work queues,
	// where what was acknowledged is gone.
	Forget time.Duration
	// Idle ends Serve after this long without a message; 0 means never.
	Idle time.Duration
	// Apart makes it a queue without an order: it answers what a message is about, and each replica works on one message about the same thing, and on several about
	// different things, at a time. What is slow delays only what is about the same. May be nil.
	Apart func(m Message) string
}

const (
	// ackWait is how long a message waits that JetStream has handed out and hears nothing of: because its replica died, because the message or what became of it
	// was lost on its way, or because the queue had no leader in that moment. It bounds all of them alike, and is no bound of how long a handler may take. Whoever
	// gets the message then may be the second one at it; handlers bear that, see Checkpoint.
	ackWait = 3 * time.Second
	// beat is how often a handler at work says so.
	beat = time.Second
	// room is how many messages the client can take at once. MaxAckPending lets only one come, but heartbeats take room too: without
	// more, those of a long attempt drop the next message, which then waits for ackWait.
	room = 64
	// pulse is how often the server shows that it still knows of a request; twice as long without one, and the request is made again. It is what
	// a queue waits after its leader was lost.
	pulse = 2 * time.Second
	// pull is how long one request for a message stands.
	pull = 30 * time.Second
)

// Serve works on the queue until ctx ends. It returns after the handler at work has returned, and always nil: what fails is tried again.
func (b *Bus) Serve(ctx context.Context, q Queue) error {
	for n := uint64(1); ctx.Err() == nil; n++ {
		began := time.Now()
		err := b.serve(ctx, q)
		if err == nil {
			return nil
		}
		if time.Since(began) > pull {
			n = 1
		}
		if ctx.Err() == nil {
			b.log.Warn("queue interrupted", "queue", q.Durable, "err", err)
			sleep(ctx, min(retry.Backoff(n), 2*time.Second))
		}
	}
	return nil
}

// consumer is the durable consumer that a queue is.
func (b *Bus) consumer(q Queue) jetstream.ConsumerConfig {
	pending := 1
	if q.Apart != nil {
		pending = apartPending
	}
	return jetstream.ConsumerConfig{
		Durable:           q.Durable,
		FilterSubject:     q.Filter,
		AckPolicy:         jetstream.AckExplicitPolicy,
		AckWait:           b.ackWait,
		MaxAckPending:     pending,
		MaxDeliver:        -1,
		InactiveThreshold: q.Forget,
		MaxRequestExpires: 2 * pull,
	}
}

// askedAtOnce is how many consumers of a stream one replica asks for at once.
const askedAtOnce = 8

// consumerOf answers the durable consumer of a queue, which is made or changed where it has to be. Every replica asks for every queue when it starts, some at a time;
// to look at one that is there already costs an answer of its leader, where to make it again would cost all servers an entry in the log that they share.
func (b *Bus) consumerOf(ctx context.Context, q Queue) (jetstream.Consumer, error) {
	places := b.asking[q.Stream]
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	wanted := b.consumer(q)
	// One that is forgotten when nobody uses it might be so right after it was looked at.
	if q.Forget == 0 {
		if there, err := b.js.Consumer(ctx, q.Stream, q.Durable); err == nil && serves(there.CachedInfo().Config, wanted) {
			return there, nil
		}
	}
	made, err := b.js.CreateOrUpdateConsumer(ctx, q.Stream, wanted)
	if err != nil {
		return nil, fmt.Errorf("create consumer: %w", err)
	}
	return made, nil
}

// serves reports whether a consumer is as it is wanted. What is not said here is JetStream's own.
func serves(is, wanted jetstream.ConsumerConfig) bool {
	return is.FilterSubject == wanted.FilterSubject && len(is.FilterSubjects) == 0 && is.AckPolicy == wanted.AckPolicy && is.AckWait == wanted.AckWait &&
		is.MaxAckPending == wanted.MaxAckPending && is.MaxDeliver == wanted.MaxDeliver && is.InactiveThreshold == wanted.InactiveThreshold &&
		is.MaxRequestExpires == wanted.MaxRequestExpires
}

func (b *Bus) serve(ctx context.Context, q Queue) error {
	consumer, err := b.consumerOf(ctx, q)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(room), jetstream.PullExpiry(pull), jetstream.PullHeartbeat(pulse))
	if err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	defer messages.Stop()
	r := newRequests(messages)
	defer r.withdrawn(ctx)()
	take := func(m jetstream.Msg) { b.settle(ctx, q, m, r) }
	if q.Apart != nil {
		var wait func()
		take, wait = b.apart(ctx, q)
		defer wait()
	}
	for {
		m, err := b.next(messages, q.Idle)
		switch {
		case err == nil:
			r.got()
			take(m)
			r.gone()
		case errors.Is(err, jetstream.ErrMsgIteratorClosed), errors.Is(err, errIdle):
			return nil
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			b.log.Debug("no heartbeat", "queue", q.Durable)
		default:
			return fmt.Errorf("next message: %w", err)
		}
	}
}

var errIdle = errors.New("idle")

func (b *Bus) next(messages jetstream.MessagesContext, idle time.Duration) (jetstream.Msg, error) {
	if idle == 0 {
		return messages.Next()
	}
	m, err := messages.Next(jetstream.NextMaxWait(idle))
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
		return nil, errIdle
	}
	return m, err
}

// giveBack lets other replicas have messages that came here too late.
func (b *Bus) giveBack(q Queue, all []jetstream.Msg) {
	for _, raw := range all {
		if err := raw.Nak(); err != nil {
			b.log.Warn("message not given back, it will come again", "queue", q.Durable, "err", err)
		}
	}
}

// settle works on a message of an ordered queue.
func (b *Bus) settle(ctx context.Context, q Queue, raw jetstream.Msg, r *requests) {
	done := atWork(ctx, raw)
	result, tell := b.outcome(ctx, q, raw)
	if ctx.Err() != nil {
		// First, so that the next message, or this one again, goes to somebody else.
		defer b.giveBack(q, r.leave())
	}
	done()
	if tell != nil {
		b.settled(q, result, tell())
	}
}

// outcome is the one policy of acknowledging: it works on a message, and answers what became of it, for the metrics, and what tells JetStream.
func (b *Bus) outcome(ctx context.Context, q Queue, raw jetstream.Msg) (result string, tell func() error) {
	meta, err := raw.Metadata()
	if err != nil {
		b.log.Error("message without metadata", "queue", q.Durable, "err", err)
		return "", nil
	}
	m := Message{Stream: q.Stream, Subject: raw.Subject(), Data: raw.Data(), Sequence: meta.Sequence.Stream, Deliveries: meta.NumDelivered, Turn: meta.Sequence.Consumer, Pending: meta.NumPending, StoredAt: meta.Timestamp}
	if q.Stream == Held {
		if wait := notBefore(raw); wait > 0 && m.Deliveries == 1 {
			return "", func() error { return raw.NakWithDelay(wait) }
		}
		m.comesFrom(raw.Headers())
	}
	if ctx.Err() != nil {
		return "", raw.Nak
	}
	m.tells(raw.Headers()) //nolint:contextcheck // headers hold a context of their own
	ctx, end := b.taken(ctx, q, m)
	err = q.Handle(ctx, m)
	end(err)
	if reason, ok := retry.Reason(err); ok {
		dead := b.Bury(ctx, m, reason, err)
		if dead == nil {
			return "dead", func() error { return raw.TermWithReason(reason.String()) }
		}
		err = dead
	}
	switch {
	case err == nil:
		return "done", raw.Ack
	case ctx.Err() != nil && !errors.Is(err, retry.ErrUnknown):
		return "", raw.Nak
	default:
		wait := retry.Wait(m.Deliveries, err)
		b.waits(ctx, err, wait)
		b.log.InfoContext(ctx, "will try again", "queue", q.Durable, "subject", m.Subject, "attempt", m.Deliveries, "wait", wait, "err", err)
		return "retried", func() error { return raw.NakWithDelay(wait) }
	}
}

// notBefore answers how long a held message has to wait still: never longer than was asked for, however far the clocks of the replica that
// set it aside and of this one are apart.
func notBefore(raw jetstream.Msg) time.Duration {
	at, err := time.Parse(time.RFC3339Nano, raw.Headers().Get(headerNotBefore))
	if err != nil {
		return 0
	}
	delay, err := time.ParseDuration(raw.Headers().Get(headerDelay))
	if err != nil {
		return 0
	}
	return min(time.Until(at), delay)
}

func (b *Bus) settled(q Queue, result string, err error) {
	if result != "" {
		b.metrics.handled.WithLabelValues(q.Stream, result).Inc()
	}
	if err != nil {
		b.log.Warn("message not settled, it will come again", "queue", q.Durable, "result", result, "err", err)
	}
}

// atWork tells JetStream every second, until its answer is called, that somebody is at work on a message. Whoever is asked to stop is so until the call under way is over and
// written down: another replica could do nothing but wait for it.
func atWork(ctx context.Context, raw jetstream.Msg) (done func()) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for sleep(ctx, beat) {
			_ = raw.InProgress()
		}
	}()
	return func() { stop(); <-stopped }
}

// reasonName is how a reason is called in subjects and metrics.
func reasonName(reason eventv1.FailureReason) string {
	return strings.ToLower(strings.TrimPrefix(reason.String(), "FAILURE_REASON_"))
}

// longestCause bounds what is told of an error, in bytes.
const longestCause = 1000

// Bury stores m in DEAD, untouched.
func (b *Bus) Bury(ctx context.Context, m Message, reason eventv1.FailureReason, cause error) error {
	name := reasonName(reason)
	letter := &eventv1.DeadLetter{
		Stream: m.Stream, Subject: m.Subject, Sequence: m.Sequence, Reason: reason, Cause: shorten(cause.Error()),
		DiedAt: timestamppb.Now(), Deliveries: m.Deliveries, Payload: m.Data,
	}
	if content, err := Content(letter); err == nil {
		letter.Id = content.GetId()
	}
	b.log.ErrorContext(ctx, "given up", "subject", m.Subject, "sequence", m.Sequence, "reason", name, "err", cause)
	id := m.Subject
	if m.Letter != 0 {
		// A replay that dies is another letter than the one it was made from, which may still be there.
		id = replayID(m.Subject, m.Letter)
	}
	duplicate, err := b.bury(ctx, DeadSubject(m.Stream, name, id), letter)
	if err != nil {
		return fmt.Errorf("bury: %w", err)
	}
	if !duplicate {
		b.metrics.dead.WithLabelValues(m.Stream, name).Inc()
	}
	return nil
}

func (b *Bus) bury(ctx context.Context, subject string, letter *eventv1.DeadLetter) (duplicate bool, err error) {
	data, err := proto.Marshal(letter)
	if err != nil {
		return false, fmt.Errorf("marshal %s: %w", subject, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, fmt.Errorf("not stored within %v", callTimeout))
	defer cancel()
	return b.once(ctx, Dead, subject, data, nil)
}

// shorten cuts s between two characters.
func shorten(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= longestCause {
		return s
	}
	return strings.ToValidUTF8(s[:longestCause], "") + "…"
}

// Decode unmarshals m into message; what cannot be decoded is permanent.
func Decode(m Message, message proto.Message) error {
	if err := proto.Unmarshal(m.Data, message); err != nil {
		return retry.Malformed(fmt.Errorf("decode %s: %w", m.Subject, err))
	}
	return nil
}
