package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/secret"
)

func ignore(bus.Difference) {}

func jetStream(t *testing.T, b *bus.Bus) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// lines answers the differences as they are shown.
func diff(t *testing.T, b *bus.Bus) (lines []string) {
	t.Helper()
	found, err := b.Diff(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		lines = append(lines, d.String())
	}
	return lines
}

// What services create by themselves is what the topology wants, except for the consumers that they make when they serve.
func TestEnsureMakesTheTopology(t *testing.T) {
	b, _ := ready(t)
	for _, line := range diff(t, b) {
		if !slices.Contains(consumers(4), line) {
			t.Error(line)
		}
	}
	if err := b.Apply(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	if left := diff(t, b); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func consumers(partitions int) (lines []string) {
	for _, token := range bus.Partitions(partitions).Tokens() {
		lines = append(lines, "create TALK router-talk-"+token, "create SLACK router-slack-"+token, "create SENDS ingest-karte-"+token)
	}
	return lines
}

// A bucket that the topology made is one for the client library as well.
func TestABucketIsABucket(t *testing.T) {
	b, _ := ready(t)
	for _, name := range []string{bus.Conversations, bus.Threads, bus.Lanes, bus.Checkpoints} {
		bucket, err := jetStream(t, b).KeyValue(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		revision, err := bucket.Create(t.Context(), "demo.c1", []byte("one"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Update(t.Context(), "demo.c1", []byte("two"), revision); err != nil {
			t.Error(err)
		}
		if entry, err := bucket.Get(t.Context(), "demo.c1"); err != nil || string(entry.Value()) != "two" {
			t.Errorf("%s: %v, %v", name, entry, err)
		}
	}
}

func TestApplyMigratesAndLosesNothing(t *testing.T) {
	s := startNATS(t)
	b := connect(t, s.ClientURL(), 2, 0)
	js, ctx := jetStream(t, b), t.Context()
	// As an older version, and an administrator, have left them.
	for _, config := range []jetstream.StreamConfig{
		{Name: bus.Posts, Subjects: []string{"post.>"}, MaxAge: time.Hour, Description: "former", Discard: jetstream.DiscardNew, MaxBytes: 1 << 30},
		{Name: bus.Talk, Subjects: []string{"talk.>", "talking.>"}, MaxAge: 1000 * time.Hour, Discard: jetstream.DiscardNew},
		{Name: bus.Bucket(bus.Lanes), Subjects: []string{"$KV.LANES.>"}, MaxMsgsPerSubject: 1},
	} {
		if _, err := js.CreateStream(ctx, config); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := js.CreateConsumer(ctx, bus.Talk, jetstream.ConsumerConfig{Durable: "router-talk-2-000", FilterSubject: "talk.2-000.>", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 7}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, "post.T0DEMO1.C0SUPPORT.x", []byte("waits")); err != nil {
		t.Fatal(err)
	}
	var done []string
	if err := b.Apply(ctx, func(d bus.Difference) { done = append(done, d.String()) }); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"change POSTS: Subjects from [post.>] to [post.> mark.> card.>]", "change POSTS: MaxAge from 1h0m0s to 720h0m0s",
		"change KV_LANES: AllowRollup from false to true", "change KV_LANES: DenyDelete from false to true",
		"change TALK router-talk-2-000: MaxAckPending from 7 to 1", "create SENDS", "create SENDS ingest-karte-2-001",
	} {
		if !slices.Contains(done, line) {
			t.Errorf("not done: %s\n%q", line, done)
		}
	}
	want := []string{
		"keep   TALK: Subjects is [talk.> talking.>], more than [talk.>]; to have less, change it yourself",
		"keep   TALK: MaxAge is 1000h0m0s, more than 96h0m0s; to have less, change it yourself",
	}
	left := diff(t, b)
	if slices.Sort(left); !slices.Equal(left, slices.Sorted(slices.Values(want))) {
		t.Errorf("left: %q", left)
	}
	posts, err := js.Stream(ctx, bus.Posts)
	if err != nil || posts.CachedInfo().State.Msgs != 1 || posts.CachedInfo().Config.MaxBytes != 1<<30 {
		t.Errorf("POSTS is %+v, %v", posts.CachedInfo(), err)
	}
}

func TestWhatCannotBeChangedIsRefused(t *testing.T) {
	s := startNATS(t)
	b := connect(t, s.ClientURL(), 1, 0)
	if _, err := jetStream(t, b).CreateStream(t.Context(), jetstream.StreamConfig{Name: bus.Held, Subjects: []string{"held.>"}, Discard: jetstream.DiscardNew, Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	if err := b.Apply(t.Context(), ignore); !errors.Is(err, bus.ErrRefused) {
		t.Fatalf("apply: %v", err)
	}
	if left := diff(t, b); !slices.Contains(left, "refuse HELD: Storage is Memory and would have to be File, which JetStream changes in no stream that exists") || len(left) != 2 {
		t.Errorf("left: %q", left)
	}
}

// Services may not change streams: one that lacks a subject is named, in /readyz too, and waited for.
func TestAStreamOfAnEarlierVersionIsWaitedFor(t *testing.T) {
	s := startNATS(t)
	b := connect(t, s.ClientURL(), 2, 0)
	if _, err := jetStream(t, b).CreateStream(t.Context(), jetstream.StreamConfig{Name: bus.Posts, Subjects: []string{"post.>"}, MaxAge: time.Hour, Discard: jetstream.DiscardNew}); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(bus.Talk)(t.Context()); err == nil {
		t.Error("ready before anybody has looked")
	}
	named := func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "mark.>, card.>") && strings.Contains(err.Error(), "talkctl topology apply")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ensured := make(chan error, 1)
	go func() { ensured <- b.Ensure(ctx) }()
	for what, check := range map[string]func(context.Context) error{"Check": b.Check(bus.Posts), "Check of another": b.Check(bus.Talk)} {
		eventually.Holds(t, patience, what+" names what is missing", func() bool { return named(check(t.Context())) })
	}
	stop()
	if err := <-ensured; !named(err) {
		t.Errorf("Ensure says %v", err)
	}
	if at, err := jetStream(t, b).Stream(t.Context(), bus.Posts); err != nil || len(at.CachedInfo().Config.Subjects) != 1 {
		t.Errorf("it was changed: %v, %v", at.CachedInfo().Config.Subjects, err)
	}
	if err := b.Apply(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Ensure(t.Context()), b.Check(bus.Posts)(t.Context())); err != nil {
		t.Error(err)
	}
}

// Several at once, and services that create what is missing beside them.
func TestSeveralApplyAtOnce(t *testing.T) {
	s := startNATS(t)
	if _, err := jetStream(t, connect(t, s.ClientURL(), 2, 0)).CreateStream(t.Context(), jetstream.StreamConfig{Name: bus.Posts, Subjects: []string{"post.>"}, MaxAge: time.Hour, Discard: jetstream.DiscardNew}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var applying sync.WaitGroup
	for i := range 4 {
		b, err := bus.Connect(bus.Settings{URL: secret.New(s.ClientURL()), Replicas: 1, Partitions: 2}, "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		applying.Go(func() {
			if i == 3 {
				if err := b.Ensure(ctx); err != nil {
					t.Error(err)
				}
				return
			}
			if err := b.Apply(ctx, ignore); err != nil {
				t.Error(err)
			}
		})
	}
	applying.Wait()
	if left := diff(t, connect(t, s.ClientURL(), 2, 0)); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// The streams behind buckets are those that the client library makes of the same description.
func TestBucketsAreThoseOfTheLibrary(t *testing.T) {
	s := startNATS(t)
	b := connect(t, s.ClientURL(), 1, 0)
	js := jetStream(t, b)
	for _, bucket := range bus.Buckets() {
		bucket.Storage, bucket.Replicas, bucket.History = jetstream.FileStorage, 1, 1
		if _, err := js.CreateKeyValue(t.Context(), bucket); err != nil {
			t.Fatal(err)
		}
		made, err := js.Stream(t.Context(), bus.Bucket(bucket.Bucket))
		if err != nil {
			t.Fatal(err)
		}
		want := made.CachedInfo().Config
		if err := js.DeleteStream(t.Context(), want.Name); err != nil {
			t.Fatal(err)
		}
		for _, ours := range bus.Topology(1) {
			if ours.Name != want.Name {
				continue
			}
			got, err := js.CreateStream(t.Context(), ours)
			if err != nil {
				t.Fatal(err)
			}
			if config := got.CachedInfo().Config; !reflect.DeepEqual(config, want) {
				t.Errorf("%s is\n%+v, want\n%+v", ours.Name, config, want)
			}
		}
	}
}
