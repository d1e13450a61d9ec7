// Package e2e holds each promise of the product to account, on the whole system in one process.
package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/freeport"
	"github.com/slacktalk/slacktalk/internal/natstest"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// within is how long anything may take in a test, on a busy machine with the race detector.
const within = 40 * time.Second

// patience is how long the Slack stand-in waits for answers, and triggers may be used: Slack's three seconds are for a machine that does nothing else.
const patience = 10 * time.Second

var realRedis string

func TestMain(m *testing.M) {
	if dir := os.Getenv(smallDisk); dir != "" {
		serveOnSmallDisk(dir)
	}
	stop, err := startRedis()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	stop()
	if code == 0 {
		// The caches' own sweepers last as long as the process.
		if err := goleak.Find(goleak.IgnoreAnyFunction("github.com/hashicorp/golang-lru/v2/expirable.NewLRU[...].func1"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// startRedis starts a real Redis server; where there is none the in-process one is used and said so, except on a build machine.
func startRedis() (stop func(), err error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if prerequisite.Mandatory() {
			return nil, fmt.Errorf("CI needs a real redis-server: %w", err)
		}
		fmt.Fprint(os.Stderr, "\n*** No redis-server on PATH: ONLY THE IN-PROCESS REDIS WAS TESTED. ***\n\n")
		return func() {}, nil
	}
	free, err := freeport.TCP()
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(free)
	command := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--loglevel", "warning", "--databases", "256")
	if err := command.Start(); err != nil {
		return nil, err
	}
	realRedis = "redis://127.0.0.1:" + port
	return func() { _ = command.Process.Kill(); _ = command.Wait() }, nil
}

var databases = 0

// system is a stack with what tests ask of it.
type system struct {
	*stack.Stack
	t *testing.T
}

func start(t *testing.T, o stack.Options) system {
	t.Helper()
	if realRedis != "" && o.RedisURL == "" {
		o.RedisURL = fmt.Sprintf("%s/%d", realRedis, databases)
		databases++
		if databases > 256 {
			t.Fatal("more tests than databases: share them or raise the number")
		}
	}
	if o.Environ == nil {
		o.Environ = []string{"SLACK_PACE=1ms"}
	}
	o.SlackPatience = patience
	s, err := stack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return system{s, t}
}

// says makes a customer write and returns when the hook was accepted.
func (s system) says(c kartestandin.Customer, text string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	if _, err := s.KARTE.CustomerWrites(ctx, c, text, kartestandin.Write{Wait: true}); err != nil {
		s.t.Fatalf("customer writes: %v", err)
	}
}

// slack waits until Slack looks as it should.
func (s system) slack(what string, holds func(*slackstandin.Snapshot) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	if err := s.Slack.Await(ctx, holds); err != nil {
		s.t.Fatalf("%s: %v\n%s", what, err, s.dump())
	}
}

// karte waits until KARTE has for the customer what it should.
func (s system) karte(what, customer string, holds func([]kartestandin.Message) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	if err := s.KARTE.Await(ctx, func(now *kartestandin.Snapshot) bool { return holds(now.Messages(customer)) }); err != nil {
		s.t.Fatalf("%s: %v\n%v", what, err, s.KARTE.Messages(customer))
	}
}

func (s system) dump() string {
	var out strings.Builder
	for _, m := range s.Slack.Messages(stack.Channel) {
		fmt.Fprintf(&out, "%s thread=%s user=%s %q\n", m.TS, m.ThreadTS, m.User, m.Text)
	}
	return out.String()
}

// head waits for the thread whose head or lines hold text, and answers its ts.
func (s system) head(text string) (thread string) {
	s.t.Helper()
	s.slack("a thread with "+text, func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Messages {
			if m.User == "U0BOT" && strings.Contains(m.Text, text) {
				if thread = m.ThreadTS; thread == "" {
					thread = m.TS
				}
			}
		}
		return thread != ""
	})
	return thread
}

// replies writes a reply as a member.
func (s system) replies(member, thread, text string) (ts string) {
	s.t.Helper()
	ts, err := s.Slack.Write(member, stack.Channel, thread, text, slackstandin.WriteOptions{})
	if err != nil {
		s.t.Fatalf("reply: %v", err)
	}
	return ts
}

// marked waits until a line carries a reaction.
func (s system) marked(ts, reaction string) {
	s.t.Helper()
	s.slack("reaction "+reaction, func(now *slackstandin.Snapshot) bool { return carries(now, ts, reaction) })
}

func carries(now *slackstandin.Snapshot, ts, reaction string) bool {
	for _, m := range now.Channels[stack.Channel].Messages {
		for _, r := range m.Reactions {
			if m.TS == ts && r.Name == reaction {
				return true
			}
		}
	}
	return false
}

// told waits until a member was told something in private that holds text.
func (s system) told(member, text string) {
	s.t.Helper()
	s.slack("a private notice to "+member, func(now *slackstandin.Snapshot) bool {
		for _, e := range now.Ephemerals {
			if e.User == member && strings.Contains(e.Text, text) {
				return true
			}
		}
		return false
	})
}

// fromAPI answers what reached KARTE through its API, in order.
func fromAPI(messages []kartestandin.Message, kind kartestandin.Kind) (texts []string) {
	for _, m := range messages {
		if m.API && m.Kind == kind {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// heads answers the heads of all threads of ours, and lines of ours that stand in the channel alone count as such.
func (s system) heads() (ts []string) {
	for _, m := range headsOf(s.Slack.Messages(stack.Channel)) {
		ts = append(ts, m.TS)
	}
	return ts
}

func headsOf(all []*slackstandin.Message) (heads []*slackstandin.Message) {
	for _, m := range all {
		if m.User == "U0BOT" && m.Subtype == "" && (m.ThreadTS == "" || m.ThreadTS == m.TS) {
			heads = append(heads, m)
		}
	}
	return heads
}

// order answers in which order the wanted texts appear in the lines of a thread.
func (s system) order(thread string, wanted []string) (seen []string) {
	var all strings.Builder
	for _, m := range s.Slack.Thread(stack.Channel, thread) {
		all.WriteString(m.Text + "\n")
	}
	return appearing(all.String(), wanted)
}

// appearing answers the wanted texts, all of one length, as often and in the order in which they appear.
func appearing(text string, wanted []string) (seen []string) {
	known := map[string]bool{}
	for _, w := range wanted {
		known[w] = true
	}
	for i, size := 0, len(wanted[0]); i+size <= len(text); i++ {
		if known[text[i:i+size]] {
			seen = append(seen, text[i:i+size])
		}
	}
	return seen
}

// flushRedis empties the stack's Redis.
func (s system) flushRedis() {
	s.t.Helper()
	if s.Redis != nil {
		s.Redis.FlushAll()
		return
	}
	address := strings.TrimPrefix(strings.SplitAfter(s.RedisURL, "//")[1], "")
	host, database, _ := strings.Cut(address, "/")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "SELECT %s\r\nFLUSHDB\r\n", database); err != nil {
		s.t.Fatal(err)
	}
	answers := make([]byte, 10)
	for read := 0; read < len(answers); {
		n, err := conn.Read(answers[read:])
		if err != nil {
			s.t.Fatal(err)
		}
		read += n
	}
	if string(answers) != "+OK\r\n+OK\r\n" {
		s.t.Fatalf("redis: %q", answers)
	}
}

// stored waits until POSTS holds a command that matches filter.
func (s system) stored(filter string) {
	s.t.Helper()
	js := natstest.JetStream(s.t, s.NATSURL)
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	consumer, err := js.OrderedConsumer(ctx, "POSTS", jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := consumer.Next(jetstream.FetchMaxWait(within)); err != nil {
		s.t.Fatalf("nothing stored under %s: %v", filter, err)
	}
}
