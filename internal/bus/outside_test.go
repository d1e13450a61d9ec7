package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// outside is the world that messages have their effects in. It does nothing to keep them once or in order.
type outside struct {
	t    *testing.T
	url  string
	run  func(ctx context.Context, r *replica) error // serves
	key  func(m bus.Message) string                  // of the checkpoint
	mu   sync.Mutex
	plan plan
	// effects are in the order in which they happened.
	effects  map[string][]string
	attempts map[string]int
	// over is what somebody has reported as carried out or given up.
	over     map[string]error
	repeats  int // attempts of what was over
	kills    int
	late     int
	replicas sync.WaitGroup
	ending   bool
	all      []*replica
}

// A replica is one process.
type replica struct {
	*bus.Bus
	stop   context.CancelFunc
	killed bool
	// checkpoints are those of the queues, which a replica keeps as long as it lives; a held message has one of its own.
	checkpoints sync.Map
}

func (r *replica) checkpoint(key string, m bus.Message) *bus.Checkpoint {
	if m.Held {
		return r.NewCheckpoint(key)
	}
	known, _ := r.checkpoints.LoadOrStore(key, r.NewCheckpoint(key))
	return known.(*bus.Checkpoint)
}

var errKilled = errors.New("this process is dead")

func newOutside(t *testing.T, p plan) *outside {
	t.Helper()
	o := &outside{t: t, plan: p, effects: map[string][]string{}, attempts: map[string]int{}, over: map[string]error{}}
	o.url = startNATS(t).ClientURL()
	if err := connect(t, o.url, 4, 0).Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return o
}

// begin starts replicas, and another one whenever one has ended.
func (o *outside) begin(n int) {
	for range n {
		o.replicas.Add(1)
		go func() {
			defer o.replicas.Done()
			for o.once() {
			}
		}()
	}
	o.t.Cleanup(o.end)
}

// once runs one replica to its end; false when no other one is to follow.
func (o *outside) once() bool {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	r := &replica{Bus: connect(o.t, o.url, 4, 0), stop: stop}
	r.SetAckWait(500 * time.Millisecond)
	o.mu.Lock()
	if o.ending {
		o.mu.Unlock()
		return false
	}
	o.all = append(o.all, r)
	o.mu.Unlock()
	_ = o.run(ctx, r)
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.ending
}

func (o *outside) end() {
	o.mu.Lock()
	o.ending = true
	for _, r := range o.all {
		r.stop()
	}
	o.mu.Unlock()
	o.replicas.Wait()
}

// kill ends a replica as SIGKILL does: nothing that it still does reaches anybody.
func (o *outside) kill(r *replica) error {
	o.mu.Lock()
	r.killed = true
	o.kills++
	o.mu.Unlock()
	r.Conn().Close()
	r.stop()
	return errKilled
}

// handle carries out one message the way that senders do: what is over is not attempted again, what is being attempted is written down
// first, and whoever finds its own message written down looks before it repeats.
func (o *outside) handle(r *replica) bus.Handler {
	return func(ctx context.Context, m bus.Message) error {
		var f eventv1.TalkFact
		if err := bus.Decode(m, &f); err != nil {
			return err
		}
		queue, id := f.GetCustomer().GetUserId(), f.GetId()
		fate, err := o.attempt(r, id)
		if err != nil {
			return err
		}
		if fate == killedAtOnce {
			return o.kill(r)
		}
		if fate == stoppedAtOnce {
			r.stop()
			return context.Canceled
		}
		checkpoint := r.checkpoint(o.key(m), m)
		note, err := checkpoint.At(ctx, m)
		if err != nil {
			return err
		}
		if m.Held && note.GetSequence() > 0 || note.GetSequence() == m.Sequence {
			if left := checkpoint.Elsewhere(note, time.Now(), attemptTime); left > 0 {
				return fmt.Errorf("%w: %w", bus.ErrStay, retry.After(left, errors.New("another replica may be at it")))
			}
		}
		state := bus.StateOf(note, m.Sequence)
		if state == bus.Aside {
			return retry.Unknown(errors.New("it was set aside before"))
		}
		if m.Held && (m.Attempted || note.GetSequence() > 0) {
			state = bus.Uncertain // a held message has a note of its own
		}
		if over, err := o.reported(id); over {
			return err
		}
		if state == bus.Done || (state == bus.Uncertain && o.there(queue, id)) {
			return o.report(r, id, nil)
		}
		if fate == overtaken {
			o.awaitSuccessor(ctx, id)
		}
		if err := checkpoint.Note(context.WithoutCancel(ctx), &eventv1.Checkpoint{Sequence: m.Sequence, AttemptedAt: timestamppb.Now()}); err != nil {
			return err
		}
		calling, cancel := checkpoint.Calling(ctx, attemptTime)
		defer cancel()
		err = o.carryOut(calling, r, queue, id, fate)
		if err != nil && !errors.Is(err, errKilled) {
			checkpoint.Ended(ctx, err)
		}
		return err
	}
}

// attemptTime is how long an attempt may take, as in the services: a process that stood still for longer has no effect any more, and whoever comes after it waits as long.
const attemptTime = 500 * time.Millisecond

