package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/internal/bus"
)

// fault is one thing that goes wrong, mended again when do returns.
type fault struct {
	name string
	do   func(ctx context.Context, c *chaos, r *rand.Rand) error
}

const poisonName = "poison"

// faults is everything that is tried, in the order of the report.
var faults = []fault{
	{"SIGKILL ingest-karte", crash(ingestKARTE)},
	{"SIGKILL router", crash(router)},
	{"SIGKILL slack-gateway", crash(slackGateway)},
	{"SIGKILL NATS leader", crashLeader},
	{"SIGKILL Redis", crashRedis},
	{"FLUSHALL", flush},
	{"Slack 429 burst", slackBurst(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 1, Count: 4})},
	{"KARTE 429 burst", karteBurst(kartestandin.Fault{Kind: kartestandin.FaultStatus, Status: http.StatusTooManyRequests, RetryAfter: 1, Count: 10})},
	{"Slack 5xx", slackBurst(slackstandin.Fault{Kind: slackstandin.Status, Status: http.StatusBadGateway, Count: 4})},
	{"KARTE 5xx", karteBurst(kartestandin.Fault{Kind: kartestandin.FaultStatus, Status: http.StatusServiceUnavailable, Count: 10})},
	{"bot removed", removeBot},
	{"thread head deleted", deleteHead},
	{poisonName, poison},
	{"rolling restart", roll},
	{"Slack hangs", slackBurst(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenHang, Count: 1})},
	{"KARTE hangs", karteBurst(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThenHang, Count: 2})},
	{"Slack accepts, then 500", slackBurst(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenStatus, Count: 3})},
	{"KARTE accepts, then 500", karteBurst(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThen500, Count: 5})},
}

// beside is what came later: it has its times beside the schedule, so that a seed still decides the same one.
var beside = []fault{{"a process stands still", freeze}}

// frozen is for how long: longer than it takes until a replica counts as dead.
const frozen = 13 * time.Second

// planned is a fault of the schedule.
type planned struct {
	fault
	due  time.Duration // after the load began
	seed uint64
}

// schedule makes the plan of a seed: rounds of all kinds in a random order, spread over the time of the load.
func schedule(o Options) []planned {
	r := rand.New(rand.NewPCG(o.Seed, 0))
	var plan []planned
	for range o.Rounds {
		for _, i := range r.Perm(len(faults)) {
			plan = append(plan, planned{fault: faults[i], seed: r.Uint64()})
		}
	}
	for i := range plan {
		plan[i].due = o.Duration * time.Duration(i+1) / time.Duration(len(plan)+1)
	}
	// What nobody can decode comes once a minute, if the rounds bring it less often.
	minutes := int(math.Ceil(o.Duration.Minutes()))
	for i := o.Rounds; i < minutes; i++ {
		plan = append(plan, planned{fault: fault{poisonName, poison}, seed: r.Uint64(), due: time.Duration(r.Int64N(int64(o.Duration)))})
	}
	for range o.Rounds {
		for _, f := range beside {
			plan = append(plan, planned{fault: f, seed: r.Uint64(), due: time.Duration(r.Int64N(int64(o.Duration)))})
		}
	}
	slices.SortStableFunc(plan, func(a, b planned) int { return cmp.Compare(a.due, b.due) })
	return plan
}

// always sets up what goes wrong throughout: lost answers, and events of Slack that come late, past later ones, or again.
func (c *chaos) always(ctx context.Context) error {
	const often = 0.05
	return errors.Join(
		c.slack.eventFault(ctx, slackstandin.EventFault{Kind: slackstandin.Aside, Type: "message", Delay: 3 * time.Second, Probability: often}),
		c.slack.eventFault(ctx, slackstandin.EventFault{Kind: slackstandin.Duplicate, Type: "message", Delay: 2 * time.Second, Probability: 2 * often}),
		c.slack.fault(ctx, slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenCut, Probability: often}),
		c.karte.fault(ctx, kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThenCut, Probability: often}),
		c.karte.fault(ctx, kartestandin.Fault{Path: kartestandin.PathNoteSend, Kind: kartestandin.FaultAcceptThenCut, Probability: often}),
	)
}

// calm ends what the stand-ins do wrong.
func (c *chaos) calm(ctx context.Context) error {
	return errors.Join(
		c.slack.do(ctx, http.MethodDelete, "/_control/faults", nil, nil),
		c.karte.do(ctx, http.MethodDelete, "/_control/faults", nil, nil))
}

func crash(service string) func(context.Context, *chaos, *rand.Rand) error {
	return func(ctx context.Context, c *chaos, r *rand.Rand) error {
		return c.crash(ctx, c.services[service][r.IntN(replicas)])
	}
}

// crash kills p and starts it again a moment later.
func (c *chaos) crash(ctx context.Context, p *process) error {
	p.kill()
	sleep(ctx, time.Second)
	if err := p.start(); err != nil {
		return err
	}
	return awaitReady(ctx, p)
}

