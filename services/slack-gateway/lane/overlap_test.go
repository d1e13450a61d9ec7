package lane_test

import (
	"context"
	"slices"
	"strings"
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

// frozen stands still before its first post leaves, and then behaves as a client of HTTP does: what is too late is not sent.
type frozen struct {
	*fake
	held        atomic.Bool
	begun, goOn chan struct{}
}

func (f *frozen) Post(ctx context.Context, channel, thread string, message render.Message, marks []string) (slackapi.Posted, error) {
	if f.held.CompareAndSwap(false, true) {
		f.begun <- struct{}{}
		<-f.goOn
		select {
		case <-ctx.Done():
			return slackapi.Posted{}, errLost
		case <-time.After(2 * time.Second):
		}
	}
	return f.fake.Post(ctx, channel, thread, message, marks)
}

// A process that stands still between noting a post and making it is taken for dead: another one looks for the post, does not find it and makes it.
func TestPromise2WhoStoodStillBeforeItsPostDoesNotMakeIt(t *testing.T) {
	for name, before := range map[string][]string{"a head": nil, "a line": {"p0"}} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			for _, id := range before {
				r.done(r.replica(posting, 0), r.store(posting, customer(id, "c1", "w00."))...)
			}
			f := &frozen{fake: r.slack, begun: make(chan struct{}), goOn: make(chan struct{})}
			r.options.Workspace, r.options.CallTime = in(f, posting.Team), 200*time.Millisecond
			line := r.store(posting, customer("p1", "c1", "w01."))[0]
			ended := make(chan error)
			first := r.replica(posting, 0)
			go func() { ended <- first(t.Context(), line) }()
			<-f.begun
			r.done(r.replica(posting, time.Minute), line) // by its clock the first one's call is over
			close(f.goOn)
			if err := <-ended; err == nil {
				t.Error("who stood still takes its post for made")
			}
			if words, _ := r.slack.words(""); !slices.Equal(words, append(slices.Repeat([]string{"w00."}, len(before)), "w01.")) {
				t.Errorf("Slack shows %v", words)
			}
		})
	}
}

// The answer was lost, but the call is over, and said to be: another replica looks for the post at once instead of waiting for as long as a call may take.
func TestACallThatHasEndedIsNotWaitedFor(t *testing.T) {
	for name, effect := range map[string]bool{"effect, no answer": true, "no effect, no answer": false} {
		for at, which := range []string{"head", "line"} {
			t.Run(which+": "+name, func(t *testing.T) {
				r := newRoom(t)
				r.options.CallTime = time.Minute
				r.slack.next(append(slices.Repeat([]accident{{effect: true}}, at), accident{effect, errLost})...)
				messages := r.store(posting, customer("p0", "c1", "w00."), customer("p1", "c2", "w01."), customer("p2", "c1", "w02."))
				r.done(r.replica(posting, 0), messages[:at]...)
				_ = r.fails(r.replica(posting, 0), messages[at])
				r.done(r.replica(posting, 0), messages[at:]...)
				r.wants("w00. w02. w01.", 2)
			})
		}
	}
}

// So is the call for a later part of a long text, which leaves its note behind when it is refused for now.
func TestAPartThatWasRefusedForNowIsNotWaitedFor(t *testing.T) {
	r := newRoom(t)
	r.options.CallTime = time.Minute
	r.slack.next(accident{true, nil}, accident{true, nil}, accident{false, errNotNow})
	messages := r.store(posting, customer("p0", "c1", "w00."), customer("p1", "c1", "w01."+strings.Repeat("長い文", 2000)+" w02."))
	r.done(r.replica(posting, 0), messages[0])
	_ = r.fails(r.replica(posting, 0), messages[1])
	r.done(r.replica(posting, 0), messages[1])
	if words, in := r.slack.words(""); !slices.Equal(words, []string{"w00.", "w01.", "w02."}) || in < 3 {
		t.Errorf("%d messages with %v", in, words)
	}
}

// JetStream may not have heard that a post is made, and hand it to another replica: there it is looked for the post, before it is waited for the call.
func TestAPostThatStandsIsNotWaitedFor(t *testing.T) {
	r := newRoom(t)
	r.options.CallTime = time.Minute
	long := "w02." + strings.Repeat("長い文", 2000) + " w03."
	messages := r.store(posting, customer("p0", "c1", "w00."), customer("p1", "c1", "w01."), customer("p2", "c1", long))
	for _, m := range messages {
		r.done(r.replica(posting, 0), m)
		r.done(r.replica(posting, 0), m) // another one
	}
	if words, _ := r.slack.words(""); !slices.Equal(words, []string{"w00.", "w01.", "w02.", "w03."}) {
		t.Errorf("Slack shows %v", words)
	}
}

// So with cards, of which it is written down what the head shows.
func TestACardThatIsShownIsNotWaitedFor(t *testing.T) {
	r, store := cards(t)
	r.options.CallTime = time.Minute
	m := store(updated("c1", 2, 0))[0]
	r.done(r.replica(carding, 0), m)
	r.done(r.replica(carding, 0), m)
	if len(r.slack.updates) != 1 {
		t.Errorf("updated %v", r.slack.updates)
	}
}
