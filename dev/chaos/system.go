package chaos

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/dev/spawn"
)

// The made-up project and workspace. The credentials are those of the stand-ins, on loopback only.
const (
	project       = "demo-project"
	team          = "T0DEMO1"
	channel       = "C0SUPPORT"
	member        = "U0HANAKO"
	admin         = "U0ADMIN"
	operator      = "aaaaaaaaaaaaaaaaaaaaaaaa"
	adminToken    = "chaos-admin-token"
	memberToken   = "chaos-token-for-members"
	botToken      = "xoxb-demo"
	signingSecret = "demo-signing-secret"
	clientSecret  = "demo-client-secret"
	karteToken    = "demo-api-token"
)

// The services by name.
const (
	ingestKARTE  = "ingest-karte"
	router       = "router"
	slackGateway = "slack-gateway"
)

var services = []string{ingestKARTE, router, slackGateway}

// replicas of each service.
const replicas = 2

// startWithin bounds how long a program may take until it is ready.
const startWithin = 60 * time.Second

// system is all the processes.
type system struct {
	options  Options
	bin, dir string
	spawn    *spawn.Spawner
	nodes    []*process
	redis    *process
	standins *process
	services map[string][]*process
	// former are replicas that others have taken the place of.
	former  []*process
	proxies map[string]*proxy
	slack   *slackControl
	karte   *karteControl

	natsURL, redisAddr string
	// own are each service's own settings.
	own map[string][]string
}

// startSystem builds and starts everything, and answers once every part is ready. Close it in any case.
func startSystem(ctx context.Context, o Options) (*system, error) {
	s := &system{options: o, dir: o.Dir, bin: filepath.Join(o.Dir, "bin"), spawn: spawn.New(), services: map[string][]*process{}, proxies: map[string]*proxy{}}
	if err := build(ctx, s.bin); err != nil {
		return s, err
	}
	const perNode = 3
	needed := o.Nodes*perNode + 1 + 2 + len(services)*replicas*2
	ports, err := freePorts(needed, 20000+rand.IntN(8000))
	if err != nil {
		return s, err
	}
	take := func(n int) []int {
		taken := ports[:n]
		ports = ports[n:]
		return taken
	}
	if err := s.configureNodes(take(o.Nodes), take(o.Nodes), take(o.Nodes)); err != nil {
		return s, err
	}
	if err := s.configureRedis(take(1)[0]); err != nil {
		return s, err
	}
	s.configureStandins(take(2))
	if err := s.configureServices(take(len(services)*replicas), take(len(services)*replicas)); err != nil {
		return s, err
	}
	return s, s.startAll(ctx)
}

func (s *system) startAll(ctx context.Context) error {
	first := append(slices.Clone(s.nodes), s.redis, s.standins)
	for _, p := range first {
		if err := p.start(); err != nil {
			return err
		}
	}
	if err := awaitReady(ctx, first...); err != nil {
		return err
	}
	for _, p := range s.replicas() {
		if err := p.start(); err != nil {
			return err
		}
	}
	return awaitReady(ctx, s.replicas()...)
}

// replicas answers every process of every service.
func (s *system) replicas() []*process {
	var all []*process
	for _, name := range services {
		all = append(all, s.services[name]...)
	}
	return all
}

