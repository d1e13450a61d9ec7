package e2e

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

// The room of one of three servers is full: it hands over what it leads, the others go on, and what the edges take meanwhile is there once and in order. It catches up
// when there is room again.
func TestPromise1OneFullDiskOfThreeStopsNothing(t *testing.T) {
	urls, servers, _ := cluster(t, func(i int, o *server.Options) {
		if i == 2 {
			o.JetStreamMaxStore = 16 << 20
			o.Tags.Add("small")
		}
	})
	s := start(t, stack.Options{NATSURL: urls, Environ: []string{"SLACK_PACE=1ms", "PARTITIONS=4", "STREAM_REPLICAS=3"}})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.Slack.AddEventFault(slackstandin.EventFault{Kind: slackstandin.Drop, Type: "message"})
	free := fill(t, urls, "small")
	const count = 6
	want := numbered("q", count)
	var refused atomic.Int32
	for i := 1; i < count; i++ {
		line := s.replies(stack.Hanako, thread, fmt.Sprintf("```a-%03d.```", i))
		for what, try := range map[string]func() int{
			"hook": func() int { return s.hook(s.HookURL, "vis-1", want[i]) }, "event": func() int { return s.event(s.GatewayURL, thread, line) },
		} {
			s.eventually(what, func() int {
				status := try()
				if status != 200 && status != 503 {
					t.Errorf("%s: %d", what, status)
				}
				if status != 200 {
					refused.Add(1)
				}
				return status
			})
		}
	}
	t.Logf("%d deliveries had to be repeated", refused.Load())
	all := func() bool { return len(s.order(thread, want)) >= count && len(s.answers("vis-1")) >= count-1 }
	eventually.Holds(t, 3*within, "everything arrives while the disk is full", all)
	free()
	eventually.Holds(t, 3*within, "the server that was full has caught up", func() bool { return servers[2].JetStreamIsCurrent() })
	roundTrip(s, "member-2", "afterwards")
	time.Sleep(100 * time.Millisecond) // a second copy would be under way
	if got := s.order(thread, want); !slices.Equal(got, want) {
		t.Errorf("the thread has %v", got)
	}
	if got := s.answers("vis-1"); !slices.Equal(got, numbered("a", count)[1:]) {
		t.Errorf("KARTE has %v", got)
	}
}

// answers are the texts that KARTE was sent for a customer.
func (s system) answers(customer string) (texts []string) {
	for _, m := range s.KARTE.Messages(customer) {
		if m.API {
			texts = append(texts, m.Text)
		}
	}
	return texts
}
