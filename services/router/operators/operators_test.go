package operators

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func ids(operators []*eventv1.Operator) (ids []string) {
	for _, o := range operators {
		ids = append(ids, o.GetId())
	}
	return ids
}

// The cache's own sweeper never ends, so the client is made outside of the bubbles.
func TestAnAnswerIsRememberedForAWhile(t *testing.T) {
	var asked []string
	answer, broken := &eventv1.OperatorsResponse{}, error(nil)
	client := newWith(func(_ context.Context, project string) (*eventv1.OperatorsResponse, error) {
		asked = append(asked, project)
		return answer, broken
	})
	of := func(project, want string, is error) {
		t.Helper()
		operators, err := client.Of(t.Context(), project)
		if fmt.Sprint(ids(operators)) != want || !errors.Is(err, is) {
			t.Errorf("%s: got %v, %v; want %s, %v", project, ids(operators), err, want, is)
		}
	}
	broken = errors.New("no responders")
	of("demo", "[]", ErrNobodyAnswers)
	answer, broken = &eventv1.OperatorsResponse{Error: "KARTE: 403 the app lacks the scope"}, nil
	of("demo", "[]", ErrKARTE)
	answer = &eventv1.OperatorsResponse{Operators: []*eventv1.Operator{{Id: "op2"}, {Id: "bot-1"}, {Id: "a/b"}, {Id: ""}, {Id: "日本"}, {Id: "op1"}}}
	of("demo", "[op2 bot-1 op1]", nil)
	answer = &eventv1.OperatorsResponse{Operators: []*eventv1.Operator{{Id: "op3"}}}
	of("demo", "[op2 bot-1 op1]", nil)
	of("other", "[op3]", nil)
	broken = errors.New("no responders")
	of("demo", "[op2 bot-1 op1]", nil)
	client.known.Remove("demo") // as after a minute
	of("demo", "[]", ErrNobodyAnswers)
	if fmt.Sprint(asked) != "[demo demo demo other demo]" {
		t.Errorf("asked for %v", asked)
	}
}

func TestManyWhoAskAtOnceShareAQuestionThatNobodyCanCancel(t *testing.T) {
	var asked atomic.Int32
	goOn := make(chan struct{})
	client := newWith(func(ctx context.Context, _ string) (*eventv1.OperatorsResponse, error) {
		asked.Add(1)
		<-goOn
		return &eventv1.OperatorsResponse{Operators: []*eventv1.Operator{{Id: "op1"}}}, ctx.Err()
	})
	impatient, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := client.Of(impatient, "demo")
		left <- err
	}()
	for asked.Load() == 0 {
		runtime.Gosched()
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left is told %v", err)
	}
	var patient sync.WaitGroup
	for range 20 {
		patient.Go(func() {
			if operators, err := client.Of(t.Context(), "demo"); err != nil || len(operators) != 1 {
				t.Errorf("got %v, %v", operators, err)
			}
		})
	}
	close(goOn)
	patient.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestAnAnswerThatDoesNotComeIsNotWaitedForLongerThanACallLasts(t *testing.T) {
	client := newWith(func(ctx context.Context, _ string) (*eventv1.OperatorsResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := client.Of(ctx, "demo"); !errors.Is(err, ErrNobodyAnswers) || ctx.Err() != nil {
			t.Errorf("got %v, the call itself %v", err, ctx.Err())
		}
	})
}
