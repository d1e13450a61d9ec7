package lane

import (
	"errors"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// posted answers what the post of a command is told to have taken.
func (c *channel) posted(command string) (took *eventv1.Effort) {
	c.t.Helper()
	all, err := c.bus.Before(c.t.Context(), bus.Slack, "slack.>", "")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range all {
		var fact eventv1.SlackFact
		if err := bus.Decode(m, &fact); err != nil {
			c.t.Fatal(err)
		}
		if posted := fact.GetPosted(); posted != nil && posted.GetCommandIds()[0] == command {
			took = posted.GetEffort()
		}
	}
	return took
}

// The next attempt may be another replica's: what a post took is in the checkpoint, and the post after it begins anew.
func TestWhatAPostTookIsToldWhicheverReplicaMakesIt(t *testing.T) {
	c := newChannel(t)
	c.slack.refuse = func(n int) (error, bool) {
		switch n {
		case 1, 2:
			return retry.Throttled(2*time.Second, errors.New("ratelimited")), false
		case 4:
			return errLost, true
		}
		return nil, true
	}
	c.issue(support, says("p1", "c1", "one."))
	waiting, err := c.bus.Waiting(t.Context(), support, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.post(t.Context(), waiting[0]); err == nil {
			t.Fatal("posted in spite of a 429")
		}
		c.restart()
	}
	last := c.drain(c.post, support, 0)
	took := c.posted("p1")
	if took.GetFailures() != 2 || took.GetThrottled().AsDuration() != 4*time.Second || took.GetFailed()[1].GetWait().AsDuration() != 2*time.Second || took.GetFirstTriedAt() == nil {
		t.Errorf("after two 429: %v", took)
	}
	c.issue(support, says("p2", "c1", "two."))
	c.drain(c.post, support, last)
	took = c.posted("p2")
	if took.GetFailures() != 1 || took.GetThrottled() != nil || took.GetLostAnswer() != eventv1.LostAnswer_LOST_ANSWER_FOUND {
		t.Errorf("after a lost answer: %v", took)
	}
}

func TestAPostThatIsGivenUpTellsWhatWasTried(t *testing.T) {
	c := newChannel(t)
	c.slack.refuse = nth(1, errRefused, false)
	c.issue(support, says("p1", "c1", "one."))
	c.drain(c.post, support, 0)
	all, err := c.bus.Before(t.Context(), bus.Slack, "slack.*.*.*.*.post-failed.>", "")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d facts, %v", len(all), err)
	}
	var fact eventv1.SlackFact
	if err := bus.Decode(all[0], &fact); err != nil || fact.GetPostFailed().GetEffort().GetFailures() != 1 {
		t.Errorf("%v, %v", &fact, err)
	}
}
