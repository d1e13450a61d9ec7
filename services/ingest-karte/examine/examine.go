// Package examine finds out how this replica of ingest-karte is doing, for whoever asks.
package examine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/examination"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

const (
	// answerWithin is shorter than the asker's patience, so that it hears what hangs.
	answerWithin = 7 * time.Second
	callWithin   = 5 * time.Second
)

// KARTE is asked whether it accepts the token.
type KARTE interface {
	Probe(ctx context.Context, use karte.Use) (karte.Probe, error)
}

// Options of an Examiner.
type Options struct {
	Bus     *bus.Bus
	KARTE   KARTE
	Journal *examination.Journal
	Project string
	// Secret signs the hook of a test message, as KARTE would.
	Secret secret.String
	// HookURL is where this replica itself takes hooks.
	HookURL string
	Now     func() time.Time
	Log     *slog.Logger
}

// Examiner answers for this replica.
type Examiner struct {
	Options
	replica string
	http    *http.Client
}

// New makes one.
func New(o Options) *Examiner {
	return &Examiner{Options: o, replica: examination.Replica(), http: &http.Client{Timeout: callWithin}}
}

// Serve answers questions until ctx ends: every replica how it is doing, one of them for a test message.
func (e *Examiner) Serve(ctx context.Context) error {
	defer e.http.CloseIdleConnections()
	return daemon.Together(ctx,
		func(ctx context.Context) error {
			return bus.Answer(ctx, e.Bus, bus.AskKarteSubject(e.Project, bus.AskExamination), "", answerWithin,
				func(ctx context.Context, _ *eventv1.ExaminationRequest) proto.Message { return e.Examine(ctx) })
		},
		func(ctx context.Context) error {
			return bus.Answer(ctx, e.Bus, bus.AskKarteSubject(e.Project, bus.AskTestMessage), "ingest-karte", answerWithin,
				func(ctx context.Context, r *eventv1.TestMessageRequest) proto.Message { return e.TestMessage(ctx, r) })
		})
}

// Examine looks at everything.
func (e *Examiner) Examine(ctx context.Context) *eventv1.ExaminationResponse {
	findings := append(e.karte(ctx), e.Journal.Delivery(examination.KarteHooks), e.Journal.Signatures(examination.KarteHookSignature))
	clock := examination.Find(findings, examination.Clock)
	clock.Values[examination.ValueNow] = e.Now().UTC().Format(time.RFC3339Nano)
	return &eventv1.ExaminationResponse{Replica: e.replica, Findings: findings}
}

// karte answers whether KARTE accepts the token, what it may do, and how far our clock is from KARTE's.
func (e *Examiner) karte(ctx context.Context) []*eventv1.Finding {
	ctx, cancel := context.WithTimeoutCause(ctx, callWithin, fmt.Errorf("KARTE did not answer within %v", callWithin))
	defer cancel()
	uses := karte.Uses()
	probe, err := e.KARTE.Probe(ctx, uses[0])
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return []*eventv1.Finding{failure(examination.KarteToken, "", examination.CodeUnreachable, err.Error()), clockUnknown()}
	}
	token := tokenFinding(probe)
	findings := []*eventv1.Finding{token, examination.ClockFinding("KARTE", probe.Header, probe.Sent, probe.Received)}
	if token.GetState() == eventv1.FindingState_FINDING_STATE_FAILED {
		return findings
	}
	scopes := make([]*eventv1.Finding, len(uses))
	scopes[0] = scopeFinding(uses[0], probe, nil)
	var asking sync.WaitGroup
	for i, use := range uses[1:] {
		asking.Go(func() {
			probe, err := e.KARTE.Probe(ctx, use)
			scopes[i+1] = scopeFinding(use, probe, err)
		})
	}
	asking.Wait()
	return append(findings, scopes...)
}

// tokenFinding reads the table of status codes: 401 is a token that is not accepted, 403 a scope that it lacks. A 404 or the like speaks
// about the call, which is not documented, and not about the token.
func tokenFinding(probe karte.Probe) *eventv1.Finding {
	code := strconv.Itoa(probe.Status)
	f := &eventv1.Finding{Check: examination.KarteToken, State: eventv1.FindingState_FINDING_STATE_OK, Detail: "KARTE accepts the token", Values: map[string]string{}}
	switch {
	case probe.Status == http.StatusUnauthorized:
		return failure(examination.KarteToken, "", code, "KARTE does not accept the token: "+code+" "+probe.Said)
	case probe.Status >= 300 && probe.Status < 400:
		return failure(examination.KarteToken, "", code, "KARTE_API_URL answers with a redirect: it is not KARTE's API")
	case probe.Status == http.StatusTooManyRequests, probe.Status >= 500, probe.Status == http.StatusRequestTimeout:
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_UNKNOWN, "KARTE has a fault of its own or is busy: "+code+" "+probe.Said
	case probe.Status != http.StatusForbidden && probe.Status >= 400:
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_UNKNOWN, "KARTE does not say whether it accepts the token: "+code+" "+probe.Said
	}
	f.Values[examination.ValueCode] = code
	return f
}

// scopeFinding: only a 403 tells something about the scope for certain.
func scopeFinding(use karte.Use, probe karte.Probe, err error) *eventv1.Finding {
	f := &eventv1.Finding{Check: examination.KarteScope, Subject: use.Scope, State: eventv1.FindingState_FINDING_STATE_OK, Values: map[string]string{examination.ValueFor: use.For}}
	if use.Optional {
		f.Values[examination.ValueOptional] = "true"
	}
	switch {
	case err != nil:
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_UNKNOWN, err.Error()
	case probe.Status == http.StatusForbidden:
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_FAILED, "KARTE answers 403 "+probe.Said
	default:
		f.Detail = fmt.Sprintf("KARTE does not miss it (%d)", probe.Status)
	}
	return f
}

func failure(check, subject, code, detail string) *eventv1.Finding {
	return &eventv1.Finding{
		Check: check, Subject: subject, State: eventv1.FindingState_FINDING_STATE_FAILED, Detail: detail, Values: map[string]string{examination.ValueCode: code},
	}
}

func clockUnknown() *eventv1.Finding {
	return examination.ClockFinding("KARTE", nil, time.Time{}, time.Time{})
}

var errNotTaken = errors.New("the hook was not taken")
