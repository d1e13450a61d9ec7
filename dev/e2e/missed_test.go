package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/natstest"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// withTheFirstUndelivered writes three replies, of which Slack does not deliver the first, and waits until KARTE has all of them in the order of
// writing.
func withTheFirstUndelivered(t *testing.T) (s system, first string) {
	t.Helper()
	s = start(t, stack.Options{})
	customer := kartestandin.Customer{UserID: "member-1"}
	s.says(customer, "first words")
	thread := s.head("first words")
	s.Slack.AddEventFault(slackstandin.EventFault{Kind: slackstandin.Drop, Type: "message", Count: 1})
	texts := numbered("reply", 3)
	var written []string
	for _, text := range texts {
		written = append(written, s.replies(stack.Hanako, thread, "```"+text+"```"))
	}
	s.karte("all replies in order", customer.UserID, func(messages []kartestandin.Message) bool {
		return slices.Equal(fromAPI(messages, kartestandin.KindMessage), texts)
	})
	for _, ts := range written {
		s.marked(ts, "white_check_mark")
	}
	return s, written[0]
}

// Slack gives up after three retries.
func TestPromise1AReplyThatSlackNeverDeliversComesWithTheNext(t *testing.T) {
	withTheFirstUndelivered(t)
}

// Slack retries a failed delivery after a minute and then after five, and promises no order: what was written later may come first.
func TestPromise3AReplyThatSlackDeliversLateIsNotOvertaken(t *testing.T) {
	s, first := withTheFirstUndelivered(t)
	s.delivers(first)
	s.says(kartestandin.Customer{UserID: "member-1"}, "last words")
	thread := s.head("last words")
	s.replies(stack.Hanako, thread, "```the last```")
	s.karte("the last reply", "member-1", func(messages []kartestandin.Message) bool {
		return slices.Contains(fromAPI(messages, kartestandin.KindMessage), "the last")
	})
	if got, want := fromAPI(s.KARTE.Messages("member-1"), kartestandin.KindMessage), append(numbered("reply", 3), "the last"); !slices.Equal(got, want) {
		t.Errorf("the customer got %q, want %q", got, want)
	}
}

// delivers sends the event of a message in the channel, as a late retry would, and waits until it was taken.
func (s system) delivers(ts string) {
	s.t.Helper()
	for _, m := range s.Slack.Messages(stack.Channel) {
		if m.TS != ts {
			continue
		}
		m.Reactions = nil
		raw, err := json.Marshal(m)
		if err != nil {
			s.t.Fatal(err)
		}
		event := map[string]any{"channel": stack.Channel, "channel_type": "channel", "event_ts": ts}
		if err := json.Unmarshal(raw, &event); err != nil {
			s.t.Fatal(err)
		}
		if err := s.Slack.EmitEvent(stack.Channel, event); err != nil {
			s.t.Fatal(err)
		}
		s.slack("the late event taken", func(now *slackstandin.Snapshot) bool { return now.Pending == 0 })
		return
	}
	s.t.Fatalf("no message %s", ts)
}

// A reply that was refused when it came is not sent later, whatever has changed since.
func TestAReplyThatWasRefusedStaysRefused(t *testing.T) {
	s := start(t, stack.Options{})
	customer := kartestandin.Customer{UserID: "member-1"}
	s.says(customer, "first words")
	thread := s.head("first words")
	s.replies(stack.Taro, thread, "```not linked yet```")
	s.told(stack.Taro, "U0TARO")
	_, err := s.Settings.SetOperatorLink(stack.Admin(t.Context()), &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{
		Name: "projects/" + stack.Project + "/operators/" + stack.Ichiro, SlackMember: stack.Taro,
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.replies(stack.Taro, thread, "```linked now```")
	s.karte("only the later reply", customer.UserID, func(messages []kartestandin.Message) bool {
		return len(fromAPI(messages, kartestandin.KindMessage)) > 0
	})
	if got := fromAPI(s.KARTE.Messages(customer.UserID), kartestandin.KindMessage); !slices.Equal(got, []string{"linked now"}) {
		t.Errorf("the customer got %q", got)
	}
}

// Redis and the record of the thread are both lost: the thread's own head says whose it is.
func TestAReplyInAThreadThatNobodyKnowsIsResolvedFromItsHead(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{UserID: "member-1"}, "first words")
	thread := s.head("first words")
	s.awaitKey("THREADS", "t."+stack.Team+"."+stack.Channel+"."+strings.ReplaceAll(thread, ".", "-"))
	s.purgeBucket("THREADS")
	s.flushRedis()
	if err := s.Configure(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.marked(s.replies(stack.Hanako, thread, "```found by its head```"), "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("member-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"found by its head"}) {
		t.Errorf("the customer got %q", got)
	}
}

func (s system) bucket(name string) jetstream.KeyValue {
	s.t.Helper()
	js := natstest.JetStream(s.t, s.NATSURL)
	bucket, err := js.KeyValue(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return bucket
}

// awaitKey waits until a bucket has a key.
func (s system) awaitKey(name, key string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	watcher, err := s.bucket(name).Watch(ctx, key)
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		select {
		case entry := <-watcher.Updates():
			if entry != nil {
				return
			}
		case <-ctx.Done():
			s.t.Fatalf("%s has no %s", name, key)
		}
	}
}

// purgeBucket empties a bucket, as if it had been lost.
func (s system) purgeBucket(name string) {
	s.t.Helper()
	bucket := s.bucket(name)
	keys, err := bucket.Keys(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, key := range keys {
		if err := bucket.Purge(s.t.Context(), key); err != nil {
			s.t.Fatal(err)
		}
	}
}
