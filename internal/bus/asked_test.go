package bus_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Who asks while replicas come and go gets an answer, and not that of somebody who was interrupted: a question is not asked again until its asker has waited in vain.
func TestAQuestionToAReplicaThatStopsIsAnswered(t *testing.T) {
	_, url := ready(t)
	subject := bus.AskSlackSubject("T0DEMO1", bus.AskMembers)
	replica := func() (stop func()) {
		b := connect(t, url, 4, 0)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- bus.Answer(ctx, b, subject, "slack-gateway", 5*time.Second, func(ctx context.Context, _ *eventv1.MembersRequest) proto.Message {
				select {
				case <-ctx.Done():
					return &eventv1.MembersResponse{Error: "interrupted"}
				case <-time.After(3 * time.Millisecond):
					return &eventv1.MembersResponse{}
				}
			})
		}()
		if err := b.Conn().Flush(); err != nil {
			t.Error(err)
		}
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	former, over := replica(), make(chan struct{})
	var asking sync.WaitGroup
	var answers atomic.Int64
	for range 4 {
		asking.Go(func() {
			asker := connect(t, url, 4, 0)
			for {
				select {
				case <-over:
					return
				default:
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				began, answer := time.Now(), &eventv1.MembersResponse{}
				err := asker.Ask(ctx, subject, &eventv1.MembersRequest{}, answer)
				cancel()
				if err != nil || answer.GetError() != "" {
					t.Errorf("after %v: %v %v", time.Since(began), answer, err)
					return
				}
				answers.Add(1)
			}
		})
	}
	for range 20 {
		next, before := replica(), answers.Load()
		eventually.Holds(t, patience, "both are asked", func() bool { return answers.Load() > before+20 })
		former()
		former = next
	}
	close(over)
	asking.Wait()
	former()
}
