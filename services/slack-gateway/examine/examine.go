// Package examine finds out how this replica of slack-gateway is doing, and what Slack says of what the settings name, for whoever asks.
package examine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/examination"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/installation"
	"github.com/slacktalk/slacktalk/services/slack-gateway/manifest"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

const (
	// answerWithin is shorter than the asker's patience, so that it hears what hangs.
	answerWithin = 7 * time.Second
	callsWithin  = 5 * time.Second
	// atOnce bounds how many calls are under way; Slack limits them per minute.
	atOnce = 6
)

// Slack is what is asked of Slack.
type Slack interface {
	Self(ctx context.Context) (*slack.AuthTestResponse, error)
	Place(ctx context.Context, channel string) (*slackapi.Place, error)
	User(ctx context.Context, id string) (*slack.User, error)
	UserGroups(ctx context.Context) (map[string]string, error)
}

// Options of an Examiner.
type Options struct {
	Bus *bus.Bus
	// Slack answers what asks in a workspace. Of a workspace that the app is not installed in it may answer what asks in another one, which
	// then says so.
	Slack   func(team string) (Slack, error)
	Journal *examination.Journal
	Now     func() time.Time
	Log     *slog.Logger
}

// Examiner answers for this replica.
type Examiner struct {
	Options
	replica string
}

// New makes one.
func New(o Options) *Examiner { return &Examiner{Options: o, replica: examination.Replica()} }

// Serve answers until ctx ends how this replica is doing. It answers for whichever workspace is asked about, and says which one it belongs to:
// a replica whose token Slack refuses belongs to none that it knows of.
func (e *Examiner) Serve(ctx context.Context) error {
	return bus.AnswerOn(ctx, e.Bus, bus.AskSlackSubject("*", bus.AskExamination), "", answerWithin,
		func(ctx context.Context, subject string, _ *eventv1.ExaminationRequest) proto.Message {
			return e.Examine(ctx, bus.AskedTeam(subject))
		})
}

// ServeWorkspace answers until ctx ends what Slack says of what the settings name; replicas share the questions.
func (e *Examiner) ServeWorkspace(ctx context.Context, team string) error {
	return bus.Answer(ctx, e.Bus, bus.AskSlackSubject(team, bus.AskWorkspace), "slack-gateway", answerWithin,
		func(ctx context.Context, r *eventv1.ExaminationRequest) proto.Message {
			return e.Workspace(ctx, team, r)
		})
}

// Examine looks at this replica, as far as a workspace is concerned.
func (e *Examiner) Examine(ctx context.Context, team string) *eventv1.ExaminationResponse {
	ctx, cancel := limited(ctx)
	defer cancel()
	sent := e.Now()
	self, err := e.self(ctx, team)
	received := e.Now()
	findings := []*eventv1.Finding{e.Journal.Delivery(examination.SlackEvents), e.Journal.Signatures(examination.SlackSignature)}
	var clock *eventv1.Finding
	if err != nil {
		clock = examination.ClockFinding("Slack", nil, sent, received)
		findings = append(findings, problem(ctx, finding(examination.SlackToken, ""), err))
	} else {
		clock = examination.ClockFinding("Slack", self.Header, sent, received)
		findings = append(findings, token(self), scopes(self))
	}
	clock.Values[examination.ValueNow] = e.Now().UTC().Format(time.RFC3339Nano)
	return &eventv1.ExaminationResponse{Replica: e.replica, Findings: append(findings, clock)}
}

func (e *Examiner) self(ctx context.Context, team string) (*slack.AuthTestResponse, error) {
	api, err := e.Slack(team)
	if err != nil {
		return nil, err
	}
	return api.Self(ctx)
}

func token(self *slack.AuthTestResponse) *eventv1.Finding {
	f := finding(examination.SlackToken, "")
	f.Detail = fmt.Sprintf("Slack accepts the token: bot %s of workspace %s (%s)", self.UserID, self.TeamID, self.Team)
	f.Values[examination.ValueTeam], f.Values[examination.ValueBot], f.Values[examination.ValueName] = self.TeamID, self.UserID, self.Team
	if self.BotID == "" {
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_FAILED, "the token is a person's, not a bot's"
		f.Values[examination.ValueCode] = examination.CodeNotBot
	}
	return f
}

func scopes(self *slack.AuthTestResponse) *eventv1.Finding {
	f := finding(examination.SlackScopes, "")
	granted, said := slackapi.Granted(self.Header)
	if !said {
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_UNKNOWN, "Slack did not say what the token may do"
		return f
	}
	var needed, optional, why []string
	for _, scope := range manifest.Missing(granted) {
		why = append(why, scope.Name+" ("+scope.For+")")
		if scope.Optional {
			optional = append(optional, scope.Name)
		} else {
			needed = append(needed, scope.Name)
		}
	}
	f.Detail = fmt.Sprintf("all %d scopes are granted", len(manifest.Scopes()))
	if len(why) > 0 {
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_WARNING, "missing: "+strings.Join(why, ", ")
	}
	if len(needed) > 0 {
		f.State = eventv1.FindingState_FINDING_STATE_FAILED
	}
	f.Values[examination.ValueMissing], f.Values[examination.ValueOptional] = strings.Join(needed, ","), strings.Join(optional, ",")
	return f
}

