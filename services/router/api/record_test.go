package api

import (
	"context"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// entries remembers what is recorded.
type entries struct {
	mu   sync.Mutex
	list []*eventv1.AuditEntry
}

func (e *entries) Record(_ context.Context, entry *eventv1.AuditEntry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, proto.CloneOf(entry))
}

// take answers what was recorded since the last time, each as "project actor action resource result".
func (e *entries) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var got []string
	for _, entry := range e.list {
		got = append(got, strings.Join([]string{entry.GetProject(), entry.GetActor(), entry.GetAction(), entry.GetResource(), entry.GetResult()}, " "))
		if entry.GetTime().AsTime().IsZero() {
			got = append(got, "without a time")
		}
	}
	e.list = nil
	return got
}

// trial runs diagnostics that answer as a test says.
type trial struct {
	adminv1.UnimplementedDiagnosticsServiceServer
	run func(ctx context.Context, send func() error) error
}

// allWell answers once.
var allWell = trial{run: func(_ context.Context, send func() error) error { return send() }}

func (d trial) RunDiagnostics(_ *adminv1.RunDiagnosticsRequest, stream grpc.ServerStreamingServer[adminv1.RunDiagnosticsResponse]) error {
	return d.run(stream.Context(), func() error { return stream.Send(&adminv1.RunDiagnosticsResponse{}) })
}

func TestEveryChangeIsRecordedBeforeItsAnswerGoesOut(t *testing.T) {
	recorded := &entries{}
	r := start(t, func(o *Options) {
		o.Recorder = recorded
		o.Diagnostics = trial{run: func(_ context.Context, send func() error) error { return send() }}
	})
	change := func(token, project string) func() error {
		return func() error {
			_, err := r.SetOperatorLink(as(t, token), set(project, "op1", "U0DEMO1"))
			return err
		}
	}
	diagnose := func(token, parent string) func() error {
		return func() error {
			stream, err := adminv1.NewDiagnosticsServiceClient(r.conn).RunDiagnostics(as(t, token), &adminv1.RunDiagnosticsRequest{Parent: parent})
			for err == nil {
				_, err = stream.Recv()
			}
			if err.Error() == "EOF" {
				return nil
			}
			return err
		}
	}
	const link = "SetOperatorLink projects/demo/operators/op1 "
	for _, tt := range []struct {
		name string
		call func() error
		code codes.Code
		want string
	}{
		{"made", change(operatorDemo, "demo"), codes.OK, "demo operator-demo " + link + "OK"},
		{"role too small", change(viewerDemo, "demo"), codes.PermissionDenied, "demo viewer-demo " + link + "PERMISSION_DENIED"},
		{"another project", change(adminDemo, "other"), codes.PermissionDenied, ""},
		{"no name of a project", change(adminDemo, "de mo"), codes.InvalidArgument, ""},
		{"no token", change("unknown", "demo"), codes.Unauthenticated, ""},
		{"stream", diagnose(operatorDemo, "projects/demo"), codes.OK, "demo operator-demo RunDiagnostics projects/demo OK"},
		{"stream, role too small", diagnose(viewerDemo, "projects/demo"), codes.PermissionDenied, "demo viewer-demo RunDiagnostics projects/demo PERMISSION_DENIED"},
		{"stream, another project", diagnose(operatorDemo, "projects/other"), codes.PermissionDenied, ""},
		{"only read", func() error {
			_, err := r.ListOperators(as(t, adminDemo), &settingsv1.ListOperatorsRequest{Parent: settings.ProjectName("demo")})
			return err
		}, codes.OK, ""},
	} {
		wantCode(t, tt.name, tt.call(), tt.code)
		if got := strings.Join(recorded.take(), "; "); got != tt.want {
			t.Errorf("%s: recorded %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAChangeThatPanicsIsRecorded(t *testing.T) {
	recorded := &entries{}
	r := start(t, func(o *Options) {
		o.Recorder = recorded
		o.Diagnostics = trial{run: func(context.Context, func() error) error { panic("secret place") }}
	})
	stream, err := adminv1.NewDiagnosticsServiceClient(r.conn).RunDiagnostics(as(t, adminDemo), &adminv1.RunDiagnosticsRequest{Parent: "projects/demo"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantCode(t, "panic", err, codes.Internal)
	if got := recorded.take(); len(got) != 1 || !strings.HasSuffix(got[0], " INTERNAL") {
		t.Errorf("recorded %q", got)
	}
	guard := newGuard(Options{Recorder: recorded, Logger: newLog(&logs{})})
	ctx := context.WithValue(t.Context(), callerKey{}, Caller{Name: "ops", Role: Admin, projects: map[string]bool{"demo": true}})
	info := &grpc.UnaryServerInfo{FullMethod: settingsService + "SetOperatorLink"}
	_, err = guard.auditUnary(ctx, set("demo", "op1", "U0DEMO1"), info, func(context.Context, any) (any, error) { panic("secret place") })
	if got := recorded.take(); codeOf(err) != codes.Internal || len(got) != 1 || !strings.HasSuffix(got[0], " INTERNAL") {
		t.Errorf("single call: %v, recorded %q", err, got)
	}
}

// The entry about all projects, or none, belongs to no project.
func TestAChangeToADeadLetterOfNoProjectIsRecorded(t *testing.T) {
	recorded := &entries{}
	guard := newGuard(Options{Recorder: recorded, Logger: newLog(&logs{})})
	for name, want := range map[string]int{everyProject: 1, "demo": 0} {
		ctx := context.WithValue(t.Context(), callerKey{}, Caller{Name: "ops", Role: Admin, projects: map[string]bool{name: true}})
		if err := guard.record(ctx, adminv1.DeadLetterService_DiscardDeadLetter_FullMethodName, &adminv1.DiscardDeadLetterRequest{Name: "projects/-/deadLetters/7"}, nil, nil); err != nil {
			t.Error(err)
		}
		if got := recorded.take(); len(got) != want || want == 1 && got[0] != "- ops DiscardDeadLetter projects/-/deadLetters/7 OK" {
			t.Errorf("of %s: recorded %q", name, got)
		}
	}
	if _, err := settings.ParseProjectName("projects/-"); err == nil {
		t.Error("- became the name of a project")
	}
}
