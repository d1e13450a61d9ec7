package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func TestRedisGoneIsUnavailableWithoutInternals(t *testing.T) {
	r := start(t)
	address := r.redis.Addr()
	r.redis.Close()
	forEachMethod(t, r, func(method string, streams bool, want expectation) {
		if !strings.HasPrefix(method, settingsService) {
			return
		}
		err := r.call(as(t, adminAll), method, streams, want, "demo")
		wantCode(t, method, err, codes.Unavailable)
		for _, internal := range []string{address, "127.0.0.1", "dial", "redis", "refused"} {
			if strings.Contains(strings.ToLower(fmt.Sprint(err, status.Convert(err).Details())), internal) {
				t.Errorf("%s tells %q: %v", method, internal, err)
			}
		}
	})
	r.logs.wait(t, "call failed", "connection refused")
}

func TestARequestTooLargeIsRefused(t *testing.T) {
	r := start(t)
	for _, token := range []string{adminDemo, "unknown"} {
		request := set("demo", "op1", "U0DEMO1")
		request.OperatorLink.DisplayName = strings.Repeat("x", 10<<20)
		_, err := r.SetOperatorLink(as(t, token), request)
		wantCode(t, "10 MiB", err, codes.ResourceExhausted)
	}
}

// hanging is a Redis that takes connections and never answers; called is told about the first connection.
func hanging(t *testing.T, called func()) func(*Options) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		if conn, err := listener.Accept(); err == nil {
			called()
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	})
	t.Cleanup(func() {
		listener.Close()
		accepting.Wait()
	})
	return func(o *Options) {
		o.Store = newStore(t, &redis.UniversalOptions{Addrs: []string{listener.Addr().String()}})
	}
}

func TestACallThatIsCancelledEndsInside(t *testing.T) {
	t.Parallel() // it waits until the store loses its patience
	ctx, cancel := context.WithCancel(as(t, adminDemo))
	r := start(t, hanging(t, cancel))
	_, err := r.UpdateTeamSettings(ctx, update("demo", on(), "*"))
	wantCode(t, "cancelled", err, codes.Canceled)
	r.logs.wait(t, `"msg":"change"`, `"result":"CANCELLED"`)
}

func TestACallEndsAtTheServersDeadlineAtTheLatest(t *testing.T) {
	r := start(t, hanging(t, func() {}), func(o *Options) { o.Timeout = 50 * time.Millisecond })
	late, cancel := context.WithTimeout(as(t, adminDemo), time.Hour)
	defer cancel()
	for name, ctx := range map[string]context.Context{"no deadline": as(t, adminDemo), "a late one": late} {
		_, err := r.GetTeamSettings(ctx, &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")})
		wantCode(t, name, err, codes.DeadlineExceeded)
	}
}

func TestEveryAttemptToChangeIsAudited(t *testing.T) {
	r := start(t)
	secret := "shown to nobody"
	request := set("demo", "op1", "U0DEMO1")
	request.OperatorLink.DisplayName = secret
	_, err := r.SetOperatorLink(as(t, operatorDemo), request)
	wantCode(t, "set", err, codes.OK)
	r.logs.wait(t, `"who":"operator-demo"`, "SetOperatorLink", `"resource":"projects/demo/operators/op1"`, `"result":"OK"`)
	_, err = r.SetOperatorLink(as(t, viewerDemo), request)
	wantCode(t, "set by viewer", err, codes.PermissionDenied)
	r.logs.wait(t, `"who":"viewer-demo"`, "SetOperatorLink", `"result":"PERMISSION_DENIED"`)
	_, err = r.UpdateTeamSettings(as(t, adminDemo), update("demo", on()))
	wantCode(t, "update without mask", err, codes.InvalidArgument)
	r.logs.wait(t, `"who":"admin-demo"`, "UpdateTeamSettings", `"result":"INVALID_ARGUMENT"`)
	_, err = r.SetOperatorLink(as(t, adminDemo), set("demo", strings.Repeat("x", 100_000), "U0DEMO1"))
	wantCode(t, "endless name", err, codes.InvalidArgument)
	if _, err := r.GetOperatorLink(as(t, viewerDemo), &settingsv1.GetOperatorLinkRequest{Name: settings.LinkName("demo", "op1")}); err != nil {
		t.Error(err)
	}
	text := r.logs.String()
	if strings.Contains(text, secret) || strings.Contains(text, "token of") || len(text) > 4000 || strings.Contains(text, "GetOperatorLink") {
		t.Errorf("the log tells too much:\n%s", text)
	}
}

func TestAPanicIsAnInternalErrorAndNothingMore(t *testing.T) {
	log := &logs{}
	guard := &guard{log: newLog(log)}
	info := &grpc.UnaryServerInfo{FullMethod: settingsService + "GetTeamSettings"}
	_, err := guard.translateUnary(t.Context(), nil, info, func(context.Context, any) (any, error) { panic("secret place") })
	if s := status.Convert(err); s.Code() != codes.Internal || s.Message() != "internal error" {
		t.Errorf("got %v", err)
	}
	log.wait(t, "secret place", "guard_test.go")
}

func TestWhatErrorsOfTheInsideAreTold(t *testing.T) {
	for want, err := range map[codes.Code]error{
		codes.Aborted:          settings.ErrStale,
		codes.AlreadyExists:    settings.ErrMemberTaken,
		codes.NotFound:         settings.ErrNotFound,
		codes.InvalidArgument:  settings.ErrInvalid,
		codes.Unavailable:      fmt.Errorf("%w: %w", settings.ErrUnavailable, context.DeadlineExceeded),
		codes.DeadlineExceeded: context.DeadlineExceeded,
		codes.Canceled:         context.Canceled,
		codes.Internal:         errors.New("new"),
	} {
		got := toStatus(fmt.Errorf("secret place: %w", err))
		if got.Code() != want || strings.Contains(got.String(), "secret") {
			t.Errorf("%v is told as %v", err, got)
		}
	}
	inner := fmt.Errorf("secret place: %w", status.Error(codes.NotFound, "of somebody else"))
	if got := toStatus(inner); got.Code() != codes.Internal {
		t.Errorf("a status from further inside is told: %v", got)
	}
}

func TestTLSIsTheOnlyWayInWhenItIsSet(t *testing.T) {
	certificates := httptest.NewTLSServer(nil) // for its certificate of example.com
	defer certificates.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	r := start(t, func(o *Options) {
		o.TLS = &tls.Config{Certificates: certificates.TLS.Certificates, MinVersion: tls.VersionTLS12}
	})
	request := &grpc_health_v1.HealthCheckRequest{Service: "slacktalk.settings.v1.SettingsService"}
	_, err := grpc_health_v1.NewHealthClient(r.conn).Check(t.Context(), request)
	wantCode(t, "in the clear", err, codes.Unavailable)
	server := NewServer(Options{Logger: newLog(&bytes.Buffer{}), TLS: &tls.Config{
		Certificates: certificates.TLS.Certificates, MinVersion: tls.VersionTLS12}})
	conn := serve(t, server, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "example.com")))
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), request)
	if err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("over TLS: %v, %v", answer, err)
	}
}
