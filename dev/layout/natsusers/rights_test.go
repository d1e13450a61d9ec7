package natsusers

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/bus/rights"
)

var write = flag.Bool("update", false, "write the users of deploy/k8s/base/nats/nats.conf anew")

const manifest = "../../../deploy/k8s/base/nats/nats.conf"

func TestTheConfigurationIsWrittenFromTheTable(t *testing.T) {
	conf, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(conf), "authorization {\n")
	if !ok {
		t.Fatal("there is no authorization in it")
	}
	want := before + "authorization {\n" + rights.Configuration() + "}\n"
	if *write {
		if err := os.WriteFile(manifest, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if string(conf) != want {
		t.Error("the users of nats.conf are not what internal/bus/rights says; write them anew with -update")
	}
}

// A stream, bucket or subject that is misspelt, or gone, would be a right to nothing.
func TestTheTableNamesWhatThereIs(t *testing.T) {
	var streams, subjects []string
	for _, config := range bus.Topology(1) {
		streams, subjects = append(streams, config.Name), append(subjects, config.Subjects...)
	}
	for _, u := range rights.Users() {
		for _, p := range slices.Concat(u.Consumes, u.Scans, u.Prepares, u.Follows) {
			for _, filter := range p.Filters {
				if !slices.ContainsFunc(subjects, func(s string) bool { return server.SubjectsCollide(s, filter) }) {
					t.Errorf("%s: no stream has %s", u.Name, filter)
				}
			}
		}
		for _, name := range slices.Concat(u.Changes, u.Reads, givenUp(u.GivenUp), u.Lists, u.Removes, parts(u.Consumes), parts(u.Scans), parts(u.Prepares), parts(u.Follows)) {
			if !slices.Contains(streams, name) {
				t.Errorf("%s: there is no stream %s", u.Name, name)
			}
		}
		for _, name := range slices.Concat(u.Watches, u.Purges, parts(u.Keys)) {
			if !slices.Contains(streams, bus.Bucket(name)) {
				t.Errorf("%s: there is no bucket %s", u.Name, name)
			}
		}
		for _, subject := range u.Publishes {
			asks := strings.HasPrefix(subject, "ask.") || subject == "wake.>"
			if !asks && !slices.ContainsFunc(subjects, func(s string) bool { return server.SubjectsCollide(s, subject) }) {
				t.Errorf("%s: nobody stores %s", u.Name, subject)
			}
		}
	}
}

func givenUp(of []rights.GivenUp) []string {
	var names []string
	for _, g := range of {
		names = append(names, g.Of)
	}
	return names
}

func parts(of []rights.Part) []string {
	var names []string
	for _, p := range of {
		names = append(names, p.Of)
	}
	return names
}

// attempts are all subjects that anybody might try: what users of the table may do, each for every stream and bucket, and every request of
// JetStream's API that there is.
func attempts() (publish, subscribe []string) {
	verbs := []string{
		"STREAM.CREATE.%s", "STREAM.UPDATE.%s", "STREAM.DELETE.%s", "STREAM.PURGE.%s", "STREAM.MSG.GET.%s", "STREAM.MSG.DELETE.%s", "STREAM.SNAPSHOT.%s", "STREAM.RESTORE.%s",
		"STREAM.PEER.REMOVE.%s", "STREAM.LEADER.STEPDOWN.%s", "CONSUMER.LIST.%s", "CONSUMER.NAMES.%s", "CONSUMER.CREATE.%s", "CONSUMER.CREATE.%s.spy", "CONSUMER.DURABLE.CREATE.%s.spy",
		"CONSUMER.INFO.%s.spy", "CONSUMER.DELETE.%s.spy", "CONSUMER.PAUSE.%s.spy", "CONSUMER.LEADER.STEPDOWN.%s.spy", "CONSUMER.MSG.NEXT.%s.spy", "CONSUMER.RESET.%s.spy", "CONSUMER.UNPIN.%s.spy",
		"DIRECT.GET.%s", "DIRECT.GET.%s.any",
	}
	publish = []string{"$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.ACCOUNT.PURGE.$G", "$JS.API.META.LEADER.STEPDOWN", "$JS.API.SERVER.REMOVE", "$SYS.REQ.SERVER.PING", "any", "due.8-001.demo.c1"}
	subscribe = []string{">", "$SYS.>", "$JS.>", "$KV.>", "_INBOX.x", "held.>", "due.>"}
	for _, config := range append(bus.Topology(1), bus.Topology(1)[0]) {
		for _, verb := range verbs {
			publish = append(publish, "$JS.API."+fmt.Sprintf(verb, config.Name))
		}
		publish = append(publish, "$JS.ACK."+config.Name+".x", "$JS.FC."+config.Name+".x")
		subscribe = append(subscribe, "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES."+config.Name+".x")
		for _, subject := range config.Subjects {
			publish = append(publish, literal(subject), "$JS.API.CONSUMER.CREATE."+config.Name+".spy."+literal(subject), "$JS.API.DIRECT.GET."+config.Name+"."+literal(subject))
			subscribe = append(subscribe, literal(subject))
		}
	}
	for _, u := range rights.Users() {
		for _, g := range u.Publish() {
			for _, subject := range g.Subjects {
				publish = append(publish, literal(subject))
			}
		}
		for _, subject := range append(u.Subscribe(), u.Hidden()...) {
			subscribe = append(subscribe, literal(subject))
		}
	}
	slices.Sort(publish)
	slices.Sort(subscribe)
	return slices.Compact(publish), slices.Compact(subscribe)
}

// literal answers a subject that a pattern matches.
func literal(pattern string) string {
	return strings.NewReplacer("*", "any", ">", "any.any").Replace(pattern)
}

var violated = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]+)"`)

