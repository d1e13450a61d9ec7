package e2e

import (
	"os"
	"slices"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/natstest"
)

// One of three NATS servers is lost with its volume, and another of the same name comes with an empty one: the others go on, it gets everything from them, and then
// the cluster bears the loss of another.
func TestANATSServerThatLostItsVolumeGetsEverythingAgain(t *testing.T) {
	urls, servers, options := cluster(t, func(*server.Options) {})
	s := start(t, stack.Options{NATSURL: urls, Environ: []string{"SLACK_PACE=1ms", "PARTITIONS=4", "STREAM_REPLICAS=3"}})
	t.Parallel() // it mostly waits
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	servers[2].Shutdown()
	servers[2].WaitForShutdown()
	if err := os.RemoveAll(options[2].StoreDir); err != nil {
		t.Fatal(err)
	}
	s.storesOrRefuses("hook", func() int { return s.hook(s.HookURL, "vis-1", "q-001.") })
	runNATS(t, options[2])
	js := natstest.JetStream(t, urls)
	eventually.Holds(t, 2*within, "the new server has caught up", func() bool { return current(t, js) })
	servers[0].Shutdown()
	servers[0].WaitForShutdown()
	s.storesOrRefuses("hook", func() int { return s.hook(s.HookURL, "vis-1", "q-002.") })
	want := numbered("q", 3)
	eventually.Holds(t, 2*within, "everything in the thread", func() bool { return len(s.order(thread, want)) >= 3 })
	if got := s.order(thread, want); !slices.Equal(got, want) {
		t.Errorf("the thread has %v", got)
	}
	if heads := s.heads(); len(heads) != 1 {
		t.Errorf("%d threads:\n%s", len(heads), s.dump())
	}
}

// current reports that every copy of every stream and of every lasting consumer is the same: a copy that never got anything of a consumer has no voice in who leads it.
func current(t *testing.T, js jetstream.JetStream) bool {
	t.Helper()
	for _, config := range bus.Topology(3) {
		stream, err := js.Stream(t.Context(), config.Name)
		if err != nil || !agree(stream.CachedInfo().Cluster) {
			return false
		}
		same, consumers := true, stream.ListConsumers(t.Context())
		for c := range consumers.Info() { // to the end, or the client's goroutine stays
			same = same && (c.Config.Durable == "" || agree(c.Cluster))
		}
		if !same || consumers.Err() != nil {
			return false
		}
	}
	return true
}

// agree reports that three copies are there and the same.
func agree(at *jetstream.ClusterInfo) bool {
	return at != nil && at.Leader != "" && len(at.Replicas) == 2 &&
		!slices.ContainsFunc(at.Replicas, func(r *jetstream.PeerInfo) bool { return r.Offline || !r.Current || r.Lag > 0 })
}

// storesOrRefuses delivers until it is taken, as KARTE and Slack do for a while: 200 for what is stored, 503 for what is not, nothing else.
func (s system) storesOrRefuses(what string, deliver func() int) {
	s.t.Helper()
	s.eventually(what, func() int {
		status := deliver()
		if status != 200 && status != 503 {
			s.t.Errorf("%s: %d", what, status)
		}
		return status
	})
}
