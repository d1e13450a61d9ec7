package routing_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/routing"
)

const (
	project  = "demo"
	team     = "T0DEMO1"
	channel  = "C0SUPPORT"
	hanako   = "U0HANAKO" // linked to op-1
	taro     = "U0TARO"   // a colleague who is not linked
	guest    = "U0GUEST"
	operator = "op-1"
)

// people, links, threads and lanes are what a router asks; each is as simple as its interface.
type (
	people  map[string]*eventv1.Member
	threads struct {
		lines   map[string]*eventv1.MessageResponse // by ts
		missed  []*eventv1.SlackFact
		owner   string
		known   bool
		err     error
		asked   int
		missing error
	}
	settings struct {
		team  *settingsv1.TeamSettings
		links map[string]string // member → operator
		err   error
	}
	lanes []bus.Lane
)

func (p people) Ask(_ context.Context, request *eventv1.MembersRequest) (*eventv1.MembersResponse, error) {
	answer := &eventv1.MembersResponse{Channels: map[string]string{"C0DEMO1": "general"}}
	for _, id := range request.GetMembers() {
		if m := p[id]; m != nil {
			answer.Members = append(answer.Members, m)
		}
	}
	return answer, nil
}

func (t *threads) Missed(context.Context, *eventv1.SlackFact, time.Time) ([]*eventv1.SlackFact, error) {
	return t.missed, t.missing
}

func (t *threads) Owner(context.Context, string, string, string) (string, string, bool, error) {
	t.asked++
	return project, t.owner, t.known, t.err
}

func (t *threads) Line(_ context.Context, ref *eventv1.SlackMessageRef) (*eventv1.ReplyWritten, string, error) {
	if t.err != nil {
		return nil, "", t.err
	}
	now := t.lines[ref.GetTs()]
	return now.GetMessage(), now.GetEditedTs(), nil
}

func (s *settings) GetTeam(context.Context, string) (*settingsv1.TeamSettings, error) {
	return s.team, s.err
}

func (s *settings) OperatorOf(_ context.Context, _, member string) (string, bool, error) {
	return s.links[member], s.links[member] != "", s.err
}

func (s *settings) MemberOf(_ context.Context, _, operator string) (string, bool, error) {
	for member, linked := range s.links {
		if linked == operator {
			return member, true, s.err
		}
	}
	return "", false, s.err
}

var registering sync.Mutex

func (l *lanes) Register(_ context.Context, lane bus.Lane) error {
	registering.Lock()
	defer registering.Unlock()
	*l = append(*l, lane)
	return nil
}

// A desk is a router with everything around it.
type desk struct {
	t        *testing.T
	router   *routing.Router
	store    *conversation.Store
	redis    *miniredis.Miniredis
	settings *settings
	people   people
	threads  *threads
	letters  *dead
	lanes    *lanes
	streams  map[string]proto.Message // by subject, each stored once
	order    []string
	away     error // what storing answers
	mu       sync.Mutex
	past     past
	silent   error // what KARTE answers when it is asked for its operators
	// timers are set, by conversation; now is what the clock says, the system's when zero.
	timers    map[string]time.Time
	timerless bool // no timer can be set
	now       time.Time
}

func (d *desk) SetTimer(_ context.Context, _, conversation string, at time.Time, _ proto.Message) error {
	if d.away != nil || d.timerless {
		return errors.Join(d.away, errAway)
	}
	d.timers[conversation] = at
	return nil
}

func (d *desk) clock() time.Time {
	if d.now.IsZero() {
		return time.Now()
	}
	return d.now
}

// Find answers what was stored at a subject.
func (d *desk) Find(_ context.Context, _, subject string, into proto.Message) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found, there := d.streams[subject]
	if there {
		proto.Merge(into, found)
	}
	return there, d.away
}

// Of names the operators as KARTE does.
func (d *desk) Of(context.Context, string) ([]*eventv1.Operator, error) {
	if d.silent != nil {
		return nil, d.silent
	}
	return []*eventv1.Operator{{Id: operator, Name: "佐藤"}, {Id: "op-2", Name: "鈴木"}}, nil
}

