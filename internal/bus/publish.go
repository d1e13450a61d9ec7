package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/retry"
)

// Headers of our messages beside NATS's own.
const (
	headerType = "Content-Type"
	typeProto  = "application/protobuf"
	// Of a held message: where it came from.
	headerStream  = "Slacktalk-Stream"
	headerSubject = "Slacktalk-Subject"
	// Of a held message: it was set aside after an attempt whose outcome is unknown.
	headerAttempted = "Slacktalk-Attempted"
	// Of a held message: when it may be tried again.
	headerNotBefore = "Slacktalk-Not-Before"
	// Of a held message: how long before that it was set aside. Another replica may read the time, and its clock may be wrong.
	headerDelay = "Slacktalk-Delay"
	// Of a held message: its sequence where it came from.
	headerSequence = "Slacktalk-Sequence"
	// Of a held message: the dead letter that it was replayed from.
	headerLetter = "Slacktalk-Letter"
	// The event that the message comes from, and when it reached us in milliseconds since 1970. The W3C trace context is in traceparent.
	headerEvent = "Slacktalk-Event"
	headerBegan = "Slacktalk-Began"
)

// ErrTooLarge is wrapped by errors of messages over the server's limit; nothing was stored and never will be.
var ErrTooLarge = errors.New("message too large")

// Once stores message under subject, which ends in the token of the message's id, unless it is already there; duplicate says that it was.
// It returns nil only when the stream has it. Until ctx ends it tries again, which is safe because the subject is the
// message's own.
func (b *Bus) Once(ctx context.Context, stream, subject string, message proto.Message) (duplicate bool, err error) {
	data, err := proto.Marshal(message)
	if err != nil {
		return false, fmt.Errorf("marshal %s: %w", subject, retry.Malformed(err))
	}
	if limit := b.conn.MaxPayload() - letterRoom; limit > 0 && int64(len(data)) > limit {
		b.metrics.published.WithLabelValues(stream, "failed").Inc()
		return false, fmt.Errorf("publish to %s: %w", subject, retry.Malformed(fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data))))
	}
	return b.once(ctx, stream, subject, data, nil)
}

// letterRoom is what DEAD needs beside the message itself, in bytes: what cannot be buried would be tried for ever.
const letterRoom = 4 << 10

func (b *Bus) once(ctx context.Context, stream, subject string, data []byte, extra nats.Header) (duplicate bool, err error) {
	ctx, span := b.publishing(ctx, stream)
	defer func() { published(span, duplicate, err) }()
	for n := uint64(1); ; n++ {
		duplicate, err = b.tryOnce(ctx, stream, subject, data, extra)
		switch {
		case err == nil && duplicate:
			b.metrics.published.WithLabelValues(stream, "duplicate").Inc()
			return true, nil
		case err == nil:
			b.metrics.published.WithLabelValues(stream, "stored").Inc()
			return false, nil
		case errors.Is(err, nats.ErrMaxPayload):
			err = retry.Malformed(fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data)))
		case sleep(ctx, retry.Backoff(min(n, 2))):
			continue
		}
		b.metrics.published.WithLabelValues(stream, "failed").Inc()
		return false, fmt.Errorf("publish to %s: %w", subject, err)
	}
}

func (b *Bus) tryOnce(ctx context.Context, stream, subject string, data []byte, extra nats.Header) (duplicate bool, err error) {
	if b.settings.PartitionsBefore > 0 {
		// While the number is being raised, a repeat may come under another partition than the first.
		if there, err := b.any(ctx, stream, anyPartition(subject)); err != nil || there {
			return there, err
		}
	}
	message := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{headerType: {typeProto}}}
	maps.Copy(message.Header, extra)
	inject(ctx, message.Header)
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errors.New("JetStream did not answer"))
	defer cancel()
	ack, err := b.js.PublishMsg(ctx, message, jetstream.WithMsgID(subject), jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithExpectStream(stream))
	if err == nil && !ack.Duplicate {
		return false, nil
	}
	if err == nil || refusedAsThere(err) {
		// With replicas the refusal may come from a message that is still on its way and may yet fail: look.
		return true, b.stored(ctx, stream, subject)
	}
	return false, err
}

// refusedAsThere reports whether the stream refused a message because its subject is not empty.
func refusedAsThere(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// stored asks the stream's leader whether subject has a message.
func (b *Bus) stored(ctx context.Context, stream, subject string) error {
	there, err := b.any(ctx, stream, subject)
	if err == nil && !there {
		err = fmt.Errorf("%s is refused as stored but is not there yet", subject)
	}
	return err
}

// any asks the stream's leader whether a message matches filter.
func (b *Bus) any(ctx context.Context, stream, filter string) (bool, error) {
	handle, err := b.stream(ctx, stream)
	if err != nil {
		return false, err
	}
	_, err = handle.GetLastMsgForSubject(ctx, filter)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}

// OnceWithin publishes within a time limit of its own, for callers that hold somebody's request open.
func (b *Bus) OnceWithin(ctx context.Context, limit time.Duration, stream, subject string, message proto.Message) (duplicate bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not stored within %v", limit))
	defer cancel()
	return b.Once(ctx, stream, subject, message)
}
