// Package operators asks ingest-karte whom KARTE knows as operators of a project.
package operators

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"golang.org/x/sync/singleflight"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var (
	// ErrNobodyAnswers is returned while no ingest-karte of the project answers.
	ErrNobodyAnswers = errors.New("no ingest-karte of the project answers")
	// ErrKARTE is returned when ingest-karte answers that KARTE does not, or not with a list.
	ErrKARTE = errors.New("KARTE does not tell its operators")
)

const (
	// askTimeout is less than an API call may take, and more than ingest-karte does.
	askTimeout = 8 * time.Second
	// An operator who is new at KARTE is seen after this long.
	rememberFor = time.Minute
	rememberMax = 1000
)

// named is what an operator may be called in names of links; settings.proto has the same rule.
var named = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// asker asks over NATS.
type asker func(ctx context.Context, project string) (*eventv1.OperatorsResponse, error)

// Client asks and remembers the answers for a minute. It may be used by any number of goroutines.
type Client struct {
	ask    asker
	known  *expirable.LRU[string, []*eventv1.Operator]
	asking singleflight.Group
}

// New makes a client that asks over b.
func New(b *bus.Bus) *Client {
	return newWith(func(ctx context.Context, project string) (*eventv1.OperatorsResponse, error) {
		response := &eventv1.OperatorsResponse{}
		return response, b.Ask(ctx, bus.AskKarteSubject(project, bus.AskOperators), &eventv1.OperatorsRequest{Project: project}, response)
	})
}

// newWith makes a client with another way to ask.
func newWith(ask asker) *Client {
	return &Client{ask: ask, known: expirable.NewLRU[string, []*eventv1.Operator](rememberMax, nil, rememberFor)}
}

// Of answers the operators that KARTE knows, as it gave them, except those whose id cannot be in a name. What it answers is shared: it must not be
// changed. Its errors match ErrNobodyAnswers or ErrKARTE, or are ctx's.
func (c *Client) Of(ctx context.Context, project string) ([]*eventv1.Operator, error) {
	if operators, ok := c.known.Get(project); ok {
		return operators, nil
	}
	answered := c.asking.DoChan(project, func() (any, error) {
		// It goes on for the others when the first who asked leaves.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		return c.fetch(ctx, project)
	})
	select {
	case answer := <-answered:
		operators, _ := answer.Val.([]*eventv1.Operator)
		return operators, answer.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("list the operators of %s: %w", project, ctx.Err())
	}
}

func (c *Client) fetch(ctx context.Context, project string) ([]*eventv1.Operator, error) {
	response, err := c.ask(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("list the operators of %s: %w: %w", project, ErrNobodyAnswers, err)
	}
	if response.GetError() != "" {
		return nil, fmt.Errorf("list the operators of %s: %w: %s", project, ErrKARTE, response.GetError())
	}
	operators := slices.DeleteFunc(response.GetOperators(), func(o *eventv1.Operator) bool { return !named.MatchString(o.GetId()) })
	c.known.Add(project, operators)
	return operators, nil
}
