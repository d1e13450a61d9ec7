package observe

import (
	"context"
	"encoding/hex"
	"slices"
	"testing"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// Who calls the API decides neither under which trace nor whether the call is recorded. Known callers have theirs linked.
func TestCallersDoNotChooseTheTrace(t *testing.T) {
	s, r := recorded(t, "10ms")
	const stranger, caller = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	get := func(ctx context.Context, trace, flags string) error {
		ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", "00-"+trace+"-0123456789abcdef-"+flags)
		_, err := s.Settings.GetTeamSettings(ctx, &settingsv1.GetTeamSettingsRequest{Name: "projects/" + stack.Project + "/teamSettings"})
		return err
	}
	if err := get(t.Context(), stranger, "01"); status.Code(err) != codes.Unauthenticated {
		t.Fatal(err)
	}
	if err := get(stack.Admin(t.Context()), caller, "00"); err != nil { // not to be recorded, says the caller
		t.Fatal(err)
	}
	links := func(id string) func(span) bool {
		return func(s span) bool {
			return slices.ContainsFunc(s.GetLinks(), func(l *tracev1.Span_Link) bool { return hex.EncodeToString(l.GetTraceId()) == id })
		}
	}
	eventually.Holds(t, within, "the call is recorded, with a link to its caller's trace", func() bool { return slices.ContainsFunc(r.all(), links(caller)) })
	for _, id := range []string{stranger, caller} {
		if spans := r.of(id); len(spans) > 0 {
			t.Errorf("%s is recorded under its caller's trace", spans[0].GetName())
		}
	}
	if slices.ContainsFunc(r.all(), links(stranger)) {
		t.Error("a stranger's trace is linked")
	}
}
