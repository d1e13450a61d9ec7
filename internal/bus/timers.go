package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/retry"
)

// timerPartitions is how many queues due timers are spread over. It is no setting: a timer may have been set weeks ago, and its queue must still be there.
const timerPartitions Partitions = 8

// SetTimer has JetStream hand message to ServeTimers at a time, to the second and never before it. Of the timers of a conversation the one that was set last
// counts, whoever set it. It returns nil only when the stream has it; until ctx ends it tries again.
func (b *Bus) SetTimer(ctx context.Context, project, conversation string, at time.Time, message proto.Message) error {
	data, err := proto.Marshal(message)
	if err != nil {
		return fmt.Errorf("marshal timer: %w", retry.Malformed(err))
	}
	subject := TimerSubject(project, conversation)
	for n := uint64(1); ; n++ {
		err := b.setTimer(ctx, subject, dueSubject(project, conversation), at, data)
		switch {
		case err == nil:
			b.metrics.published.WithLabelValues(Timers, "stored").Inc()
			return nil
		case sleep(ctx, retry.Backoff(min(n, 2))):
			continue
		}
		b.metrics.published.WithLabelValues(Timers, "failed").Inc()
		return fmt.Errorf("set timer %s: %w", subject, err)
	}
}

func (b *Bus) setTimer(ctx context.Context, subject, due string, at time.Time, data []byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errors.New("JetStream did not answer"))
	defer cancel()
	message := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{headerType: {typeProto}}}
	whole := at.Truncate(time.Second)
	if whole.Before(at) {
		whole = whole.Add(time.Second)
	}
	_, err := b.js.PublishMsg(ctx, message, jetstream.WithScheduleAt(whole), jetstream.WithScheduleTarget(due), jetstream.WithExpectStream(Timers))
	return err
}

// ServeTimers works on due timers until ctx ends; service names the consumers.
func (b *Bus) ServeTimers(ctx context.Context, service string, handle Handler) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, q := range b.queues(timerPartitions, service, Timers, "due", handle) {
		group.Go(func() error { return b.Serve(ctx, q) })
	}
	return group.Wait()
}
