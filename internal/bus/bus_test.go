package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine.func1"), goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"))
}

// startNATS runs a real server with JetStream on disk.
func startNATS(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func connect(t *testing.T, url string, partitions, before bus.Partitions) *bus.Bus {
	t.Helper()
	b, err := bus.Connect(bus.Settings{URL: secret.New(url), Replicas: 1, Partitions: partitions, PartitionsBefore: before}, "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func ready(t *testing.T) (*bus.Bus, string) {
	t.Helper()
	url := startNATS(t).ClientURL()
	b := connect(t, url, 4, 0)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b, url
}

// serve runs work until the test ends and waits for it.
func serve(t *testing.T, work func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}

// seen remembers what was handled, per customer.
type seen struct {
	mu  sync.Mutex
	got map[string][]string
	all chan struct{}
}

func newSeen() *seen { return &seen{got: map[string][]string{}, all: make(chan struct{}, 100000)} }

func (s *seen) add(customer, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got[customer] = append(s.got[customer], id)
	s.all <- struct{}{}
}

func (s *seen) wait(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(patience)
	for i := range n {
		select {
		case <-s.all:
		case <-deadline:
			t.Fatalf("only %d of %d arrived: %v", i, n, s.got)
		}
	}
}

func publish(t *testing.T, b *bus.Bus, customer, id string) bool {
	t.Helper()
	duplicate, err := b.OnceWithin(t.Context(), patience, bus.Talk, bus.TalkSubject(b.Partitions(), "demo", customer, "customer-message", id),
		&eventv1.TalkFact{Id: id, Customer: &eventv1.Customer{UserId: customer}})
	if err != nil {
		t.Fatal(err)
	}
	return duplicate
}

func decode(t *testing.T, m bus.Message) *eventv1.TalkFact {
	t.Helper()
	var f eventv1.TalkFact
	if err := bus.Decode(m, &f); err != nil {
		t.Error(err)
	}
	return &f
}

func TestPromise2ARepeatIsRefusedByTheStreamItself(t *testing.T) {
	b, url := ready(t)
	if publish(t, b, "member-1", "evt-1") {
		t.Fatal("the first is no duplicate")
	}
	if !publish(t, b, "member-1", "evt-1") || !publish(t, connect(t, url, 4, 0), "member-1", "evt-1") {
		t.Fatal("a repeat was stored")
	}
	if publish(t, b, "member-1", "evt-2") {
		t.Fatal("another event was taken for a repeat")
	}
}

func TestPromise3OrderHoldsPerCustomerWithThreeReplicasAndFailures(t *testing.T) {
	b, url := ready(t)
	const customers, each = 12, 25
	got := newSeen()
	var mu sync.Mutex
	tries := map[string]int{}
	handle := func(_ context.Context, m bus.Message) error {
		f := decode(t, m)
		mu.Lock()
		tries[f.GetId()]++
		n := tries[f.GetId()]
		mu.Unlock()
		if n == 1 && len(f.GetId())%3 == 0 {
			return retry.After(time.Millisecond, errors.New("not now"))
		}
		got.add(f.GetCustomer().GetUserId(), f.GetId())
		return nil
	}
	for range 3 {
		replica := connect(t, url, 4, 0)
		holder := replica.NewHolder("talk", handle)
		serve(t, func(ctx context.Context) error {
			return replica.ServePartitions(ctx, "router-talk", bus.Talk, "talk", holder.Handle)
		})
		serve(t, holder.Serve)
	}
	want := map[string][]string{}
	for i := range each {
		for c := range customers {
			customer, id := fmt.Sprintf("member-%d", c), fmt.Sprintf("e-%d-%d", c, i)
			publish(t, b, customer, id)
			want[customer] = append(want[customer], id)
		}
	}
	got.wait(t, customers*each)
	for customer, ids := range want {
		if !slices.Equal(got.got[customer], ids) {
			t.Errorf("%s: got %v, want %v", customer, got.got[customer], ids)
		}
	}
}

func TestPromise3AFailingCustomerDelaysNobody(t *testing.T) {
	url := startNATS(t).ClientURL()
	b := connect(t, url, 1, 0) // one partition: everybody stands in the same queue
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := newSeen()
	mended := make(chan struct{})
	holder := b.NewHolder("talk", func(_ context.Context, m bus.Message) error {
		f := decode(t, m)
		if f.GetCustomer().GetUserId() == "broken" {
			select {
			case <-mended:
			default:
				return errors.New("broken")
			}
		}
		got.add(f.GetCustomer().GetUserId(), f.GetId())
		return nil
	})
	serve(t, func(ctx context.Context) error {
		return b.ServePartitions(ctx, "router-talk", bus.Talk, "talk", holder.Handle)
	})
	serve(t, holder.Serve)
	for i := range 5 {
		publish(t, b, "broken", fmt.Sprintf("b%d", i))
		publish(t, b, "well", fmt.Sprintf("w%d", i))
	}
	got.wait(t, 5)
	if len(got.got["well"]) != 5 {
		t.Fatalf("the well customer waits behind the broken one: %v", got.got)
	}
	close(mended)
	got.wait(t, 5)
	if want := []string{"b0", "b1", "b2", "b3", "b4"}; !slices.Equal(got.got["broken"], want) {
		t.Fatalf("order lost while held: %v", got.got["broken"])
	}
}

func TestPoisonGoesToDeadAndBlocksNobody(t *testing.T) {
	b, _ := ready(t)
	got := newSeen()
	serve(t, func(ctx context.Context) error {
		return b.ServePartitions(ctx, "router-talk", bus.Talk, "talk", func(_ context.Context, m bus.Message) error {
			f := decode(t, m)
			if f.GetId() == "poison" {
				return retry.Malformed(errors.New("cannot be understood"))
			}
			got.add("c", f.GetId())
			return nil
		})
	})
	publish(t, b, "c", "poison")
	publish(t, b, "c", "fine")
	got.wait(t, 1)
	dead := newSeen()
	serve(t, func(ctx context.Context) error {
		return b.Serve(ctx, bus.Queue{Stream: bus.Dead, Durable: "look", Filter: "dead.>", Handle: func(_ context.Context, m bus.Message) error {
			var letter eventv1.DeadLetter
			if err := bus.Decode(m, &letter); err != nil {
				return err
			}
			var fact eventv1.TalkFact
			if err := bus.Decode(bus.Message{Data: letter.GetPayload()}, &fact); err != nil || fact.GetId() != "poison" {
				t.Errorf("the payload was touched: %v %v", err, &fact)
			}
			dead.add("c", letter.GetReason().String())
			return nil
		}})
	})
	dead.wait(t, 1)
	if dead.got["c"][0] != "FAILURE_REASON_MALFORMED" {
		t.Fatalf("got %v", dead.got)
	}
}

func TestPartitionsCanBeRaisedWithoutLosingOrder(t *testing.T) {
	old, url := ready(t)
	var want []string
	for i := range 40 {
		id := fmt.Sprintf("e%d", i)
		publish(t, old, "member-1", id)
		want = append(want, id)
	}
	raised := connect(t, url, 16, 4)
	for i := range 40 {
		id := fmt.Sprintf("f%d", i)
		publish(t, raised, "member-1", id)
		want = append(want, id)
	}
	got := newSeen()
	serve(t, func(ctx context.Context) error {
		return raised.ServePartitions(ctx, "router-talk", bus.Talk, "talk", func(_ context.Context, m bus.Message) error {
			got.add("c", decode(t, m).GetId())
			return nil
		})
	})
	got.wait(t, 80)
	if !slices.Equal(got.got["c"], want) {
		t.Fatalf("got %v", got.got["c"])
	}
}

func TestLanesAreServedAsTheyBecomeKnown(t *testing.T) {
	b, _ := ready(t)
	got := newSeen()
	serve(t, func(ctx context.Context) error {
		return b.ServeLanes(ctx, func(lane bus.Lane) bus.Handler {
			return func(_ context.Context, _ bus.Message) error { got.add(lane.Channel, "x"); return nil }
		})
	})
	registry := b.NewLaneRegistry()
	for _, channel := range []string{"C0A", "C0B"} {
		lane := bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: channel}
		if err := registry.Register(t.Context(), lane); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Once(t.Context(), bus.Posts, lane.Subject("1"), &eventv1.SlackCommand{Id: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	got.wait(t, 2)
}

func TestWaitingLooksAheadInOneLaneOnly(t *testing.T) {
	b, _ := ready(t)
	a, other := bus.Lane{Kind: bus.PostLane, Team: "T1", Channel: "CA"}, bus.Lane{Kind: bus.PostLane, Team: "T1", Channel: "CB"}
	for i := range 6 {
		lane := []bus.Lane{a, other}[i%2]
		if _, err := b.Once(t.Context(), bus.Posts, lane.Subject(fmt.Sprint(i)), &eventv1.SlackCommand{Id: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	waiting, err := b.Waiting(t.Context(), a, 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	var sequences []uint64
	for _, m := range waiting {
		sequences = append(sequences, m.Sequence)
	}
	if !slices.Equal(sequences, []uint64{3, 5}) {
		t.Fatalf("got %v", sequences)
	}
}

func TestRecordsAreChangedByCompareAndSet(t *testing.T) {
	b, _ := ready(t)
	records := bus.NewRecords[*eventv1.ThreadRecord](b, bus.Threads)
	first, err := records.Write(t.Context(), "demo.c1", &eventv1.ThreadRecord{Ts: "1.1"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.Write(t.Context(), "demo.c1", &eventv1.ThreadRecord{Ts: "2.2"}, 0); !errors.Is(err, bus.ErrConflict) {
		t.Fatalf("a second create: %v", err)
	}
	if _, err := records.Write(t.Context(), "demo.c1", &eventv1.ThreadRecord{Ts: "3.3"}, first); err != nil {
		t.Fatal(err)
	}
	if _, err := records.Write(t.Context(), "demo.c1", &eventv1.ThreadRecord{Ts: "4.4"}, first); !errors.Is(err, bus.ErrConflict) {
		t.Fatalf("a stale update: %v", err)
	}
	var record eventv1.ThreadRecord
	if _, err := records.Read(t.Context(), "demo.c1", &record); err != nil || record.GetTs() != "3.3" {
		t.Fatalf("got %v %v", &record, err)
	}
}

func TestNATSAbsentAtStart(t *testing.T) {
	b := connect(t, "nats://127.0.0.1:1", 4, 0)
	if err := b.Check(bus.Talk)(t.Context()); err == nil {
		t.Fatal("ready without NATS")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.Once(ctx, bus.Talk, "talk.x", &eventv1.TalkFact{}); err == nil {
		t.Fatal("stored without NATS")
	}
}

func TestAnIdleQueueIsLeft(t *testing.T) {
	b, _ := ready(t)
	left := make(chan error, 1)
	handle := func(context.Context, bus.Message) error { return nil }
	go func() {
		left <- b.Serve(t.Context(), bus.Queue{Stream: bus.Talk, Durable: "idle", Filter: "talk.>", Handle: handle, Idle: 50 * time.Millisecond})
	}()
	select {
	case err := <-left:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("a queue without messages is served for ever")
	}
}

// A report may have been made before the number of partitions was raised: who does not find it takes for undone what was done, or for done what was not.
func TestAMessageIsFoundInWhicheverPartitionItIs(t *testing.T) {
	before, url := ready(t)
	for i := range 8 {
		customer := fmt.Sprintf("member-%d", i)
		publish(t, before, customer, "fact")
		after := bus.Partitions(5)
		var fact eventv1.TalkFact
		found, err := connect(t, url, after, 0).Find(t.Context(), bus.Talk, bus.TalkSubject(after, "demo", customer, "customer-message", "fact"), &fact)
		if err != nil || !found {
			t.Errorf("%s: found %v, %v", customer, found, err)
		}
	}
}
