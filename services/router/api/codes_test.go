package api

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/slacktalk/slacktalk/services/router/settings"
)

// reasonOf answers the reason that an error tells in our domain, "" if it tells none or several.
func reasonOf(err error) string {
	var reasons []string
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "slacktalk" {
			reasons = append(reasons, info.GetReason())
		}
	}
	if len(reasons) != 1 {
		return ""
	}
	return reasons[0]
}

// What google.rpc.ErrorInfo asks of a reason.
var wellFormed = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,61}[A-Z0-9]$`)

func TestEveryKindOfErrorIsToldWithItsReasonAndNothingOfTheInside(t *testing.T) {
	seen := map[string]bool{}
	for i, kind := range kinds {
		told := toStatus(fmt.Errorf("secret place: %w", kind.is))
		if told.Code() != kind.code || !strings.HasPrefix(told.Message(), kind.message) || strings.Contains(told.String(), "secret") {
			t.Errorf("%v is told as %v", kind.is, told)
		}
		if got := reasonOf(told.Err()); got != kind.reason || !wellFormed.MatchString(got) {
			t.Errorf("%v has the reason %q, want %q", kind.is, got, kind.reason)
		}
		if seen[kind.reason] || kind.message == "" || kind.code == codes.OK || kind.code == codes.Unknown {
			t.Errorf("row of %v: the reason is another's, or there is no message, or no code", kind.is)
		}
		seen[kind.reason] = true
		for _, before := range kinds[:i] {
			if errors.Is(kind.is, before.is) {
				t.Errorf("%v never comes to its row: it is also %v, above it", kind.is, before.is)
			}
		}
	}
	if told := toStatus(errors.New("secret place")); told.Message() != "internal error" || reasonOf(told.Err()) != "INTERNAL" {
		t.Errorf("what is not known is told as %v", told)
	}
	if told := toStatus(status.Error(codes.NotFound, "of a library")); told.Message() != "of a library" || reasonOf(told.Err()) != "NOT_FOUND" {
		t.Errorf("a status without a reason is told as %v", told)
	}
}

// Whatever goes wrong with a call, a program can tell from the reason what it was.
func TestEveryRefusalHasAReason(t *testing.T) {
	r := start(t)
	want := func(what string, err error, allowed ...string) {
		t.Helper()
		if err == nil {
			return
		}
		reason := reasonOf(err)
		for _, a := range allowed {
			if reason == a {
				return
			}
		}
		t.Errorf("%s: the reason is %q, want one of %q: %v", what, reason, allowed, err)
	}
	forEachMethod(t, r, func(method string, streams bool, e expectation) {
		if e.least == 0 {
			return
		}
		want(method+" without a token", r.call(t.Context(), method, streams, e, "demo"), "TOKEN_INVALID")
		want(method+" of another project", r.call(as(t, adminDemo), method, streams, e, "other"), "PROJECT_NOT_ALLOWED")
		if e.least > Viewer {
			want(method+" by a viewer", r.call(as(t, viewerDemo), method, streams, e, "demo"), "ROLE_TOO_SMALL")
		}
		want(method, r.call(as(t, adminAll), method, streams, e, "demo"), "NOT_LINKED", "NO_SAVED_REPLY", "NO_CONVERSATION", "NO_DEAD_LETTER")
		if !e.global {
			want(method+" of no project", r.call(as(t, adminAll), method, streams, e, "-/-"), "INVALID")
		}
	})
	_, err := grpc_health_v1.NewHealthClient(r.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "unknown"})
	want("health of an unknown service", err, "NOT_FOUND")
	r.redis.Close()
	forEachMethod(t, r, func(method string, streams bool, e expectation) {
		if strings.HasPrefix(method, settingsService) {
			want(method+" without Redis", r.call(as(t, adminAll), method, streams, e, "demo"), "STORAGE_UNAVAILABLE")
		}
	})
}

func TestAMethodThatIsNotServedIsToldToCallersOnly(t *testing.T) {
	r := start(t)
	for _, method := range []string{"/slacktalk.settings.v2.SettingsService/GetTeamSettings", settingsService + "NewMethod"} {
		for token, want := range map[string]codes.Code{viewerDemo: codes.Unimplemented, "unknown": codes.Unauthenticated} {
			err := r.conn.Invoke(as(t, token), method, &emptypb.Empty{}, &emptypb.Empty{})
			wantCode(t, method, err, want)
			if want == codes.Unimplemented && reasonOf(err) != "METHOD_UNKNOWN" {
				t.Errorf("%s: %v", method, err)
			}
		}
	}
}

// A caller who may not know whether something exists must not learn it from any method.
func TestNoMethodTellsWhetherAForeignProjectExists(t *testing.T) {
	r := start(t)
	if _, err := r.SetOperatorLink(as(t, adminAll), set("exists", "op1", "U0DEMO1")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.UpdateTeamSettings(as(t, adminAll), update("exists", on(), "*")); err != nil {
		t.Fatal(err)
	}
	forEachMethod(t, r, func(method string, streams bool, e expectation) {
		if e.global {
			return
		}
		there, absent := r.call(as(t, adminDemo), method, streams, e, "exists"), r.call(as(t, adminDemo), method, streams, e, "absent")
		if codeOf(there) != codes.PermissionDenied || fmt.Sprint(there, status.Convert(there).Details()) != fmt.Sprint(absent, status.Convert(absent).Details()) {
			t.Errorf("%s: %v differs from %v", method, there, absent)
		}
	})
	// A name that breaks the rules is told as such, whatever project it begins with.
	ctx := context.WithValue(t.Context(), callerKey{}, Caller{Role: Admin, projects: map[string]bool{"demo": true}})
	for _, project := range []string{"exists", "absent"} {
		err := checkRequest(callerOf(ctx), settingsService+"SetOperatorLink", set(project, "op 1", "U0DEMO1"))
		if !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("%s: %v", project, err)
		}
	}
}
