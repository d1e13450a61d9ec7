package natsusers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/retry"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/audit"
)

var (
	lane  = bus.Lane{Kind: bus.PostLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
	cards = bus.Lane{Kind: bus.CardLane, Team: "T0DEMO1", Channel: "C0SUPPORT"}
)

// steps remembers which parts of the story have happened.
type steps chan string

// await waits until all of want have happened.
func (s steps) await(t *testing.T, want ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, step := range want {
		missing[step] = true
	}
	deadline := time.After(20 * time.Second)
	for len(missing) > 0 {
		select {
		case step := <-s:
			delete(missing, step)
		case <-deadline:
			t.Fatalf("did not happen: %v", missing)
		}
	}
}

// background runs work until the test ends.
func background(t *testing.T, work func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := work(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// onceHeld makes a handler that fails at its first call, so that the message is set aside and done from there.
func onceHeld(handle bus.Handler) bus.Handler {
	var first sync.Once
	return func(ctx context.Context, m bus.Message) error {
		var err error
		first.Do(func() { err = errors.New("not now") })
		if err != nil {
			return err
		}
		return handle(ctx, m)
	}
}

// queue serves every partition of a stream with what it has to set aside.
func queue(t *testing.T, b *bus.Bus, service, stream, token string, handle bus.Handler) {
	t.Helper()
	holder := b.NewHolder(token, handle)
	background(t, func(ctx context.Context) error { return b.ServePartitions(ctx, service, stream, token, holder.Handle) })
	background(t, holder.Serve)
}

// publish stores a message, and once more to see that its repeat is noticed.
func publish(ctx context.Context, b *bus.Bus, stream, subject string) error {
	for _, repeat := range []bool{false, true} {
		duplicate, err := b.OnceWithin(ctx, 5*time.Second, stream, subject, &eventv1.Page{Title: "demo"})
		if err != nil {
			return err
		}
		if duplicate && !repeat {
			return errors.New(subject + " was there before")
		}
	}
	return nil
}

// record writes and reads back one record of a bucket.
func record(ctx context.Context, b *bus.Bus, bucket, key string) error {
	records := bus.NewRecords[*eventv1.Page](b, bucket)
	revision, err := records.Read(ctx, key, &eventv1.Page{})
	if err != nil {
		return err
	}
	if revision, err = records.Write(ctx, key, &eventv1.Page{Title: "demo"}, revision); err != nil {
		return err
	}
	_, err = records.Write(ctx, key, &eventv1.Page{Title: "demo 2"}, revision)
	return err
}

func TestEachServiceMayDoItsWork(t *testing.T) {
	s := start(t)
	ingest, router, gateway := connect(t, s, "ingest-karte"), connect(t, s, "router"), connect(t, s, "slack-gateway")
	for name, b := range map[string]*bus.Bus{"ingest-karte": ingest, "router": router, "slack-gateway": gateway} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := b.Ensure(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cancel()
	}
	happened := make(steps, 100)
	ingestKarte(t, ingest, happened)
	slackGateway(t, gateway, happened)
	routes(t, router, happened)
	asks(t, router, ingest)
	audits(t, router)
	if err := publish(t.Context(), ingest, bus.Talk, bus.TalkSubject(2, "demo", "member-1", "customer-message", "evt-1")); err != nil {
		t.Fatal(err)
	}
	happened.await(t, "routed", "posted", "shown", "answered", "sent")
	awaitDead(t, router, 3)
}

// awaitDead asks, as often as it is answered, until n messages have been buried.
func awaitDead(t *testing.T, b *bus.Bus, n uint64) {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, 20*time.Second, fmt.Sprint(n, " dead letters"), func() bool {
		stream, err := js.Stream(t.Context(), bus.Dead)
		if err != nil {
			t.Fatal(err)
		}
		return stream.CachedInfo().State.Msgs >= n
	})
}

// ingestKarte does what that service does with a command.
func ingestKarte(t *testing.T, b *bus.Bus, happened steps) {
	t.Helper()
	queue(t, b, "ingest-karte", bus.Sends, "send", onceHeld(func(ctx context.Context, m bus.Message) error {
		if err := record(ctx, b, bus.Checkpoints, "send.demo.c1"); err != nil {
			return err
		}
		if err := b.Bury(ctx, m, eventv1.FailureReason_FAILURE_REASON_REJECTED, errors.New("refused")); err != nil {
			return err
		}
		if _, err := b.Before(ctx, bus.Sends, bus.SendFilter("demo", "c1"), m.Subject); err != nil {
			return err
		}
		happened <- "sent"
		return nil
	}))
}

// slackGateway does what that service does with a command and with a question.
func slackGateway(t *testing.T, b *bus.Bus, happened steps) {
	t.Helper()
	if _, err := b.Conn().QueueSubscribe("ask.slack.>", "slack-gateway", func(m *nats.Msg) { _ = m.Respond([]byte("demo")) }); err != nil {
		t.Fatal(err)
	}
	post := func(ctx context.Context, m bus.Message) error {
		if _, err := b.Waiting(ctx, lane, m.Sequence, 5); err != nil {
			return err
		}
		for bucket, key := range map[string]string{bus.Checkpoints: "lane." + lane.Key(), bus.Threads: "demo.c1"} {
			if err := record(ctx, b, bucket, key); err != nil {
				return err
			}
		}
		if err := publish(ctx, b, bus.Slack, bus.SlackSubject(2, lane.Team, lane.Channel, "1723612345.000200", "thread-opened", "f-1")); err != nil {
			return err
		}
		happened <- "posted"
		return retry.Rejected(errors.New("so that it is buried"))
	}
	card := func(ctx context.Context, m bus.Message) error {
		if _, err := b.Waiting(ctx, cards, m.Sequence, 5); err != nil {
			return err
		}
		if err := record(ctx, b, bus.Checkpoints, "lane."+cards.Key()); err != nil {
			return err
		}
		// A card follows its conversation to another channel.
		if err := publish(ctx, b, bus.Posts, (bus.Lane{Kind: bus.CardLane, Team: lane.Team, Channel: "C0SALES"}).Subject("cmd-3")); err != nil {
			return err
		}
		happened <- "shown"
		return nil
	}
	background(t, func(ctx context.Context) error {
		return b.ServeLanes(ctx, func(of bus.Lane) bus.Handler {
			if of.Kind == bus.CardLane {
				return card
			}
			return post
		})
	})
}

// routes does what router does with facts from both edges.
func routes(t *testing.T, b *bus.Bus, happened steps) {
	t.Helper()
	lanes := b.NewLaneRegistry()
	queue(t, b, "router-talk", bus.Talk, "talk", onceHeld(func(ctx context.Context, m bus.Message) error {
		if err := record(ctx, b, bus.Conversations, "demo.c1"); err != nil {
			return err
		}
		if err := lanes.Register(ctx, lane); err != nil {
			return err
		}
		if err := publish(ctx, b, bus.Posts, lane.Subject("cmd-1")); err != nil {
			return err
		}
		if err := lanes.Register(ctx, cards); err != nil {
			return err
		}
		if err := publish(ctx, b, bus.Posts, cards.Subject("cmd-3")); err != nil {
			return err
		}
		if err := publish(ctx, b, bus.Sends, bus.SendSubject(2, "demo", "c1", "cmd-2")); err != nil {
			return err
		}
		happened <- "routed"
		return retry.Rejected(errors.New("so that it is buried"))
	}))
	queue(t, b, "router-slack", bus.Slack, "slack", onceHeld(func(ctx context.Context, _ bus.Message) error {
		if _, err := bus.NewRecords[*eventv1.ThreadRecord](b, bus.Threads).Read(ctx, "demo.nobody", &eventv1.ThreadRecord{}); err != nil {
			return err
		}
		if _, err := b.Conn().RequestWithContext(ctx, bus.AskSlackSubject(lane.Team, bus.AskMembers), nil); err != nil {
			return err
		}
		happened <- "answered"
		return nil
	}))
}

// asks does what router does to learn the operators and how the replicas are, and what ingest-karte answers.
func asks(t *testing.T, router, ingest *bus.Bus) {
	t.Helper()
	for question, queue := range map[bus.Question]string{bus.AskOperators: "ingest-karte", bus.AskExamination: ""} {
		subject := bus.AskKarteSubject("demo", question)
		background(t, func(ctx context.Context) error {
			return bus.Answer(ctx, ingest, subject, queue, 5*time.Second, func(context.Context, *eventv1.OperatorsRequest) proto.Message {
				return &eventv1.OperatorsResponse{Operators: []*eventv1.Operator{{Id: "op1"}}}
			})
		})
		answered := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if queue != "" {
				return router.Ask(ctx, subject, &eventv1.OperatorsRequest{}, &eventv1.OperatorsResponse{})
			}
			_, err := bus.AskAll(ctx, router, subject, &eventv1.OperatorsRequest{}, 50*time.Millisecond, func() *eventv1.OperatorsResponse { return &eventv1.OperatorsResponse{} })
			return err
		}
		// It may listen a moment later than it is asked.
		for deadline := time.Now().Add(20 * time.Second); ; {
			err := answered()
			if err == nil {
				break
			}
			if !errors.Is(err, bus.ErrNobodyAnswers) || time.Now().After(deadline) {
				t.Fatalf("%s: %v", question, err)
			}
		}
	}
}

// fixedSecret is what page tokens are sealed with here.
type fixedSecret struct{}

func (fixedSecret) Secret(context.Context, string) ([]byte, error) { return make([]byte, 32), nil }

// audits does what router does with audit entries.
func audits(t *testing.T, router *bus.Bus) {
	t.Helper()
	if err := publish(t.Context(), router, bus.Audit, bus.AuditSubject("demo", "reply-1")); err != nil {
		t.Fatal(err)
	}
	audit.NewRecorder(router, slog.New(slog.DiscardHandler), prometheus.NewRegistry()).Record(t.Context(), &eventv1.AuditEntry{Project: "demo", Action: "SetOperatorLink"})
	service, err := audit.NewService(router, fixedSecret{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, parent := range []string{"projects/demo", "projects/-"} {
		answer, err := service.ListAuditEntries(t.Context(), &adminv1.ListAuditEntriesRequest{Parent: parent})
		if err != nil || len(answer.GetAuditEntries()) == 0 {
			t.Errorf("audit entries of %s: %v, %v", parent, answer, err)
		}
	}
}

func TestNoServiceMayDoAnothersWork(t *testing.T) {
	s := start(t)
	tests := []struct{ user, verb, subject string }{
		{"ingest-karte", "publish", "post.T0DEMO1.C0SUPPORT.x"},
		{"ingest-karte", "publish", "send.2-000.demo.c1.x"},
		{"ingest-karte", "publish", "held.talk.demo.c1.x"},
		{"ingest-karte", "publish", "dead.talk.rejected.x"},
		{"ingest-karte", "publish", "$KV.CHECKPOINTS.lane.post.T0DEMO1.C0SUPPORT"},
		{"ingest-karte", "publish", "$JS.API.CONSUMER.CREATE.TALK.spy.talk.>"},
		{"ingest-karte", "publish", "$JS.API.CONSUMER.CREATE.HELD.spy.held.slack.>"},
		{"ingest-karte", "publish", "$JS.API.CONSUMER.MSG.NEXT.SLACK.router-slack-2-000"},
		{"ingest-karte", "subscribe", "ask.slack.>"},
		{"ingest-karte", "subscribe", "talk.>"},
		{"ingest-karte", "publish", "ask.karte.demo.operators"},
		{"ingest-karte", "publish", "ask.slack.T0DEMO1.members"},
		{"ingest-karte", "publish", "$JS.API.STREAM.MSG.DELETE.TALK"},
		{"router", "subscribe", "ask.karte.>"},
		{"router", "subscribe", "audit.>"},
		{"router", "publish", "$JS.API.STREAM.MSG.DELETE.AUDIT"},
		{"router", "publish", "$JS.API.CONSUMER.CREATE.AUDIT.spy.talk.>"},
		{"slack-gateway", "subscribe", "ask.karte.>"},
		{"slack-gateway", "publish", "ask.slack.T0DEMO1.members"},
		{"slack-gateway", "publish", "$JS.API.STREAM.MSG.DELETE.TALK"},
		{"ingest-karte", "publish", "$JS.API.STREAM.MSG.DELETE.DEAD"},
		{"ingest-karte", "subscribe", "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.TALK.>"},
		{"router", "subscribe", "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.SENDS.>"},
		{"router", "subscribe", "$JS.EVENT.ADVISORY.>"},
		{"slack-gateway", "publish", "$JS.API.STREAM.MSG.DELETE.DEAD"},
		{"slack-gateway", "subscribe", "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.HELD.>"},
		{"slack-gateway", "publish", "$JS.API.CONSUMER.DELETE.ADVISORIES.given-up-router-talk"},
		{"slack-gateway", "publish", "$JS.API.CONSUMER.CREATE.ADVISORIES.given-up-router-talk.$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.POSTS.>"},
		{"ingest-karte", "publish", "$JS.API.CONSUMER.MSG.NEXT.ADVISORIES.given-up-held-talk"},
		{"router", "publish", "$JS.ACK.ADVISORIES.given-up-lane.1.1.1.1.0"},
		{"router", "publish", "talk.2-000.demo.c1.customer-message.x"},
		{"router", "publish", "slack.2-000.T0DEMO1.C0SUPPORT.-.x.x"},
		{"router", "publish", "$KV.THREADS.demo.c1"},
		{"router", "publish", "$JS.API.STREAM.MSG.DELETE.KV_CHECKPOINTS"},
		{"router", "publish", "$JS.API.CONSUMER.MSG.NEXT.SENDS.ingest-karte-2-000"},
		{"router", "publish", "$JS.API.CONSUMER.CREATE.DEAD.spy.dead.>"},
		{"router", "publish", "$JS.API.CONSUMER.DELETE.POSTS.lane-post-T0DEMO1-C0SUPPORT"},
		{"ingest-karte", "publish", "$JS.API.STREAM.MSG.DELETE.TALK"},
		{"slack-gateway", "publish", "$JS.API.STREAM.MSG.DELETE.POSTS"},
		{"slack-gateway", "publish", "$JS.API.STREAM.PURGE.KV_THREADS"},
		{"router", "publish", "$KV.CHECKPOINTS.send.demo.c1"},
		{"router", "publish", "$JS.API.CONSUMER.CREATE.SENDS.spy.send.>"},
		{"router", "publish", "$JS.API.STREAM.MSG.GET.KV_CHECKPOINTS"},
		{"router", "subscribe", "ask.slack.>"},
		{"router", "subscribe", "slack.>"},
		{"slack-gateway", "publish", "send.2-000.demo.c1.x"},
		{"slack-gateway", "publish", "mark.T0DEMO1.C0SUPPORT.x"},
		{"slack-gateway", "publish", "talk.2-000.demo.c1.customer-message.x"},
		{"slack-gateway", "publish", "held.slack.x.y.z"},
		{"slack-gateway", "publish", "$KV.LANES.post.T0DEMO1.C0SUPPORT"},
		{"slack-gateway", "publish", "$JS.API.CONSUMER.CREATE.SENDS.spy.send.>"},
		{"slack-gateway", "publish", "$JS.API.STREAM.MSG.GET.TALK"},
		{"slack-gateway", "publish", "$JS.API.DIRECT.GET.KV_CONVERSATIONS.$KV.CONVERSATIONS.demo.c1"},
		{"slack-gateway", "subscribe", "send.>"},
		{"slack-gateway", "publish", "ask.karte.demo.test-message"},
		{"slack-gateway", "publish", "$JS.API.CONSUMER.LIST.TALK"},
		{"ingest-karte", "publish", "ask.slack.T0DEMO1.workspace"},
		{"ingest-karte", "publish", "$JS.API.CONSUMER.LIST.POSTS"},
		{"router", "publish", "$JS.API.CONSUMER.LIST.HELD"},
		{"router", "publish", "$KV.INSTALLATIONS.i.-.T0DEMO1"},
		{"router", "publish", "$JS.API.STREAM.MSG.GET.KV_INSTALLATIONS"},
		{"router", "publish", "$JS.API.DIRECT.GET.KV_INSTALLATIONS.$KV.INSTALLATIONS.i.-.T0DEMO1"},
		{"router", "publish", "$JS.API.CONSUMER.CREATE.KV_INSTALLATIONS.spy"},
		{"ingest-karte", "publish", "$KV.INSTALLATIONS.i.-.T0DEMO1"},
		{"ingest-karte", "publish", "$JS.API.STREAM.MSG.GET.KV_INSTALLATIONS"},
	}
	for _, user := range []string{"ingest-karte", "router", "slack-gateway"} {
		for _, subject := range []string{"$JS.API.STREAM.DELETE.TALK", "$JS.API.STREAM.PURGE.DEAD", "$JS.API.STREAM.UPDATE.SENDS", "$JS.API.STREAM.CREATE.SPY", "$JS.API.STREAM.MSG.DELETE.AUDIT", "$JS.API.STREAM.PURGE.TALK", "$JS.API.STREAM.PURGE.KV_LANES", "$SYS.REQ.SERVER.PING"} {
			tests = append(tests, struct{ user, verb, subject string }{user, "publish", subject})
		}
		tests = append(tests, struct{ user, verb, subject string }{user, "subscribe", ">"})
	}
	// Who did what is written and read by router alone.
	for _, user := range []string{"ingest-karte", "slack-gateway"} {
		for _, subject := range []string{"audit.demo.x", "$JS.API.STREAM.MSG.GET.AUDIT", "$JS.API.STREAM.MSG.DELETE.AUDIT", "$JS.API.CONSUMER.CREATE.AUDIT.spy.audit.>", "$JS.API.CONSUMER.MSG.NEXT.AUDIT.x"} {
			tests = append(tests, struct{ user, verb, subject string }{user, "publish", subject})
		}
	}
	for _, tt := range tests {
		t.Run(tt.user+" "+tt.verb+" "+tt.subject, func(t *testing.T) {
			if !refused(t, url(s, tt.user), tt.verb, tt.subject) {
				t.Errorf("%s may %s %s", tt.user, tt.verb, tt.subject)
			}
		})
	}
}

// refused tries one thing and reports whether the server forbids it.
func refused(t *testing.T, url, verb, subject string) bool {
	t.Helper()
	conn, err := nats.Connect(url, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if verb == "publish" {
		err = conn.Publish(subject, nil)
	} else {
		_, err = conn.SubscribeSync(subject)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The server's refusal comes before its answer to the flush.
	if err := conn.FlushTimeout(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	return errors.Is(conn.LastError(), nats.ErrPermissionViolation)
}

func TestNobodyConnectsWithoutAPassword(t *testing.T) {
	s := start(t)
	for _, address := range []string{s.ClientURL(), strings.Replace(url(s, "router"), "pw-router", "replace-me", 1)} {
		if conn, err := nats.Connect(address); !errors.Is(err, nats.ErrAuthorization) {
			conn.Close()
			t.Errorf("connected to %s: %v", address, err)
		}
	}
}

func TestTheServerDoesNotStartWithTheExamplePasswords(t *testing.T) {
	example, err := os.ReadFile("../../../deploy/k8s/base/nats/passwords.example.conf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.ProcessConfigFile(configuration(t, string(example))); err == nil || !strings.Contains(err.Error(), "NATS_PASSWORD") {
		t.Errorf("answers %v, want it to miss a password", err)
	}
}
