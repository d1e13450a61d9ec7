package people_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/people"
)

const team = "T0DEMO1"

// gateway answers questions as slack-gateway does, and remembers them.
type gateway struct {
	mu      sync.Mutex
	problem string
	asked   [][]string
}

func (g *gateway) answer(_ context.Context, request *eventv1.MembersRequest) proto.Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, slices.Concat(request.GetMembers(), request.GetUserGroups(), request.GetChannels()))
	if g.problem != "" {
		return &eventv1.MembersResponse{Error: g.problem}
	}
	response := &eventv1.MembersResponse{UserGroups: map[string]string{}, Channels: map[string]string{}}
	for _, id := range request.GetMembers() {
		if id != "U0NOBODY" {
			response.Members = append(response.Members, &eventv1.Member{Id: id, Team: request.GetTeam(), DisplayName: "name of " + id})
		}
	}
	for _, id := range request.GetUserGroups() {
		response.UserGroups[id] = "group"
	}
	for _, id := range request.GetChannels() {
		response.Channels[id] = "general"
	}
	return response
}

func (g *gateway) set(problem string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.problem = problem
}

func (g *gateway) questions() [][]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.asked)
}

func connect(t *testing.T) *bus.Bus {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	b, err := bus.Connect(bus.Settings{URL: secret.New(s.ClientURL()), Replicas: 1, Partitions: 4}, "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// serve answers for a workspace until the test ends, and returns when it does.
func serve(t *testing.T, b *bus.Bus, g *gateway, of string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	subject := bus.AskSlackSubject(of, bus.AskMembers)
	go func() { done <- bus.Answer(ctx, b, subject, "slack-gateway", time.Second, g.answer) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; {
		if err := b.Ask(t.Context(), subject, &eventv1.MembersRequest{Team: of}, &eventv1.MembersResponse{}); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestMembersAreAskedForOnce(t *testing.T) {
	b, g := connect(t), &gateway{}
	serve(t, b, g, team)
	serve(t, b, g, "T0OTHER")
	c, before := people.New(b), len(g.questions())
	ask := func(team string, ids ...string) []string {
		t.Helper()
		answer, err := c.Ask(t.Context(), &eventv1.MembersRequest{Team: team, Members: ids})
		if err != nil {
			t.Fatal(err)
		}
		var known []string
		for _, m := range answer.GetMembers() {
			known = append(known, m.GetTeam()+" "+m.GetId())
		}
		slices.Sort(known)
		return known
	}
	for _, c := range []struct {
		team      string
		ids, want []string
	}{
		{team, []string{"U0A", "U0NOBODY"}, []string{"T0DEMO1 U0A"}},
		{team, []string{"U0A"}, []string{"T0DEMO1 U0A"}},
		{team, []string{"U0B", "U0A"}, []string{"T0DEMO1 U0A", "T0DEMO1 U0B"}},
		{"T0OTHER", []string{"U0A"}, []string{"T0OTHER U0A"}}, // the same id elsewhere is somebody else
		{team, []string{"U0NOBODY"}, nil},                     // who was unknown may have joined since
	} {
		if got := ask(c.team, c.ids...); !slices.Equal(got, c.want) {
			t.Errorf("%v of %s: %v, want %v", c.ids, c.team, got, c.want)
		}
	}
	want := [][]string{{"U0A", "U0NOBODY"}, {"U0B"}, {"U0A"}, {"U0NOBODY"}}
	if got := g.questions()[before:]; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("asked %v, want %v", got, want)
	}
}

func TestNamesOfGroupsAndChannelsComeWithKnownMembers(t *testing.T) {
	b, g := connect(t), &gateway{}
	serve(t, b, g, team)
	c := people.New(b)
	request := &eventv1.MembersRequest{Team: team, Members: []string{"U0A"}, UserGroups: []string{"S0A"}, Channels: []string{"C0A"}}
	for range 2 {
		answer, err := c.Ask(t.Context(), request)
		if err != nil || len(answer.GetMembers()) != 1 || answer.GetUserGroups()["S0A"] != "group" || answer.GetChannels()["C0A"] != "general" {
			t.Fatalf("%v %v", answer, err)
		}
	}
	if len(request.GetMembers()) != 1 {
		t.Errorf("the question was changed: %v", request)
	}
}

// Whoever cannot be asked about is not taken for unknown: nothing is decided, and it may be tried again.
func TestWithoutAnAnswerNobodyIsUnknown(t *testing.T) {
	b, g := connect(t), &gateway{}
	c := people.New(b)
	request := &eventv1.MembersRequest{Team: team, Members: []string{"U0A"}}
	again := func(name string, err error) {
		t.Helper()
		if _, permanent := retry.Reason(err); err == nil || permanent {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := c.Ask(t.Context(), request)
	again("nobody listens", err)
	if !errors.Is(err, bus.ErrNobodyAnswers) {
		t.Errorf("nobody listens: %v", err)
	}
	serve(t, b, g, team)
	g.set("slack is away")
	_, err = c.Ask(t.Context(), request)
	again("slack is away", err)
	g.set("")
	if answer, err := c.Ask(t.Context(), request); err != nil || len(answer.GetMembers()) != 1 {
		t.Errorf("afterwards: %v %v", answer, err)
	}
	// What is known is known without anybody to ask.
	g.set("slack is away")
	if answer, err := c.Ask(t.Context(), request); err != nil || len(answer.GetMembers()) != 1 {
		t.Errorf("from memory: %v %v", answer, err)
	}
}
