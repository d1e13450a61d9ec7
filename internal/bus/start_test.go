package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

func nothing(context.Context, bus.Message) error { return nil }

// asked is what a replica that starts asked JetStream for.
type asked struct{ looked, made, atOnce int }

// starting serves 64 partitions from a new replica until it waits for a message of each, and answers what that asked for.
func starting(t *testing.T, url string, round string) asked {
	t.Helper()
	const partitions = 64
	spy, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer spy.Close()
	var mu sync.Mutex
	var a asked
	// A request whose answer comes late is made again: what counts is for which consumers there are some.
	counted, open, served := map[string]bool{}, map[string]string{}, map[string]bool{}
	ask := func(m *nats.Msg, count *int) {
		open[m.Reply] = m.Subject
		if !counted[m.Subject] {
			counted[m.Subject] = true
			*count++
		}
	}
	// One subscription, which sees everything in the order of the server.
	everything, err := spy.Subscribe(">", func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasPrefix(m.Subject, "$JS.API.CONSUMER.INFO."):
			ask(m, &a.looked)
		case strings.HasPrefix(m.Subject, "$JS.API.CONSUMER.CREATE."):
			ask(m, &a.made)
		case strings.HasPrefix(m.Subject, "$JS.API.CONSUMER.MSG.NEXT."):
			served[m.Subject] = true
		default:
			delete(open, m.Subject)
		}
		consumers := map[string]bool{}
		for _, subject := range open {
			consumers[subject] = true
		}
		a.atOnce = max(a.atOnce, len(consumers))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(everything.SetPendingLimits(-1, -1), spy.Flush()); err != nil {
		t.Fatal(err)
	}
	b := connect(t, url, partitions, 0)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.ServePartitions(ctx, "router-talk", bus.Talk, "talk", nothing) }()
	eventually.Holds(t, patience, "every partition is asked for messages", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(served) == partitions
	})
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%s: %+v", round, a)
	return a
}

// Every replica asks for every queue when it starts. It does so for some at a time, and makes none that is there already: that would cost every server an entry in
// the log that all of them share.
func TestAStartAsksForAFewConsumersAtATime(t *testing.T) {
	_, url := ready(t)
	first := starting(t, url, "the first replica")
	if first.made != 64 {
		t.Errorf("64 consumers are to be made: %+v", first)
	}
	second := starting(t, url, "the next one")
	if second.made != 0 || second.looked != 64 {
		t.Errorf("64 consumers are there: %+v", second)
	}
	for _, a := range []asked{first, second} {
		if a.atOnce > 8 {
			t.Errorf("%d asked for at once", a.atOnce)
		}
	}
}

// A consumer of an earlier version waits longer for what is lost; the first replica that serves it changes that.
func TestAConsumerOfAnEarlierVersionIsChanged(t *testing.T) {
	b, url := ready(t)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	const durable = "router-talk-4-000"
	before := jetstream.ConsumerConfig{
		Durable: durable, FilterSubject: "talk.4-000.>", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 10 * time.Second, MaxAckPending: 1, MaxDeliver: -1, MaxRequestExpires: time.Minute,
	}
	if _, err := js.CreateConsumer(t.Context(), bus.Talk, before); err != nil {
		t.Fatal(err)
	}
	serve(t, func(ctx context.Context) error {
		return connect(t, url, 4, 0).ServePartitions(ctx, "router-talk", bus.Talk, "talk", nothing)
	})
	eventually.Holds(t, patience, "it waits no longer than the others", func() bool {
		other, err := js.Consumer(t.Context(), bus.Talk, "router-talk-4-001")
		if err != nil {
			return false
		}
		consumer, err := js.Consumer(t.Context(), bus.Talk, durable)
		return err == nil && consumer.CachedInfo().Config.AckWait == other.CachedInfo().Config.AckWait && other.CachedInfo().Config.AckWait < 5*time.Second
	})
}
