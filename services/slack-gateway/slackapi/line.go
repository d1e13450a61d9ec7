package slackapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// Line reads one message of a thread as it is now; nil when it is gone.
func (c *Client) Line(ctx context.Context, channel, thread, ts string) (json.RawMessage, error) {
	// The head comes first on every page, whatever is asked for.
	form := url.Values{"channel": {c.at(channel)}, "ts": {thread}, "oldest": {ts}, "latest": {ts}, "inclusive": {"true"}, "limit": {"2"}}
	messages, _, err := c.repliesPage(ctx, form)
	if errors.Is(err, ErrThreadGone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("conversations.replies in %s: %w", channel, err)
	}
	for _, message := range messages {
		var m struct {
			TS string `json:"ts"`
		}
		if json.Unmarshal(message, &m) == nil && m.TS == ts {
			return message, nil
		}
	}
	return nil, nil
}
