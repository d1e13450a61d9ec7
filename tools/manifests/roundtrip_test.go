package manifests

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

const testToken = "slacktalk_token-of-a-test"

// installation is production on this machine: three NATS servers and Redis as the manifests configure them, and the services as processes with
// the environment and the Secrets of their pods.
type installation struct {
	m                       Manifests
	made, bin               string
	nats                    []*server.Server
	redis, slack, karte, gw int
	hook, api               int
	admin                   map[string]int
}

// The whole of production, each service with its own user: topology makes the streams, a customer is answered from Slack, and the doctor finds everything in
// order. Nothing is refused on the way.
func TestProductionCarriesARoundTrip(t *testing.T) {
	program := prerequisite.Program(t, "redis-server")
	i := &installation{m: rendered(t, "overlays/production"), made: secrets(t, "overlays/production"), bin: built(t)}
	free := ports(t, 9)
	i.redis, i.slack, i.karte, i.gw, i.hook, i.api = free[0], free[1], free[2], free[3], free[4], free[5]
	i.admin = map[string]int{"ingest-karte": free[6], "router": free[7], "slack-gateway": free[8]}
	i.nats = threeServers(t, i.m, i.made)
	redisServer(t, program, t.TempDir(), i.made, i.redis)
	i.fillSecrets(t)
	i.topology(t)
	i.start(t)
	i.configure(t)
	i.converse(t)
	if out, err := i.talkctl(t, "doctor", "--send-test"); err != nil {
		t.Errorf("the doctor finds: %v\n%s", err, out)
	}
	backup := i.command(t, "backup", "topology", "save", filepath.Join(t.TempDir(), "saved"))
	if out, err := backup.CombinedOutput(); err != nil {
		t.Errorf("save: %v\n%s", err, out)
	}
}

// fillSecrets leads the made Secrets to this machine, and has those of the stand-ins in them.
func (i *installation) fillSecrets(t *testing.T) {
	t.Helper()
	for n, user := range []string{"ingest-karte", "router", "slack-gateway", "topology"} {
		put(t, filepath.Join(i.made, user, "nats-url"), func(url string) string {
			return strings.Replace(url, "nats:4222", i.nats[n%3].Addr().String(), 1)
		})
	}
	put(t, filepath.Join(i.made, "router", "redis-url"), func(url string) string {
		return strings.Replace(url, "redis:6379", fmt.Sprintf("127.0.0.1:%d", i.redis), 1)
	})
	put(t, filepath.Join(i.made, "router", "api-tokens"), func(list string) string {
		return list + fmt.Sprintf("- {name: test, sha256: %x, role: admin, projects: [\"*\"]}\n", sha256.Sum256([]byte(testToken)))
	})
	for file, value := range map[string]string{
		"ingest-karte/karte-api-token": "demo-api-token", "ingest-karte/karte-client-secret": "demo-client-secret",
		"slack-gateway/slack-bot-token": "xoxb-demo", "slack-gateway/slack-signing-secret": "demo-signing-secret",
	} {
		put(t, filepath.Join(i.made, file), func(string) string { return value })
	}
}

// environ answers what a workload's container is started with, led to this machine.
func (i *installation) environ(t *testing.T, name string) []string {
	t.Helper()
	here := map[string]string{
		"PARTITIONS": "2", "HTTP_ADDR": fmt.Sprintf("127.0.0.1:%d", map[string]int{"ingest-karte": i.hook, "slack-gateway": i.gw}[name]), "GRPC_ADDR": fmt.Sprintf("127.0.0.1:%d", i.api),
		"ADMIN_ADDR": fmt.Sprintf("127.0.0.1:%d", i.admin[name]), "ROUTER_ADDR": fmt.Sprintf("127.0.0.1:%d", i.api),
		"KARTE_API_URL": fmt.Sprintf("http://127.0.0.1:%d", i.karte), "KARTE_PROJECT": "demo-project", "SLACK_API_URL": fmt.Sprintf("http://127.0.0.1:%d/api/", i.slack),
	}
	var environ []string
	for _, w := range i.m.Workloads() {
		if w.Name != name {
			continue
		}
		for variable, value := range environment(t, i.m, w.Pod.Spec.Containers[0]) {
			if _, led := here[variable]; !led && value != "" {
				environ = append(environ, variable+"="+place(w.Pod.Spec, value, i.made))
			}
		}
	}
	for variable, value := range here {
		environ = append(environ, variable+"="+value)
	}
	return environ
}

