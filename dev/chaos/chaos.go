// Package chaos proves that nothing is lost, doubled or disordered while everything that can fail does: it runs the services, a NATS
// cluster, Redis and the stand-ins as processes of the operating system, breaks them by a schedule that a seed decides, and compares what
// every customer and every thread received with what was sent.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// Options of a run.
type Options struct {
	// Dir takes programs, data and logs; it must exist.
	Dir string
	// Seed decides texts and faults.
	Seed uint64
	// Customers who write, and the number of texts in both directions together.
	Customers, Messages int
	// Duration of the load.
	Duration time.Duration
	// Rounds is how often every kind of fault happens.
	Rounds int
	// Settle bounds how long after the load everything may take to arrive.
	Settle time.Duration
	// Nodes of the NATS cluster, which is also the number of replicas of every stream.
	Nodes int
	// Partitions of every stream.
	Partitions int
	// Pace of the posts to a channel, and how many posts a second the Slack stand-in takes there.
	Pace           time.Duration
	PostsPerSecond float64
	// Channels is how many the customers are spread over, by the page that they write from; 0 is 1.
	Channels int
	// Former is a folder with the services' programs of an earlier version, which the replicas run until they are replaced in a rolling update; empty for the present one.
	Former string
	// LameDuck is how long a NATS server that is replaced in a rolling update waits between handing over its leaders and closing its clients.
	LameDuck time.Duration
	// Linger is how long a replica that is replaced goes on answering after new connections go elsewhere, in a rolling update.
	Linger time.Duration
	// Say is told what happens; may be nil.
	Say func(format string, args ...any)
}

// happened is a fault that was made.
type happened struct {
	kind  string
	begin time.Time
	end   time.Time // mended
}

// chaos is a run.
type chaos struct {
	*system
	load     *load
	repeats  *repeater
	js       jetstream.JetStream
	settings settingsv1.SettingsServiceClient
	happened []happened
	poisoned []string
	deleted  []deletedHead

	mu         sync.Mutex
	complaints []string
}

// Run makes one run. An error means that the run itself could not be made; what it found out is in the result.
func Run(ctx context.Context, o Options) (result *Result, err error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	began := time.Now()
	s, err := startSystem(ctx, o)
	defer s.close()
	if err != nil {
		return nil, err
	}
	o.Say("seed %d: everything runs after %v", o.Seed, time.Since(began).Round(time.Millisecond))
	c := &chaos{system: s, load: newLoad(s), repeats: newRepeater(s)}
	closeClients, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closeClients()
	if err := c.always(ctx); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := c.storm(ctx, begin); err != nil {
		return nil, err
	}
	loaded := time.Since(begin)
	if err := c.calm(ctx); err != nil {
		return nil, err
	}
	o.Say("all written after %v, waiting for it to arrive", loaded.Round(time.Second))
	v, dead, err := c.settle(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(begin)
	struck, err := c.slack.eventFaults(ctx)
	if err != nil {
		return nil, err
	}
	return c.result(v, dead, struck, loaded, took), nil
}

// connect makes the clients, says who is who, and writes the settings.
func (c *chaos) connect(ctx context.Context) (closeClients func(), err error) {
	conn, err := nats.Connect(c.natsURL, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	api, err := grpc.NewClient(c.proxies[router].addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to the router: %w", err)
	}
	closeClients = func() { conn.Close(); _ = api.Close() }
	c.settings = settingsv1.NewSettingsServiceClient(api)
	if c.js, err = jetstream.New(conn); err == nil {
		err = errors.Join(
			c.slack.prepare(ctx, "http://"+c.proxies[slackGateway].addr()),
			c.karte.hookURL(ctx, "http://"+c.proxies[ingestKARTE].addr()+"/hooks/karte"))
	}
	if err == nil {
		err = c.configure(ctx)
	}
	if err != nil {
		closeClients()
		return nil, err
	}
	return closeClients, nil
}

// configure writes the project's link and settings through the API, as often as it takes.
func (c *chaos) configure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+adminToken), startWithin)
	defer cancel()
	for {
		err := c.tryConfigure(ctx)
		if err == nil {
			return nil
		}
		if !sleep(ctx, 200*time.Millisecond) {
			return err
		}
	}
}

func (c *chaos) tryConfigure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := c.settings.SetOperatorLink(ctx, &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{
		Name: "projects/" + project + "/operators/" + operator, SlackMember: member, DisplayName: "佐藤 花子",
	}})
	if err != nil {
		return fmt.Errorf("link the operator: %w", err)
	}
	_, err = c.settings.UpdateTeamSettings(ctx, &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: &settingsv1.TeamSettings{
			Name: "projects/" + project + "/teamSettings", NotificationsEnabled: true, ThreadRepliesEnabled: true,
			Workspace: team, Channel: channel, Language: "en", Admins: []string{admin}, MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_NOBODY,
			RoutingRules: c.options.routes(),
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{
			"notifications_enabled", "thread_replies_enabled", "workspace", "channel", "language", "mention_policy", "admins", "routing_rules",
		}},
	})
	if err != nil {
		return fmt.Errorf("configure the team: %w", err)
	}
	return nil
}

// storm makes the faults of the schedule while the load runs, and ends when both have.
func (c *chaos) storm(ctx context.Context, begin time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	loaded, repeated := make(chan error, 1), make(chan error, 1)
	go func() {
		err := c.load.run(ctx)
		if err != nil {
			cancel(err)
		}
		loaded <- err
	}()
	repeating, enough := context.WithCancel(ctx)
	defer enough()
	go func() { repeated <- c.repeats.run(repeating) }()
	var failed error
	for _, p := range schedule(c.options) {
		if !sleep(ctx, time.Until(begin.Add(p.due))) {
			break
		}
		h := happened{kind: p.name, begin: time.Now()}
		if err := p.do(ctx, c, rand.New(rand.NewPCG(p.seed, 0))); err != nil {
			failed = fmt.Errorf("%s: %w", p.name, err)
			cancel(failed)
			break
		}
		h.end = time.Now()
		c.happened = append(c.happened, h)
		c.options.Say("%6.1fs  %s (mended after %v)", h.begin.Sub(begin).Seconds(), h.kind, h.end.Sub(h.begin).Round(10*time.Millisecond))
	}
	err := <-loaded
	enough()
	return errors.Join(failed, err, <-repeated)
}

func (c *chaos) complain(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complaints = append(c.complaints, what)
}
