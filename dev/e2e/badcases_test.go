package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/natstest"
)

// startNATS runs a NATS server of the test's own.
func startNATS(t *testing.T, adjust func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: 4 << 20}
	adjust(o)
	return runNATS(t, o)
}

func runNATS(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	s, err := server.NewServer(o.Clone())
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(within) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

// hook posts a customer's message to an ingest-karte, as KARTE does, and answers the status.
func (s system) hook(url, visitor, text string) int {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{
		"id": "hook-" + visitor + "-" + text, "event_type": "talk/message/sendFromUser", "api_key": stack.Project,
		"data": map[string]any{"visitor_id": visitor, "content": map[string]any{"text": text}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	return post(s.t, url, body, map[string]string{"X-Karte-Request-Timestamp": at, "X-Karte-Signature": mac("demo-client-secret", at+":"+string(body))})
}

// event posts a member's message, which stands in a thread at Slack, to a slack-gateway once more, as Slack does, and answers the status.
func (s system) event(gateway, thread, ts string) int {
	s.t.Helper()
	lines := s.Slack.Thread(stack.Channel, thread)
	m := lines[slices.IndexFunc(lines, func(m *slackstandin.Message) bool { return m.TS == ts })]
	body, err := json.Marshal(map[string]any{
		"type": "event_callback", "team_id": stack.Team, "api_app_id": "A0APP", "event_id": "Ev0" + strconv.FormatInt(time.Now().UnixNano(), 36), "event_time": time.Now().Unix(),
		"event": map[string]any{"type": "message", "channel": stack.Channel, "channel_type": "channel", "user": m.User, "text": m.Text, "ts": ts, "thread_ts": thread, "event_ts": ts},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	return post(s.t, gateway+"/slack/events", body, map[string]string{"X-Slack-Request-Timestamp": at, "X-Slack-Signature": "v0=" + mac("demo-signing-secret", "v0:"+at+":"+string(body))})
}

// eventually tries until it answers 200, as KARTE and Slack do for a while.
func (s system) eventually(what string, try func() int) {
	s.t.Helper()
	status := 0
	defer func() {
		if s.t.Failed() {
			s.t.Logf("%s: %d at last", what, status)
		}
	}()
	eventually.Holds(s.t, 2*within, what, func() bool { status = try(); return status == 200 })
}

// outage takes JetStream away while both edges are asked to take something, and brings it back. What was taken is to be there exactly once.
func (s system) outage(takeAway, bringBack func()) {
	s.t.Helper()
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	// Slack's own deliveries are kept out of the way, so that it is known what was answered.
	s.Slack.AddEventFault(slackstandin.EventFault{Kind: slackstandin.Drop, Type: "message"})
	var lines []string
	event := func() int { return s.event(s.GatewayURL, thread, lines[len(lines)-1]) }
	hook := func(n int) int { return s.hook(s.HookURL, "vis-1", fmt.Sprintf("q-%03d.", n)) }
	writes := func() {
		lines = append(lines, s.replies(stack.Hanako, thread, fmt.Sprintf("```a-%03d.```", len(lines))))
	}
	writes()
	s.eventually("the first reply", event)
	// A lane whose consumer is made in the very moment in which two of three servers go has no leader until both are back: nats-server does not count the vote of a copy that never got anything.
	s.slack("the first reply is marked", func(now *slackstandin.Snapshot) bool { return carries(now, lines[0], "white_check_mark") })
	takeAway()
	// The first moments may still be served, and a server that is started again finds a little room: what counts is that nothing is taken that is not stored. So what was taken is
	// not repeated, and what was not is, until it is taken; only then comes the next one. In the end, nothing is.
	asked, refused := 1, 0
	writes()
	for deadline := time.Now().Add(2 * within); refused < 2; {
		var slack, karte int
		var asking sync.WaitGroup
		asking.Go(func() { slack = event() })
		asking.Go(func() { karte = hook(asked) })
		asking.Wait()
		refused++
		if slack == 200 {
			refused = 0
			writes()
		}
		if karte == 200 {
			refused = 0
			asked++
		}
		if slack != 200 && slack != 503 || karte != 200 && karte != 503 || time.Now().After(deadline) {
			s.t.Fatalf("Slack's event got %d and KARTE's hook %d while nothing can be stored", slack, karte)
		}
	}
	// What the alert SlackTalkNotStored goes by.
	s.counted(stack.IngestKARTE, "slacktalk_karte_hooks_total", `result="not_stored"`)
	s.counted(stack.SlackGateway, "slacktalk_slack_requests_total", `result="not_stored"`)
	bringBack()
	s.eventually("what was refused", func() int { return hook(asked) })
	s.eventually("another one", func() int { return hook(asked + 1) })
	s.eventually("the reply that was refused", event)
	writes()
	s.eventually("another reply", event)
	questions, answers := numbered("q", asked+2), numbered("a", len(lines))
	// Three hops, each of which may have to notice first that nobody serves what it asked for.
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*within)
	defer cancel()
	err := s.Slack.Await(ctx, func(now *slackstandin.Snapshot) bool {
		return len(s.order(thread, questions)) >= len(questions) && carries(now, lines[0], "white_check_mark") && carries(now, lines[len(lines)-1], "white_check_mark")
	})
	if err != nil {
		s.t.Fatalf("not everything arrived: %v\n%s\nat KARTE: %v", err, s.dump(), s.KARTE.Messages("vis-1"))
	}
	if got := s.order(thread, questions); !slices.Equal(got, questions) {
		s.t.Errorf("in the thread: %v", got)
	}
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, answers) {
		s.t.Errorf("at KARTE: %v", got)
	}
	if heads := s.heads(); len(heads) != 1 {
		s.t.Errorf("%d threads:\n%s", len(heads), s.dump())
	}
}

// fill takes all the room that servers have left, with so many copies, and answers how to give it back.
func fill(t *testing.T, url string, copies int) (free func()) {
	t.Helper()
	js := natstest.JetStream(t, url)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "FILLER", Subjects: []string{"filler"}, Storage: jetstream.FileStorage, Replicas: copies}); err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := js.Publish(t.Context(), "filler", make([]byte, size)); err != nil {
			size /= 2
		}
	}
	return func() {
		if err := js.DeleteStream(t.Context(), "FILLER"); err != nil {
			t.Error(err)
		}
	}
}

