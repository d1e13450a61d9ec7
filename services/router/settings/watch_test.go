package settings_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/eventually"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// soon is longer than anything here takes, and much shorter than the time after which a hub looks for itself.
const soon = 20 * time.Second

// runHub runs a hub until the test ends, or stop is called.
func runHub(t *testing.T, store *settings.Store, prepare ...func(*settings.Hub)) (hub *settings.Hub, stop func()) {
	t.Helper()
	hub = settings.NewHub(store, slog.New(slog.DiscardHandler))
	for _, p := range prepare {
		p(hub)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("hub: %v", err)
		}
	})
	t.Cleanup(stop)
	return hub, stop
}

// watching is a watcher and what it was told.
type watching struct {
	told  chan *settingsv1.TeamSettings
	ended chan error
	stop  context.CancelFunc
}

func watch(t *testing.T, hub *settings.Hub, project, etag string) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{told: make(chan *settingsv1.TeamSettings), ended: make(chan error, 1), stop: cancel}
	var running sync.WaitGroup
	running.Go(func() {
		w.ended <- hub.Watch(ctx, project, etag, func(team *settingsv1.TeamSettings) error {
			select {
			case w.told <- team:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return w
}

// next answers what the watcher is told next.
func (w *watching) next(t *testing.T) *settingsv1.TeamSettings {
	t.Helper()
	select {
	case team := <-w.told:
		return team
	case err := <-w.ended:
		t.Fatalf("the watch ended: %v", err)
	case <-time.After(soon):
		t.Fatal("nothing is told")
	}
	return nil
}

// until reads what is told until it has the etag.
func (w *watching) until(t *testing.T, etag string) {
	t.Helper()
	for w.next(t).GetEtag() != etag {
	}
}

func TestWatchersAreToldWhatIsAndWhatBecomes(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		here, there := newStore(client), newStore(client)
		hub, _ := runHub(t, here)
		w := watch(t, hub, "demo", "")
		if first := w.next(t); first.GetEtag() != settings.EmptyEtag || first.GetName() != settings.TeamName("demo") {
			t.Errorf("first: %v", first)
		}
		w.until(t, mustUpdate(t, there).GetEtag())
		team, _, err := there.Import(t.Context(), "demo", []byte(smallDocument))
		if err != nil {
			t.Fatal(err)
		}
		w.until(t, team.GetEtag())

		// Who has seen it already is told the next change only.
		resumed := watch(t, hub, "demo", team.GetEtag())
		other := watch(t, hub, "other", "")
		other.next(t)
		newest := mustUpdate(t, there).GetEtag()
		if got := resumed.next(t).GetEtag(); got != newest {
			t.Errorf("resumed with %s: told %s first, want %s", team.GetEtag(), got, newest)
		}
		w.until(t, newest)
		select {
		case got := <-other.told:
			t.Errorf("another project's watcher is told %v", got)
		default:
		}
	})
}

func TestASlowWatcherIsToldTheLastStateAndDelaysNobody(t *testing.T) {
	client := connect(t, &redis.UniversalOptions{Addrs: []string{miniredis.RunT(t).Addr()}})
	store := newStore(client)
	hub, _ := runHub(t, store)
	slow, quick := watch(t, hub, "demo", ""), watch(t, hub, "demo", "")
	var last string
	for range 20 {
		last = mustUpdate(t, store).GetEtag()
		quick.until(t, last)
	}
	// It was about to be told one old state all the while, unless it began only now.
	first := slow.next(t).GetEtag()
	if first != last && slow.next(t).GetEtag() != last {
		t.Error("what was missed is told one by one")
	}
}

func TestWhatIsToldNeverGoesBack(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		hub, _ := runHub(t, store)
		grow := func(team *settingsv1.TeamSettings) error {
			team.OperatorGroups = append(team.OperatorGroups, &settingsv1.OperatorGroup{Name: fmt.Sprint(len(team.GetOperatorGroups()))})
			return nil
		}
		const writers, each = 4, 10
		var watchers sync.WaitGroup
		for range 20 {
			w := watch(t, hub, "demo", "")
			watchers.Go(func() {
				for before, now := -1, 0; now < writers*each; before = now {
					select {
					case team := <-w.told:
						now = len(team.GetOperatorGroups())
					case <-time.After(soon):
						t.Errorf("told nothing after %d", before)
						return
					}
					if now <= before {
						t.Errorf("told %d after %d", now, before)
					}
				}
			})
		}
		inParallel(writers, func() {
			for range each {
				if _, err := store.UpdateTeam(t.Context(), "demo", grow, ""); err != nil {
					t.Error(err)
				}
			}
		})
		watchers.Wait()
	})
}

