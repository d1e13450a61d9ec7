package examine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/examination"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/installation"
	"github.com/slacktalk/slacktalk/services/slack-gateway/manifest"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

const (
	ok      = eventv1.FindingState_FINDING_STATE_OK
	warning = eventv1.FindingState_FINDING_STATE_WARNING
	failing = eventv1.FindingState_FINDING_STATE_FAILED
	unknown = eventv1.FindingState_FINDING_STATE_UNKNOWN
)

// workspace is a Slack of two channels, some people and a group.
type workspace struct {
	self *slack.AuthTestResponse
	err  error
	hang bool
}

func (w *workspace) answer(ctx context.Context) error {
	if w.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return w.err
}

func (w *workspace) Self(ctx context.Context) (*slack.AuthTestResponse, error) {
	return w.self, w.answer(ctx)
}

func (w *workspace) Place(ctx context.Context, id string) (*slackapi.Place, error) {
	places := map[string]*slackapi.Place{
		"C0IN": {Name: "in", Member: true}, "C0OUT": {Name: "out"}, "C0OLD": {Name: "old", Member: true, Archived: true},
	}
	return places[id], w.answer(ctx)
}

func (w *workspace) User(ctx context.Context, id string) (*slack.User, error) {
	users := map[string]*slack.User{
		"U0HOME": {TeamID: "T0DEMO1"}, "U0AWAY": {TeamID: "T0OTHER"}, "U0STRANGER": {TeamID: "T0DEMO1", IsStranger: true},
		"U0LEFT": {TeamID: "T0DEMO1", Deleted: true}, "U0BOT": {TeamID: "T0DEMO1", IsBot: true}, "U0GUEST": {TeamID: "T0DEMO1", IsRestricted: true},
	}
	return users[id], w.answer(ctx)
}

func (w *workspace) UserGroups(ctx context.Context) (map[string]string, error) {
	return map[string]string{"S0DEMO": "support"}, w.answer(ctx)
}

func examiner(w *workspace) *Examiner {
	return New(Options{Slack: func(string) (Slack, error) { return w, nil }, Journal: examination.New(time.Now), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

func granted(except ...string) http.Header {
	var names []string
	for _, scope := range manifest.Scopes() {
		if !strings.Contains(" "+strings.Join(except, " ")+" ", " "+scope.Name+" ") {
			names = append(names, scope.Name)
		}
	}
	return http.Header{"X-Oauth-Scopes": {strings.Join(names, ",")}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}
}

func self(header http.Header) *slack.AuthTestResponse {
	return &slack.AuthTestResponse{TeamID: "T0DEMO1", UserID: "U0BOT", BotID: "B0BOT", Team: "demo", Header: header}
}

func TestAReplicaSaysWhatSlackThinksOfIt(t *testing.T) {
	person := self(granted())
	person.BotID = ""
	for name, tt := range map[string]struct {
		slack         *workspace
		token, scopes eventv1.FindingState
		code          string
	}{
		"healthy":          {&workspace{self: self(granted())}, ok, ok, ""},
		"missing scope":    {&workspace{self: self(granted("users:read"))}, ok, failing, ""},
		"no private ones":  {&workspace{self: self(granted("groups:read", "groups:history"))}, ok, warning, ""},
		"scopes not told":  {&workspace{self: self(http.Header{})}, ok, unknown, ""},
		"a person's token": {&workspace{self: person}, failing, ok, examination.CodeNotBot},
		"refused":          {&workspace{err: slack.SlackErrorResponse{Err: "invalid_auth"}}, failing, 0, "invalid_auth"},
		"not installed":    {&workspace{err: fmt.Errorf("workspace T0DEMO1: %w", installation.ErrNotInstalled)}, failing, 0, examination.CodeNotInstalled},
		"away":             {&workspace{err: errors.New("connection refused")}, failing, 0, examination.CodeUnreachable},
	} {
		findings := examiner(tt.slack).Examine(t.Context(), "T0DEMO1").GetFindings()
		token, scopes := examination.Find(findings, examination.SlackToken), examination.Find(findings, examination.SlackScopes)
		if token.GetState() != tt.token || token.GetValues()[examination.ValueCode] != tt.code || scopes.GetState() != tt.scopes {
			t.Errorf("%s: %v, %v", name, token, scopes)
		}
		if examination.Find(findings, examination.Clock).GetValues()[examination.ValueNow] == "" {
			t.Errorf("%s: no time", name)
		}
	}
}

func TestWhatTheSettingsNameIsLookedAt(t *testing.T) {
	request := &eventv1.ExaminationRequest{
		Channels:   []string{"C0IN", "C0OUT", "C0OLD", "C0NONE"},
		Members:    []string{"U0HOME", "U0AWAY", "U0STRANGER", "U0LEFT", "U0BOT", "U0GUEST", "U0NONE"},
		UserGroups: []string{"S0DEMO", "S0NONE"},
	}
	want := map[string]string{
		"C0IN": "", "C0OUT": examination.CodeNotIn, "C0OLD": examination.CodeArchived, "C0NONE": examination.CodeUnknown,
		"U0HOME": "", "U0AWAY": examination.CodeOtherTeam, "U0STRANGER": examination.CodeOtherTeam, "U0LEFT": examination.CodeDeactivated,
		"U0BOT": examination.CodeBot, "U0GUEST": examination.CodeGuest, "U0NONE": examination.CodeUnknown,
		"S0DEMO": "", "S0NONE": examination.CodeUnknown,
	}
	findings := examiner(&workspace{}).Workspace(t.Context(), "T0DEMO1", request).GetFindings()
	if len(findings) != len(want) {
		t.Fatalf("%d findings", len(findings))
	}
	for _, f := range findings {
		code := want[f.GetSubject()]
		if f.GetValues()[examination.ValueCode] != code || (f.GetState() == ok) != (code == "") {
			t.Errorf("%v", f)
		}
	}
}

func TestWhatSlackDoesNotAnswerIsUnknown(t *testing.T) {
	request := &eventv1.ExaminationRequest{Channels: []string{"C0IN"}, Members: []string{"U0HOME"}, UserGroups: []string{"S0DEMO"}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, f := range examiner(&workspace{hang: true}).Workspace(ctx, "T0DEMO1", request).GetFindings() {
		if f.GetState() != unknown {
			t.Errorf("%v", f)
		}
	}
	for _, f := range examiner(&workspace{err: slack.SlackErrorResponse{Err: "missing_scope"}}).Workspace(t.Context(), "T0DEMO1", request).GetFindings() {
		if f.GetState() != failing || f.GetValues()[examination.ValueCode] != "missing_scope" {
			t.Errorf("%v", f)
		}
	}
}