// cluster runs three NATS servers that hold everything together; each is adjusted before it starts.
func cluster(t *testing.T, adjust func(o *server.Options)) (urls string, servers []*server.Server, options []*server.Options) {
	t.Helper()
	var routes []*url.URL
	var clients, ports []int
	for range 3 {
		clients, ports = append(clients, freePort(t)), append(ports, freePort(t))
	}
	var each []string
	for i := range 3 {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", ports[i])})
		each = append(each, fmt.Sprintf("nats://127.0.0.1:%d", clients[i]))
	}
	for i := range 3 {
		o := &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: clients[i], JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: 4 << 20,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]}, Routes: routes,
		}
		adjust(o)
		options = append(options, o)
		servers = append(servers, runNATS(t, o))
	}
	return strings.Join(each, ","), servers, options
}

// A shortage is a way in which JetStream cannot store: it starts servers, takes their ability away and brings it back.
type shortage func(t *testing.T) (urls string, takeAway, bringBack func())

// outOfDisk: the room that JetStream may use is full.
func outOfDisk(t *testing.T) (string, func(), func()) {
	t.Helper()
	nats := startNATS(t, func(o *server.Options) { o.JetStreamMaxStore = 16 << 20 })
	var free func()
	return nats.ClientURL(), func() { free = fill(t, nats.ClientURL(), 1) }, func() { free() }
}

// allOutOfDisk: the room of all three servers is full.
func allOutOfDisk(t *testing.T) (string, func(), func()) {
	t.Helper()
	urls, _, _ := cluster(t, func(o *server.Options) { o.JetStreamMaxStore = 16 << 20 })
	var free func()
	return urls, func() { free = fill(t, urls, 3) }, func() { free() }
}

// withoutQuorum: two of three servers are away.
func withoutQuorum(t *testing.T) (string, func(), func()) {
	t.Helper()
	urls, servers, options := cluster(t, func(*server.Options) {})
	return urls, func() {
		for _, server := range servers[1:] {
			server.Shutdown()
			server.WaitForShutdown()
		}
	}, func() { runNATS(t, options[1]) }
}

