package manifests

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// redisServer runs Redis as the manifests configure it, on a port and in a folder of its own, and answers how to stop it.
func redisServer(t *testing.T, program, data, made string, port int) (stop func()) {
	t.Helper()
	conf := ""
	for _, c := range Of[*corev1.ConfigMap](rendered(t, "overlays/production")) {
		if text, ok := c.Data["redis.conf"]; ok {
			conf = text
		}
	}
	conf = strings.Replace(conf, "dir /data", "dir "+data, 1)
	conf = strings.Replace(conf, "/etc/redis-secrets/", filepath.Join(made, "redis-users")+"/", 1)
	path := filepath.Join(t.TempDir(), "redis.conf")
	if err := os.WriteFile(path, []byte(conf+"\nbind 127.0.0.1\nport "+fmt.Sprint(port)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once bool
	stop = func() {
		if !once {
			once = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	eventually.Holds(t, 10*time.Second, "Redis answers", func() bool {
		return strings.Contains(strings.Join(say(port, "AUTH probe any", "PING"), " "), "+PONG")
	})
	return stop
}

// say sends commands over one connection and answers the first line of each answer.
func say(port int, commands ...string) []string {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return []string{err.Error()}
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	lines := bufio.NewScanner(conn)
	var answers []string
	for _, c := range commands {
		fmt.Fprintf(conn, "%s\r\n", c)
		if lines.Scan() {
			answers = append(answers, lines.Text())
		}
	}
	return answers
}

// Redis reads its file back as the user `default`: with too few permissions it leaves out every transaction and says nothing but a line in the log.
func TestRedisKeepsTransactionsOverARestart(t *testing.T) {
	program := prerequisite.Program(t, "redis-server")
	made, data, port := secrets(t, "overlays/production"), t.TempDir(), ports(t, 1)[0]
	login := "AUTH router " + password(t, made)
	stop := redisServer(t, program, data, made, port)
	got := say(port, login, "MULTI", "HSET settings:{demo}:links op U0DEMO1", "HSET settings:{demo}:members U0DEMO1 op", "EXEC")
	if got[len(got)-1] != "*2" {
		t.Fatalf("the transaction was answered %q", got)
	}
	stop()
	redisServer(t, program, data, made, port)
	if got := say(port, login, "HLEN settings:{demo}:links", "HLEN settings:{demo}:members"); strings.Join(got, " ") != "+OK :1 :1" {
		t.Errorf("after the restart: %q", got)
	}
}

func TestWhatRedisRefuses(t *testing.T) {
	program := prerequisite.Program(t, "redis-server")
	made, port := secrets(t, "overlays/production"), ports(t, 1)[0]
	redisServer(t, program, t.TempDir(), made, port)
	login := "AUTH router " + password(t, made)
	for _, c := range []struct{ login, command, want string }{
		{"PING", "GET a", "-NOAUTH"},
		{"AUTH default any", "GET a", "-NOAUTH"},
		{"AUTH probe any", "GET a", "-NOPERM"},
		{login, "FLUSHALL", "-NOPERM"},
		{login, "KEYS *", "-NOPERM"},
		{login, "CONFIG GET dir", "-NOPERM"},
		{login, "ACL LIST", "-NOPERM"},
		{login, "SHUTDOWN", "-NOPERM"},
		{login, "PUBLISH other x", "-NOPERM"},
		{login, "SET a b", "+OK"},
		{login, "INFO persistence", "$"},
		{login, "PUBLISH settings:changes demo", ":0"},
	} {
		if got := say(port, c.login, c.command); !strings.HasPrefix(got[len(got)-1], c.want) {
			t.Errorf("%s after %s is answered %q, want %s", c.command, strings.Fields(c.login)[0], got, c.want)
		}
	}
}

// password answers the one that was made for router.
func password(t *testing.T, made string) string {
	t.Helper()
	url, err := os.ReadFile(filepath.Join(made, "router", "redis-url"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(url), "router:")
	found, _, ok := strings.Cut(rest, "@")
	if !ok {
		t.Fatal("redis-url has no password")
	}
	return found
}
