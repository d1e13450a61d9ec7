// Package catchup reads from Slack what stands in a thread but was not delivered yet, and whose thread it is.
package catchup

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// Slack is what this package asks.
type Slack interface {
	Thread(ctx context.Context, channel, ts, after, before, own string) (slackapi.Thread, error)
	Line(ctx context.Context, channel, thread, ts string) (json.RawMessage, error)
}

// Channels is told when a channel has another id.
type Channels interface {
	IDs(team, id string) []string
	Changed(ctx context.Context, team, before, now string) error
}

// Options of an Answerer.
type Options struct {
	Bus *bus.Bus
	// Slack answers what asks in a workspace, Self who the app is there.
	Slack func(team string) (Slack, error)
	Self  func(team string) (inbound.Self, bool)
	// Channels is told when a thread shows that its channel has another id now: Slack may have said so to nobody. It is nil where ids do not change.
	Channels Channels
	// PerMinute is how many threads are read in a minute at most; Slack allows about 50 such calls (tier 3). 0 reads none.
	PerMinute int
	Now       func() time.Time
	Log       *slog.Logger
	Metrics   prometheus.Registerer
}

// Answerer answers RepliesRequests over NATS.
type Answerer struct {
	Options
	// patience is one per workspace: Slack's limits are.
	patience sync.Map
	threads  bus.Records[*eventv1.ThreadRecord]
	checks   *prometheus.CounterVec
}

// patience is how much may be asked of Slack in one workspace.
type patience struct {
	limit *rate.Limiter
	// throttled is until when Slack wants to be left alone, in Unix nanoseconds.
	throttled atomic.Int64
}

func (a *Answerer) patienceFor(team string) *patience {
	p, _ := a.patience.LoadOrStore(team, &patience{limit: rate.NewLimiter(rate.Limit(float64(a.PerMinute)/60), (a.PerMinute+1)/2)})
	return p.(*patience) //nolint:forcetypeassert // nothing else is stored
}

// answerWithin bounds one answer; the asker waits a little longer.
const answerWithin = 3500 * time.Millisecond

// New makes an answerer.
func New(o Options) *Answerer {
	a := &Answerer{Options: o, threads: bus.NewRecords[*eventv1.ThreadRecord](o.Bus, bus.Threads), checks: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "slacktalk_thread_checks_total",
		Help: "Threads looked at before one of their replies is acted on, by result: complete, missed (Slack held replies that it had not delivered), unchecked (over the limit), failed.",
	}, []string{"result"})}
	o.Metrics.MustRegister(a.checks)
	return a
}

// Serve answers for one workspace until ctx ends; replicas share the questions.
func (a *Answerer) Serve(ctx context.Context, team string) error {
	return bus.Answer(ctx, a.Bus, bus.AskSlackSubject(team, bus.AskReplies), "slack-gateway", answerWithin, func(ctx context.Context, request *eventv1.RepliesRequest) proto.Message {
		response, err := a.Answer(ctx, team, request)
		return a.judge(team, response, err)
	})
}

// judge turns an error into an answer. What will not be better in a moment must not hold replies up.
func (a *Answerer) judge(team string, response *eventv1.RepliesResponse, err error) *eventv1.RepliesResponse {
	throttled := err != nil && retry.Delay(err) > 0 && !errors.Is(err, retry.ErrUnknown)
	if throttled {
		a.patienceFor(team).throttled.Store(a.Now().Add(retry.Delay(err)).UnixNano())
	}
	switch {
	case err == nil && response.GetUnchecked():
		a.checks.WithLabelValues("unchecked").Inc()
	case err == nil && len(response.GetReplies()) > 0:
		a.checks.WithLabelValues("missed").Inc()
	case err == nil:
		a.checks.WithLabelValues("complete").Inc()
	case throttled, slackapi.NotAllowed(err), errors.Is(err, slackapi.ErrThreadGone):
		a.checks.WithLabelValues("unchecked").Inc()
		a.Log.Warn("a thread was not looked at", "err", err)
		return &eventv1.RepliesResponse{Unchecked: true}
	default:
		a.checks.WithLabelValues("failed").Inc()
		return &eventv1.RepliesResponse{Error: err.Error()}
	}
	return response
}

// Answer reads the thread and stores the replies that are missing in SLACK, so that they are acted on even if the asker stops now.
func (a *Answerer) Answer(ctx context.Context, team string, request *eventv1.RepliesRequest) (*eventv1.RepliesResponse, error) {
	self, ok := a.Self(team)
	if p := a.patienceFor(team); !ok || a.Now().UnixNano() < p.throttled.Load() || !p.limit.AllowN(a.Now(), 1) {
		return &eventv1.RepliesResponse{Unchecked: true}, nil
	}
	slack, err := a.Slack(team)
	if err != nil {
		return nil, err
	}
	thread, err := slack.Thread(ctx, request.GetChannel(), request.GetThreadTs(), request.GetAfterTs(), request.GetBeforeTs(), self.BotID)
	if err != nil {
		return nil, err
	}
	if request.GetBeforeTs() == "" {
		if err := a.renamed(ctx, team, request, thread); err != nil {
			return nil, err
		}
	}
	response := &eventv1.RepliesResponse{Project: thread.Project, Conversation: thread.Conversation}
	if len(thread.Replies) == 0 {
		return response, nil
	}
	here, ok, err := a.position(ctx, request.GetTeam(), request.GetChannel(), request.GetThreadTs(), request.GetBeforeTs())
	if err != nil || !ok {
		return response, err // a reply that is forgotten already has nothing to wait for
	}
	for _, raw := range thread.Replies {
		fact, verdict := inbound.Reply(raw, request.GetTeam(), request.GetChannel(), self, a.Now())
		if verdict != inbound.VerdictFact {
			continue
		}
		behind, err := a.behind(ctx, fact, here)
		if err != nil {
			return nil, err
		}
		if behind {
			response.Replies = append(response.Replies, fact)
		}
	}
	return response, nil
}

// behind reports whether a fact stands behind the position here in SLACK, storing it where it is missing.
func (a *Answerer) behind(ctx context.Context, fact *eventv1.SlackFact, here uint64) (bool, error) {
	subject := inbound.Subject(a.Bus.Partitions(), fact)
	at, stored, err := a.position(ctx, fact.GetTeam(), fact.GetChannel(), fact.GetThreadTs(), fact.GetReplyWritten().GetTs())
	if err != nil {
		return false, err
	}
	if stored {
		return at > here, nil
	}
	a.Log.InfoContext(ctx, "slack has not delivered a reply yet", "channel", fact.GetChannel(), "thread", fact.GetThreadTs(), "ts", fact.GetReplyWritten().GetTs())
	_, err = a.Bus.Once(ctx, bus.Slack, subject, fact)
	return true, err
}
