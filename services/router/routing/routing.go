// Package routing turns facts from both edges into commands for both edges.
package routing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

// Settings are read for every decision.
type Settings interface {
	GetTeam(ctx context.Context, project string) (*settingsv1.TeamSettings, error)
	OperatorOf(ctx context.Context, project, slackMember string) (operator string, ok bool, err error)
	MemberOf(ctx context.Context, project, operator string) (member string, ok bool, err error)
}

// People says who somebody in Slack is.
type People interface {
	Ask(ctx context.Context, request *eventv1.MembersRequest) (*eventv1.MembersResponse, error)
}

// Threads says what Slack holds of a thread.
type Threads interface {
	Missed(ctx context.Context, fact *eventv1.SlackFact, since time.Time) ([]*eventv1.SlackFact, error)
	Owner(ctx context.Context, team, channel, thread string) (project, conversation string, known bool, err error)
	Line(ctx context.Context, ref *eventv1.SlackMessageRef) (line *eventv1.ReplyWritten, edited string, err error)
}

// Stored answers what a stream holds at a subject.
type Stored interface {
	Find(ctx context.Context, stream, subject string, into proto.Message) (ok bool, err error)
}

// Letters are the commands that were given up.
type Letters interface {
	LetterOf(ctx context.Context, stream, id string) (bus.Letter, error)
	Replay(ctx context.Context, number uint64, notDone bool) (subject string, err error)
}

// Publisher stores commands once.
type Publisher interface {
	Once(ctx context.Context, stream, subject string, message proto.Message) (duplicate bool, err error)
}

// Operators says whom KARTE knows.
type Operators interface {
	Of(ctx context.Context, project string) ([]*eventv1.Operator, error)
}

// Lanes makes a lane known before the first command to it.
type Lanes interface {
	Register(ctx context.Context, lane bus.Lane) error
}

// Router handles the facts of both streams.
type Router struct {
	settings      Settings
	conversations *conversation.Store
	people        People
	threads       Threads
	stored        Stored
	letters       Letters
	publisher     Publisher
	operators     Operators
	histories     Histories
	historyLines  int
	silent        silence
	lanes         Lanes
	timers        Timers
	channels      Channels
	workspaces    Workspaces
	partitions    bus.Partitions
	echoWindow    time.Duration
	now           func() time.Time
	log           *slog.Logger
	decisions     *prometheus.CounterVec
}

// Parts are what a Router works with.
type Parts struct {
	Settings      Settings
	Conversations *conversation.Store
	People        People
	Threads       Threads
	Stored        Stored
	Letters       Letters
	Publisher     Publisher
	Operators     Operators
	Histories     Histories
	// HistoryLines is how much is told of what was said before, at most; 0 turns it off.
	HistoryLines int
	Lanes        Lanes
	Timers       Timers
	// Channels may be nil where ids of channels do not change.
	Channels   Channels
	Workspaces Workspaces
	Partitions bus.Partitions
	// EchoWindow is how long a console message that equals what the bridge has just sent is taken for its echo; 0 turns this off.
	EchoWindow time.Duration
	// Now tells the time; the system's clock when nil.
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// New makes a router.
func New(p Parts) *Router {
	r := &Router{
		settings: p.Settings, conversations: p.Conversations, people: p.People, threads: p.Threads, stored: p.Stored, letters: p.Letters, publisher: p.Publisher, operators: p.Operators, histories: p.Histories, historyLines: p.HistoryLines, lanes: p.Lanes, timers: p.Timers, channels: p.Channels, workspaces: p.Workspaces,
		partitions: p.Partitions, echoWindow: p.EchoWindow, now: p.Now, log: p.Log,
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_decisions_total",
			Help: "What the router made of a fact: posted, message, note, refused, ignored, and why.",
		}, []string{"decision"}),
	}
	if r.now == nil {
		r.now = time.Now
	}
	p.Metrics.MustRegister(r.decisions)
	return r
}

// errNotConfigured is met by the facts of a project whose settings nobody has made yet, or whose Redis was lost: they
// wait, because dropping them could not be taken back.
var errNotConfigured = errors.New("the project has no settings yet")

func (r *Router) team(ctx context.Context, project string) (*settingsv1.TeamSettings, error) {
	team, err := r.settings.GetTeam(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("settings of %s: %w", project, err)
	}
	if team.GetUpdateTime() == nil {
		return nil, retry.Parked(errNotConfigured)
	}
	return r.firstIDs(team), nil
}

// toSlack publishes a command to a channel's lane.
func (r *Router) toSlack(ctx context.Context, kind string, command *eventv1.SlackCommand) error {
	lane := bus.Lane{Kind: kind, Team: command.GetTeam(), Channel: command.GetChannel()}
	if err := r.lanes.Register(ctx, lane); err != nil {
		return err
	}
	command.IssuedAt = timestamppb.New(r.now())
	_, err := r.publisher.Once(ctx, bus.Posts, lane.Subject(command.GetId()), command)
	return err
}

// notice tells a member something in private, in the thread of ref.
func (r *Router) notice(ctx context.Context, cause string, ref *eventv1.SlackMessageRef, kind eventv1.NoticeKind, detail, language string) error {
	return r.inform(ctx, cause, &eventv1.Notice{Target: ref, Kind: kind, Detail: detail}, language)
}

// inform shows a notice to the member of its target.
func (r *Router) inform(ctx context.Context, cause string, notice *eventv1.Notice, language string) error {
	ref := notice.GetTarget()
	return r.toSlack(ctx, bus.MarkLane, &eventv1.SlackCommand{
		Id: fmt.Sprintf("notice-%d-%s-%s", notice.GetKind(), bus.Token(notice.GetDetail()), cause), Team: ref.GetTeam(), Channel: ref.GetChannel(), Language: language,
		Command: &eventv1.SlackCommand_Notice{Notice: notice},
	})
}

// admins tells the project's admins something, each in a direct message. about is the channel that it is about; nil for none.
func (r *Router) admins(ctx context.Context, cause string, team *settingsv1.TeamSettings, kind eventv1.NoticeKind, detail string, about *eventv1.SlackMessageRef) error {
	for _, admin := range team.GetAdmins() {
		err := r.toSlack(ctx, bus.MarkLane, &eventv1.SlackCommand{
			Id: "direct-" + admin + "-" + cause, Team: team.GetWorkspace(), Channel: admin, Language: team.GetLanguage(),
			Command: &eventv1.SlackCommand_DirectNotice{DirectNotice: &eventv1.DirectNotice{Member: admin, Kind: kind, Detail: detail, About: about}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Router) decided(decision string) { r.decisions.WithLabelValues(decision).Inc() }
