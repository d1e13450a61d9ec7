package bus_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

// soon is within which time a message has to be served while replicas come and go: more than anything takes on a busy machine, and less than a dead replica's message waits here.
const soon, deadWaits = 15 * time.Second, 40 * time.Second

// A replica that is stopped lets go of everything: what was on its way to it is served by another one at once, not after the time that is for replicas
// that died.
func TestAStoppedReplicaLeavesNothingBehind(t *testing.T) {
	nodes := startCluster(t, nil)
	publisher := member(t, nodes[0])
	ensured(t, publisher)
	var mu sync.Mutex
	published, took, slow := map[string]time.Time{}, 0, []string{}
	handle := func(_ context.Context, m bus.Message) error {
		id := decode(t, m).GetId()
		mu.Lock()
		defer mu.Unlock()
		took++
		if late := time.Since(published[id]); late > soon {
			slow = append(slow, fmt.Sprintf("%s after %v at delivery %d", id, late.Round(time.Millisecond), m.Deliveries))
		}
		return nil
	}
	replica := func(n *server.Server) (stop func()) {
		b := member(t, n)
		b.SetAckWait(deadWaits)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.ServePartitions(ctx, "router-talk", bus.Talk, "talk", handle) }()
		return func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			b.Close()
		}
	}
	stopNow, write := make(chan struct{}), sync.WaitGroup{}
	sent := 0
	write.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stopNow:
				sent = n
				return
			case <-time.After(3 * time.Millisecond):
			}
			id := fmt.Sprintf("evt-%d", n)
			mu.Lock()
			published[id] = time.Now()
			mu.Unlock()
			publish(t, publisher, fmt.Sprintf("member-%d", n%16), id)
		}
	})
	former := replica(nodes[0])
	for i := range 20 {
		next := replica(nodes[(i+1)%3])
		// A replica is stopped in the middle of work: while both are served.
		mu.Lock()
		before := took
		mu.Unlock()
		eventually.Holds(t, 2*deadWaits, "work goes on", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return took >= before+40
		})
		former()
		former = next
	}
	close(stopNow)
	write.Wait()
	eventually.Holds(t, 2*deadWaits, "all are served", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return took >= sent
	})
	former()
	mu.Lock()
	defer mu.Unlock()
	if len(slow) > 0 {
		t.Errorf("%d of %d late, such as %v", len(slow), sent, slow[:min(len(slow), 3)])
	}
}
