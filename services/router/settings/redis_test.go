package settings_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func TestMain(m *testing.M) {
	if realRedis() == "" {
		fmt.Fprint(os.Stderr, "\n*** No redis-server on PATH or in $REDIS_SERVER: ONLY THE IN-PROCESS STAND-IN WAS TESTED. ***\n\n")
	}
	goleak.VerifyTestMain(m)
}

// eachRedis runs a test on the in-process stand-in and on a real server. The real one must be there in CI.
func eachRedis(t *testing.T, test func(t *testing.T, client redis.UniversalClient)) {
	t.Run("in-process", func(t *testing.T) {
		test(t, connect(t, &redis.UniversalOptions{Addrs: []string{miniredis.RunT(t).Addr()}}))
	})
	t.Run("real", func(t *testing.T) {
		needRealRedis(t)
		test(t, connect(t, unixOptions(startRedis(t, t.TempDir()).socket)))
	})
}

func realRedis() string {
	if path := os.Getenv("REDIS_SERVER"); path != "" {
		return path
	}
	path, _ := exec.LookPath("redis-server")
	return path
}

func needRealRedis(t *testing.T) {
	t.Helper()
	if realRedis() == "" {
		prerequisite.Missing(t, "a real redis-server on PATH or in $REDIS_SERVER")
	}
}

type server struct {
	cmd    *exec.Cmd
	socket string
}

// startRedis starts a real server that keeps its data in dir. It is stopped with the test.
func startRedis(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	sockets, err := os.MkdirTemp("", "redis") // not t.TempDir(): the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	s := &server{socket: filepath.Join(sockets, "redis.sock")}
	args = append([]string{"--port", "0", "--unixsocket", s.socket, "--save", "", "--dir", dir}, args...)
	s.cmd = exec.Command(realRedis(), args...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		os.RemoveAll(sockets)
	})
	client := connect(t, unixOptions(s.socket))
	eventually.Holds(t, 20*time.Second, "redis-server answers", func() bool { return client.Ping(t.Context()).Err() == nil })
	return s
}

// kill stops the server without warning; a second time it does nothing.
func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func unixOptions(socket string) *redis.UniversalOptions {
	return &redis.UniversalOptions{Addrs: []string{socket}}
}

func connect(t *testing.T, options *redis.UniversalOptions) redis.UniversalClient {
	t.Helper()
	options.ContextTimeoutEnabled = true
	options.PoolSize = 20
	client := redis.NewUniversalClient(options)
	t.Cleanup(func() { client.Close() })
	return client
}

// moment is when everything happens in these tests.
var moment = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newStore(client redis.UniversalClient) *settings.Store {
	return settings.New(client, func() time.Time { return moment })
}

// wantIndexInStep fails unless the members index is exactly the links read from the other side.
func wantIndexInStep(t *testing.T, client redis.UniversalClient, project string) {
	t.Helper()
	store := newStore(client)
	links, next, err := store.ListLinks(t.Context(), project, 1000, "")
	if err != nil || next != "" {
		t.Fatalf("list links: next %q, %v", next, err)
	}
	want := map[string]string{}
	for _, link := range links {
		want[link.GetSlackMember()] = link.GetName()[strings.LastIndex(link.GetName(), "/")+1:]
	}
	got, err := client.HGetAll(t.Context(), settings.MembersKey(project)).Result()
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(want) != len(links) {
		t.Fatalf("index is %v, links say %v (%d links)", got, want, len(links))
	}
}
