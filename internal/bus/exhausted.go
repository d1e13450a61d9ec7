package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// advisory is what JetStream tells when a consumer has delivered a message as often as it may; io.nats.jetstream.advisory.v1.max_deliver.
type advisory struct {
	Stream     string `json:"stream"`
	Consumer   string `json:"consumer"`
	Sequence   uint64 `json:"stream_seq"`
	Deliveries uint64 `json:"deliveries"`
}

// GivenUpFilter matches what JetStream tells of having given up of a stream.
func GivenUpFilter(stream string) string {
	return "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES." + stream + ".>"
}

// GivenUpQueue names the queue of what was given up of the consumers whose names begin so.
func GivenUpQueue(consumers string) string { return "given-up-" + strings.TrimSuffix(consumers, "-") }

// ServeExhausted buries what JetStream itself gives up of a stream, until ctx ends. Our consumers have no limit of deliveries, and Serve takes
// off one that was set while nobody served; but whoever administers NATS can set one while they run, and then JetStream never delivers such a
// message again. ADVISORIES keeps what it tells of that until somebody of the service is there. consumers is what the names of ours begin with: what others
// do with theirs is no business of ours. tell is called before a message is buried, and may be nil. The replicas of a service share the work.
func (b *Bus) ServeExhausted(ctx context.Context, stream, consumers string, tell func(context.Context, Message, error) error) error {
	return b.Serve(ctx, Queue{
		Stream: Advisories, Durable: GivenUpQueue(consumers), Filter: GivenUpFilter(stream),
		Handle: func(ctx context.Context, m Message) error {
			var a advisory
			if err := json.Unmarshal(m.Data, &a); err != nil || a.Stream != stream || !strings.HasPrefix(a.Consumer, consumers) {
				return nil //nolint:nilerr // what is none of ours is done with
			}
			if err := b.exhausted(ctx, a, tell); err != nil {
				// Without its kind: the advisory itself is tried again until it is done.
				return fmt.Errorf("not buried, message %d of %s: %s", a.Sequence, a.Stream, err.Error())
			}
			return nil
		},
	})
}

// exhausted buries one message, and takes the limit off its consumer.
func (b *Bus) exhausted(ctx context.Context, a advisory, tell func(context.Context, Message, error) error) error {
	ctx, cancel := context.WithTimeout(ctx, 3*callTimeout)
	defer cancel()
	handle, err := b.stream(ctx, a.Stream)
	if err != nil {
		return err
	}
	raw, err := handle.GetMsg(ctx, a.Sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at what was given up: %w", err)
	}
	m := Message{Stream: a.Stream, Subject: raw.Subject, Data: raw.Data, Sequence: raw.Sequence, Deliveries: a.Deliveries, StoredAt: raw.Time}
	if a.Stream == Held {
		m.comesFrom(raw.Header)
	}
	cause := fmt.Errorf("the consumer %s was given a limit of %d deliveries", a.Consumer, a.Deliveries)
	if tell != nil {
		if err := tell(ctx, m, cause); err != nil {
			return err
		}
	}
	if err := b.Bury(ctx, m, eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, cause); err != nil {
		return err
	}
	if a.Stream == Held {
		// There, what is not gone is not done: everything of this customer would queue up behind it for ever.
		if err := handle.DeleteMsg(ctx, a.Sequence); err != nil {
			return fmt.Errorf("delete what was given up: %w", err)
		}
	}
	b.unlimit(ctx, a.Stream, a.Consumer)
	return nil
}

// unlimit takes the limit of deliveries off a consumer of ours. When it fails the next advisory comes here again.
func (b *Bus) unlimit(ctx context.Context, stream, name string) {
	consumer, err := b.js.Consumer(ctx, stream, name)
	if err != nil {
		b.log.Warn("limit of deliveries not taken off", "consumer", name, "err", err)
		return
	}
	config := consumer.CachedInfo().Config
	if config.MaxDeliver <= 0 {
		return
	}
	config.MaxDeliver = -1
	if _, err = b.js.UpdateConsumer(ctx, stream, config); err != nil {
		b.log.Warn("limit of deliveries not taken off", "consumer", name, "err", err)
	}
}