// freeze lets a replica stand still, in whatever it is doing, until another one has taken over, and go on then.
func freeze(ctx context.Context, c *chaos, r *rand.Rand) error {
	service := services[r.IntN(len(services))]
	defer c.services[service][r.IntN(replicas)].freeze()()
	sleep(ctx, frozen)
	return nil
}

// crashLeader kills the node that leads one of the streams.
func crashLeader(ctx context.Context, c *chaos, r *rand.Rand) error {
	victim := c.nodes[r.IntN(len(c.nodes))]
	asking, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	streams := []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends}
	if stream, err := c.js.Stream(asking, streams[r.IntN(len(streams))]); err == nil && stream.CachedInfo().Cluster != nil {
		leads := func(p *process) bool { return p.name == stream.CachedInfo().Cluster.Leader }
		if i := slices.IndexFunc(c.nodes, leads); i >= 0 {
			victim = c.nodes[i]
		}
	}
	return c.crash(ctx, victim)
}

func crashRedis(ctx context.Context, c *chaos, _ *rand.Rand) error { return c.crash(ctx, c.redis) }

// flush empties Redis. Settings and links are the API's data: they are written again, the link first, because facts of a project without
// settings wait.
func flush(ctx context.Context, c *chaos, _ *rand.Rand) error {
	if err := ask(c.redisAddr, "FLUSHALL", "+OK"); err != nil {
		return err
	}
	return c.configure(ctx)
}

func slackBurst(f slackstandin.Fault) func(context.Context, *chaos, *rand.Rand) error {
	return func(ctx context.Context, c *chaos, _ *rand.Rand) error { return c.slack.fault(ctx, f) }
}

func karteBurst(f kartestandin.Fault) func(context.Context, *chaos, *rand.Rand) error {
	return func(ctx context.Context, c *chaos, _ *rand.Rand) error { return c.karte.fault(ctx, f) }
}

// removeBot takes the app out of the channel for a moment. What people write meanwhile Slack tells nobody, so the operator waits.
func removeBot(ctx context.Context, c *chaos, _ *rand.Rand) error {
	c.load.replying.Lock()
	defer c.load.replying.Unlock()
	if err := c.slack.post(ctx, "/_control/bot/remove", map[string]string{"channel": channel}, nil); err != nil {
		return err
	}
	sleep(ctx, 2*time.Second)
	return c.slack.post(ctx, "/_control/bot/invite", map[string]string{"channel": channel, "member": admin}, nil)
}

// deleteHead removes the head of a thread that has replies, as an administrator can. The customer's next message opens another thread; what the
// operator writes in the former one still counts.
func deleteHead(ctx context.Context, c *chaos, r *rand.Rand) error {
	messages, err := c.slack.messages(ctx)
	if err != nil {
		return err
	}
	replied := map[string]bool{}
	for _, m := range messages {
		replied[m.ThreadTS] = replied[m.ThreadTS] || m.ThreadTS != m.TS
	}
	for range 1000 {
		n := r.IntN(c.options.Customers)
		head := c.load.head(n)
		i := slices.IndexFunc(messages, func(m *slackstandin.Message) bool { return m.TS == head })
		if head == "" || i < 0 || !replied[head] || messages[i].Subtype == "tombstone" {
			continue
		}
		c.options.Say("        the head %s of customer %d", head, n)
		err := c.slack.post(ctx, "/_control/delete", map[string]string{"member": admin, "channel": channel, "ts": head}, nil)
		c.deleted = append(c.deleted, deletedHead{customer: n, ts: head, marks: wentWith(messages[i]), at: time.Now()})
		return err
	}
	return nil
}

// poison stores what nobody can decode among a customer's facts.
func poison(ctx context.Context, c *chaos, r *rand.Rand) error {
	id := fmt.Sprintf("poison-%d", r.Uint64())
	subject := bus.TalkSubject(bus.Partitions(c.options.Partitions), project, customerID(r.IntN(c.options.Customers)), "customer-message", id)
	for {
		_, err := c.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: []byte{0xff, 0xff, 0xff}}, jetstream.WithMsgID(subject), jetstream.WithExpectStream(bus.Talk))
		if err == nil {
			c.poisoned = append(c.poisoned, subject)
			return nil
		}
		if !sleep(ctx, 500*time.Millisecond) {
			return fmt.Errorf("publish poison: %w", err)
		}
	}
}

// roll restarts everything but the stand-ins, one after the other, as an upgrade does.
func roll(ctx context.Context, c *chaos, _ *rand.Rand) error {
	for _, p := range slices.Concat(c.replicas(), c.nodes, []*process{c.redis}) {
		if err := p.stop(30 * time.Second); err != nil {
			c.complain(err.Error())
		}
		if err := p.start(); err != nil {
			return err
		}
		if err := awaitReady(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
