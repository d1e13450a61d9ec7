package slackapi

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"
)

// Permalink answers the address of a message, which opens it in Slack's apps, too.
func (c *Client) Permalink(ctx context.Context, channel, ts string) (string, error) {
	address, err := c.api().GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: c.at(channel), Ts: ts})
	if err != nil {
		return "", fmt.Errorf("chat.getPermalink of %s: %w", channel, classify(err))
	}
	return address, nil
}
