package bus_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var orderSeed = flag.Int("order.seed", 0, "draw the one plan of this seed in the tests of order; 0 draws several new ones")

// A fate is what happens to one attempt to carry out a message.
type fate int

const (
	succeeds fate = iota
	failsForNow
	failsWithDelay
	unknownWithoutEffect
	unknownWithEffect
	isRejected
	killedAtOnce       // before anything was written down
	killedBeforeEffect // after the attempt was written down
	killedAfterEffect  // and before the acknowledgement
	stoppedAtOnce      // as SIGTERM does
	stoppedAfterEffect
	overtaken // the replica is so slow that another one does it meanwhile
)

// A plan is which messages there are, in the order in which they are published, and what happens to their attempts, one after the
// other; every later attempt succeeds.
type plan struct {
	messages []planned
	fates    map[string][]fate
}

type planned struct{ queue, id string }

// plans draws messages of several queues, customers or lanes, of which about a third meets something.
func plans(queues, messages int) *rapid.Generator[plan] {
	return rapid.Custom(func(t *rapid.T) plan {
		p := plan{fates: map[string][]fate{}}
		each := map[string]int{}
		for range messages {
			queue := fmt.Sprintf("Q%d", rapid.IntRange(0, queues-1).Draw(t, "queue"))
			id := fmt.Sprintf("%s-%02d", queue, each[queue])
			each[queue]++
			p.messages = append(p.messages, planned{queue, id})
			if rapid.IntRange(0, 2).Draw(t, "troubled") == 0 {
				p.fates[id] = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fate { return fate(rapid.IntRange(int(failsForNow), int(overtaken)).Draw(t, "fate")) }), 1, 2).Draw(t, "fates")
			}
		}
		return p
	})
}

// eachPlan runs check on a few plans that nobody has seen before, or on the one that was asked for.
func eachPlan(t *testing.T, plans *rapid.Generator[plan], check func(t *testing.T, p plan)) {
	t.Helper()
	seeds := []int{*orderSeed}
	if *orderSeed == 0 {
		now := int(time.Now().UnixNano() % 1_000_000_000)
		seeds = []int{now, now + 1}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("order.seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			check(t, plans.Example(seed))
		})
	}
}

// Whatever happens to attempts and replicas, the effects of each customer are there, once and in order, and nobody waits for ever.
func TestPromise3OrderOfPartitionsUnderRandomFailuresAndKills(t *testing.T) {
	eachPlan(t, plans(6, 90), func(t *testing.T, p plan) {
		o := newOutside(t, p)
		o.key = func(m bus.Message) string {
			if m.Held {
				return "test.held." + bus.Token(m.Subject)
			}
			return "test." + bus.Token(m.Subject[:len("talk.4-000")])
		}
		o.run = func(ctx context.Context, r *replica) error {
			holder := r.NewHolder("talk", o.handle(r))
			holder.SetAside = func(ctx context.Context, m bus.Message, _ error) (attempted bool, _ error) {
				checkpoint := r.checkpoint(o.key(m), m)
				note, err := checkpoint.Current(ctx, m)
				if err != nil {
					return false, err
				}
				own := note.GetSequence() >= m.Sequence
				if left := checkpoint.Elsewhere(note, time.Now(), attemptTime); own && left > 0 {
					return false, retry.After(left, errors.New("another replica may be at it"))
				}
				return own, checkpoint.SetAside(ctx, m)
			}
			served := make(chan error, 1)
			go func() { served <- holder.Serve(ctx) }()
			err := r.ServePartitions(ctx, "router-talk", bus.Talk, "talk", holder.Handle)
			return errors.Join(err, <-served)
		}
		o.begin(3)
		b := connect(t, o.url, 4, 0)
		for _, m := range p.messages {
			publish(t, b, m.queue, m.id)
		}
		o.settled(bus.Talk)
		o.end()
		o.verify()
	})
}

// The same for lanes, where whatever fails holds up what is behind it.
func TestPromise3OrderOfLanesUnderRandomFailuresAndKills(t *testing.T) {
	eachPlan(t, plans(4, 40), func(t *testing.T, p plan) {
		o := newOutside(t, p)
		o.key = func(m bus.Message) string { return "test." + bus.Token(m.Subject[:len("post.T0DEMO1.Q0")]) }
		o.run = func(ctx context.Context, r *replica) error {
			return r.ServeLanes(ctx, func(bus.Lane) bus.Handler { return o.handle(r) })
		}
		o.begin(3)
		b := connect(t, o.url, 4, 0)
		registry := b.NewLaneRegistry()
		for _, m := range p.messages {
			lane := bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: m.queue}
			if err := registry.Register(t.Context(), lane); err != nil {
				t.Fatal(err)
			}
			fact := &eventv1.TalkFact{Id: m.id, Customer: &eventv1.Customer{UserId: m.queue}}
			if _, err := b.OnceWithin(t.Context(), 5*time.Second, bus.Posts, lane.Subject(m.id), fact); err != nil {
				t.Fatal(err)
			}
		}
		o.settled(bus.Posts)
		o.end()
		o.verify()
	})
}
