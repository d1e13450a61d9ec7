package lane_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/lane"
)

// counted is a Slack that notes when it is asked for reactions, by a clock that the test moves.
type counted struct {
	*fake
	now           time.Time
	adds, removes []time.Time
}

func (c *counted) React(ctx context.Context, channel, ts, name string) error {
	c.adds = append(c.adds, c.now)
	return c.fake.React(ctx, channel, ts, name)
}

func (c *counted) Unreact(ctx context.Context, channel, ts, name string) error {
	c.removes = append(c.removes, c.now)
	return c.fake.Unreact(ctx, channel, ts, name)
}

// most answers the most calls in any minute.
func most(calls []time.Time) (most int) {
	for i, from := range calls {
		n := 0
		for _, at := range calls[i:] {
			if at.Sub(from) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// A hundred receipts in a minute, of which some replace the mark of waiting, are shown one after the other as fast as Slack allows, and none is refused.
func TestAHundredReactionsAMinuteStayUnderSlacksLimits(t *testing.T) {
	r := newRoom(t)
	slack := &counted{fake: r.slack, now: time.Now()}
	began := slack.now
	options := r.options
	options.Workspace, options.Pace, options.Metrics = in(slack, marking.Team), time.Second, prometheus.NewRegistry()
	options.Now = func() time.Time { return slack.now }
	var commands []*eventv1.SlackCommand
	for i := range 100 {
		commands = append(commands, &eventv1.SlackCommand{
			Id: fmt.Sprintf("receipt-%d", i), Team: marking.Team, Channel: marking.Channel, IssuedAt: timestamppb.New(began),
			Command: &eventv1.SlackCommand_Reaction{Reaction: &eventv1.Reaction{
				Target: &eventv1.SlackMessageRef{Team: marking.Team, Channel: marking.Channel, Ts: fmt.Sprintf("1700000000.%06d", i)}, Receipt: eventv1.Receipt_RECEIPT_SENT,
				ReplacesWaiting: i%4 == 0,
			}},
		})
	}
	handle := lane.New(options).Handler(marking)
	for _, m := range r.store(marking, commands...) {
		for {
			err := handle(t.Context(), m)
			if err == nil {
				break
			}
			wait := retry.Delay(err)
			if wait <= 0 || wait > time.Minute {
				t.Fatalf("message %d: %v", m.Sequence, err)
			}
			slack.now = slack.now.Add(wait)
		}
	}
	if len(slack.adds) != 100 || len(slack.removes) != 25 {
		t.Errorf("%d added, %d removed", len(slack.adds), len(slack.removes))
	}
	if adds, removes := most(slack.adds), most(slack.removes); adds > 50 || removes > 20 {
		t.Errorf("%d added and %d removed in one minute", adds, removes)
	}
	if took := slack.now.Sub(began); took > 3*time.Minute {
		t.Errorf("it took %v", took)
	}
}
