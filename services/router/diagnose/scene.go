package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/examination"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// How long each of those that are asked may take.
const (
	storageLimit = 5 * time.Second
	edgeLimit    = 9 * time.Second
	// quiet is for how long no other replica has to answer until all have.
	quiet = time.Second
)

// fact is something that is being found out.
type fact[T any] struct {
	known chan struct{}
	value T
	err   error
}

// get waits until it is known, or ctx ends.
func (f *fact[T]) get(ctx context.Context) (T, error) {
	select {
	case <-f.known:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// find begins to find out something; who is named when it takes longer than limit.
func find[T any](ctx context.Context, x *scene, limit time.Duration, who string, out func(context.Context) (T, error)) *fact[T] {
	f := &fact[T]{known: make(chan struct{})}
	x.asking.Go(func() {
		defer close(f.known)
		ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s did not answer within %v", who, limit))
		defer cancel()
		if f.value, f.err = out(ctx); f.err != nil && ctx.Err() != nil {
			f.err = context.Cause(ctx)
		}
	})
	return f
}

// replica is what one replica of an edge says of itself.
type replica struct {
	name     string
	findings []*eventv1.Finding
	// ahead is how far its clock is ahead of ours; timed is false when it did not say what time it is.
	ahead time.Duration
	timed bool
}

func (r replica) finding(check string) *eventv1.Finding { return examination.Find(r.findings, check) }

// team answers the workspace that a replica of slack-gateway is in, empty while it does not know.
func (r replica) team() string {
	return r.finding(examination.SlackToken).GetValues()[examination.ValueTeam]
}

// scene is what the checks look at.
type scene struct {
	Options
	project string
	js      jetstream.JetStream
	asking  sync.WaitGroup

	nats      *fact[struct{}]
	redis     *fact[redisState]
	team      *fact[*settingsv1.TeamSettings]
	links     *fact[[]*settingsv1.OperatorLink]
	operators *fact[[]*eventv1.Operator]
	karte     *fact[[]replica]
	slack     *fact[[]replica]
	workspace *fact[[]*eventv1.Finding]
	// lastHook and lastEvent are when the last facts that came from outside were stored; zero when there are none.
	lastHook, lastEvent *fact[time.Time]
	streams             *fact[map[string]*jetstream.StreamInfo]
	consumers           *fact[map[string][]*jetstream.ConsumerInfo]
	// natsAhead is how far our clock is ahead of NATS's, known with streams.
	natsAhead time.Duration
	natsTimed bool
}

// begin asks for everything at once.
func (s *Service) begin(ctx context.Context, project string) *scene {
	x := &scene{Options: s.Options, project: project}
	js, err := jetstream.New(s.Bus.Conn(), jetstream.WithDefaultTimeout(storageLimit))
	x.js = js
	x.nats = find(ctx, x, storageLimit, "NATS", func(ctx context.Context) (struct{}, error) {
		if err == nil {
			err = s.Bus.Connected()
		}
		if err == nil {
			_, err = js.AccountInfo(ctx)
		}
		return struct{}{}, err
	})
	x.redis = find(ctx, x, storageLimit, "Redis", x.askRedis)
	x.team = find(ctx, x, storageLimit, "Redis", func(ctx context.Context) (*settingsv1.TeamSettings, error) {
		return s.Settings.GetTeam(ctx, project)
	})
	x.links = find(ctx, x, storageLimit, "Redis", x.askLinks)
	x.karte = find(ctx, x, edgeLimit+storageLimit, "ingest-karte", x.askKarte)
	x.operators = find(ctx, x, edgeLimit, "ingest-karte", func(ctx context.Context) ([]*eventv1.Operator, error) {
		return s.Operators.Of(ctx, project)
	})
	x.slack = find(ctx, x, edgeLimit+storageLimit, "slack-gateway", x.askSlack)
	x.workspace = find(ctx, x, 2*edgeLimit+storageLimit, "slack-gateway", x.askWorkspace)
	x.beginNATS(ctx)
	return x
}

// askLinks answers the first thousand links.
func (x *scene) askLinks(ctx context.Context) ([]*settingsv1.OperatorLink, error) {
	links, _, err := x.Settings.ListLinks(ctx, x.project, 1000, "")
	return links, err
}

func (x *scene) askKarte(ctx context.Context) ([]replica, error) {
	if _, err := x.nats.get(ctx); err != nil {
		return nil, err
	}
	return x.askReplicas(ctx, bus.AskKarteSubject(x.project, bus.AskExamination))
}

// nowhere stands for the workspace where the settings name none; slack-gateway answers whichever it is asked about.
const nowhere = "-"

func (x *scene) askSlack(ctx context.Context) ([]replica, error) {
	if _, err := x.nats.get(ctx); err != nil {
		return nil, err
	}
	team, err := x.team.get(ctx)
	workspace := team.GetWorkspace()
	if err != nil || workspace == "" {
		workspace = nowhere
	}
	replicas, err := x.askReplicas(ctx, bus.AskSlackSubject(workspace, bus.AskExamination))
	return ofWorkspace(replicas, workspace), err
}

// ofWorkspace leaves out the replicas that serve other workspaces when there are some for this one.
func ofWorkspace(replicas []replica, workspace string) []replica {
	if !slices.ContainsFunc(replicas, func(r replica) bool { return r.team() == workspace }) {
		return replicas
	}
	return slices.DeleteFunc(replicas, func(r replica) bool { return r.team() != "" && r.team() != workspace })
}

// askReplicas answers what every replica says of itself.
func (x *scene) askReplicas(ctx context.Context, subject string) ([]replica, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, edgeLimit, bus.ErrNobodyAnswers)
	defer cancel()
	var arrived []time.Time
	answers, err := bus.AskAll(ctx, x.Bus, subject, &eventv1.ExaminationRequest{Project: x.project}, quiet, func() *eventv1.ExaminationResponse {
		arrived = append(arrived, x.Now()) // it is called for each answer as it comes
		return &eventv1.ExaminationResponse{}
	})
	if err != nil {
		return nil, err
	}
	var replicas []replica
	for i, answer := range answers {
		r := replica{name: answer.GetReplica(), findings: answer.GetFindings()}
		said, err := time.Parse(time.RFC3339Nano, r.finding(examination.Clock).GetValues()[examination.ValueNow])
		if err == nil {
			r.ahead, r.timed = said.Sub(arrived[i]), true
		}
		replicas = append(replicas, r)
	}
	return replicas, nil
}

// membersAtMost bounds how many members Slack is asked about in a run: it allows about a hundred such calls a minute.
const membersAtMost = 60

var errNotAsked = errors.New("nothing to ask about")

// askWorkspace answers what Slack says of everything that the settings name, once it is clear that it is the app's own workspace.
func (x *scene) askWorkspace(ctx context.Context) ([]*eventv1.Finding, error) {
	replicas, err := x.slack.get(ctx)
	if err != nil {
		return nil, err
	}
	team, err := x.team.get(ctx)
	if err != nil {
		return nil, err
	}
	if team.GetWorkspace() == "" || !slices.ContainsFunc(replicas, func(r replica) bool { return r.team() == team.GetWorkspace() }) {
		return nil, errNotAsked
	}
	links, err := x.links.get(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, edgeLimit, errors.New("slack-gateway did not say what Slack knows of channels and members"))
	defer cancel()
	var response eventv1.ExaminationResponse
	err = x.Bus.Ask(ctx, bus.AskSlackSubject(team.GetWorkspace(), bus.AskWorkspace), named(x.project, team, links), &response)
	return response.GetFindings(), err
}

// named gathers the channels, members and user groups of the settings.
func named(project string, team *settingsv1.TeamSettings, links []*settingsv1.OperatorLink) *eventv1.ExaminationRequest {
	request := &eventv1.ExaminationRequest{Project: project, Channels: channels(team), Members: slices.Clone(team.GetAdmins())}
	for _, target := range slices.Concat(team.GetMentionTargets(), team.GetUnanswered().GetEscalationTargets()) {
		if strings.HasPrefix(target, "S") {
			request.UserGroups = append(request.UserGroups, target)
		} else {
			request.Members = append(request.Members, target)
		}
	}
	for _, link := range links {
		request.Members = append(request.Members, link.GetSlackMember())
	}
	slices.Sort(request.Members)
	request.Members = slices.Compact(request.Members)
	request.Members = request.Members[:min(len(request.Members), membersAtMost)]
	return request
}

// channels answers every channel of the settings, the linked one first.
func channels(team *settingsv1.TeamSettings) []string {
	var all []string
	add := func(id string) {
		if id != "" && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	add(team.GetChannel())
	for _, rule := range team.GetRoutingRules() {
		add(rule.GetChannel())
	}
	return all
}