func (s *system) all() []*process {
	all := append(append(s.replicas(), s.nodes...), s.former...)
	for _, p := range []*process{s.redis, s.standins} {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

func (s *system) process(name string, path string, ready func() error, args ...string) *process {
	return &process{
		name: name, path: path, args: args, log: filepath.Join(s.dir, name+".log"), ready: ready, spawn: s.spawn,
		env: []string{"GOMAXPROCS=1", "TMPDIR=" + os.TempDir(), "PATH=" + os.Getenv("PATH")},
	}
}

// configureNodes writes the configuration of a NATS cluster with JetStream.
func (s *system) configureNodes(clients, routes, monitors []int) error {
	var urls, peers []string
	for i := range clients {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", clients[i]))
		peers = append(peers, fmt.Sprintf("nats://127.0.0.1:%d", routes[i]))
	}
	s.natsURL = strings.Join(urls, ",")
	for i := range clients {
		name := fmt.Sprintf("nats-%d", i)
		text := fmt.Sprintf("server_name: %s\nlisten: 127.0.0.1:%d\nhttp: 127.0.0.1:%d\nmax_payload: 4MB\njetstream { store_dir: %q, max_file: 4GB, max_mem: 256MB }\n",
			name, clients[i], monitors[i], filepath.Join(s.dir, name))
		if len(clients) > 1 {
			text += fmt.Sprintf("cluster { name: chaos, listen: 127.0.0.1:%d, routes: [%s] }\n", routes[i], strings.Join(peers, ", "))
		}
		if s.options.LameDuck > 0 {
			text += fmt.Sprintf("lame_duck_duration: 30s\nlame_duck_grace_period: %q\n", s.options.LameDuck)
		}
		path := filepath.Join(s.dir, name+".conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("configure %s: %w", name, err)
		}
		health := fmt.Sprintf("http://127.0.0.1:%d/healthz", monitors[i])
		s.nodes = append(s.nodes, s.process(name, filepath.Join(s.bin, "nats-server"), func() error { return probe(health) }, "-c", path))
	}
	return nil
}

func (s *system) configureRedis(port int) error {
	dir := filepath.Join(s.dir, "redis")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the folder of Redis: %w", err)
	}
	s.redisAddr = fmt.Sprintf("127.0.0.1:%d", port)
	s.redis = s.process("redis", "redis-server", func() error { return ask(s.redisAddr, "PING", "+PONG") },
		"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", dir, "--appendonly", "yes", "--save", "")
	return nil
}

func (s *system) configureStandins(ports []int) {
	slackAddr, karteAddr := fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	s.slack, s.karte = &slackControl{control{"http://" + slackAddr}, s.options.channels()}, &karteControl{control{"http://" + karteAddr}}
	ready := func() error {
		return errors.Join(s.slack.get(context.Background(), "/_control/calls", nil), s.karte.get(context.Background(), "/_control/knobs", nil))
	}
	s.standins = s.process("standins", filepath.Join(s.bin, "standins"), ready,
		"-slack", slackAddr, "-karte", karteAddr, "-retry", "300ms", "-retry-aside", "-seed", fmt.Sprint(s.options.Seed),
		"-posts-per-second", fmt.Sprint(s.options.PostsPerSecond), "-burst", "20")
}

func (s *system) configureServices(ports, admins []int) error {
	tokens := filepath.Join(s.dir, "tokens.yaml")
	text := fmt.Sprintf("- name: chaos\n  sha256: %x\n  role: admin\n  projects: [\"*\"]\n", sha256.Sum256([]byte(adminToken))) +
		fmt.Sprintf("- name: slack-gateway\n  sha256: %x\n  role: viewer\n  projects: [\"*\"]\n  acts_for_members: true\n", sha256.Sum256([]byte(memberToken)))
	if err := os.WriteFile(tokens, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the API tokens: %w", err)
	}
	s.own = map[string][]string{
		ingestKARTE:  {"KARTE_API_URL=" + s.karte.url, "KARTE_API_TOKEN=" + karteToken, "KARTE_CLIENT_SECRET=" + clientSecret, "KARTE_PROJECT=" + project},
		router:       {"REDIS_URL=redis://" + s.redisAddr, "API_TOKENS_FILE=" + tokens},
		slackGateway: {"SLACK_API_URL=" + s.slack.url + "/api/", "SLACK_BOT_TOKEN=" + botToken, "SLACK_SIGNING_SECRET=" + signingSecret, "SLACK_PACE=" + s.options.Pace.String(), "SLACK_THREAD_CHECKS_PER_MINUTE=1000000", "SLACK_CARD_DELAY=200ms"},
	}
	for i, name := range services {
		var backends []string
		for j := range replicas {
			addr, adminAddr := fmt.Sprintf("127.0.0.1:%d", ports[i*replicas+j]), fmt.Sprintf("127.0.0.1:%d", admins[i*replicas+j])
			replica := s.replica(name, fmt.Sprintf("%s-%d", name, j), addr, adminAddr)
			if s.options.Former != "" {
				replica.path = filepath.Join(s.options.Former, name)
			}
			s.services[name] = append(s.services[name], replica)
			backends = append(backends, addr)
		}
		p, err := newProxy(backends)
		if err != nil {
			return err
		}
		s.proxies[name] = p
	}
	for _, p := range s.services[slackGateway] {
		p.env = append(p.env, "ROUTER_ADDR="+s.proxies[router].addr(), "ROUTER_TOKEN="+memberToken)
	}
	return nil
}

// replica is a process of a service that listens at addr.
func (s *system) replica(service, name, addr, adminAddr string) *process {
	p := s.process(name, filepath.Join(s.bin, service), func() error { return probe("http://" + adminAddr + "/readyz") })
	p.addr = addr
	p.env = slices.Concat(p.env, s.own[service], []string{
		"NATS_URL=" + s.natsURL, "STREAM_REPLICAS=" + fmt.Sprint(s.options.Nodes), "PARTITIONS=" + fmt.Sprint(s.options.Partitions),
		"ADMIN_ADDR=" + adminAddr, "HTTP_ADDR=" + addr, "GRPC_ADDR=" + addr,
	})
	return p
}

// close ends every process that was started.
func (s *system) close() {
	for _, p := range s.all() {
		p.kill()
	}
	for _, p := range s.proxies {
		p.close()
	}
	s.spawn.Close()
}

// awaitReady waits until all are ready.
func awaitReady(ctx context.Context, all ...*process) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for _, p := range all {
		for {
			err := p.ready()
			if err == nil {
				break
			}
			if !sleep(ctx, 50*time.Millisecond) {
				return fmt.Errorf("%s is not ready: %w", p.name, errors.Join(err, ctx.Err()))
			}
		}
	}
	return nil
}

var probing = &http.Client{Timeout: 2 * time.Second}

// probe answers nil when url answers 200.
func probe(url string) error {
	response, err := probing.Get(url)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s", errNotReady, response.Status)
	}
	return nil
}

// ask sends Redis one inline command and compares the beginning of its answer.
func ask(addr, command, want string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return fmt.Errorf("ask Redis: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return fmt.Errorf("ask Redis: %w", err)
	}
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	if err != nil {
		return fmt.Errorf("%w: Redis does not answer %s: %w", errNotReady, command, err)
	}
	if !strings.HasPrefix(string(answer[:n]), want) {
		return fmt.Errorf("%w: Redis answers %q to %s", errNotReady, answer[:n], command)
	}
	return nil
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
