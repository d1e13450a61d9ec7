package slackapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// ErrFixed is answered by Update when a message can no longer be changed: it is gone, or Slack has closed it.
var ErrFixed = errors.New("the message can no longer be changed")

// fixed are the codes that say so. With block_mismatch Slack refuses to take rich text out of a message, or to put it into one without: ours of an earlier version.
var fixed = []string{"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch", "thread_not_found"}

// Update changes what a message of ours says; made twice it does no harm. Its metadata stays.
func (c *Client) Update(ctx context.Context, channel, ts string, message render.Message) error {
	options := []slack.MsgOption{slack.MsgOptionText(message.Text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionBlocks(message.Blocks...)}
	_, _, _, err := c.api().UpdateMessageContext(ctx, c.at(channel), ts, options...)
	if err == nil {
		return nil
	}
	if slices.Contains(fixed, code(err)) {
		return fmt.Errorf("chat.update in %s: %w: %w", channel, ErrFixed, classify(err))
	}
	return fmt.Errorf("chat.update in %s: %w", channel, classify(err))
}