// Workspace looks at everything that is named; what Slack does not answer in time is unknown.
func (e *Examiner) Workspace(ctx context.Context, team string, r *eventv1.ExaminationRequest) *eventv1.ExaminationResponse {
	ctx, cancel := limited(ctx)
	defer cancel()
	api, err := e.Slack(team)
	if err != nil {
		return &eventv1.ExaminationResponse{Replica: e.replica, Findings: []*eventv1.Finding{problem(ctx, finding(examination.SlackToken, ""), err)}}
	}
	groups := sync.OnceValues(func() (map[string]string, error) { return api.UserGroups(ctx) })
	var looks []func() *eventv1.Finding
	for _, id := range r.GetChannels() {
		looks = append(looks, func() *eventv1.Finding { return channel(ctx, api, id) })
	}
	for _, id := range r.GetMembers() {
		looks = append(looks, func() *eventv1.Finding { return member(ctx, api, team, id) })
	}
	for _, id := range r.GetUserGroups() {
		looks = append(looks, func() *eventv1.Finding { return userGroup(ctx, id, groups) })
	}
	findings := make([]*eventv1.Finding, len(looks))
	slots := make(chan struct{}, atOnce)
	var looking sync.WaitGroup
	for i, look := range looks {
		slots <- struct{}{}
		looking.Go(func() {
			defer func() { <-slots }()
			findings[i] = look()
		})
	}
	looking.Wait()
	return &eventv1.ExaminationResponse{Replica: e.replica, Findings: findings}
}

func channel(ctx context.Context, api Slack, id string) *eventv1.Finding {
	f := finding(examination.SlackChannel, id)
	place, err := api.Place(ctx, id)
	switch {
	case err != nil:
		return problem(ctx, f, err)
	case place == nil:
		return failed(f, examination.CodeUnknown, "Slack knows no such channel, or it is private and the app is not in it")
	case place.Archived:
		failed(f, examination.CodeArchived, "the channel is archived")
	case !place.Member:
		failed(f, examination.CodeNotIn, "the app is not in the channel")
	default:
		f.Detail = "the app is in the channel"
	}
	f.Values[examination.ValueName] = place.Name
	return f
}

func member(ctx context.Context, api Slack, team, id string) *eventv1.Finding {
	f := finding(examination.SlackMember, id)
	user, err := api.User(ctx, id)
	switch {
	case err != nil:
		return problem(ctx, f, err)
	case user == nil:
		return failed(f, examination.CodeUnknown, "Slack knows no such member")
	case user.TeamID != team || user.IsStranger:
		return failed(f, examination.CodeOtherTeam, "belongs to another workspace")
	case user.Deleted:
		return failed(f, examination.CodeDeactivated, "is deactivated")
	case user.IsBot:
		return failed(f, examination.CodeBot, "is a bot")
	case user.IsRestricted || user.IsUltraRestricted:
		return failed(f, examination.CodeGuest, "is a guest")
	}
	f.Detail = "is a member of the workspace"
	return f
}

func userGroup(ctx context.Context, id string, groups func() (map[string]string, error)) *eventv1.Finding {
	f := finding(examination.SlackUserGroup, id)
	known, err := groups()
	if err != nil {
		return problem(ctx, f, err)
	}
	if _, ok := known[id]; !ok {
		return failed(f, examination.CodeUnknown, "Slack knows no such user group, or it is disabled")
	}
	f.Detail, f.Values[examination.ValueName] = "exists", known[id]
	return f
}

func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, callsWithin, fmt.Errorf("Slack did not answer within %v", callsWithin))
}

func finding(check, subject string) *eventv1.Finding {
	return &eventv1.Finding{Check: check, Subject: subject, State: eventv1.FindingState_FINDING_STATE_OK, Values: map[string]string{}}
}

func failed(f *eventv1.Finding, code, detail string) *eventv1.Finding {
	f.State, f.Detail, f.Values[examination.ValueCode] = eventv1.FindingState_FINDING_STATE_FAILED, detail, code
	return f
}

// problem: Slack's own word is a failure, the lack of one is not known to be.
func problem(ctx context.Context, f *eventv1.Finding, err error) *eventv1.Finding {
	if errors.Is(err, installation.ErrNotInstalled) {
		return failed(f, examination.CodeNotInstalled, err.Error())
	}
	if code := slackapi.Code(err); code != "" {
		return failed(f, code, err.Error())
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	failed(f, examination.CodeUnreachable, err.Error())
	if f.GetCheck() != examination.SlackToken {
		f.State = eventv1.FindingState_FINDING_STATE_UNKNOWN
	}
	return f
}
