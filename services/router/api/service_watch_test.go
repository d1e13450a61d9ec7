package api

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

type watchStream = grpc.ServerStreamingClient[settingsv1.WatchTeamSettingsResponse]

// watch opens a stream that ends when the test does, whatever happens.
func (r *running) watch(t *testing.T, token, project, etag string) (watchStream, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithTimeout(as(t, token), 20*time.Second)
	t.Cleanup(cancel)
	stream, err := r.WatchTeamSettings(ctx, &settingsv1.WatchTeamSettingsRequest{Name: settings.TeamName(project), Etag: etag})
	if err != nil {
		t.Fatal(err)
	}
	return stream, cancel
}

// told answers the etag that comes next.
func told(t *testing.T, stream watchStream) string {
	t.Helper()
	answer, err := stream.Recv()
	if err != nil {
		t.Fatalf("the watch ended: %v", err)
	}
	return answer.GetTeamSettings().GetEtag()
}

func (r *running) change(t *testing.T, project string) (etag string) {
	t.Helper()
	answer, err := r.UpdateTeamSettings(as(t, adminAll), update(project, on(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetTeamSettings().GetEtag()
}

func TestAWatchTellsWhatIsThenWhatBecomesAndIsResumed(t *testing.T) {
	r := start(t)
	stream, cancel := r.watch(t, viewerDemo, "demo", "")
	if etag := told(t, stream); etag != settings.EmptyEtag {
		t.Errorf("first %s", etag)
	}
	seen := r.change(t, "demo")
	if etag := told(t, stream); etag != seen {
		t.Errorf("told %s, want %s", etag, seen)
	}
	cancel()
	_, err := stream.Recv()
	wantCode(t, "cancelled", err, codes.Canceled)

	resumed, _ := r.watch(t, viewerDemo, "demo", seen)
	next := r.change(t, "demo")
	if etag := told(t, resumed); etag != next {
		t.Errorf("resumed after %s: told %s, want %s", seen, etag, next)
	}
	late, _ := r.watch(t, viewerDemo, "demo", seen)
	if etag := told(t, late); etag != next {
		t.Errorf("resumed too late: told %s, want %s", etag, next)
	}
	for _, bad := range []string{"demo/x", "a}b", ""} {
		stream, _ := r.watch(t, adminAll, bad, "")
		_, err := stream.Recv()
		wantFields(t, bad, err, "name")
	}
}

// A server that is stopped tells its watchers so by an ordinary end, and does not wait for them.
func TestAStoppingServerEndsItsWatches(t *testing.T) {
	r := start(t)
	var streams []watchStream
	for range 5 {
		stream, _ := r.watch(t, viewerDemo, "demo", "")
		told(t, stream)
		streams = append(streams, stream)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.server.GracefulStop()
	}()
	r.stopHub()
	for _, stream := range streams {
		if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("the watch ended with %v", err)
		}
	}
	<-stopped
}

func (r *running) writeTokens(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(r.tokens, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAStreamEndsSoonAfterItsCallerMayNotHaveItAnyMore(t *testing.T) {
	for name, c := range map[string]struct {
		change func(file string) string
		want   codes.Code
	}{
		"token taken out": {func(file string) string {
			return strings.Join(strings.SplitAfter(file, "\n")[1:], "")
		}, codes.Unauthenticated},
		"project taken away": {func(file string) string {
			return strings.Replace(file, "[demo]", "[other]", 1)
		}, codes.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for the file to be looked at
			r := start(t)
			watching, _ := r.watch(t, viewerDemo, "demo", "")
			other, _ := r.watch(t, operatorDemo, "demo", "")
			told(t, watching)
			told(t, other)
			began := time.Now()
			r.writeTokens(t, c.change(tokensFile()))
			_, err := watching.Recv()
			if status.Code(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %v", took)
			}
			etag := r.change(t, "demo")
			if got := told(t, other); got != etag {
				t.Errorf("another's stream is told %s, want %s", got, etag)
			}
		})
	}
}

func TestAWatchOutlivesRedis(t *testing.T) {
	r := start(t)
	stream, _ := r.watch(t, viewerDemo, "demo", "")
	told(t, stream)
	r.redis.Close()
	_, err := r.GetTeamSettings(as(t, viewerDemo), &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")})
	wantCode(t, "get without Redis", err, codes.Unavailable)
	if err := r.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	etag := r.change(t, "demo")
	if got := told(t, stream); got != etag {
		t.Errorf("told %s, want %s", got, etag)
	}
}
