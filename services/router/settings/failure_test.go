package settings_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// everyCall is each function of a Store that talks to Redis.
func everyCall(store *settings.Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"GetTeam":    func(ctx context.Context) error { _, err := store.GetTeam(ctx, "demo"); return err },
		"SharedTeam": func(ctx context.Context) error { _, err := store.SharedTeam(ctx, "demo"); return err },
		"UpdateTeam": func(ctx context.Context) error { _, err := store.UpdateTeam(ctx, "demo", turnOn, ""); return err },
		"GetLink":    func(ctx context.Context) error { _, err := store.GetLink(ctx, "demo", "op1"); return err },
		"SetLink":    func(ctx context.Context) error { _, err := store.SetLink(ctx, link("op1", "U0DEMO1", "")); return err },
		"DeleteLink": func(ctx context.Context) error { return store.DeleteLink(ctx, "demo", "op1", "") },
		"ListLinks":  func(ctx context.Context) error { _, _, err := store.ListLinks(ctx, "demo", 1, ""); return err },
		"OperatorOf": func(ctx context.Context) error { _, _, err := store.OperatorOf(ctx, "demo", "U0DEMO1"); return err },
		"MemberOf":   func(ctx context.Context) error { _, _, err := store.MemberOf(ctx, "demo", "op1"); return err },
		"Export":     func(ctx context.Context) error { _, err := store.Export(ctx, "demo"); return err },
		"Import": func(ctx context.Context) error {
			_, _, err := store.Import(ctx, "demo", []byte(smallDocument))
			return err
		},
		"Secret": func(ctx context.Context) error { _, err := store.Secret(ctx, "pages"); return err },
		"Ping":   store.Ping,
	}
}

// impatient makes a client that tries everything once, so that a test need not wait for what is gone.
func impatient(addr string) *redis.UniversalOptions {
	return &redis.UniversalOptions{Addrs: []string{addr}, MaxRetries: -1, DialerRetries: 1}
}

func TestRedisGoneIsUnavailable(t *testing.T) {
	server := miniredis.RunT(t)
	store := newStore(connect(t, impatient(server.Addr())))
	server.Close()
	for name, call := range everyCall(store) {
		if err := call(t.Context()); !errors.Is(err, settings.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRedisThatRefusesIsUnavailable(t *testing.T) {
	server := miniredis.RunT(t)
	store := newStore(connect(t, impatient(server.Addr())))
	server.SetError("OOM command not allowed when used memory > 'maxmemory'.")
	for name, call := range everyCall(store) {
		if err := call(t.Context()); !errors.Is(err, settings.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheCallersEndIsTold(t *testing.T) {
	store := newStore(connect(t, &redis.UniversalOptions{Addrs: []string{miniredis.RunT(t).Addr()}}))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	for name, call := range everyCall(store) {
		if err := call(cancelled); !errors.Is(err, context.Canceled) || errors.Is(err, settings.ErrUnavailable) {
			t.Errorf("%s, cancelled: %v", name, err)
		}
		if err := call(late); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, settings.ErrUnavailable) {
			t.Errorf("%s, late: %v", name, err)
		}
	}
}

func TestStrangeDataIsCorrupt(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		calls := everyCall(store)
		ctx := t.Context()
		client.Set(ctx, settings.TeamKey("demo"), "\xff\xff", 0)
		client.HSet(ctx, settings.LinksKey("demo"), "op1", "\xff\xff")
		for _, name := range []string{"GetTeam", "UpdateTeam", "GetLink", "SetLink", "DeleteLink", "ListLinks", "MemberOf", "Export"} {
			if err := calls[name](ctx); !errors.Is(err, settings.ErrCorrupt) {
				t.Errorf("%s of unreadable bytes: %v", name, err)
			}
		}
		client.FlushAll(ctx)
		client.HSet(ctx, settings.TeamKey("demo"), "a", "b")
		client.Set(ctx, settings.LinksKey("demo"), "x", 0)
		for _, name := range []string{"GetTeam", "GetLink", "ListLinks", "Export"} {
			if err := calls[name](ctx); !errors.Is(err, settings.ErrCorrupt) {
				t.Errorf("%s of a key of another type: %v", name, err)
			}
		}
	})
}

// A member index of the wrong type must stop the script before it has written the link.
func TestAScriptThatCannotFinishChangesNothing(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		client.Set(t.Context(), settings.MembersKey("demo"), "not a hash", 0)
		if _, err := newStore(client).SetLink(t.Context(), link("op1", "U0DEMO1", "")); err == nil {
			t.Error("no error")
		}
		if n := client.Exists(t.Context(), settings.LinksKey("demo")).Val(); n != 0 {
			t.Error("half of the link was written")
		}
	})
}

// losingConn loses the answer to one script after Redis ran it.
type losingConn struct {
	net.Conn
	lose   *atomic.Int32 // how many answers are still to be lost
	losing bool
}

func (c *losingConn) Write(p []byte) (int, error) {
	c.losing = bytes.Contains(bytes.ToLower(p), []byte("evalsha")) && c.lose.Add(-1) >= 0
	return c.Conn.Write(p)
}

func (c *losingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.losing {
		c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

func TestAChangeWhoseAnswerIsLostIsNotStale(t *testing.T) {
	server := miniredis.RunT(t)
	lose := &atomic.Int32{}
	store := newStore(connect(t, &redis.UniversalOptions{
		Addrs: []string{server.Addr()},
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &losingConn{Conn: conn, lose: lose}, err
		},
	}))
	ctx := t.Context()
	team := mustUpdate(t, store) // from here on Redis knows the scripts
	first, err := store.SetLink(ctx, link("op1", "U0DEMO1", ""))
	if err != nil {
		t.Fatal(err)
	}
	lose.Store(1)
	if _, err := store.UpdateTeam(ctx, "demo", turnOn, team.GetEtag()); err != nil {
		t.Errorf("update: %v", err)
	}
	if lose.Load() > 0 {
		t.Error("no answer was lost")
	}
	lose.Store(1)
	if _, err := store.SetLink(ctx, link("op1", "U0DEMO2", first.GetEtag())); err != nil {
		t.Errorf("set: %v", err)
	}
}

// Redis is killed again and again while links change hands; after every restart from its append-only file, the index and the
// links agree and what was confirmed is there.
func TestKilledRedisLeavesNothingHalf(t *testing.T) {
	needRealRedis(t)
	dir := t.TempDir()
	confirmed := settings.EmptyEtag
	for round := range 4 {
		server := startRedis(t, dir, "--appendonly", "yes", "--appendfsync", "always")
		client := connect(t, impatient(server.socket))
		wantIndexInStep(t, client, "demo")
		store := newStore(client)
		if team, err := store.GetTeam(t.Context(), "demo"); err != nil || team.GetEtag() != confirmed {
			t.Fatalf("round %d: confirmed settings are lost: %v, %v", round, team, err)
		}
		confirmed = mustUpdate(t, store).GetEtag()
		var changes atomic.Int32
		done := make(chan struct{})
		go func() {
			defer close(done)
			inParallel(4, func() { hammer(t.Context(), store, &changes) })
		}()
		eventually.Holds(t, time.Minute, "200 changes", func() bool { return changes.Load() >= 200 })
		server.kill()
		<-done
	}
}

// Redis is killed again and again in the middle of imports; what is there after every restart from its append-only file is the whole of one.
func TestKilledRedisLeavesNoHalfImport(t *testing.T) {
	needRealRedis(t)
	dir := t.TempDir()
	documents := []string{smallDocument, largeDocument()}
	for round := range 3 {
		server := startRedis(t, dir, "--appendonly", "yes", "--appendfsync", "always")
		client := connect(t, impatient(server.socket))
		store := newStore(client)
		if round > 0 {
			wantIndexInStep(t, client, "demo")
			wantOneOf(t, store, documents)
		}
		var imports atomic.Int32
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				for _, document := range documents {
					if _, _, err := store.Import(t.Context(), "demo", []byte(document)); err != nil {
						return
					}
					imports.Add(1)
				}
			}
		}()
		eventually.Holds(t, time.Minute, "100 imports", func() bool { return imports.Load() >= 100 })
		server.kill()
		<-done
	}
}

