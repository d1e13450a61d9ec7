package bus_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

// late is how late a repeat must be recognised at the least.
const late = 72 * time.Hour

// A repeat that comes after the duplicate window is refused all the same, because its subject is taken.
func TestPromise2ARepeatAfterTheDuplicateWindowIsRefused(t *testing.T) {
	const window = 100 * time.Millisecond
	b := connect(t, startNATS(t).ClientURL(), 4, 0)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	// What is there is not changed by Ensure, so this is the stream with a window that a test can wait for.
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: bus.Talk, Subjects: []string{"talk.>"}, Duplicates: window, MaxAge: bus.Retention}); err != nil {
		t.Fatal(err)
	}
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, b, "member-1", "evt-1")
	subject := bus.TalkSubject(b.Partitions(), "demo", "member-1", "customer-message", "evt-1")
	forgotten := func() bool {
		ack, err := js.Publish(t.Context(), "talk.elsewhere", nil, jetstream.WithMsgID(subject))
		if err != nil {
			t.Fatal(err)
		}
		return !ack.Duplicate
	}
	eventually.Holds(t, patience, "the window has ended, without which nothing is shown here", forgotten)
	if !publish(t, b, "member-1", "evt-1") {
		t.Fatal("the repeat was stored")
	}
	handle, err := js.Stream(t.Context(), bus.Talk)
	if err != nil {
		t.Fatal(err)
	}
	info, err := handle.Info(t.Context(), jetstream.WithSubjectFilter(subject))
	if err != nil || info.State.Subjects[subject] != 1 {
		t.Fatalf("%d messages under one subject (%v)", info.State.Subjects[subject], err)
	}
}

// The refusal lasts as long as the message is kept: at least three days, and nothing takes it out sooner.
func TestPromise2RepeatsAreRefusedForThreeDays(t *testing.T) {
	b, _ := ready(t)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends} {
		handle, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		c := handle.CachedInfo().Config
		if c.MaxAge < late && c.MaxAge != 0 {
			t.Errorf("%s keeps messages for %v", name, c.MaxAge)
		}
		if c.Retention != jetstream.LimitsPolicy || c.Discard != jetstream.DiscardNew || c.MaxMsgs > 0 || c.MaxBytes > 0 || c.MaxMsgsPerSubject > 0 || c.Storage != jetstream.FileStorage {
			t.Errorf("%s may forget a message before its time: %+v", name, c)
		}
	}
}

// What is noted of an attempt outlives the message that it is about, and not by much: held messages leave a note each.
func TestCheckpointsOutliveTheirMessages(t *testing.T) {
	b, _ := ready(t)
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	notes, err := js.Stream(t.Context(), bus.Bucket(bus.Checkpoints))
	if err != nil {
		t.Fatal(err)
	}
	kept := notes.CachedInfo().Config.MaxAge
	for _, name := range []string{bus.Posts, bus.Sends} {
		handle, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if age := handle.CachedInfo().Config.MaxAge; kept <= age {
			t.Errorf("notes are kept for %v, the messages of %s for %v", kept, name, age)
		}
	}
	if kept == 0 || kept > 60*24*time.Hour {
		t.Errorf("notes are kept for %v", kept)
	}
}
