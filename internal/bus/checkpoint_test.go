package bus_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// noted asks a checkpoint about the delivery of a message, and writes down that it is attempted.
func noted(t *testing.T, c *bus.Checkpoint, m bus.Message) (before uint64, err error) {
	t.Helper()
	last, err := c.At(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return last.GetSequence(), c.Note(t.Context(), &eventv1.Checkpoint{Sequence: m.Sequence})
}

// A queue that changes hands has its note read; whoever takes it for their own because the deliveries count from the start again attempts nothing.
func TestANoteIsReadWhenItsQueueHasChangedHands(t *testing.T) {
	b, _ := ready(t)
	one, other := b.NewCheckpoint("send.4-000"), b.NewCheckpoint("send.4-000")
	for _, step := range []struct {
		name     string
		by       *bus.Checkpoint
		m        bus.Message
		before   uint64
		conflict bool
	}{
		{"first", one, bus.Message{Sequence: 10, Turn: 1, Deliveries: 1}, 0, false},
		{"in a row", one, bus.Message{Sequence: 11, Turn: 2, Deliveries: 1}, 10, false},
		{"the other takes over", other, bus.Message{Sequence: 12, Turn: 3, Deliveries: 1}, 11, false},
		{"and gives back", one, bus.Message{Sequence: 13, Turn: 4, Deliveries: 1}, 12, false},
		{"the other, which somebody took for dead, goes on", other, bus.Message{Sequence: 14, Turn: 4, Deliveries: 1}, 12, true},
		{"a refused note is read again", other, bus.Message{Sequence: 14, Turn: 5, Deliveries: 2}, 13, false},
		{"it is tried again", other, bus.Message{Sequence: 14, Turn: 6, Deliveries: 2}, 14, false},
		{"the queue is new, and the first takes it", one, bus.Message{Sequence: 15, Turn: 1, Deliveries: 1}, 14, false},
	} {
		before, err := noted(t, step.by, step.m)
		if before != step.before || errors.Is(err, bus.ErrConflict) != step.conflict || err != nil && !step.conflict {
			t.Fatalf("%s: %d was attempted before, %v; want %d, conflict %v", step.name, before, err, step.before, step.conflict)
		}
	}
}

// Nothing is asked of the leader for deliveries in a row.
func TestANoteOfDeliveriesInARowIsNotReadAgain(t *testing.T) {
	b, _ := ready(t)
	c := b.NewCheckpoint("send.4-000")
	for sequence := range uint64(10) {
		before := b.Conn().Stats().OutMsgs
		if _, err := c.At(t.Context(), bus.Message{Sequence: sequence + 1, Turn: sequence + 1, Deliveries: 1}); err != nil {
			t.Fatal(err)
		}
		if asked := b.Conn().Stats().OutMsgs - before; (asked > 0) != (sequence == 0) {
			t.Errorf("%d requests for delivery %d", asked, sequence+1)
		}
		if err := c.Note(t.Context(), &eventv1.Checkpoint{Sequence: sequence + 1}); err != nil {
			t.Fatal(err)
		}
	}
}

// muted passes on what clients say, and keeps the answers back for as long as it is told to.
type muted struct {
	net.Listener
	answers sync.RWMutex // held while nothing is answered
}

func mute(t *testing.T, url string) *muted {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &muted{Listener: l}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", strings.TrimPrefix(url, "nats://"))
			if err != nil {
				_ = client.Close()
				return
			}
			passing.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
			passing.Go(func() { _, _ = io.Copy(m.to(client), server); _ = client.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); passing.Wait() })
	return m
}

func (m *muted) to(client net.Conn) writer {
	return func(p []byte) (int, error) {
		m.answers.RLock()
		defer m.answers.RUnlock()
		return client.Write(p)
	}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// A note whose answer was lost is written all the same: everybody else waits for the call.
func TestANoteOfWhichOnlyTheAnswerWasLostIsWritten(t *testing.T) {
	direct, url := ready(t)
	proxy := mute(t, url)
	b := connect(t, "nats://"+proxy.Addr().String(), 4, 0)
	c, other := b.NewCheckpoint("send.4-000"), direct.NewCheckpoint("send.4-000")
	if err := c.Note(t.Context(), &eventv1.Checkpoint{Sequence: 6, AttemptedAt: timestamppb.Now()}); err != nil {
		t.Fatal(err)
	}
	proxy.answers.Lock()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer proxy.answers.Unlock()
		defer cancel()
		for t.Context().Err() == nil {
			if there, err := other.Last(t.Context()); err == nil && there.GetSequence() == 7 {
				return
			}
		}
	}()
	if err := c.Note(ctx, &eventv1.Checkpoint{Sequence: 7, AttemptedAt: timestamppb.Now()}); err != nil {
		t.Fatalf("what is written counts as not written: %v", err)
	}
	if ctx.Err() == nil {
		t.Error("its answer was not lost")
	}
	if err := c.Note(t.Context(), &eventv1.Checkpoint{Sequence: 8, AttemptedAt: timestamppb.Now()}); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
