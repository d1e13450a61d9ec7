package api

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

func TestFewLongCallsAreUnderWayAtOnceAndOthersGoOn(t *testing.T) {
	g := newGuard(Options{Timeout: 50 * time.Millisecond})
	call := func(method string, handler grpc.UnaryHandler) error {
		_, err := g.queueUnary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method}, handler)
		return err
	}
	release, begun, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	for range longAtOnce {
		go func() {
			ended <- call(adminv1.ConversationService_EraseConversation_FullMethodName, func(context.Context, any) (any, error) {
				begun <- struct{}{}
				<-release
				return nil, nil
			})
		}()
		<-begun
	}
	quick := func(context.Context, any) (any, error) { return nil, nil }
	wantCode(t, "one too many", call(adminv1.ConversationService_TraceConversation_FullMethodName, quick), codes.ResourceExhausted)
	wantCode(t, "another kind", call(settingsv1.SettingsService_GetTeamSettings_FullMethodName, quick), codes.OK)
	close(release)
	for range longAtOnce {
		wantCode(t, "those before", <-ended, codes.OK)
	}
	wantCode(t, "afterwards", call(adminv1.ConversationService_TraceConversation_FullMethodName, quick), codes.OK)
}

func TestLongCallsMayTakeLong(t *testing.T) {
	g := newGuard(Options{Timeout: time.Second})
	for method, want := range map[string]time.Duration{
		adminv1.ConversationService_EraseConversation_FullMethodName: longTimeout, settingsv1.SettingsService_GetTeamSettings_FullMethodName: time.Second,
	} {
		_, err := g.limitUnary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method}, func(ctx context.Context, _ any) (any, error) {
			deadline, ok := ctx.Deadline()
			if left := time.Until(deadline); !ok || left > want || left < want-time.Second/2 {
				t.Errorf("%s: %v left of %v", method, left, want)
			}
			return nil, nil
		})
		wantCode(t, method, err, codes.OK)
	}
}
