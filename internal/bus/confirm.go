package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What JetStream is told of a message.
const (
	acknowledged = "+ACK"
	givenBack    = "-NAK"
	givenUp      = "+TERM"
)

// telling is how long after an unconfirmed answer it is given again: the queue may have no leader for a moment.
const telling = 50 * time.Millisecond

// later gives a message back for when delay is over.
func later(delay time.Duration) string {
	if delay <= 0 {
		return givenBack
	}
	text, _ := json.Marshal(map[string]int64{"delay": delay.Nanoseconds()}) //nolint:errchkjson // numbers can be written
	return givenBack + " " + string(text)
}

// confirm tells JetStream what became of a message until it has heard. What is told while a queue changes its leader, or while this process changes the
// server, is heard by nobody: the message, and everything behind it, would wait for ackWait. It ends when ackWait is over, for then another replica has it.
func (b *Bus) confirm(ctx context.Context, raw jetstream.Msg, told string) error {
	limit := b.ackWait
	if ctx.Err() != nil && !b.conn.IsConnected() {
		limit = callTimeout // the process is to end
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, errors.New("JetStream has not confirmed it"))
	defer cancel()
	for {
		err := b.tell(ctx, raw, told)
		if err == nil || !mayRepeat(told, err) || b.conn.IsClosed() || !sleep(ctx, telling) {
			return err
		}
	}
}

func (b *Bus) tell(ctx context.Context, raw jetstream.Msg, told string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout/2, errors.New("JetStream did not answer"))
	defer cancel()
	if _, err := b.conn.RequestWithContext(ctx, raw.Reply(), []byte(told)); err != nil {
		return fmt.Errorf("tell JetStream %s: %w", told[:4], err)
	}
	return nil
}

// mayRepeat reports whether it does no harm to tell it again. What is given back twice could be handed out twice at once, so it is told again only when it
// certainly was not heard.
func mayRepeat(told string, err error) bool {
	return told[0] == '+' || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrReconnectBufExceeded)
}
