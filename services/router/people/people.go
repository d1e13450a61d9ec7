// Package people asks slack-gateway who somebody is.
package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	askTimeout = 4 * time.Second
	// A member who became a guest or was deactivated is known as such after this long.
	rememberFor = time.Minute
	rememberMax = 10_000
)

// Client asks over NATS and remembers members for a minute.
type Client struct {
	bus     *bus.Bus
	members *expirable.LRU[string, *eventv1.Member]
}

// New makes a client.
func New(b *bus.Bus) *Client {
	return &Client{bus: b, members: expirable.NewLRU[string, *eventv1.Member](rememberMax, nil, rememberFor)}
}

// Ask answers what Slack knows; ids it does not know are absent. Every error may be tried again.
func (c *Client) Ask(ctx context.Context, request *eventv1.MembersRequest) (*eventv1.MembersResponse, error) {
	answer := &eventv1.MembersResponse{}
	missing := proto.CloneOf(request)
	missing.Members = slices.DeleteFunc(missing.Members, func(id string) bool {
		member, ok := c.members.Get(request.GetTeam() + id)
		if ok {
			answer.Members = append(answer.Members, member)
		}
		return ok
	})
	if len(missing.GetMembers())+len(missing.GetUserGroups())+len(missing.GetChannels()) == 0 {
		return answer, nil
	}
	fresh, err := c.request(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("ask who the members of %s are: %w", request.GetTeam(), err)
	}
	for _, member := range fresh.GetMembers() {
		c.members.Add(request.GetTeam()+member.GetId(), member)
	}
	proto.Merge(answer, fresh)
	return answer, nil
}

func (c *Client) request(ctx context.Context, request *eventv1.MembersRequest) (*eventv1.MembersResponse, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTimeout, errors.New("slack-gateway did not answer"))
	defer cancel()
	var response eventv1.MembersResponse
	if err := c.bus.Ask(ctx, bus.AskSlackSubject(request.GetTeam(), bus.AskMembers), request, &response); err != nil {
		return nil, err
	}
	if response.GetError() != "" {
		return nil, retry.After(time.Second, errors.New(response.GetError()))
	}
	return &response, nil
}
