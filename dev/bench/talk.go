package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// talk is a world with all three services, in which customers have threads.
type talk struct {
	*world
	customers []customer
	// callers are the connections that hooks are sent over, by address.
	callers sync.Map
}

// talk starts everything and lets every customer write once, so that each has a thread.
func (b *bench) talk(ctx context.Context, customers, channels int) (_ *talk, err error) {
	w, err := b.world(ctx)
	if err != nil {
		return nil, err
	}
	t := &talk{world: w}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	// A lane that is paced would measure the pace.
	for _, service := range []string{router, ingestKARTE, slackGateway} {
		if _, err = w.start(ctx, service, service, "SLACK_PACE=0"); err != nil {
			return nil, err
		}
	}
	if err = t.configure(ctx, channels); err != nil {
		return nil, err
	}
	t.listen(w.services[slackGateway].addr)
	for n := range customers {
		c := n % channels
		t.customers = append(t.customers, customer{user: fmt.Sprintf("member-%05d", n), channel: channelID(c), path: fmt.Sprintf("/c%02d", c)})
	}
	if err = t.open(ctx); err != nil {
		return nil, fmt.Errorf("open the threads: %w", err)
	}
	return t, nil
}

func (t *talk) close() error {
	t.hangUp()
	return t.world.close()
}

// hangUp closes the connections that nobody uses: a service does so itself after a while.
func (t *talk) hangUp() {
	t.callers.Range(func(_, free any) bool {
		for c := range drain(free.(chan *caller)) {
			_ = c.conn.Close()
		}
		return true
	})
}

func drain(free chan *caller) chan *caller {
	taken := make(chan *caller, cap(free))
	for {
		select {
		case c := <-free:
			taken <- c
		default:
			close(taken)
			return taken
		}
	}
}

// all are the processes of the services.
func (t *talk) all() []*process {
	return []*process{t.services[ingestKARTE], t.services[router], t.services[slackGateway]}
}

// listen says who gets Slack's events.
func (t *talk) listen(addr string) {
	t.slack.SetURLs(slackstandin.URLs{Events: "http://" + addr + slackForm.path, Interactions: "http://" + addr + "/slack/interactions", Self: t.slackURL})
}

// configure sets the project up, with a rule for each channel.
func (t *talk) configure(ctx context.Context, channels int) error {
	conn, err := grpc.NewClient(t.services[router].addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to the router: %w", err)
	}
	defer func() { _ = conn.Close() }()
	client, ctx := settingsv1.NewSettingsServiceClient(conn), metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+adminToken)
	_, err = client.SetOperatorLink(ctx, &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{
		Name: "projects/" + project + "/operators/" + operator, SlackMember: member, DisplayName: "佐藤 花子",
	}})
	if err != nil {
		return fmt.Errorf("link the operator: %w", err)
	}
	var rules []*settingsv1.RoutingRule
	for n := range channels {
		rules = append(rules, &settingsv1.RoutingRule{PageHost: page, PagePathPrefix: fmt.Sprintf("/c%02d", n), Channel: channelID(n)})
	}
	_, err = client.UpdateTeamSettings(ctx, &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: &settingsv1.TeamSettings{
			Name: "projects/" + project + "/teamSettings", NotificationsEnabled: true, ThreadRepliesEnabled: true, Workspace: team, Channel: channelID(0),
			Language: "ja", MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_HERE, RoutingRules: rules,
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"notifications_enabled", "thread_replies_enabled", "workspace", "channel", "language", "mention_policy", "routing_rules"}},
	})
	if err != nil {
		return fmt.Errorf("configure the team: %w", err)
	}
	return nil
}

// open lets every customer write once, and finds their threads.
func (t *talk) open(ctx context.Context) error {
	t.at.reset(nil)
	whose := map[int]int{}
	for i := range t.customers {
		n := t.at.number(time.Now())
		whose[n] = i
		if err := t.hook(ctx, t.services[ingestKARTE].addr, t.customers[i], n); err != nil {
			return err
		}
	}
	if err := t.drained(ctx); err != nil {
		return err
	}
	// A message is noted when its post comes to the stand-in, which is before it stands there.
	for !t.findThreads(whose) {
		if !wait(ctx, time.Now().Add(10*time.Millisecond)) {
			return context.Cause(ctx)
		}
	}
	for _, c := range t.customers {
		for from, to := range map[string]string{c.user: c.channel + " " + c.thread, c.channel + " " + c.thread: c.user} {
			if err := t.store.Set(ctx, referenceKey(from), to, 0).Err(); err != nil {
				return fmt.Errorf("tell the reference: %w", err)
			}
		}
	}
	return t.quiet(ctx)
}

// findThreads looks for the threads of customers by the numbers of their first messages, and answers whether all are there.
func (t *talk) findThreads(whose map[int]int) bool {
	for _, view := range t.slack.Snapshot().Channels {
		for _, m := range view.Messages {
			marksIn([]byte(m.Text+string(m.Blocks)), func(n int) {
				if i, ok := whose[n]; ok && isHead(m) {
					t.customers[i].thread = m.TS
				}
			})
		}
	}
	return !slices.ContainsFunc(t.customers, func(c customer) bool { return c.thread == "" })
}

// quiet waits until the stand-in has delivered all its events.
func (t *talk) quiet(ctx context.Context) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if t.slack.Snapshot().Pending == 0 {
			return nil
		}
		if !wait(ctx, time.Now().Add(50*time.Millisecond)) {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("%w: events of Slack", errLost)
}

// hook sends the hook of a message.
func (t *talk) hook(ctx context.Context, addr string, c customer, n int) error {
	return t.post(ctx, addr, karteForm, hookBody(c, hookID(n), words+mark(n)))
}

// post sends a request over a connection that is free.
func (t *talk) post(ctx context.Context, addr string, f form, body []byte) error {
	pool, _ := t.callers.LoadOrStore(addr, make(chan *caller, 256))
	free := pool.(chan *caller)
	var c *caller
	select {
	case c = <-free:
	default:
		var err error
		if c, err = dial(ctx, addr); err != nil {
			return err
		}
	}
	if err := c.post(f.request(addr, body)); err != nil {
		_ = c.conn.Close()
		return fmt.Errorf("send to %s: %w", addr, err)
	}
	free <- c
	return nil
}

// fromCustomer sends hooks to an address, each of the next customer.
func (t *talk) fromCustomer(addr string) func(context.Context, int) error {
	return func(ctx context.Context, n int) error {
		return t.hook(ctx, addr, t.customers[n%len(t.customers)], n)
	}
}

// fromOperator lets the operator write in the next customer's thread; the stand-in delivers it.
func (t *talk) fromOperator(_ context.Context, n int) error {
	c := t.customers[n%len(t.customers)]
	_, err := t.slack.Write(member, c.channel, c.thread, "```"+words+mark(n)+"```", slackstandin.WriteOptions{})
	return err
}

// heads counts the threads that are open, which must stay as many as there are customers.
func (t *talk) heads() int {
	n := 0
	for _, view := range t.slack.Snapshot().Channels {
		for _, m := range view.Messages {
			if isHead(m) && m.BotID != "" && strings.Contains(m.Text+string(m.Blocks), markBegin) {
				n++
			}
		}
	}
	return n
}

// isHead reports whether a message stands in the channel itself; the head of a thread with replies names itself as its thread.
func isHead(m *slackstandin.Message) bool { return m.ThreadTS == "" || m.ThreadTS == m.TS }
