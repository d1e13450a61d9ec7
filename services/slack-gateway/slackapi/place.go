package slackapi

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"
)

// Place is a channel as the app sees it.
type Place struct {
	Name string
	// Member says that the app is in it.
	Member, Archived bool
}

// Place asks about a channel; nil when Slack knows none that the app may see: private ones are visible to their members only.
func (c *Client) Place(ctx context.Context, id string) (*Place, error) {
	channel, err := c.api().GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: c.at(id)})
	if code(err) == "channel_not_found" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("conversations.info: %w", classify(err))
	}
	return &Place{Name: channel.Name, Member: channel.IsMember, Archived: channel.IsArchived}, nil
}

// Code answers Slack's own error code, empty when err is of another kind.
func Code(err error) string { return code(err) }