// topology does what the Job does.
func (i *installation) topology(t *testing.T) {
	t.Helper()
	eventually.Holds(t, time.Minute, "the servers have found each other", func() bool {
		return i.nats[0].JetStreamIsCurrent() && i.nats[1].JetStreamIsCurrent() && i.nats[2].JetStreamIsCurrent()
	})
	apply := exec.CommandContext(t.Context(), filepath.Join(i.bin, "talkctl"), "topology", "apply")
	apply.Env = i.environ(t, "topology")
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("topology apply: %v: %s", err, out)
	}
}

func (i *installation) start(t *testing.T) {
	t.Helper()
	at := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	runs(t, filepath.Join(i.bin, "standins"), nil, "-people", "-slack="+at(i.slack), "-karte="+at(i.karte), "-gateway=http://"+at(i.gw), "-hook=http://"+at(i.hook)+"/hooks/karte")
	for name := range i.admin {
		runs(t, filepath.Join(i.bin, name), i.environ(t, name))
	}
	for name, admin := range i.admin {
		ready(t, name, admin)
	}
}

// command makes a call of talkctl at NATS as another user than those of the pods.
func (i *installation) command(t *testing.T, user string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(i.bin, "talkctl"), args...)
	cmd.Env = []string{fmt.Sprintf("NATS_URL=nats://%s:%s@%s", user, natsPassword(t, i.made, user), i.nats[0].Addr())}
	return cmd
}

// talkctl calls the API.
func (i *installation) talkctl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(i.bin, "talkctl"), args...)
	cmd.Env = []string{fmt.Sprintf("TALKCTL_ADDRESS=127.0.0.1:%d", i.api), "TALKCTL_PROJECT=demo-project", "TALKCTL_TOKEN=" + testToken, "TALKCTL_INSECURE=true", "TALKCTL_CONFIG=" + filepath.Join(t.TempDir(), "none")}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (i *installation) configure(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{
		{"operators", "link", strings.Repeat("a", 24), "U0HANAKO"},
		{"settings", "set", "workspace=T0DEMO1", "channel=C0SUPPORT", "admins=U0ADMIN", "notifications_enabled=true", "thread_replies_enabled=true", "mention_policy=here"},
	} {
		if out, err := i.talkctl(t, args...); err != nil {
			t.Fatalf("talkctl %s: %v: %s", args[0], err, out)
		}
	}
}

// converse lets a customer write, an operator answer, and the customer see it.
func (i *installation) converse(t *testing.T) {
	t.Helper()
	customer := map[string]string{"user_id": "member-1"}
	outside(t, i.karte, "POST", "customer-writes", map[string]any{"customer": customer, "text": "まだ届きません"})
	thread := ""
	eventually.Holds(t, 30*time.Second, "the question is in Slack", func() bool {
		var shown struct{ Messages []struct{ TS, Text string } }
		if err := json.Unmarshal([]byte(outside(t, i.slack, "GET", "messages?channel=C0SUPPORT", nil)), &shown); err != nil || len(shown.Messages) == 0 {
			return false
		}
		thread = shown.Messages[0].TS
		return strings.Contains(shown.Messages[0].Text, "まだ届きません")
	})
	reply := map[string]string{"member": "U0HANAKO", "channel": "C0SUPPORT", "thread_ts": thread, "text": "```明日お届けします```"}
	outside(t, i.slack, "POST", "write", reply)
	eventually.Holds(t, 30*time.Second, "the customer has the answer", func() bool {
		return strings.Contains(outside(t, i.karte, "GET", "messages?customer=member-1", nil), "明日お届けします")
	})
}