// largeDocument has another channel and other links than smallDocument.
func largeDocument() string {
	document := "teamSettings: {name: projects/demo/teamSettings, channel: C0LARGE}\noperatorLinks:\n"
	for i := range 50 {
		document += fmt.Sprintf("- {name: projects/demo/operators/large%d, slackMember: U0LARGE%d}\n", i, i)
	}
	return document
}

// wantOneOf fails unless the settings and the links are of the same document.
func wantOneOf(t *testing.T, store *settings.Store, documents []string) {
	t.Helper()
	team, err := store.GetTeam(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	links, _, err := store.ListLinks(t.Context(), "demo", 1000, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		whole := strings.Contains(document, "channel: "+team.GetChannel()) && strings.Count(document, "slackMember") == len(links)
		for _, link := range links {
			whole = whole && strings.Contains(document, link.GetName()+",")
		}
		if whole {
			return
		}
	}
	t.Fatalf("channel %s with %d links is half of an import", team.GetChannel(), len(links))
}

// hammer moves three operators between three members until Redis is gone.
func hammer(ctx context.Context, store *settings.Store, changes *atomic.Int32) {
	for i := 0; ; i++ {
		_, err := store.SetLink(ctx, link(fmt.Sprintf("op%d", i%3), fmt.Sprintf("U0DEMO%d", i/3%4), ""))
		if errors.Is(err, settings.ErrUnavailable) {
			return
		}
		changes.Add(1)
		_ = store.DeleteLink(ctx, "demo", fmt.Sprintf("op%d", (i+1)%3), "")
	}
}

func TestRedisThatHangsIsUnavailableBeforeACallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := impatient("redis.example.com:6379")
		options.ContextTimeoutEnabled = true
		options.Dialer = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go io.Copy(io.Discard, theirs) // ends when the client closes our side
			return ours, nil
		}
		client := redis.NewUniversalClient(options)
		defer client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := newStore(client).Ping(ctx); !errors.Is(err, settings.ErrUnavailable) || ctx.Err() != nil {
			t.Errorf("got %v, the call itself: %v", err, ctx.Err())
		}
	})
}
