package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func scanned(t *testing.T, b *bus.Bus, filter string, from uint64) (ids []string, next uint64) {
	t.Helper()
	next, err := b.Scan(t.Context(), bus.Talk, filter, from, func(m bus.Message) error {
		ids = append(ids, decode(t, m).GetId())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids, next
}

func TestScanTellsEveryMessageInOrderAndWhereToGoOn(t *testing.T) {
	b, _ := ready(t)
	var want []string
	for i := range 1203 { // more than two requests' worth
		id := fmt.Sprintf("e-%04d", i)
		publish(t, b, "member-1", id)
		want = append(want, id)
	}
	publish(t, b, "member-2", "other")
	filter := "talk.*.demo." + bus.Token("member-1") + ".>"
	got, next := scanned(t, b, filter, 1)
	if !slices.Equal(got, want) {
		t.Fatalf("got %d messages, want %d in order", len(got), len(want))
	}
	publish(t, b, "member-1", "later")
	if got, _ = scanned(t, b, filter, next); !slices.Equal(got, []string{"later"}) {
		t.Errorf("going on tells %q", got)
	}
	if got, _ = scanned(t, b, "talk.*.nobody.>", 1); got != nil {
		t.Errorf("tells %q of nobody", got)
	}
}

func TestProbeTellsEveryMessageOnce(t *testing.T) {
	b, _ := ready(t)
	var want []string
	for i := range 100 {
		id := fmt.Sprintf("e-%04d", i)
		publish(t, b, fmt.Sprintf("member-%d", i%3), id)
		if i%3 == 1 {
			want = append(want, id)
		}
	}
	filter := "talk.*.demo." + bus.Token("member-1") + ".>"
	probe := func(from uint64) (ids []string, next uint64) {
		next, err := b.Probe(t.Context(), bus.Talk, filter, from, func(m bus.Message) error {
			ids = append(ids, decode(t, m).GetId())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(ids)
		return ids, next
	}
	got, next := probe(1)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	publish(t, b, "member-1", "later")
	if got, _ = probe(next); !slices.Equal(got, []string{"later"}) {
		t.Errorf("going on tells %v", got)
	}
	if _, err := b.Probe(t.Context(), bus.Held, "held.>", 1, func(bus.Message) error { return errors.New("there is none") }); err != nil {
		t.Error(err)
	}
}

func TestScanEndsWithTheCallersError(t *testing.T) {
	b, _ := ready(t)
	publish(t, b, "member-1", "e-1")
	mine := errors.New("enough")
	if _, err := b.Scan(t.Context(), bus.Talk, "talk.>", 1, func(bus.Message) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Scan(ctx, bus.Talk, "talk.>", 1, func(bus.Message) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestErasedMessagesAreGoneAndMayComeAgain(t *testing.T) {
	b, _ := ready(t)
	publish(t, b, "member-1", "e-1")
	publish(t, b, "member-1", "e-2")
	var first uint64
	stop := errors.New("stop")
	_, err := b.Scan(t.Context(), bus.Talk, "talk.>", 1, func(m bus.Message) error { first = m.Sequence; return stop })
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		there, err := b.Erase(t.Context(), bus.Talk, first)
		if err != nil || there != want {
			t.Errorf("there %v, %v; want %v", there, err, want)
		}
	}
	if there, err := b.Erase(t.Context(), bus.Talk, 4711); err != nil || there {
		t.Errorf("a message that never was: %v, %v", there, err)
	}
	if got, _ := scanned(t, b, "talk.>", 1); !slices.Equal(got, []string{"e-2"}) {
		t.Errorf("left %q", got)
	}
}

func TestAnErasedRecordLeavesNothingAndCanBeMadeAnew(t *testing.T) {
	b, _ := ready(t)
	records := bus.NewRecords[*eventv1.ThreadRecord](b, bus.Threads)
	fresh := func() *eventv1.ThreadRecord { return &eventv1.ThreadRecord{} }
	revision := uint64(0)
	for range 3 {
		var err error
		if revision, err = records.Write(t.Context(), "c.demo.one", &eventv1.ThreadRecord{Ts: fmt.Sprint(revision)}, revision); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []uint64{revision, 0} {
		if got, err := records.Erase(t.Context(), "c.demo.one", fresh); err != nil || got != want {
			t.Fatalf("erased revision %d, %v; want %d", got, err, want)
		}
	}
	if _, ok, err := b.Latest(t.Context(), bus.Bucket(bus.Threads), "$KV.THREADS.>"); ok || err != nil {
		t.Errorf("something is left: %v", err)
	}
	anew, err := records.Write(t.Context(), "c.demo.one", &eventv1.ThreadRecord{Ts: "anew"}, 0)
	if err != nil || anew <= revision {
		t.Errorf("made anew with revision %d after %d: %v", anew, revision, err)
	}
	var keys []string
	err = records.Each(t.Context(), "c.demo.>", fresh, func(key string, record *eventv1.ThreadRecord, _ uint64, at time.Time) error {
		if record.GetTs() != "anew" || at.IsZero() {
			t.Errorf("%s: %v at %v", key, record, at)
		}
		keys = append(keys, key)
		return nil
	})
	if err != nil || !slices.Equal(keys, []string{"c.demo.one"}) {
		t.Errorf("keys %q, %v", keys, err)
	}
}
