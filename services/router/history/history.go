// Package history asks ingest-karte what was said with a customer before the bridge heard of them.
package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var (
	// ErrRefused is answered when KARTE does not tell, and would not tell if it were asked again.
	ErrRefused = errors.New("KARTE refuses to tell what was said before")
	// ErrNotNow is answered when KARTE, or ingest-karte, does not answer now.
	ErrNotNow = errors.New("nobody tells now what was said before")
)

// askTimeout is more than ingest-karte takes to answer.
const askTimeout = 8 * time.Second

// Client asks over NATS.
type Client struct{ bus *bus.Bus }

// New makes a client.
func New(b *bus.Bus) *Client { return &Client{b} }

// Of answers the last lines, at most limit, that were said with a customer before a time, oldest first. Its errors match ErrRefused or ErrNotNow.
func (c *Client) Of(ctx context.Context, project string, customer *eventv1.Customer, limit int, before time.Time) ([]*eventv1.HistoryEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	response := &eventv1.HistoryResponse{}
	err := c.bus.Ask(ctx, bus.AskKarteSubject(project, bus.AskHistory), &eventv1.HistoryRequest{
		Project: project, Customer: customer, Limit: int32(limit), Before: timestamppb.New(before), //nolint:gosec // limit is small
	}, response)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNotNow, err)
	case response.GetRefused():
		return nil, fmt.Errorf("%w: %s", ErrRefused, response.GetError())
	case response.GetError() != "":
		return nil, fmt.Errorf("%w: %s", ErrNotNow, response.GetError())
	}
	return response.GetEntries(), nil
}
