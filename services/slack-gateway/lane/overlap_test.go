package lane_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// slow holds its first post back before it takes effect.
type slow struct {
	*fake
	held        atomic.Bool
	begun, goOn chan struct{}
}

func (s *slow) Post(ctx context.Context, channel, thread string, message render.Message, marks []string) (slackapi.Posted, error) {
	if s.held.CompareAndSwap(false, true) {
		s.begun <- struct{}{}
		<-s.goOn
	}
	return s.fake.Post(ctx, channel, thread, message, marks)
}

// A broker that lost its leader hands a message to a second replica while the first is in its call, which Slack does not show yet.
func TestPromise2APostThatAnotherReplicaIsMakingIsWaitedFor(t *testing.T) {
	r := newRoom(t)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	s := &slow{fake: r.slack, begun: make(chan struct{}), goOn: make(chan struct{})}
	r.options.Workspace, r.options.CallTime = in(s, posting.Team), 12*time.Second
	line := r.store(posting, customer("p1", "c1", "w01."))[0]
	first, second, ended := r.replica(posting, 0), r.replica(posting, 0), make(chan error)
	go func() { ended <- first(t.Context(), line) }()
	<-s.begun
	if err := second(t.Context(), line); retry.Delay(err) <= 0 {
		t.Errorf("the second replica does not wait: %v", err)
	}
	close(s.goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := second(t.Context(), line); err != nil {
		t.Fatal(err)
	}
	if words, _ := r.slack.words(""); !slices.Equal(words, []string{"w00.", "w01."}) {
		t.Errorf("Slack shows %v", words)
	}
}
