package diagnose

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/examination"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var lane = bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}

// stored is a NATS server of a test's own with the whole topology.
func stored(t *testing.T) (*bus.Bus, jetstream.JetStream) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	b, err := bus.Connect(bus.Settings{URL: secret.New(s.ClientURL()), Replicas: 1, Partitions: 2}, "router", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	return b, js
}

// look looks at what NATS has, some time from now.
func look(t *testing.T, b *bus.Bus, js jetstream.JetStream, later time.Duration, check func(context.Context, *scene) outcome) outcome {
	t.Helper()
	x := healthy()
	x.Bus, x.js, x.Now = b, js, func() time.Time { return time.Now().Add(later) }
	x.beginNATS(t.Context())
	defer x.asking.Wait()
	return check(t.Context(), x)
}

func wants(t *testing.T, what string, o outcome, want outcome) {
	t.Helper()
	if o.verdict != want.verdict || !strings.Contains(o.found, want.found) || !strings.Contains(o.fix, want.fix) {
		t.Errorf("%s: %v, want %v", what, o, want)
	}
}

func publish(t *testing.T, b *bus.Bus, stream, subject string, m proto.Message) {
	t.Helper()
	if _, err := b.OnceWithin(t.Context(), 5*time.Second, stream, subject, m); err != nil {
		t.Fatal(err)
	}
}

func consume(t *testing.T, js jetstream.JetStream, stream, name, filter string) {
	t.Helper()
	if _, err := js.CreateConsumer(t.Context(), stream, jetstream.ConsumerConfig{Durable: name, FilterSubject: filter, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1}); err != nil {
		t.Fatal(err)
	}
}

func TestEveryStreamThatIsMadeIsLookedAt(t *testing.T) {
	b, js := stored(t)
	wants(t, "all there", look(t, b, js, 0, lookStreams), ok("all 14"))
	if err := js.DeleteStream(t.Context(), bus.Sends); err != nil {
		t.Fatal(err)
	}
	wants(t, "one gone", look(t, b, js, 0, lookStreams), failure("SENDS is missing", "Restart"))
}

func TestConsumersAreMissedWhereTheirStreamIsThere(t *testing.T) {
	b, js := stored(t)
	wants(t, "none", look(t, b, js, 0, lookConsumers), failure("TALK lacks 2 of 2 consumers", "Restart ingest-karte"))
	for stream, name := range partitioned {
		for _, token := range b.Partitions().Tokens() {
			first := map[string]string{bus.Talk: "talk", bus.Slack: "slack", bus.Sends: "send"}[stream]
			consume(t, js, stream, name+"-"+token, first+"."+token+".>")
		}
	}
	wants(t, "all", look(t, b, js, 0, lookConsumers), ok("2 partitions"))
	if err := js.DeleteConsumer(t.Context(), bus.Talk, "router-talk-2-001"); err != nil {
		t.Fatal(err)
	}
	wants(t, "one gone", look(t, b, js, 0, lookConsumers), failure("router-talk-2-001", "Restart the router"))
	if err := js.DeleteStream(t.Context(), bus.Talk); err != nil {
		t.Fatal(err)
	}
	wants(t, "its stream gone", look(t, b, js, 0, lookConsumers), waits(natsStreams))
}

func TestWhatWaitsTooLongIsABacklog(t *testing.T) {
	b, js := stored(t)
	subject := bus.TalkSubject(2, "demo", "member-1", "customer-message", "evt-1")
	consume(t, js, bus.Talk, "router-talk-"+strings.Split(subject, ".")[1], "talk."+strings.Split(subject, ".")[1]+".>")
	wants(t, "nothing", look(t, b, js, time.Hour, lookBacklog), ok("0 messages"))
	publish(t, b, bus.Talk, subject, &eventv1.TalkFact{Id: "evt-1"})
	wants(t, "just now", look(t, b, js, 0, lookBacklog), ok("1 message is on its way"))
	wants(t, "for two minutes", look(t, b, js, 2*time.Minute, lookBacklog), warning("wait in TALK since", "replicas"))
}

func TestOnlyTheProjectsOwnIsSetAside(t *testing.T) {
	b, js := stored(t)
	publish(t, b, bus.Held, bus.HeldLane{Stream: "talk", A: "other", B: "c1"}.Subject("evt-1"), &eventv1.TalkFact{})
	publish(t, b, bus.Held, bus.HeldLane{Stream: "slack", A: "T0DEMO1-C0OTHER", B: "1-1"}.Subject("evt-1"), &eventv1.SlackFact{})
	wants(t, "of others", look(t, b, js, 0, lookHeld), ok("nothing"))
	publish(t, b, bus.Held, bus.HeldLane{Stream: "send", A: "demo", B: "c1"}.Subject("evt-2"), &eventv1.KarteCommand{})
	publish(t, b, bus.Held, bus.HeldLane{Stream: "slack", A: "T0DEMO1-C0SUPPORT", B: "1-1"}.Subject("evt-2"), &eventv1.SlackFact{})
	wants(t, "a reply", look(t, b, js, 0, lookHeld), warning("replies to customers that wait: 1", karteToken))
	wants(t, "in the channel", look(t, b, js, 0, lookHeld), warning("replies in C0SUPPORT that wait: 1", "Redis"))
}

func TestAParkedLaneSaysWhy(t *testing.T) {
	b, js := stored(t)
	consume(t, js, bus.Posts, "lane-post-T0DEMO1-C0SUPPORT", lane.Filter())
	publish(t, b, bus.Posts, lane.Subject("cmd-1"), &eventv1.SlackCommand{})
	wants(t, "just now", look(t, b, js, 0, lookLanes), ok("C0SUPPORT"))
	publish(t, b, bus.Slack, bus.SlackSubject(2, lane.Team, lane.Channel, "", "lane-parked", "p-1"), &eventv1.SlackFact{
		ReceivedAt: timestamppb.New(time.Now().Add(time.Second)), Fact: &eventv1.SlackFact_LaneParked{LaneParked: &eventv1.LaneParked{Detail: "not_in_channel"}},
	})
	wants(t, "for two minutes", look(t, b, js, 2*time.Minute, lookLanes), warning("1 command waits for C0SUPPORT since", slackChannels))
	wants(t, "why", look(t, b, js, 2*time.Minute, lookLanes), warning("not_in_channel", ""))
}

func TestATestMessageIsNoHookFromOutside(t *testing.T) {
	b, js := stored(t)
	last := func() time.Time {
		var when time.Time
		look(t, b, js, 0, func(ctx context.Context, x *scene) outcome {
			var err error
			if when, err = x.lastHook.get(ctx); err != nil {
				t.Error(err)
			}
			return ok("")
		})
		return when
	}
	test := examination.TestCustomer + "abc"
	publish(t, b, bus.Talk, bus.TalkSubject(2, "demo", test, "customer-message", "evt-1"), &eventv1.TalkFact{Customer: &eventv1.Customer{UserId: test}})
	publish(t, b, bus.Talk, bus.TalkSubject(2, "other", "member-1", "customer-message", "evt-1"), &eventv1.TalkFact{})
	publish(t, b, bus.Talk, bus.TalkSubject(2, "demo", "member-1", "reply-delivered", "evt-1"), &eventv1.TalkFact{})
	if got := last(); !got.IsZero() {
		t.Errorf("a hook at %v", got)
	}
	publish(t, b, bus.Talk, bus.TalkSubject(2, "demo", "member-1", "assigned", "evt-2"), &eventv1.TalkFact{Customer: &eventv1.Customer{UserId: "member-1"}})
	if got := last(); got.IsZero() {
		t.Error("the hook is not seen")
	}
}
