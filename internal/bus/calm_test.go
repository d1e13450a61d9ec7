package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var errNotYet = errors.New("not now")

// replicaOf is one replica's holder, whose handler fails for those that are named in failing.
type replicaOf struct {
	*bus.Holder

	t       *testing.T
	bus     *bus.Bus
	failing map[string]bool
	did     []string
}

func newReplica(t *testing.T, url string, before bus.Partitions) *replicaOf {
	t.Helper()
	r := &replicaOf{t: t, bus: connect(t, url, 1, before), failing: map[string]bool{}}
	r.Holder = r.bus.NewHolder("talk", func(_ context.Context, m bus.Message) error {
		id := decode(t, m).GetId()
		if r.failing[id] {
			return errNotYet
		}
		r.did = append(r.did, id)
		return nil
	})
	return r
}

// talkTurn is the delivery of a customer's message.
func talkTurn(customer, id string, turn, deliveries uint64) bus.Message {
	data, err := proto.Marshal(&eventv1.TalkFact{Id: id, Customer: &eventv1.Customer{UserId: customer}})
	if err != nil {
		panic(err)
	}
	return bus.Message{Stream: bus.Talk, Subject: bus.TalkSubject(1, "demo", customer, "customer-message", id), Data: data, Turn: turn, Sequence: turn, Deliveries: deliveries}
}

// handles is told of the delivery of a customer's message, and answers how much was asked of NATS.
func (r *replicaOf) handles(customer, id string, turn, deliveries uint64) (asked int) {
	r.t.Helper()
	before := r.bus.Conn().Stats().OutMsgs
	if err := r.Handle(r.t.Context(), talkTurn(customer, id, turn, deliveries)); err != nil {
		r.t.Fatalf("%s: %v", id, err)
	}
	return int(r.bus.Conn().Stats().OutMsgs - before)
}

// Whether something waits is asked once for deliveries in a row, whosever they are, and again when another replica may have been at work in between.
func TestWhetherSomethingWaitsIsAskedOnceWhileNothingDoes(t *testing.T) {
	_, url := ready(t)
	r := newReplica(t, url, 0)
	r.Idle = func(m bus.Message) bool { return decode(t, m).GetId() == "idle" }
	for _, step := range []struct {
		name, customer, id string
		turn, deliveries   uint64
		asks               bool
	}{
		{"the first", "one", "m1", 1, 1, true},
		{"in a row", "one", "m2", 2, 1, false},
		{"of somebody else", "two", "m3", 3, 1, false},
		{"what asks nothing keeps the row", "two", "idle", 4, 1, false},
		{"behind it", "three", "m5", 5, 1, false},
		{"another replica was in between", "one", "m7", 7, 1, true},
		{"in a row again", "two", "m8", 8, 1, false},
		{"a second delivery", "two", "m8", 9, 2, true},
		{"the queue is made anew", "one", "m1", 1, 1, true},
	} {
		if asked := r.handles(step.customer, step.id, step.turn, step.deliveries); (asked > 0) != step.asks || asked > 2 { // the stream's handle is asked for once
			t.Errorf("%s: asked %d times", step.name, asked)
		}
	}
}

// What was set aside here or elsewhere is seen before the next message of its customer.
func TestWhatIsSetAsideIsSeenByWhoeverIsHandedTheNextMessage(t *testing.T) {
	_, url := ready(t)
	one, other := newReplica(t, url, 0), newReplica(t, url, 0)
	for _, r := range []*replicaOf{one, other} {
		r.failing["a2"], r.failing["b5"] = true, true
	}
	one.handles("a", "a1", 1, 1)
	one.handles("a", "a2", 2, 1) // is set aside
	one.handles("a", "a3", 3, 1)
	one.handles("b", "b4", 4, 1)
	other.handles("b", "b5", 5, 1) // is set aside
	other.handles("c", "c6", 6, 1)
	one.handles("b", "b7", 7, 1)
	one.handles("c", "c8", 8, 1)
	if did, did2 := fmt.Sprint(one.did), fmt.Sprint(other.did); did != "[a1 b4 c8]" || did2 != "[c6]" {
		t.Errorf("done: %s and %s", did, did2)
	}
}

// What comes to HELD in a way that nobody who serves the partition sees, such as the replay of a fact, is found by the scan: messages queue up behind it.
func TestAScanTellsOfWhatWaitsUnseen(t *testing.T) {
	_, url := ready(t)
	one, other := newReplica(t, url, 0), newReplica(t, url, 0)
	one.failing["a0"], other.failing["a0"] = true, true
	one.handles("b", "b1", 1, 1)
	other.handles("a", "a0", 1, 1) // is set aside
	serve(t, one.Serve)
	turn := uint64(1)
	eventually.Holds(t, patience, "a message behind what waits", func() bool {
		turn++
		before := len(one.did)
		one.handles("a", fmt.Sprintf("a%d", turn), turn, 1)
		return len(one.did) == before
	})
	done := len(one.did)
	one.handles("a", "a-last", turn+1, 1)
	one.handles("b", "b-last", turn+2, 1)
	if did := one.did[done:]; len(did) != 1 || did[0] != "b-last" {
		t.Errorf("done behind it: %v", did)
	}
}

// While the number of partitions is being raised, each message is preceded by a look at what waits of its customer.
func TestWhileTheNumberIsRaisedEveryMessageIsPrecededByALook(t *testing.T) {
	_, url := ready(t)
	r := newReplica(t, url, 4)
	for turn := range uint64(3) {
		if asked := r.handles("a", fmt.Sprintf("a%d", turn), turn+1, 1); asked == 0 {
			t.Errorf("not asked before message %d", turn+1)
		}
	}
}
