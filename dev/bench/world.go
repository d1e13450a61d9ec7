package bench

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/spawn"
)

// The made-up project and workspace. The credentials are those of the stand-ins, on loopback only.
const (
	project       = "demo-project"
	team          = "T0DEMO1"
	member        = "U0HANAKO"
	operator      = "aaaaaaaaaaaaaaaaaaaaaaaa"
	adminToken    = "bench-admin-token"
	memberToken   = "bench-token-for-members"
	botToken      = "xoxb-demo"
	signingSecret = "demo-signing-secret"
	clientSecret  = "demo-client-secret"
	karteToken    = "demo-api-token"
	page          = "shop.example.com"
)

func channelID(n int) string { return fmt.Sprintf("C0BENCH%02d", n) }

// world is a NATS server, a Redis server, stand-ins without limits in this process, and the services that a row is about.
type world struct {
	*bench
	dir       string
	spawn     *spawn.Spawner
	processes []*process
	services  map[string]*process

	nats, redis          *process
	natsURL, redisAddr   string
	natsProfiles         string
	natsMonitor          string
	conn                 *nats.Conn
	js                   jetstream.JetStream
	store                *redis.Client
	slack                *slackstandin.Server
	karte                *kartestandin.Server
	slackURL, karteURL   string
	at                   *arrivals
	slowKARTE, slackGaps gate

	stop    context.CancelFunc
	serving *errgroup.Group
}

