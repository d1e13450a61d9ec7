// Package diagnose looks for what is wrong, from one end of the system to the other.
package diagnose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/internal/bus"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

const (
	// runLimit bounds a whole run.
	runLimit = 29 * time.Second
	// checkLimit bounds a check; what it waits for has limits of its own, so that it can say which of them hangs.
	checkLimit = 24 * time.Second
	// runsAtOnce bounds how many runs this replica makes at the same time: each asks Slack and KARTE, which limit calls.
	runsAtOnce = 4
)

// Settings are the project's.
type Settings interface {
	GetTeam(ctx context.Context, project string) (*settingsv1.TeamSettings, error)
	ListLinks(ctx context.Context, project string, pageSize int, after string) (links []*settingsv1.OperatorLink, next string, err error)
}

// Operators are those whom KARTE knows.
type Operators interface {
	Of(ctx context.Context, project string) ([]*eventv1.Operator, error)
}

// Conversations find and remove the conversation of a test message.
type Conversations interface {
	GetConversation(ctx context.Context, r *adminv1.GetConversationRequest) (*adminv1.GetConversationResponse, error)
	EraseConversation(ctx context.Context, r *adminv1.EraseConversationRequest) (*adminv1.EraseConversationResponse, error)
}

// Customers answers which conversation a customer has; empty when none.
type Customers interface {
	Of(ctx context.Context, project string, c *eventv1.Customer) (id string, err error)
}

// DeadLetters lists what could not be done.
type DeadLetters interface {
	ListDeadLetters(ctx context.Context, r *adminv1.ListDeadLettersRequest) (*adminv1.ListDeadLettersResponse, error)
}

// Options of a Service.
type Options struct {
	Bus           *bus.Bus
	Redis         redis.UniversalClient
	Settings      Settings
	Operators     Operators
	Conversations Conversations
	Customers     Customers
	DeadLetters   DeadLetters
	Now           func() time.Time
	Log           *slog.Logger
}

// Service answers DiagnosticsService. Requests reaching it kept the rules of the contract, by callers who may make them.
type Service struct {
	adminv1.UnimplementedDiagnosticsServiceServer
	Options
	runs chan struct{}
}

// New makes a service.
func New(o Options) *Service { return &Service{Options: o, runs: make(chan struct{}, runsAtOnce)} }

// RunDiagnostics makes every check, one after the other. What they look at is asked for all at once in the beginning.
func (s *Service) RunDiagnostics(r *adminv1.RunDiagnosticsRequest, stream grpc.ServerStreamingServer[adminv1.RunDiagnosticsResponse]) error {
	project, err := settings.ParseProjectName(r.GetParent())
	if err != nil {
		return err
	}
	select {
	case s.runs <- struct{}{}:
		defer func() { <-s.runs }()
	default:
		return status.Error(codes.ResourceExhausted, "other examinations are under way; try again in half a minute")
	}
	ctx, cancel := context.WithTimeoutCause(stream.Context(), runLimit, fmt.Errorf("the examination took longer than %v", runLimit))
	scene := s.begin(ctx, project)
	// What is still being asked ends with the run.
	defer scene.asking.Wait()
	defer cancel()
	return examine(ctx, scene, checks(r.GetSendTest()), stream.Send)
}

// examine makes checks in their order and tells of each before and after.
func examine(ctx context.Context, x *scene, all []check, send func(*adminv1.RunDiagnosticsResponse) error) error {
	for _, c := range all {
		err := send(&adminv1.RunDiagnosticsResponse{Progress: &adminv1.RunDiagnosticsResponse_Started{Started: &adminv1.CheckStarted{
			Check: c.id, Title: c.title, Total: int32(len(all)), //nolint:gosec // there are few
		}}})
		if err != nil {
			return err
		}
		o := c.make(ctx, x)
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		err = send(&adminv1.RunDiagnosticsResponse{Progress: &adminv1.RunDiagnosticsResponse_Result{Result: &adminv1.CheckResult{
			Check: c.id, Title: c.title, Verdict: o.verdict, Found: o.found, Fix: o.fix,
		}}})
		if err != nil {
			return err
		}
	}
	return nil
}
