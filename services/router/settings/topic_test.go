package settings_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/eventually"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// held counts reads, and holds the first one up until it is let go.
type held struct {
	reads atomic.Int64
	first sync.Once
	begun chan struct{}
	let   chan struct{}
}

func (h *held) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *held) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "get" {
			return next(ctx, cmd)
		}
		h.reads.Add(1)
		err := next(ctx, cmd)
		h.first.Do(func() { close(h.begun); <-h.let })
		return err
	}
}

func (h *held) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestWhoAsksAtTheSameTimeSharesAReadThatIsNewEnough(t *testing.T) {
	server := miniredis.RunT(t)
	client, writer := redis.NewClient(&redis.Options{Addr: server.Addr()}), redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = client.Close(); _ = writer.Close() }()
	h := &held{begun: make(chan struct{}), let: make(chan struct{})}
	client.AddHook(h)
	store, elsewhere := newStore(client), newStore(writer)

	const callers = 50
	answers := make(chan *settingsv1.TeamSettings, callers)
	var group sync.WaitGroup
	ask := func() {
		group.Go(func() {
			team, err := store.SharedTeam(t.Context(), "demo")
			if err != nil {
				t.Error(err)
			}
			answers <- team
		})
	}
	ask()
	<-h.begun // and has read that there is nothing
	written, err := elsewhere.UpdateTeam(t.Context(), "demo", turnOn, "")
	if err != nil {
		t.Fatal(err)
	}
	for range callers - 1 {
		ask()
	}
	eventually.Holds(t, soon, "everybody asks", func() bool { return store.Asked("demo") == callers })
	close(h.let)
	group.Wait()
	close(answers)
	old := 0
	for team := range answers {
		if team.GetEtag() != written.GetEtag() {
			old++
		}
	}
	// Whoever asked after the change was made sees it; only the first may not.
	if old > 1 {
		t.Errorf("%d of %d got what was before the change", old, callers)
	}
	// All others had asked before the second read began.
	if reads := h.reads.Load(); reads != 2 {
		t.Errorf("%d reads for one, and %d who waited together", reads, callers-1)
	}
	if store.Asked("demo") != 0 {
		t.Error("the settings are kept although nobody asks for them")
	}
}