// streamsFull: somebody has set limits on the streams of facts, and they are reached.
func streamsFull(t *testing.T) (string, func(), func()) {
	t.Helper()
	nats := startNATS(t, func(*server.Options) {})
	limit := func(of func(state jetstream.StreamState) int64) func() {
		return func() {
			js := natstest.JetStream(t, nats.ClientURL())
			for _, name := range []string{bus.Talk, bus.Slack} {
				stream, err := js.Stream(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				config := stream.CachedInfo().Config
				config.MaxMsgs = of(stream.CachedInfo().State)
				if _, err := js.UpdateStream(t.Context(), config); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return nats.ClientURL(), limit(func(state jetstream.StreamState) int64 { return int64(state.Msgs) }), limit(func(jetstream.StreamState) int64 { return -1 })
}

func TestPromise1WhileJetStreamCannotStoreNothingIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		begin    shortage
		replicas int
	}{
		"out of disk": {outOfDisk, 1}, "three out of disk": {allOutOfDisk, 3}, "file system full": {fileSystemFull, 1}, "three file systems full": {allFileSystemsFull, 3},
		"no quorum": {withoutQuorum, 3}, "limits of streams": {streamsFull, 1},
	} {
		t.Run(name, func(t *testing.T) {
			urls, takeAway, bringBack := c.begin(t)
			s := start(t, stack.Options{NATSURL: urls, Environ: []string{"SLACK_PACE=1ms", "PARTITIONS=4", fmt.Sprintf("STREAM_REPLICAS=%d", c.replicas)}})
			t.Parallel() // they mostly wait
			s.outage(takeAway, bringBack)
		})
	}
}

// Everything of one customer at the same moment, at two replicas of every service: one thread.
func TestPromise2TwoFirstMessagesAtOnceOnTwoReplicasMakeOneThread(t *testing.T) {
	s := start(t, stack.Options{})
	hooks := []string{s.HookURL}
	for _, name := range []string{stack.IngestKARTE, stack.Router, stack.SlackGateway} {
		at, err := s.StartReplica(name, 0)
		if err != nil {
			t.Fatal(err)
		}
		if name == stack.IngestKARTE {
			hooks = append(hooks, at)
		}
	}
	if err := s.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	const customers, each = 5, 2
	var posting sync.WaitGroup
	for c := range customers {
		for i := range each {
			posting.Go(func() {
				id := fmt.Sprintf("vis-%d", c)
				// A busy machine may not store it in time: then it is repeated, as KARTE does.
				status := 503
				for deadline := time.Now().Add(within); status == 503 && time.Now().Before(deadline); {
					status = s.hook(hooks[i], id, fmt.Sprintf("%s-%03d.", id, i))
				}
				if status != 200 {
					t.Errorf("%s: %d", id, status)
				}
			})
		}
	}
	posting.Wait()
	for c := range customers {
		id := fmt.Sprintf("vis-%d", c)
		thread := s.head(id + "-000.")
		s.slack("both messages of "+id+" in one thread", func(*slackstandin.Snapshot) bool { return len(s.order(thread, numbered(id, each))) == each })
	}
	if heads := s.heads(); len(heads) != customers {
		t.Errorf("%d threads for %d customers:\n%s", len(heads), customers, s.dump())
	}
}

// Two replicas of every service, the clocks of one two minutes ahead and those of the other two behind. Signatures are judged, replies are
// matched with threads, and lost answers are looked for across them.
func TestClockSkewOfTwoMinutesBetweenReplicas(t *testing.T) {
	s := start(t, stack.Options{})
	at := map[string][]string{}
	for _, name := range []string{stack.IngestKARTE, stack.SlackGateway, stack.Router} {
		for _, skew := range []time.Duration{2 * time.Minute, -2 * time.Minute} {
			where, err := s.StartReplica(name, skew)
			if err != nil {
				t.Fatal(err)
			}
			at[name] = append(at[name], where)
		}
		if err := s.StopService(name); err != nil { // those that tell the right time
			t.Fatal(err)
		}
	}
	if err := s.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Slack.AddEventFault(slackstandin.EventFault{Kind: slackstandin.Drop, Type: "message"}) // they are delivered below
	const each = 8
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenCut, Count: 3})
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThenCut, After: 1, Count: 3})
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 429, RetryAfter: 1, After: 5, Count: 1})
	thread := ""
	var lines []string
	for i := range each {
		text := fmt.Sprintf("q-%03d.", i)
		s.storesOrRefuses("hook", func() int { return s.hook(at[stack.IngestKARTE][i%2], "vis-1", text) })
		if thread == "" {
			thread = s.head(text)
		}
		lines = append(lines, s.replies(stack.Hanako, thread, fmt.Sprintf("```a-%03d.```", i)))
		s.storesOrRefuses("event", func() int { return s.event(at[stack.SlackGateway][i%2], thread, lines[i]) })
	}
	for _, line := range lines {
		s.marked(line, "white_check_mark")
	}
	s.slack("all questions", func(*slackstandin.Snapshot) bool { return len(s.order(thread, numbered("q", each))) >= each })
	if got := s.order(thread, numbered("q", each)); !slices.Equal(got, numbered("q", each)) {
		t.Errorf("in the thread: %v", got)
	}
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, numbered("a", each)) {
		t.Errorf("at KARTE: %v", got)
	}
	if heads := s.heads(); len(heads) != 1 {
		t.Errorf("%d threads:\n%s", len(heads), s.dump())
	}
}
