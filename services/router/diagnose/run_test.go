package diagnose

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/examination"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestAHangingCheckFailsAndNamesWhatHangs(t *testing.T) {
	release := make(chan struct{})
	var ended atomic.Bool
	for name, tt := range map[string]struct {
		look func(context.Context, *scene) outcome
		says string
	}{
		"by itself": {func(context.Context, *scene) outcome { <-release; ended.Store(true); return ok("") }, "took longer than 20ms"},
		"for Redis": {lookRedis, "took longer than 20ms"},
	} {
		x := healthy()
		x.redis = never[redisState]()
		o := check{id: "hangs", look: tt.look, limit: 20 * time.Millisecond}.make(t.Context(), x)
		if o.verdict != isFailed || !strings.Contains(o.found, tt.says) {
			t.Errorf("%s: %v", name, o)
		}
	}
	if ended.Load() {
		t.Error("it did not hang")
	}
	close(release)
}

func TestAFactThatHangsIsNamed(t *testing.T) {
	x := &scene{}
	f := find(t.Context(), x, 10*time.Millisecond, "Redis", func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	if _, err := f.get(t.Context()); err == nil || err.Error() != "Redis did not answer within 10ms" {
		t.Errorf("%v", err)
	}
	x.asking.Wait()
}

func TestEveryCheckIsAnnouncedAndAnswered(t *testing.T) {
	var seen []string
	all := []check{
		{id: "a", title: "first", look: func(context.Context, *scene) outcome { return ok("fine") }},
		{id: "b", title: "second", look: func(context.Context, *scene) outcome { return failure("bad", "mend it") }},
	}
	err := examine(t.Context(), healthy(), all, func(r *adminv1.RunDiagnosticsResponse) error {
		if s := r.GetStarted(); s != nil {
			seen = append(seen, "?"+s.GetCheck())
		} else {
			seen = append(seen, r.GetResult().GetCheck()+"="+r.GetResult().GetFound())
		}
		return nil
	})
	if got := strings.Join(seen, " "); err != nil || got != "?a a=fine ?b b=bad" {
		t.Errorf("%s, %v", got, err)
	}
	gone := errors.New("the caller is gone")
	if err := examine(t.Context(), healthy(), all, func(*adminv1.RunDiagnosticsResponse) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := examine(ctx, healthy(), all, func(*adminv1.RunDiagnosticsResponse) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCheckNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range checks(true) {
		if seen[c.id] || c.title == "" {
			t.Errorf("%q twice, or without a title", c.id)
		}
		seen[c.id] = true
	}
}

func TestReplicasOfOtherWorkspacesAreLeftOut(t *testing.T) {
	in := func(team string) replica {
		return replica{name: team, findings: []*eventv1.Finding{found(examination.SlackToken, "", fine, examination.ValueTeam, team)}}
	}
	for _, tt := range []struct {
		all  []replica
		want string
	}{
		{[]replica{in("T0DEMO1"), in("T0OTHER"), in("")}, "T0DEMO1, "},
		{[]replica{in("T0OTHER")}, "T0OTHER"},
	} {
		if got := names(ofWorkspace(tt.all, "T0DEMO1")); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