// Once stores a command as the streams do.
func (d *desk) Once(_ context.Context, stream, subject string, message proto.Message) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away != nil {
		return false, d.away
	}
	registering.Lock()
	known := slices.ContainsFunc(*d.lanes, func(l bus.Lane) bool { return strings.HasPrefix(subject, l.Key()+".") })
	registering.Unlock()
	if stream == bus.Posts && !known {
		d.t.Errorf("%s is stored before its lane is known", subject)
	}
	if _, there := d.streams[subject]; there {
		return true, nil
	}
	d.streams[subject], d.order = proto.Clone(message), append(d.order, subject)
	return false, nil
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
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
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	memory := miniredis.RunT(t)
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{memory.Addr()}})
	t.Cleanup(func() { _ = client.Close() })
	member := func(id, name string) *eventv1.Member {
		return &eventv1.Member{Id: id, Team: team, DisplayName: name}
	}
	d := &desk{
		t: t, store: conversation.New(client, b), redis: memory, timers: map[string]time.Time{}, letters: &dead{}, lanes: &lanes{}, threads: &threads{lines: map[string]*eventv1.MessageResponse{}}, streams: map[string]proto.Message{},
		people: people{hanako: member(hanako, "佐藤 花子"), taro: member(taro, "鈴木 太郎"), guest: member(guest, "ゲスト")},
		settings: &settings{links: map[string]string{hanako: operator}, team: &settingsv1.TeamSettings{
			NotificationsEnabled: true, ThreadRepliesEnabled: true, Workspace: team, Channel: channel, Language: "ja", Admins: []string{"U0ADMIN"},
			MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_HERE, UpdateTime: timestamppb.New(time.Unix(1_700_000_000, 0)),
		}},
	}
	d.people[guest].Guest = true
	for member, operator := range map[string]string{hanako: operator, taro: "op-2"} { // they have replied before
		if _, err := d.store.First(t.Context(), conversation.HowToSendKey(project, operator, member), "before", 0); err != nil {
			t.Fatal(err)
		}
	}
	d.router = routing.New(routing.Parts{
		Settings: d.settings, Conversations: d.store, People: d.people, Threads: d.threads, Stored: d, Letters: d.letters, Publisher: d, Operators: d, Histories: &d.past, HistoryLines: 10, Lanes: d.lanes, Timers: d, Workspaces: d.settings, Partitions: 4,
		EchoWindow: time.Minute, Now: d.clock, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	return d
}

func wire(t *testing.T, m proto.Message) bus.Message {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return bus.Message{Data: data, Deliveries: 1}
}

// talk handles a fact of KARTE's side; it must be done.
func (d *desk) talk(fact *eventv1.TalkFact) {
	d.t.Helper()
	if err := d.router.Talk(d.t.Context(), wire(d.t, fact)); err != nil {
		d.t.Fatalf("%s: %v", fact.GetId(), err)
	}
}

// slack handles a fact of Slack's side; it must be done.
func (d *desk) slack(fact *eventv1.SlackFact) {
	d.t.Helper()
	if err := d.router.Slack(d.t.Context(), wire(d.t, fact)); err != nil {
		d.t.Fatalf("%s: %v", fact.GetId(), err)
	}
}

// said makes the fact that a customer wrote something.
func said(id, visitor, user, text string) *eventv1.TalkFact {
	return &eventv1.TalkFact{
		Id: id, Project: project, Customer: &eventv1.Customer{VisitorId: visitor, UserId: user}, OccurredAt: timestamppb.Now(), ReceivedAt: timestamppb.Now(),
		Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: text}},
	}
}

// opened makes the head of a visitor's thread known, as slack-gateway does.
func (d *desk) opened(visitor, ts string) (conversation string) {
	d.t.Helper()
	conv, _, err := d.store.Resolve(d.t.Context(), project, &eventv1.Customer{VisitorId: visitor})
	if err != nil {
		d.t.Fatal(err)
	}
	d.slack(&eventv1.SlackFact{
		Id: "opened-" + ts, Team: team, Channel: channel, ThreadTs: ts, ReceivedAt: timestamppb.Now(),
		Fact: &eventv1.SlackFact_ThreadOpened{ThreadOpened: &eventv1.ThreadOpened{Project: project, Conversation: conv.ID, Customer: conv.Record.GetCustomer()}},
	})
	return conv.ID
}

// wrote makes the fact that a member wrote something in a thread; code is a block of its own.
func wrote(member, thread, ts, text, code string) *eventv1.SlackFact {
	content := &eventv1.Content{}
	for kind, s := range map[eventv1.Block_Kind]string{eventv1.Block_KIND_TEXT: text, eventv1.Block_KIND_CODE: code} {
		if s != "" {
			content.Blocks = append(content.Blocks, &eventv1.Block{Kind: kind, Inlines: []*eventv1.Inline{{Inline: &eventv1.Inline_Text{Text: s}}}})
		}
	}
	return &eventv1.SlackFact{
		Id: "slack-" + team + "-" + channel + "-" + ts, Team: team, Channel: channel, ThreadTs: thread, ReceivedAt: timestamppb.Now(), OccurredAt: timestamppb.Now(),
		Fact: &eventv1.SlackFact_ReplyWritten{ReplyWritten: &eventv1.ReplyWritten{
			Ts: ts, Author: &eventv1.Author{Member: member, Team: team}, Content: content, OwnThread: true,
		}},
	}
}

// all answers the commands of one kind in the order in which they were stored.
func all[C any](d *desk, pick func(proto.Message) (C, bool)) (found []C) {
	for _, subject := range d.order {
		if c, ok := pick(d.streams[subject]); ok {
			found = append(found, c)
		}
	}
	return found
}

func (d *desk) posts() []*eventv1.SlackCommand {
	return all(d, func(m proto.Message) (*eventv1.SlackCommand, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c, ok && c.GetThreadPost() != nil
	})
}

func (d *desk) notices() (kinds []eventv1.NoticeKind) {
	return all(d, func(m proto.Message) (eventv1.NoticeKind, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c.GetNotice().GetKind(), ok && c.GetNotice() != nil
	})
}

func (d *desk) directs() (members []string) {
	return all(d, func(m proto.Message) (string, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c.GetDirectNotice().GetMember(), ok && c.GetDirectNotice() != nil
	})
}

func (d *desk) reactions() []*eventv1.Reaction {
	return all(d, func(m proto.Message) (*eventv1.Reaction, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c.GetReaction(), ok && c.GetReaction() != nil
	})
}

func (d *desk) sends() []*eventv1.KarteCommand {
	return all(d, func(m proto.Message) (*eventv1.KarteCommand, bool) {
		c, ok := m.(*eventv1.KarteCommand)
		return c, ok
	})
}

var errAway = errors.New("the stream is away")

// ListTeams knows this project's settings, and those of one that posts elsewhere.
func (s *settings) ListTeams(_ context.Context, workspace string) ([]*settingsv1.TeamSettings, error) {
	if workspace != s.team.GetWorkspace() {
		return nil, nil
	}
	team := proto.CloneOf(s.team)
	team.Name = "projects/" + project + "/teamSettings"
	return []*settingsv1.TeamSettings{team}, nil
}
