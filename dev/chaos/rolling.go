package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

// promised is within which time a message has to be there while everything is replaced.
const promised = 5 * time.Second

// Rolled is what a rolling update of everything has done.
type Rolled struct {
	*Result
	// Refused are the deliveries of both outsides that were not taken at their first attempt, and why.
	Refused []string
	// Steps are what was replaced.
	Steps []Step
	// Unloaded says that the load was over before everything was replaced.
	Unloaded bool
}

// Step is the replacement of one replica or server.
type Step struct {
	What string
	Took time.Duration
	// ToSlack and ToKARTE are the longest delays of what was written meanwhile.
	ToSlack, ToKARTE time.Duration
}

// Roll replaces every replica of every service and every NATS server in turn while the load runs, as Kubernetes does: the next one is started and
// ready, new connections go to it, and then the former one is asked to stop. A server of NATS, which has a disk of its own, hands over its leaders, lets its
// clients go and stops, and is started again; the next one follows when it has caught up.
func Roll(ctx context.Context, o Options) (*Rolled, error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	s, err := startSystem(ctx, o)
	defer s.close()
	if err != nil {
		return nil, err
	}
	c := &chaos{system: s, load: newLoad(s), repeats: newRepeater(s)}
	closeClients, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closeClients()
	begin := time.Now()
	rolled := &Rolled{}
	if rolled.Unloaded, err = c.rollUnderLoad(ctx); err != nil {
		return nil, err
	}
	loaded := time.Since(begin)
	v, dead, err := c.settle(ctx)
	if err != nil {
		return nil, err
	}
	if rolled.Refused, err = c.refused(ctx); err != nil {
		return nil, err
	}
	rolled.Result = c.result(v, dead, map[slackstandin.EventFaultKind]int{}, loaded, time.Since(begin))
	rolled.Steps = steps(c.happened, v.arrivals)
	return rolled, nil
}

// steps answers what was replaced, and how long what was written meanwhile took.
func steps(all []happened, arrivals []arrival) (list []Step) {
	for _, h := range all {
		step := Step{What: h.kind, Took: h.end.Sub(h.begin)}
		for _, a := range arrivals {
			if a.sent.at.Before(h.begin) || a.sent.at.After(h.end) {
				continue
			}
			if took := a.at.Sub(a.sent.at); a.sent.kind == fromCustomer {
				step.ToSlack = max(step.ToSlack, took)
			} else {
				step.ToKARTE = max(step.ToKARTE, took)
			}
		}
		list = append(list, step)
	}
	return list
}

// rollUnderLoad answers whether the load was over first.
func (c *chaos) rollUnderLoad(ctx context.Context) (unloaded bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	loaded := make(chan error, 1)
	go func() { loaded <- c.load.run(ctx) }()
	if err = c.replaceAll(ctx); err != nil {
		cancel(err)
	}
	unloaded = len(loaded) > 0
	return unloaded, errors.Join(err, <-loaded)
}

// replaceAll begins when every customer has had time for a first message.
func (c *chaos) replaceAll(ctx context.Context) error {
	sleep(ctx, 2*time.Second)
	for _, name := range services {
		for i, former := range c.services[name] {
			if err := c.step(former.name, func() error { return c.replace(ctx, name, i) }); err != nil {
				return err
			}
		}
	}
	for _, node := range c.nodes {
		if err := c.step(node.name, func() error { return c.again(ctx, node) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *chaos) step(what string, do func() error) error {
	h := happened{kind: what, begin: time.Now()}
	if err := do(); err != nil {
		return fmt.Errorf("replace %s: %w", what, err)
	}
	h.end = time.Now()
	c.happened = append(c.happened, h)
	c.options.Say("%s replaced in %v", what, h.end.Sub(h.begin).Round(10*time.Millisecond))
	return nil
}

// replace puts another process in the place of a replica.
func (c *chaos) replace(ctx context.Context, name string, i int) error {
	ports, err := freePorts(2, 28000+rand.IntN(3000))
	if err != nil {
		return err
	}
	former := c.services[name][i]
	next := c.replica(name, former.name+"-next", fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1]))
	if err := next.start(); err != nil {
		return err
	}
	c.services[name][i], c.former = next, append(c.former, former)
	if err := awaitReady(ctx, next); err != nil {
		return err
	}
	var backends []string
	for _, p := range c.services[name] {
		backends = append(backends, p.addr)
	}
	c.proxies[name].lead(backends)
	sleep(ctx, c.options.Linger)
	return former.stop(30 * time.Second)
}

// again stops a server as the manifests do, by its lame duck mode, and starts it on the same disk.
func (c *chaos) again(ctx context.Context, p *process) error {
	if err := p.stopBy(syscall.SIGUSR2, time.Minute); err != nil {
		return err
	}
	if err := p.start(); err != nil {
		return err
	}
	return awaitReady(ctx, p)
}

// refused answers the deliveries that had to be repeated, and why.
func (c *chaos) refused(ctx context.Context) (all []string, err error) {
	var hooks []kartestandin.Hook
	var settled struct {
		Deliveries []slackstandin.Delivery `json:"deliveries"`
	}
	if err := errors.Join(c.karte.get(ctx, "/_control/hooks", &hooks), c.slack.get(ctx, "/_control/deliveries", &settled)); err != nil {
		return nil, err
	}
	for _, h := range hooks {
		if h.Attempts > h.Accepted {
			all = append(all, fmt.Sprintf("hook %s: %s", h.ID, strings.Join(h.Failures, "; ")))
		}
	}
	for _, d := range settled.Deliveries {
		if d.Attempts > 1 || !d.Accepted {
			all = append(all, fmt.Sprintf("event %s: %s", d.EventID, strings.Join(d.Failures, "; ")))
		}
	}
	return all, nil
}

// Failures answers, in words, everything that must not be.
func (r *Rolled) Failures() []string {
	failures := r.Result.Failures()
	for to, d := range map[string]*direction{"Slack": &r.Verdict.ToSlack, "KARTE": &r.Verdict.ToKARTE} {
		if p99 := quantile(d.Delays, 0.99); p99 > promised {
			failures = append(failures, fmt.Sprintf("99 %% reached %s within %v, promised are %v", to, p99, promised))
		}
	}
	if len(r.Refused) > 0 {
		failures = append(failures, fmt.Sprintf("%d deliveries were not taken at the first attempt", len(r.Refused)))
	}
	if r.Unloaded {
		failures = append(failures, "the load was over before everything was replaced")
	}
	return failures
}

// Markdown is the result as tables.
func (r *Rolled) Markdown() string {
	var b strings.Builder
	b.WriteString(r.Result.Markdown())
	b.WriteString("\n| replaced | in | longest delay meanwhile, to Slack | to KARTE |\n|---|---:|---:|---:|\n")
	for _, s := range r.Steps {
		_, _ = fmt.Fprintf(&b, "| %s | %v | %v | %v |\n", s.What, s.Took.Round(100*time.Millisecond), s.ToSlack.Round(10*time.Millisecond), s.ToKARTE.Round(10*time.Millisecond))
	}
	_, _ = fmt.Fprintf(&b, "\n%d deliveries were not taken at the first attempt.\n", len(r.Refused))
	for _, refused := range r.Refused {
		_, _ = fmt.Fprintf(&b, "- %s\n", refused)
	}
	return b.String()
}