func (o *outside) carryOut(ctx context.Context, r *replica, queue, id string, fate fate) error {
	switch fate {
	case failsForNow:
		return errors.New("not now")
	case failsWithDelay:
		return retry.After(20*time.Millisecond, errors.New("not now"))
	case unknownWithoutEffect:
		return retry.Unknown(errors.New("cut"))
	case isRejected:
		return o.report(r, id, retry.Rejected(errors.New("never")))
	case killedBeforeEffect:
		return o.kill(r)
	default:
	}
	if err := o.effect(ctx, r, queue, id); err != nil {
		return err
	}
	switch fate {
	case unknownWithEffect:
		return retry.Unknown(errors.New("cut"))
	case killedAfterEffect:
		return o.kill(r)
	case stoppedAfterEffect:
		r.stop()
	default:
	}
	return o.report(r, id, nil)
}

// attempt begins one and answers what is to become of it.
func (o *outside) attempt(r *replica, id string) (fate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.killed {
		return 0, errKilled
	}
	if _, over := o.over[id]; over {
		o.repeats++
		return succeeds, nil
	}
	n := o.attempts[id]
	o.attempts[id]++
	if fates := o.plan.fates[id]; n < len(fates) {
		if fates[n] == overtaken {
			o.late++
		}
		return fates[n], nil
	}
	return succeeds, nil
}

// awaitSuccessor returns when another attempt is over, or when none seems to come.
func (o *outside) awaitSuccessor(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			o.mu.Lock()
			_, over := o.over[id]
			o.mu.Unlock()
			if over {
				return
			}
		}
	}
}

func (o *outside) effect(ctx context.Context, r *replica, queue, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.killed {
		return errKilled
	}
	if ctx.Err() != nil {
		return retry.Unknown(ctx.Err())
	}
	o.effects[queue] = append(o.effects[queue], id)
	return nil
}

func (o *outside) there(queue, id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Contains(o.effects[queue], id)
}

// report tells everybody that id is over: carried out, or given up with an error.
func (o *outside) report(r *replica, id string, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.killed {
		return errKilled
	}
	o.over[id] = err
	return err
}

func (o *outside) reported(id string) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	err, over := o.over[id]
	return over, err
}

// settled waits until nothing is left to be done anywhere.
func (o *outside) settled(stream string) {
	o.t.Helper()
	js, err := jetstream.New(connect(o.t, o.url, 4, 0).Conn())
	if err != nil {
		o.t.Fatal(err)
	}
	deadline := time.Now().Add(90 * time.Second)
	look := time.NewTicker(20 * time.Millisecond) // whoever looks all the time takes the time of those who work
	defer look.Stop()
	for problem := unsettled(o.t.Context(), js, stream); problem != ""; problem = unsettled(o.t.Context(), js, stream) {
		<-look.C
		if time.Now().After(deadline) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.t.Fatalf("%s after a minute and a half; effects %v, attempts %v", problem, o.effects, o.attempts)
		}
	}
}

// unsettled answers what is left to be done. HELD is looked at last: what is set aside comes there from its partition, never the other way.
func unsettled(ctx context.Context, js jetstream.JetStream, stream string) string {
	handle, err := js.Stream(ctx, stream)
	if err != nil {
		return err.Error()
	}
	consumers, pending := handle.ListConsumers(ctx), 0
	none := true
	for info := range consumers.Info() {
		none = false
		pending += info.NumAckPending + int(info.NumPending)
	}
	if consumers.Err() != nil || none || pending > 0 {
		return fmt.Sprintf("%d messages wait (%v)", pending, consumers.Err())
	}
	held, err := js.Stream(ctx, bus.Held)
	if err != nil {
		return err.Error()
	}
	if n := held.CachedInfo().State.Msgs; n > 0 {
		return fmt.Sprintf("%d messages are held", n)
	}
	return ""
}

// dead answers what was buried, as often as it was.
func (o *outside) dead() (ids []string) {
	o.t.Helper()
	b := connect(o.t, o.url, 4, 0)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		o.t.Fatal(err)
	}
	handle, err := js.Stream(o.t.Context(), bus.Dead)
	if err != nil {
		o.t.Fatal(err)
	}
	for n := uint64(1); n <= handle.CachedInfo().State.LastSeq; n++ {
		raw, err := handle.GetMsg(o.t.Context(), n)
		if err != nil {
			o.t.Fatal(err)
		}
		var letter eventv1.DeadLetter
		var fact eventv1.TalkFact
		if err := errors.Join(proto.Unmarshal(raw.Data, &letter), proto.Unmarshal(letter.GetPayload(), &fact)); err != nil {
			o.t.Fatal(err)
		}
		ids = append(ids, fact.GetId())
	}
	slices.Sort(ids)
	return ids
}

// verify compares what happened with what was published: everything exactly once and in order, but for what was rejected.
func (o *outside) verify() {
	o.t.Helper()
	buried := o.dead()
	o.mu.Lock()
	defer o.mu.Unlock()
	want := map[string][]string{}
	for _, m := range o.plan.messages {
		if !slices.Contains(buried, m.id) {
			want[m.queue] = append(want[m.queue], m.id)
		} else if !slices.Contains(o.plan.fates[m.id], isRejected) {
			o.t.Errorf("%s was buried and never rejected", m.id)
		}
	}
	for queue, ids := range want {
		if !slices.Equal(o.effects[queue], ids) {
			o.t.Errorf("%s: effects %v, want %v; attempts %v, over %v", queue, o.effects[queue], ids, o.attempts, o.over)
		}
	}
	// Each kill leaves at most one message of each partition and of each customer's queue, or of each lane, without its acknowledgement.
	if allowed := 10*o.kills + 4*o.late; o.repeats > allowed {
		o.t.Errorf("%d times something was handed out again that was over, %d would be explained", o.repeats, allowed)
	}
	if unique := slices.Compact(slices.Clone(buried)); len(unique) != len(buried) {
		o.t.Errorf("buried twice: %v", buried)
	}
}
