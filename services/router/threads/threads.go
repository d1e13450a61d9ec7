// Package threads asks slack-gateway what Slack holds of a thread.
package threads

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	askTimeout = 4 * time.Second
	// lookBack is how old a reply may be that a later one brings along. Slack's own retries end after about six minutes, or after a day where the app asks
	// for hourly ones.
	lookBack = 24 * time.Hour
	// known is how old a reply may be whose absence from SLACK says that it was not delivered. An older one may have been forgotten there, and been sent long ago.
	known = bus.Retention - 12*time.Hour
)

// Client asks over NATS.
type Client struct{ bus *bus.Bus }

// New makes a client.
func New(b *bus.Bus) *Client { return &Client{bus: b} }

// Missed answers the replies that were written before the one that fact tells and have not been handed out yet: they come first. It is empty when Slack
// cannot be asked for long. None is from before since, when the conversation began: of one that was erased nothing is to come back. Every error may be tried again.
func (c *Client) Missed(ctx context.Context, fact *eventv1.SlackFact, since time.Time) ([]*eventv1.SlackFact, error) {
	before := fact.GetReplyWritten().GetTs()
	after, some := after(before, since, time.Now())
	if !some {
		return nil, nil
	}
	response, err := c.ask(ctx, &eventv1.RepliesRequest{
		Team: fact.GetTeam(), Channel: fact.GetChannel(), ThreadTs: fact.GetThreadTs(), BeforeTs: before, AfterTs: after,
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the replies before %s: %w", before, err)
	}
	return response.GetReplies(), nil
}

// Owner answers the conversation that a thread's head says it was opened for; known is false when Slack could not be asked, so that nobody knows.
func (c *Client) Owner(ctx context.Context, team, channel, thread string) (project, conversation string, known bool, err error) {
	response, err := c.ask(ctx, &eventv1.RepliesRequest{Team: team, Channel: channel, ThreadTs: thread})
	if err != nil {
		return "", "", false, fmt.Errorf("ask whose thread %s is: %w", thread, err)
	}
	return response.GetProject(), response.GetConversation(), !response.GetUnchecked(), nil
}

// Line answers what a line of a thread says now, and its last edit; nil when it is gone, or was not written by a person. Every error may be tried again.
func (c *Client) Line(ctx context.Context, ref *eventv1.SlackMessageRef) (line *eventv1.ReplyWritten, edited string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTimeout, errors.New("slack-gateway did not answer"))
	defer cancel()
	var response eventv1.MessageResponse
	request := &eventv1.MessageRequest{Team: ref.GetTeam(), Channel: ref.GetChannel(), ThreadTs: ref.GetThreadTs(), Ts: ref.GetTs()}
	if err := c.bus.Ask(ctx, bus.AskSlackSubject(ref.GetTeam(), bus.AskMessage), request, &response); err != nil {
		return nil, "", fmt.Errorf("ask what %s says: %w", ref.GetTs(), err)
	}
	if response.GetError() != "" {
		return nil, "", retry.After(2*time.Second, fmt.Errorf("ask what %s says: %s", ref.GetTs(), response.GetError()))
	}
	return response.GetMessage(), response.GetEditedTs(), nil
}

func (c *Client) ask(ctx context.Context, request *eventv1.RepliesRequest) (*eventv1.RepliesResponse, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTimeout, errors.New("slack-gateway did not answer"))
	defer cancel()
	var response eventv1.RepliesResponse
	if err := c.bus.Ask(ctx, bus.AskSlackSubject(request.GetTeam(), bus.AskReplies), request, &response); err != nil {
		return nil, err
	}
	if response.GetError() != "" {
		return nil, retry.After(time.Second, errors.New(response.GetError()))
	}
	return &response, nil
}

// after answers the ts behind which replies earlier than before are looked for; false when there is nothing to look for.
func after(before string, since, now time.Time) (string, bool) {
	seconds, _, _ := strings.Cut(before, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return "", false
	}
	at := time.Unix(n, 0).Add(-lookBack)
	for _, bound := range []time.Time{since, now.Add(-known)} {
		if bound.After(at) {
			at = bound
		}
	}
	return fmt.Sprintf("%d.%06d", max(at.Unix(), 0), at.Nanosecond()/1000), at.Before(time.Unix(n+1, 0))
}
