package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// redisServer runs a Redis with a configuration on a port of its own, and answers the port and what kills it.
func redisServer(t *testing.T, port string, conf ...string) (kill func()) {
	t.Helper()
	path := prerequisite.Program(t, "redis-server")
	dir := t.TempDir()
	file := filepath.Join(dir, "redis.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\n%s\n", port, dir, strings.Join(conf, "\n"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{file}
	if strings.Contains(text, "sentinel monitor") {
		args = append(args, "--sentinel")
	}
	command := exec.CommandContext(context.Background(), path, args...)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	dead := false
	kill = func() {
		if !dead {
			_ = command.Process.Kill()
			_ = command.Wait()
		}
		dead = true
	}
	t.Cleanup(kill)
	eventually.Holds(t, within, "Redis listens on "+port, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return kill
}

func port(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(freePort(t))
}

// roundTrip is one message in each direction.
func roundTrip(s system, customer, words string) {
	s.t.Helper()
	s.says(kartestandin.Customer{UserID: customer}, words)
	s.marked(s.replies(stack.Hanako, s.head(words), "```answer to "+words+"```"), "white_check_mark")
}

// The master that Sentinel names dies; a replica takes over with everything that was in it.
func TestAReplicaTakesOverFromRedis(t *testing.T) {
	master, replica, sentinel := port(t), port(t), port(t)
	kill := redisServer(t, master, "requirepass demo-password", "masterauth demo-password")
	redisServer(t, replica, "requirepass demo-password", "masterauth demo-password", "replicaof 127.0.0.1 "+master)
	redisServer(t, sentinel, "sentinel monitor demo 127.0.0.1 "+master+" 1", "sentinel auth-pass demo demo-password", "sentinel down-after-milliseconds demo 1000",
		"sentinel failover-timeout demo 5000")
	client := redis.NewSentinelClient(&redis.Options{Addr: "127.0.0.1:" + sentinel})
	defer func() { _ = client.Close() }()
	direct := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + replica, Password: "demo-password"})
	defer func() { _ = direct.Close() }()
	eventually.Holds(t, within, "Sentinel knows the replica", func() bool {
		replicas, err := client.Replicas(t.Context(), "demo").Result()
		return err == nil && len(replicas) == 1 && strings.Contains(direct.Info(t.Context(), "replication").Val(), "master_link_status:up")
	})
	s := start(t, stack.Options{RedisURL: "redis://127.0.0.1:" + sentinel + "/0?master_name=demo&password=demo-password"})
	roundTrip(s, "member-1", "before")
	eventually.Holds(t, within, "the replica has the links", func() bool {
		n, err := direct.Exists(t.Context(), "settings:{"+stack.Project+"}:links").Result()
		return err == nil && n == 1
	})
	kill()
	roundTrip(s, "member-1", "after")
	if threads := s.heads(); len(threads) != 1 {
		t.Errorf("%d threads", len(threads))
	}
}

// The password of Redis is replaced while router runs.
func TestThePasswordOfRedisIsReplaced(t *testing.T) {
	at, files := port(t), t.TempDir()
	redisServer(t, at, "requirepass first-password")
	s := start(t, stack.Options{RedisURL: "redis://:first-password@127.0.0.1:" + at, Secrets: files})
	roundTrip(s, "member-1", "before")
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + at, Password: "first-password"})
	defer func() { _ = client.Close() }()
	if err := client.ConfigSet(t.Context(), "requirepass", "second-password").Err(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files, "REDIS_URL"), []byte("redis://:second-password@127.0.0.1:"+at), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := client.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	roundTrip(s, "member-1", "after")
}

// manifestUsers writes the users of Redis as the manifests have them, with passwords, and somebody who sets the cluster up.
func manifestUsers(t *testing.T) (path string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/k8s/base/redis/users.example.acl")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "users.acl")
	users := strings.ReplaceAll(string(text), ">replace-me", ">demo-password") + "\nuser admin on >demo-password ~* &* +@all\n"
	if err := os.WriteFile(path, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Three masters share the slots; everything works on keys of one slot at a time. The user of the manifests may do all that router does there, and no more of the
// commands of a cluster than to ask who has what.
func TestRedisClusterServes(t *testing.T) {
	users := manifestUsers(t)
	ports := []string{port(t), port(t), port(t)}
	ctx := t.Context()
	var clients []*redis.Client
	for i, p := range ports {
		bus := port(t)
		redisServer(t, p, "cluster-enabled yes", "cluster-port "+bus, "aclfile "+users)
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + p, Username: "admin", Password: "demo-password"})
		defer func() { _ = client.Close() }()
		if err := client.ClusterAddSlotsRange(ctx, 16384*i/3, 16384*(i+1)/3-1).Err(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := clients[0].Do(ctx, "CLUSTER", "MEET", "127.0.0.1", p, bus).Err(); err != nil {
				t.Fatal(err)
			}
		}
		clients = append(clients, client)
	}
	eventually.Holds(t, within, "the cluster is one", func() bool {
		for _, c := range clients {
			info, err := c.ClusterInfo(ctx).Result()
			if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:3") {
				return false
			}
		}
		return true
	})
	s := start(t, stack.Options{RedisURL: fmt.Sprintf("redis://router:demo-password@127.0.0.1:%s?addr=127.0.0.1:%s&addr=127.0.0.1:%s", ports[0], ports[1], ports[2])})
	for _, customer := range []string{"member-1", "member-2", "member-3"} {
		roundTrip(s, customer, "words of "+customer)
	}
	own := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + ports[0], Username: "router", Password: "demo-password"})
	defer func() { _ = own.Close() }()
	for _, forbidden := range [][]any{{"CLUSTER", "FORGET", "x"}, {"CLUSTER", "RESET"}, {"CLUSTER", "FAILOVER"}, {"FLUSHALL"}, {"CONFIG", "GET", "*"}} {
		if err := own.Do(ctx, forbidden...).Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("router may %v: %v", forbidden, err)
		}
	}
	used := 0
	for _, c := range clients {
		if n, err := c.DBSize(ctx).Result(); err == nil && n > 0 {
			used++
		}
	}
	if used < 2 {
		t.Errorf("%d of three masters have something", used)
	}
}
