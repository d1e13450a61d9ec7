package settings_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func turnOn(t *settingsv1.TeamSettings) error {
	t.NotificationsEnabled, t.Workspace, t.Channel = true, "T0DEMO1", "C0SUPPORT"
	return nil
}

func TestTeamThatWasNeverSetHasEverythingOff(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		for _, project := range []string{"demo", "", "a}b{c", "no such/project"} {
			got, err := newStore(client).GetTeam(t.Context(), project)
			want := &settingsv1.TeamSettings{Name: settings.TeamName(project), Etag: settings.EmptyEtag}
			if err != nil || !proto.Equal(got, want) {
				t.Errorf("GetTeam(%q) = %v, %v", project, got, err)
			}
		}
	})
}

func TestTeamIsReadAsItWasWritten(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		first, err := store.UpdateTeam(t.Context(), "demo", turnOn, settings.EmptyEtag)
		if err != nil {
			t.Fatal(err)
		}
		if !first.GetUpdateTime().AsTime().Equal(moment) || first.GetEtag() == settings.EmptyEtag {
			t.Errorf("not stamped: %v", first)
		}
		got, err := store.GetTeam(t.Context(), "demo")
		if err != nil || !proto.Equal(got, first) {
			t.Errorf("GetTeam = %v, %v; want %v", got, err, first)
		}
		second, err := store.UpdateTeam(t.Context(), "demo", turnOn, first.GetEtag())
		if err != nil || second.GetEtag() == first.GetEtag() {
			t.Errorf("the etag stays %q although there was an update: %v", second.GetEtag(), err)
		}
		other, err := store.GetTeam(t.Context(), "demo2")
		if err != nil || other.GetNotificationsEnabled() {
			t.Errorf("another project was changed: %v, %v", other, err)
		}
	})
}

func TestUpdateTeamRefusals(t *testing.T) {
	broken := errors.New("broken")
	cases := []struct {
		name, project, etag string
		change              func(*settingsv1.TeamSettings) error
		want                error
	}{
		{"stale etag", "demo", "something", turnOn, settings.ErrStale},
		{"change fails", "demo", "", func(*settingsv1.TeamSettings) error { return broken }, broken},
		{"project that cannot be", "a}b", "", turnOn, settings.ErrInvalid},
		{"bad channel", "demo", "", func(t *settingsv1.TeamSettings) error { t.Channel = "general"; return nil }, settings.ErrInvalid},
		{"on without channel", "demo", "", func(t *settingsv1.TeamSettings) error {
			t.NotificationsEnabled, t.Workspace = true, "T0DEMO1"
			return nil
		}, settings.ErrInvalid},
		{"on without workspace", "demo", "", func(t *settingsv1.TeamSettings) error {
			t.NotificationsEnabled, t.Channel = true, "C0SUPPORT"
			return nil
		}, settings.ErrInvalid},
	}
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		for _, c := range cases {
			_, err := newStore(client).UpdateTeam(t.Context(), c.project, c.change, c.etag)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
		}
		if keys := client.Keys(t.Context(), "*").Val(); len(keys) > 0 {
			t.Errorf("refused updates left %v", keys)
		}
	})
}

func TestCheckTeamNamesTheMissingFields(t *testing.T) {
	var invalid *settings.InvalidError
	err := settings.CheckTeam(&settingsv1.TeamSettings{Name: settings.TeamName("demo"), NotificationsEnabled: true})
	if !errors.As(err, &invalid) || len(invalid.Violations) != 2 ||
		invalid.Violations[0].Field != "workspace" || invalid.Violations[1].Field != "channel" {
		t.Errorf("got %v", err)
	}
}

func TestOfManyUpdatesWithOneEtagOneWins(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		etags := []func() string{
			func() string { return settings.EmptyEtag },
			func() string { return mustUpdate(t, store).GetEtag() },
		}
		for _, current := range etags {
			etag := current()
			var won, stale atomic.Int32
			inParallel(50, func() {
				_, err := store.UpdateTeam(t.Context(), "demo", turnOn, etag)
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, settings.ErrStale):
					stale.Add(1)
				default:
					t.Error(err)
				}
			})
			if won.Load() != 1 || stale.Load() != 49 {
				t.Errorf("etag %s: %d won, %d were stale", etag, won.Load(), stale.Load())
			}
		}
	})
}

func TestUpdatesWithoutEtagLoseNothing(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		members := []string{"U0DEMO0", "U0DEMO1", "U0DEMO2", "U0DEMO3", "U0DEMO4", "U0DEMO5", "U0DEMO6", "U0DEMO7"}
		var next atomic.Int32
		inParallel(len(members), func() {
			member := members[next.Add(1)-1]
			add := func(t *settingsv1.TeamSettings) error { t.Admins = append(t.Admins, member); return nil }
			if _, err := store.UpdateTeam(t.Context(), "demo", add, ""); err != nil {
				t.Error(err)
			}
		})
		got, err := store.GetTeam(t.Context(), "demo")
		if err != nil || len(got.GetAdmins()) != len(members) {
			t.Errorf("%d of %d are there: %v, %v", len(got.GetAdmins()), len(members), got.GetAdmins(), err)
		}
	})
}

func TestSecretIsTheSameForAll(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		first, err := newStore(client).Secret(t.Context(), "pages")
		if err != nil || len(first) != 32 {
			t.Fatalf("%d bytes, %v", len(first), err)
		}
		inParallel(10, func() {
			got, err := newStore(client).Secret(t.Context(), "pages")
			if err != nil || string(got) != string(first) {
				t.Errorf("another secret, %v", err)
			}
		})
		other, _ := newStore(client).Secret(t.Context(), "other")
		if string(other) == string(first) {
			t.Error("two purposes share a secret")
		}
		client.Set(t.Context(), settings.SecretKey("short"), "x", 0)
		if _, err := newStore(client).Secret(t.Context(), "short"); !errors.Is(err, settings.ErrCorrupt) {
			t.Errorf("short secret: %v", err)
		}
	})
}

func mustUpdate(t *testing.T, store *settings.Store) *settingsv1.TeamSettings {
	t.Helper()
	got, err := store.UpdateTeam(context.Background(), "demo", turnOn, "")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// inParallel runs do n times at once and waits.
func inParallel(n int, do func()) {
	var group sync.WaitGroup
	for range n {
		group.Go(do)
	}
	group.Wait()
}
