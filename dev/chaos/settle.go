package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// quiet is how often in a row everything must be found at rest.
const quiet = 3

// settle waits until nothing moves any more, or the deadline, and judges.
func (c *chaos) settle(ctx context.Context) (*verdict, []*eventv1.DeadLetter, error) {
	deadline := time.Now().Add(c.options.Settle)
	rest := 0
	for rest < quiet && time.Now().Before(deadline) {
		moving, err := c.moving(ctx)
		if err != nil {
			moving = err.Error()
		}
		if rest++; moving != "" {
			rest = 0
			c.options.Say("        still %s", moving)
		}
		if !sleep(ctx, time.Second) {
			return nil, nil, ctx.Err()
		}
	}
	if rest < quiet {
		c.complain(fmt.Sprintf("not at rest %v after the last message", c.options.Settle))
	}
	messages, err := c.slack.messages(ctx)
	if err != nil {
		return nil, nil, err
	}
	snapshot, err := c.karte.snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	dead, err := c.deadLetters(ctx)
	return judge(c.load.texts(), messages, snapshot, c.deleted), dead, err
}

// moving answers what is still on its way, in words; nothing when all is at rest.
func (c *chaos) moving(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	pending, undelivered, err := c.slack.pending(ctx)
	if err != nil {
		return "", err
	}
	snapshot, err := c.karte.snapshot(ctx)
	if err != nil {
		return "", err
	}
	if pending+snapshot.Waiting > 0 {
		return fmt.Sprintf("delivering %d events and %d hooks", pending, snapshot.Waiting), nil
	}
	if undelivered > 0 {
		return fmt.Sprintf("short of %d events that were given up", undelivered), nil
	}
	held, err := c.js.Stream(ctx, bus.Held)
	if err != nil {
		return "", err
	}
	if n := held.CachedInfo().State.Msgs; n > 0 {
		return fmt.Sprintf("holding %d messages", n), nil
	}
	for _, name := range []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends} {
		waiting, err := c.waiting(ctx, name)
		if err != nil || waiting > 0 {
			return fmt.Sprintf("working on %d messages of %s", waiting, name), err
		}
	}
	return "", nil
}

// waiting counts what the consumers of a stream have not settled.
func (c *chaos) waiting(ctx context.Context, name string) (int, error) {
	stream, err := c.js.Stream(ctx, name)
	if err != nil {
		return 0, err
	}
	total := 0
	consumers := stream.ListConsumers(ctx)
	for info := range consumers.Info() {
		total += int(info.NumPending) + info.NumAckPending
	}
	return total, consumers.Err()
}

// deadLetters answers all of DEAD.
func (c *chaos) deadLetters(ctx context.Context) ([]*eventv1.DeadLetter, error) {
	stream, err := c.js.Stream(ctx, bus.Dead)
	if err != nil {
		return nil, fmt.Errorf("look into DEAD: %w", err)
	}
	var letters []*eventv1.DeadLetter
	for next := uint64(1); ; {
		raw, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject("dead.>"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return letters, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look into DEAD: %w", err)
		}
		letter := &eventv1.DeadLetter{}
		if err := proto.Unmarshal(raw.Data, letter); err != nil {
			return nil, fmt.Errorf("decode a dead letter: %w", err)
		}
		letters = append(letters, letter)
		next = raw.Sequence + 1
	}
}
