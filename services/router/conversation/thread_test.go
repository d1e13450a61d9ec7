package conversation_test

import (
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

const head = "1700000000.000100"

func byThread(t *testing.T, w *world, s *conversation.Store, channel, ts string) (id string, ok bool) {
	t.Helper()
	w.reset()
	conv, ok, err := s.ByThread(t.Context(), "T0DEMO1", channel, ts)
	if err != nil {
		t.Fatal(err)
	}
	return conv.ID, ok
}

func TestByThreadFallsBackToTheRecord(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.store(t)
		id, _ := resolve(t, w, s, "m", "vis-1")
		if got, ok := byThread(t, w, s, "C0SUPPORT", head); ok {
			t.Fatalf("a thread that is not there is %s", got)
		}
		record := &eventv1.ThreadRecord{Team: "T0DEMO1", Channel: "C0SUPPORT", Ts: head, Project: "demo", Conversation: id}
		threads := bus.NewRecords[*eventv1.ThreadRecord](w.bus, bus.Threads)
		if _, err := threads.Write(t.Context(), bus.ThreadKey("T0DEMO1", "C0SUPPORT", head), record, 0); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, ok := byThread(t, w, s, "C0SUPPORT", head); !ok || got != id {
				t.Fatalf("got %q, %v", got, ok)
			}
		}
		for channel, ts := range map[string]string{"C0OTHER": head, "C0SUPPORT": "1700000000.000200"} {
			if _, ok := byThread(t, w, s, channel, ts); ok {
				t.Errorf("%s of %s is taken for ours", ts, channel)
			}
		}
	})
}

func TestByThreadKnowsWhatWasOpened(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	id, _ := resolve(t, w, s, "m", "")
	if err := s.Opened(t.Context(), "T0DEMO1", "C0SUPPORT", head, "demo", id); err != nil {
		t.Fatal(err)
	}
	if got, ok := byThread(t, w, w.store(t), "C0SUPPORT", head); !ok || got != id {
		t.Fatalf("got %q, %v", got, ok)
	}
}

func TestByThreadFollowsAMerge(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	into, _ := resolve(t, w, s, "m", "vis-1")
	from, _ := resolve(t, w, s, "", "vis-2")
	if err := s.Opened(t.Context(), "T0DEMO1", "C0SUPPORT", head, "demo", from); err != nil {
		t.Fatal(err)
	}
	if _, merged := resolve(t, w, s, "m", "vis-2"); merged != from {
		t.Fatalf("merged %q", merged)
	}
	if got, ok := byThread(t, w, s, "C0SUPPORT", head); !ok || got != into {
		t.Fatalf("got %q, %v; want %q", got, ok, into)
	}
}

func TestFirst(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	first := func(key, value string) bool {
		t.Helper()
		ok, err := s.First(t.Context(), key, value, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	for range 2 {
		if !first("gesture", "a") {
			t.Error("the same value is always first")
		}
	}
	if first("gesture", "b") {
		t.Error("another value came second")
	}
	if !first("other", "b") {
		t.Error("another key has nothing to do with it")
	}
	w.redis.FastForward(2 * time.Minute)
	if !first("gesture", "b") {
		t.Error("the window is over")
	}
}

func TestEcho(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	conv, _, err := s.Resolve(t.Context(), "demo", customer("m", ""))
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := s.Resolve(t.Context(), "demo", customer("n", ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Remember(t.Context(), conv, "op1", "hello", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := s.Remember(t.Context(), conv, "op1", "never", 0); err != nil {
		t.Fatal(err)
	}
	echo := func(conv conversation.Conversation, operator, text string) bool {
		t.Helper()
		ok, err := s.Echo(t.Context(), conv, operator, text)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !echo(conv, "op1", "hello") {
		t.Error("our own line is not recognised")
	}
	if echo(conv, "op2", "hello") || echo(conv, "op1", "hello!") || echo(other, "op1", "hello") || echo(conv, "op1", "never") {
		t.Error("somebody else's line is taken for ours")
	}
	w.redis.FastForward(2 * time.Minute)
	if echo(conv, "op1", "hello") {
		t.Error("it is an echo for a while only")
	}
}

func TestARedisThatFailsIsAnError(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	conv, _, err := s.Resolve(t.Context(), "demo", customer("m", ""))
	if err != nil {
		t.Fatal(err)
	}
	w.redis.SetError("LOADING Redis is loading the dataset in memory")
	_, _, resolved := s.Resolve(t.Context(), "demo", customer("m", ""))
	_, _, threaded := s.ByThread(t.Context(), "T0DEMO1", "C0SUPPORT", head)
	_, first := s.First(t.Context(), "k", "v", time.Minute)
	_, echoed := s.Echo(t.Context(), conv, "op1", "x")
	_, updated := s.Update(t.Context(), conv, func(r *eventv1.ConversationRecord) { r.Channel = "C0SUPPORT" })
	for name, err := range map[string]error{
		"Resolve": resolved, "ByThread": threaded, "First": first, "Echo": echoed, "Update": updated,
		"Opened":   s.Opened(t.Context(), "T0DEMO1", "C0SUPPORT", head, "demo", conv.ID),
		"Remember": s.Remember(t.Context(), conv, "op1", "x", time.Minute),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