func TestAllWatchersShareOneSubscription(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		hub, stop := runHub(t, newStore(client))
		var all []*watching
		for i := range 60 {
			w := watch(t, hub, fmt.Sprintf("demo%d", i%3), "")
			w.next(t)
			all = append(all, w)
		}
		subscribed := func() int64 {
			n, err := client.PubSubNumSub(t.Context(), "settings:changes").Result()
			if err != nil {
				t.Fatal(err)
			}
			return n["settings:changes"]
		}
		eventually.Holds(t, soon, "one subscription", func() bool { return subscribed() == 1 })
		if n := hub.Watched(); n != 3 {
			t.Errorf("%d projects are watched, want 3", n)
		}
		all[0].stop()
		if err := <-all[0].ended; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled watch: %v", err)
		}
		stop()
		for _, w := range all[1:] {
			if err := <-w.ended; err != nil {
				t.Errorf("watch of a stopped hub: %v", err)
			}
		}
		if n := hub.Watched(); n != 0 {
			t.Errorf("%d projects are still watched", n)
		}
		eventually.Holds(t, soon, "no subscription", func() bool { return subscribed() == 0 })
	})
}

// Redis promises no announcement: one that is lost, or that the user may not make, is made up for.
func TestAChangeThatWasNotAnnouncedIsFound(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		hub, _ := runHub(t, store, func(h *settings.Hub) { h.Reread(10 * time.Millisecond) })
		w := watch(t, hub, "demo", "")
		w.next(t)
		silently := mustUpdateOf(t, store, "other")
		raw := client.Get(t.Context(), settings.TeamKey("other")).Val()
		client.Set(t.Context(), settings.TeamKey("demo"), raw, 0)
		w.until(t, silently.GetEtag())
	})
}

func mustUpdateOf(t *testing.T, store *settings.Store, project string) *settingsv1.TeamSettings {
	t.Helper()
	team, err := store.UpdateTeam(t.Context(), project, turnOn, "")
	if err != nil {
		t.Fatal(err)
	}
	return team
}

func TestAUserWhoMayNotPublishCanStillChange(t *testing.T) {
	needRealRedis(t)
	socket := startRedis(t, t.TempDir()).socket
	if err := connect(t, unixOptions(socket)).Do(t.Context(), "ACL", "SETUSER", "mute", "on", "nopass", "~*", "resetchannels", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	options := unixOptions(socket)
	options.Username, options.Password = "mute", "none"
	store := newStore(connect(t, options))
	hub, _ := runHub(t, store, func(h *settings.Hub) { h.Reread(10 * time.Millisecond) })
	w := watch(t, hub, "demo", "")
	w.until(t, mustUpdate(t, store).GetEtag())
	team, _, err := store.Import(t.Context(), "demo", []byte(smallDocument))
	if err != nil {
		t.Fatal(err)
	}
	w.until(t, team.GetEtag())
}

func TestARedisThatIsAwayForAWhileEndsNoWatch(t *testing.T) {
	server := miniredis.RunT(t)
	client := connect(t, impatient(server.Addr()))
	store := newStore(client)
	hub, _ := runHub(t, store)
	w := watch(t, hub, "demo", "")
	w.until(t, mustUpdate(t, store).GetEtag())
	elsewhere := mustUpdateOf(t, store, "other")
	raw, err := server.Get(settings.TeamKey("other"))
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	late := watch(t, hub, "demo", "")
	if err := <-late.ended; !errors.Is(err, settings.ErrUnavailable) {
		t.Errorf("a watch that begins without Redis: %v", err)
	}
	// Somebody on the other side of the broken line changes it.
	if err := server.Set(settings.TeamKey("demo"), raw); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	w.until(t, elsewhere.GetEtag())
	w.until(t, mustUpdate(t, store).GetEtag())
}