// world starts the servers and the stand-ins; close it.
func (b *bench) world(ctx context.Context) (_ *world, err error) {
	w := &world{bench: b, spawn: spawn.New(), services: map[string]*process{}, at: &arrivals{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.dir, err = os.MkdirTemp(b.Dir, "world-"); err != nil {
		return w, fmt.Errorf("make a folder: %w", err)
	}
	if err := w.startStandins(ctx); err != nil {
		return w, err
	}
	if err := w.startNATS(ctx); err != nil {
		return w, err
	}
	return w, w.startRedis(ctx)
}

func (w *world) close() error {
	for _, p := range slices.Backward(w.processes) {
		if p != w.nats && p != w.redis {
			p.stop()
		}
	}
	var problems []error
	if w.conn != nil {
		w.conn.Close()
	}
	if w.store != nil {
		problems = append(problems, w.store.Close())
	}
	for _, p := range w.processes {
		p.stop()
	}
	if w.stop != nil {
		w.stop()
		problems = append(problems, w.serving.Wait())
	}
	w.spawn.Close()
	if len(w.dir) > 0 {
		problems = append(problems, os.RemoveAll(w.dir))
	}
	return errors.Join(problems...)
}

func (w *world) startNATS(ctx context.Context) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	monitor, err := freeAddr()
	if err != nil {
		return err
	}
	if w.natsProfiles, err = freeAddr(); err != nil {
		return err
	}
	_, profiles, _ := net.SplitHostPort(w.natsProfiles)
	w.natsMonitor = "http://" + monitor
	text := fmt.Sprintf("server_name: bench\nlisten: %s\nhttp: %s\nmax_payload: 4MB\njetstream { store_dir: %q, max_file: 32GB, max_mem: 256MB }\n", addr, monitor, filepath.Join(w.dir, "jetstream"))
	if w.Profiles != "" {
		text += "prof_port: " + profiles + "\n"
	}
	path := filepath.Join(w.dir, "nats.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("configure NATS: %w", err)
	}
	if w.nats, err = w.launch("nats", filepath.Join(w.bin, natsServer), nil, "-c", path); err != nil {
		return err
	}
	if err := w.nats.await(ctx, 20*time.Millisecond, func() error { return probe(ctx, w.natsMonitor+"/healthz") }); err != nil {
		return err
	}
	w.natsURL = "nats://" + addr
	if w.conn, err = nats.Connect(w.natsURL); err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	if w.js, err = jetstream.New(w.conn, jetstream.WithPublishAsyncMaxPending(4096)); err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	return nil
}

// taken answers how many messages NATS has taken from its clients so far: what is published, asked and acknowledged.
func (w *world) taken(ctx context.Context) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.natsMonitor+"/varz", nil)
	if err != nil {
		return 0, fmt.Errorf("ask NATS: %w", err)
	}
	response, err := probing.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask NATS: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Taken float64 `json:"in_msgs"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("read NATS's answer: %w", err)
	}
	return answer.Taken, nil
}

func (w *world) startRedis(ctx context.Context) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(addr)
	// With the append-only file, as in our manifests; written once a second, as the reference's.
	w.redis, err = w.launch("redis", "redis-server", nil, "--port", port, "--bind", "127.0.0.1", "--dir", w.dir, "--appendonly", "yes", "--save", "")
	if err != nil {
		return err
	}
	w.redisAddr, w.store = addr, redis.NewClient(&redis.Options{Addr: addr})
	return w.redis.await(ctx, 20*time.Millisecond, func() error { return w.store.Ping(ctx).Err() })
}

// startStandins serves the stand-ins, and notes which messages reach them.
func (w *world) startStandins(ctx context.Context) error {
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	w.serving, ctx = errgroup.WithContext(ctx)
	w.slack = slackstandin.New(slackstandin.Config{RetryUntilAccepted: true})
	w.slack.AddMember(slackstandin.Member{ID: member, Name: "hanako", DisplayName: "佐藤 花子"})
	for n := range w.Sizes.Channels {
		w.slack.AddChannel(slackstandin.Channel{ID: channelID(n), Name: fmt.Sprintf("support-%02d", n)})
		if err := w.slack.InviteBot(channelID(n), member); err != nil {
			return fmt.Errorf("invite the app: %w", err)
		}
	}
	w.karte = kartestandin.New(kartestandin.Config{})
	var err error
	if w.slackURL, err = w.serve(ctx, w.watch("/api/chat.postMessage", &w.slackGaps, w.slack)); err != nil {
		return err
	}
	if w.karteURL, err = w.serve(ctx, w.watch(kartestandin.PathSendFromOperator, &w.slowKARTE, w.karte)); err != nil {
		return err
	}
	w.serving.Go(func() error { return w.slack.Run(ctx) })
	w.serving.Go(func() error { return w.karte.Run(ctx) })
	return nil
}

func (w *world) serve(ctx context.Context, handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	w.serving.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	w.serving.Go(func() error { <-ctx.Done(); return server.Close() })
	return "http://" + listener.Addr().String(), nil
}

// start starts a replica of a service under a name of its own, and waits until it is ready.
func (w *world) start(ctx context.Context, service, name string, settings ...string) (*process, error) {
	p, err := w.begin(service, name, settings...)
	if err != nil {
		return nil, err
	}
	return p, p.await(ctx, 10*time.Millisecond, func() error { return probe(ctx, p.admin+"/readyz") })
}

// begin starts it.
func (w *world) begin(service, name string, settings ...string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddr()
	if err != nil {
		return nil, err
	}
	own, err := w.settings(service)
	if err != nil {
		return nil, err
	}
	env := slices.Concat(own, []string{"NATS_URL=" + w.natsURL, "ADMIN_ADDR=" + admin, "HTTP_ADDR=" + addr, "GRPC_ADDR=" + addr, "PROFILING=" + fmt.Sprint(w.Profiles != "")}, settings)
	p, err := w.launch(name, filepath.Join(w.bin, service), env)
	if err != nil {
		return nil, err
	}
	p.addr, p.admin = addr, "http://"+admin
	w.services[name] = p
	return p, nil
}

// settings answers what a service needs and no more: everything else is as it is by default.
func (w *world) settings(service string) ([]string, error) {
	switch service {
	case ingestKARTE:
		return []string{"KARTE_API_URL=" + w.karteURL, "KARTE_API_TOKEN=" + karteToken, "KARTE_CLIENT_SECRET=" + clientSecret, "KARTE_PROJECT=" + project}, nil
	case slackGateway:
		own := []string{"SLACK_API_URL=" + w.slackURL + "/api/", "SLACK_BOT_TOKEN=" + botToken, "SLACK_SIGNING_SECRET=" + signingSecret}
		if r := w.services[router]; r != nil {
			own = append(own, "ROUTER_ADDR="+r.addr, "ROUTER_TOKEN="+memberToken)
		}
		return own, nil
	}
	tokens := filepath.Join(w.dir, "tokens.yaml")
	text := fmt.Sprintf("- name: bench\n  sha256: %x\n  role: admin\n  projects: [\"*\"]\n", sha256.Sum256([]byte(adminToken))) +
		fmt.Sprintf("- name: slack-gateway\n  sha256: %x\n  role: viewer\n  projects: [\"*\"]\n  acts_for_members: true\n", sha256.Sum256([]byte(memberToken)))
	if err := os.WriteFile(tokens, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the API tokens: %w", err)
	}
	return []string{"REDIS_URL=redis://" + w.redisAddr, "API_TOKENS_FILE=" + tokens}, nil
}
