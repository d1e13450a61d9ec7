package bus_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

// What was set aside is not in the former queues any more when they are empty, and the new ones begin. It waits under its customer, whatever the number
// of partitions, so what comes after it under another number queues up behind it all the same.
func TestPromise3WhatIsHeldWhilePartitionsAreRaisedIsNotOvertaken(t *testing.T) {
	for name, before := range map[string]bus.Partitions{"while both are served": 4, "when the former are not served any more": 0} {
		t.Run(name, func(t *testing.T) {
			old, url := ready(t)
			var mended atomic.Bool
			got := newSeen()
			handle := func(_ context.Context, m bus.Message) error {
				if !mended.Load() {
					return errors.New("not now")
				}
				got.add("c", decode(t, m).GetId())
				return nil
			}
			former, stop := context.WithCancel(t.Context())
			stopped := make(chan error, 1)
			publish(t, old, "member-1", "e0")
			publish(t, old, "member-1", "e1")
			go func() {
				stopped <- old.ServePartitions(former, "router-talk", bus.Talk, "talk", old.NewHolder("talk", handle).Handle)
			}()
			held(t, url, 2)
			stop()
			if err := <-stopped; err != nil {
				t.Fatal(err)
			}
			raised := connect(t, url, 16, before)
			publish(t, raised, "member-1", "f0")
			publish(t, raised, "member-1", "f1")
			holder := raised.NewHolder("talk", handle)
			serve(t, func(ctx context.Context) error {
				return raised.ServePartitions(ctx, "router-talk", bus.Talk, "talk", holder.Handle)
			})
			held(t, url, 4)
			mended.Store(true)
			serve(t, holder.Serve)
			got.wait(t, 4)
			if want := []string{"e0", "e1", "f0", "f1"}; !slices.Equal(got.got["c"], want) {
				t.Errorf("got %v", got.got["c"])
			}
		})
	}
}

// held waits until HELD has n messages.
func held(t *testing.T, url string, n uint64) {
	t.Helper()
	js, err := jetstream.New(connect(t, url, 4, 0).Conn())
	if err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, patience, "it is set aside", func() bool {
		stream, err := js.Stream(t.Context(), bus.Held)
		return err == nil && stream.CachedInfo().State.Msgs == n
	})
}