// tried tries everything as one user and answers what the server refused.
func tried(t *testing.T, address string, publish, subscribe []string) map[string]bool {
	t.Helper()
	var mu sync.Mutex
	refusals, closed := map[string]bool{}, make(chan struct{})
	conn, err := nats.Connect(address, nats.ClosedHandler(func(*nats.Conn) { close(closed) }), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if found := violated.FindStringSubmatch(err.Error()); found != nil {
			mu.Lock()
			defer mu.Unlock()
			refusals[strings.ToLower(found[1][:3])+" "+found[2]] = true
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range publish {
		if err := conn.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range subscribe {
		if _, err := conn.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(conn.FlushTimeout(20*time.Second), conn.Drain()); err != nil {
		t.Fatal(err)
	}
	// What is told is told in order: when the connection is said to be closed, all refusals have been.
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Fatal("the connection does not close")
	}
	mu.Lock()
	defer mu.Unlock()
	return refusals
}

// Each user may do what the table says, of all that anybody may do and of all requests that JetStream knows, and nothing else.
func TestEverythingElseIsRefused(t *testing.T) {
	publish, subscribe := attempts()
	for _, u := range rights.Users() {
		t.Run(u.Name, func(t *testing.T) {
			s := start(t)
			var may []string
			for _, g := range u.Publish() {
				may = append(may, g.Subjects...)
			}
			refusals := tried(t, url(s, u.Name), publish, subscribe)
			verdict(t, "pub", publish, may, nil, refusals)
			verdict(t, "sub", subscribe, u.Subscribe(), u.Hidden(), refusals)
		})
	}
}

func verdict(t *testing.T, verb string, tried, may, not []string, refusals map[string]bool) {
	t.Helper()
	allowed := 0
	for _, subject := range tried {
		covered := func(pattern string) bool { return covers(pattern, subject) }
		want := slices.ContainsFunc(may, covered) && !slices.ContainsFunc(not, covered)
		if want {
			allowed++
		}
		if got := !refusals[verb+" "+subject]; got != want {
			t.Errorf("%s %s: allowed is %t, want %t", verb, subject, got, want)
		}
	}
	t.Logf("%s: %d of %d attempts are allowed", verb, allowed, len(tried))
}

// covers reports whether all that subject matches is matched by pattern.
func covers(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range p {
		switch {
		case token == ">":
			return len(s) > i
		case i >= len(s) || s[i] == ">":
			return false
		case token != "*" && token != s[i]:
			return false
		}
	}
	return len(p) == len(s)
}

// What is answered to a user, messages of its queues among it, reaches no other one, under whatever pattern that one listens.
func TestAnswersReachOnlyWhoAsked(t *testing.T) {
	s := start(t)
	for _, asks := range rights.Users() {
		for _, spies := range rights.Users() {
			if spies.Name == asks.Name {
				continue
			}
			for _, pattern := range []string{"_INBOX.>", "_INBOX.*.>", "_INBOX.*.*.*"} {
				heard := listen(t, s, spies.Name, pattern)
				inquire(t, s, asks.Name, bus.InboxOf(asks.Name)+".a.1")
				inquire(t, s, asks.Name, "_INBOX.nobody.a.1")
				if m, err := heard.NextMsg(10 * time.Second); err != nil || m.Subject != "_INBOX.nobody.a.1" {
					t.Errorf("%s listens to %s and hears %v of %s (%v)", spies.Name, pattern, m, asks.Name, err)
				}
			}
		}
	}
}

func TestAServiceIsAnsweredUnderItsName(t *testing.T) {
	for _, user := range []string{"ingest-karte", "router", "slack-gateway"} {
		s := start(t)
		if err := connect(t, s, user).Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		connections, err := s.Connz(&server.ConnzOptions{Subscriptions: true})
		if err != nil || len(connections.Conns) != 1 {
			t.Fatalf("connections: %v (%v)", connections, err)
		}
		if inboxes := connections.Conns[0].Subs; len(inboxes) == 0 || slices.ContainsFunc(inboxes, func(i string) bool { return !strings.HasPrefix(i, bus.InboxOf(user)+".") }) {
			t.Errorf("%s listens to %v", user, inboxes)
		}
	}
}

func listen(t *testing.T, s *server.Server, user, pattern string) *nats.Subscription {
	t.Helper()
	conn, err := nats.Connect(url(s, user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	sub, err := conn.SubscribeSync(pattern)
	if err := errors.Join(err, conn.Flush()); err != nil {
		t.Fatal(err)
	}
	return sub
}

// inquire lets the server answer a user to an inbox, and returns when it has.
func inquire(t *testing.T, s *server.Server, user, inbox string) {
	t.Helper()
	answer := listen(t, s, user, inbox)
	conn, err := nats.Connect(url(s, user))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.PublishRequest("$JS.API.INFO", inbox, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := answer.NextMsg(10 * time.Second); err != nil {
		t.Fatal(err)
	}
}
