package installation

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

func TestAWorkspaceWithoutTheAppParks(t *testing.T) {
	r := NewRegistry()
	client := For(r, func(c *slackapi.Client) *slackapi.Client { return c })
	if _, err := client("T0DEMO1"); !errors.Is(err, retry.ErrParked) || !errors.Is(err, ErrNotInstalled) {
		t.Errorf("not installed: %v", err)
	}
	installed := Workspace{Self: inbound.Self{Team: "T0DEMO1", BotUser: "U0BOT"}, Client: slackapi.New("https://slack.example/api/", secret.New("xoxb-demo"))}
	r.Set("T0DEMO1", installed)
	if c, err := client("T0DEMO1"); err != nil || c != installed.Client {
		t.Errorf("installed: %v, %v", c, err)
	}
	if self, ok := r.Self("T0DEMO1"); !ok || self != installed.Self {
		t.Errorf("who it is: %v, %v", self, ok)
	}
	if _, ok := r.Self("T0DEMO2"); ok {
		t.Error("it is known in a workspace without the app")
	}
	r.Remove("T0DEMO1")
	if _, err := client("T0DEMO1"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("removed: %v", err)
	}
}

func TestWhoseSomethingIs(t *testing.T) {
	r := NewRegistry()
	r.Set("T0DEMO1", Workspace{Self: inbound.Self{Team: "T0DEMO1"}})
	from := func(teams ...string) inbound.Origin { return inbound.Origin{Teams: teams} }
	unsure := inbound.Origin{Teams: []string{"T0PARTNER"}, Unsure: true}
	for name, c := range map[string]struct {
		origin inbound.Origin
		want   string
	}{
		"the only one":              {from("T0DEMO1"), "T0DEMO1"},
		"the likeliest that is one": {from("T0PARTNER", "T0DEMO1"), "T0DEMO1"},
		"another's":                 {from("T0PARTNER"), ""},
		"nobody's":                  {from(), ""},
		"pressed by a partner":      {unsure, "T0DEMO1"},
	} {
		if self, err := r.Resolve(c.origin); self.Team != c.want || errors.Is(err, ErrNotInstalled) != (c.want == "") {
			t.Errorf("%s: %v, %v", name, self, err)
		}
	}
	r.Set("T0DEMO2", Workspace{Self: inbound.Self{Team: "T0DEMO2"}})
	if self, err := r.Resolve(unsure); err == nil {
		t.Errorf("one of two workspaces was guessed: %v", self)
	}
}

// worked counts for which workspaces work is under way.
type worked struct {
	mu   sync.Mutex
	now  map[string]int
	ever map[string]int
}

func (w *worked) add(team string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now[team] += n
	w.ever[team] += max(n, 0)
}

func (w *worked) at(team string) (now, ever int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now[team], w.ever[team]
}

func TestWorkspacesAreServedAsTheyComeAndGo(t *testing.T) {
	r, w := NewRegistry(), &worked{now: map[string]int{}, ever: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- r.Serve(ctx, func(ctx context.Context, team string) error {
			w.add(team, 1)
			defer w.add(team, -1)
			<-ctx.Done()
			return nil
		})
	}()
	works := func(team string, now, ever int) {
		t.Helper()
		eventually.Holds(t, time.Minute, "work for "+team, func() bool { n, e := w.at(team); return n == now && e == ever })
	}
	r.Set("T0DEMO1", Workspace{})
	works("T0DEMO1", 1, 1)
	r.Set("T0DEMO2", Workspace{})
	works("T0DEMO2", 1, 1)
	r.Set("T0DEMO1", Workspace{}) // a new token is no new workspace
	r.Remove("T0DEMO2")
	works("T0DEMO2", 0, 1)
	works("T0DEMO1", 1, 1)
	r.Set("T0DEMO2", Workspace{})
	works("T0DEMO2", 1, 2)
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	works("T0DEMO1", 0, 1)
	works("T0DEMO2", 0, 2)
}

func TestWhatFailsForOneWorkspaceIsTold(t *testing.T) {
	r, broken := NewRegistry(), errors.New("broken")
	r.Set("T0DEMO1", Workspace{})
	if err := r.Serve(t.Context(), func(context.Context, string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
