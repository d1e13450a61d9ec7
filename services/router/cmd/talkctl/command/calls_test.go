package command

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/api"
)

func TestExitStatuses(t *testing.T) {
	f := &team{}
	c := at(t, alone(t, f))
	for code, want := range map[codes.Code]struct {
		status int
		says   string
	}{
		codes.InvalidArgument: {statusUsage, "INVALID_ARGUMENT"}, codes.Unavailable: {statusUnreachable, "UNAVAILABLE"}, codes.DeadlineExceeded: {statusUnreachable, "--timeout 1m"},
		codes.Unauthenticated: {statusNotAllowed, "API_TOKENS_FILE"}, codes.PermissionDenied: {statusNotAllowed, "not this project (demo)"}, codes.NotFound: {statusNotFound, "NOT_FOUND"},
		codes.Aborted: {statusConflict, "read it again"}, codes.AlreadyExists: {statusConflict, "ALREADY_EXISTS"}, codes.FailedPrecondition: {statusConflict, "FAILED_PRECONDITION"},
		codes.Internal: {statusFailed, "INTERNAL"}, codes.Unimplemented: {statusFailed, "older than this talkctl"}, codes.ResourceExhausted: {statusFailed, "wait a moment"},
	} {
		f.get = func(context.Context) error { return status.Error(code, "because\x1b[2J of\nthis") }
		c.want(want.status, "settings", "get")
		c.says("talkctl: read the settings of projects/demo: because\uFFFD[2J of this (", want.says)
		if c.out != "" || strings.Count(c.err, "\n") > 2 {
			t.Errorf("%v is told as\n%s%s", code, c.out, c.err)
		}
	}
}

func TestEveryWrongFieldIsToldOnce(t *testing.T) {
	f := &team{get: func(context.Context) error {
		s, err := status.New(codes.InvalidArgument, "the request breaks a rule: a: first").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "a", Description: "first"}, {Field: "b", Description: "second"}}})
		if err != nil {
			return err
		}
		return s.Err()
	}}
	c := at(t, alone(t, f))
	c.want(statusUsage, "settings", "get")
	if want := "talkctl: read the settings of projects/demo: the request breaks a rule: a: first; b: second (INVALID_ARGUMENT)\n"; c.err != want {
		t.Errorf("told is %q, want %q", c.err, want)
	}
}

func TestARouterThatRunsWithoutItsStorageIsNotTakenForOneThatIsAway(t *testing.T) {
	f := &team{get: func(context.Context) error {
		s, err := status.New(codes.Unavailable, "the settings cannot be reached").WithDetails(&errdetails.ErrorInfo{Reason: "STORAGE_UNAVAILABLE"})
		if err != nil {
			return err
		}
		return s.Err()
	}}
	c := at(t, alone(t, f))
	c.want(statusUnreachable, "settings", "get")
	c.says("the router runs, but")
}

func TestEveryCallEnds(t *testing.T) {
	f := &team{get: func(ctx context.Context) error { <-ctx.Done(); return status.FromContextError(ctx.Err()).Err() }}
	c := at(t, alone(t, f))
	c.want(statusUnreachable, "settings", "get", "--timeout", "50ms")
	c.says("DEADLINE_EXCEEDED", "--timeout 1m")

	ctx, interrupt := context.WithCancel(t.Context())
	c = at(t, alone(t, &team{get: func(ctx context.Context) error { interrupt(); <-ctx.Done(); return ctx.Err() }}))
	c.ctx = ctx
	c.want(statusInterrupted, "settings", "get")
	if c.err != "talkctl: interrupted\n" {
		t.Errorf("told is %q", c.err)
	}
}

func TestWatchGoesOnWhereItWas(t *testing.T) {
	state := func(etag, language string) *settingsv1.TeamSettings {
		return &settingsv1.TeamSettings{Name: "projects/demo/teamSettings", Etag: etag, Language: language, UpdateTime: minute(1)}
	}
	f := &team{streams: []stream{
		{states: []*settingsv1.TeamSettings{state("1", "ja")}, end: status.Error(codes.Unavailable, "the router stops")},
		{states: []*settingsv1.TeamSettings{state("2", "en"), state("3", "ja")}, hang: true},
	}}
	c := at(t, alone(t, f))
	c.want(statusOK, "settings", "watch", "--count", "3", "-o", "json")
	if lines := strings.Split(strings.TrimSpace(c.out), "\n"); len(lines) != 3 || !strings.Contains(lines[2], `"etag":"3"`) || fmt.Sprint(f.etags) != "[ 1]" {
		t.Errorf("with %q it told\n%s", f.etags, c.out)
	}
	c.says("trying again")
}

func TestWatchShowsChangesUntilCtrlC(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	f := &team{streams: []stream{{states: []*settingsv1.TeamSettings{{Etag: "1", Language: "ja"}, {Etag: "2", Language: "en", UpdateTime: minute(1)}}, hang: true}}}
	c := at(t, alone(t, f))
	c.ctx = ctx
	c.written = func(out string) {
		if strings.Contains(out, "NOW") {
			interrupt()
		}
	}
	c.want(statusOK, "settings", "watch")
	c.golden("watch")
}

func TestWatchDoesNotWaitForeverForItsFirstAnswer(t *testing.T) {
	f := &team{streams: []stream{{hang: true}, {end: status.Error(codes.PermissionDenied, "no")}, {}}}
	c := at(t, alone(t, f))
	c.want(statusUnreachable, "settings", "watch", "--timeout", "50ms")
	c.says("no answer in time")
	c.want(statusNotAllowed, "settings", "watch")
	c.want(statusFailed, "settings", "watch")
}

func TestNobodyThere(t *testing.T) {
	c := at(t, "127.0.0.1:1")
	c.want(statusUnreachable, "settings", "get")
	c.says("UNAVAILABLE", "nobody answers at 127.0.0.1:1")
	delete(c.env, "TALKCTL_ADDRESS")
	c.want(statusUsage, "settings", "get")
	c.says("config set demo --address")
	c.env["TALKCTL_ADDRESS"] = "127.0.0.1:1"
	delete(c.env, "TALKCTL_PROJECT")
	c.want(statusUsage, "settings", "get")
	c.says("no project is named", "--project")
	delete(c.env, "TALKCTL_TOKEN")
	c.want(statusUsage, "settings", "get")
	c.says("no token", "TALKCTL_TOKEN")
}

func TestTokensComeFromAnywhereButTheArguments(t *testing.T) {
	f := &team{}
	c := at(t, alone(t, f))
	last := func() string { return f.tokens[len(f.tokens)-1] }
	delete(c.env, "TALKCTL_TOKEN")
	c.want(statusOK, "settings", "get", "--token-file", c.file("token", "from-a-file\n"))
	if last() != "Bearer from-a-file" {
		t.Error(last())
	}
	c.in = "from-stdin\nand more"
	c.want(statusOK, "settings", "get", "--token-stdin")
	if last() != "Bearer from-stdin" {
		t.Error(last())
	}
	c.terminal, c.typed, c.in = true, "typed", ""
	c.want(statusOK, "settings", "get")
	c.says("Token for 127.0.0.1:")
	if last() != "Bearer typed" {
		t.Error(last())
	}
	c.want(statusUsage, "settings", "get", "--token", "on-the-command-line")
	c.env["TALKCTL_TOKEN"], c.env["TALKCTL_TOKEN_FILE"] = "a", "b"
	c.want(statusUsage, "settings", "get")
	delete(c.env, "TALKCTL_TOKEN_FILE")
	c.env["TALKCTL_TOKEN"] = "two words"
	c.want(statusUsage, "settings", "get")
	if strings.Contains(c.err, "two words") {
		t.Errorf("a wrong token is shown: %s", c.err)
	}
	c.env["TALKCTL_TOKEN"] = adminToken
	c.want(statusUsage, "settings", "get", "--output", "xml")
	c.env["TALKCTL_OUTPUT"] = "json"
	c.want(statusOK, "settings", "get")
	if !strings.HasPrefix(c.out, "{") {
		t.Errorf("TALKCTL_OUTPUT is not looked at:\n%s", c.out)
	}
}

func TestRolesAreTheServersToDecide(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	c.env["TALKCTL_TOKEN"] = "token-of-a-viewer"
	c.want(statusOK, "settings", "get")
	c.want(statusNotAllowed, "settings", "set", "language=en")
	c.says("PERMISSION_DENIED")
	c.want(statusNotAllowed, "settings", "get", "--project", "other")
	c.want(statusUsage, "settings", "get", "--project", "a b")
}

func TestContextsAreKept(t *testing.T) {
	f := &team{}
	address := alone(t, f)
	c := at(t, "")
	c.env["TALKCTL_TOKEN"], c.env["TALKCTL_PROJECT"] = "", ""
	c.in = adminToken + "\n"
	c.want(statusOK, "config", "set", "demo", "--address", address, "--project", "demo", "--token-stdin")
	c.says("Context demo is kept and in use.")
	info, err := os.Stat(c.env["TALKCTL_CONFIG"])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	c.want(statusOK, "settings", "get")
	c.want(statusOK, "config", "set", "live", "--address", "slacktalk.example.com", "--token-file", "/secret/token", "--project", "live")
	c.want(statusOK, "config", "contexts")
	c.out = strings.ReplaceAll(c.out, address, "127.0.0.1:00000")
	c.golden("contexts")
	c.want(statusOK, "config", "show", "demo")
	if !strings.Contains(c.out, "token: '[REDACTED]'") {
		t.Errorf("shown is\n%s", c.out)
	}
	c.want(statusOK, "config", "contexts", "-o", "json")
	if !strings.Contains(c.out, `"[REDACTED]"`) {
		t.Errorf("shown is\n%s", c.out)
	}
	c.want(statusOK, "config", "use", "live")
	c.want(statusUsage, "settings", "get")
	c.says("/secret/token")
	c.want(statusOK, "settings", "get", "--context", "demo")
	c.want(statusUsage, "config", "use", "nothing")
	c.says("there is: demo, live")
	c.want(statusUsage, "settings", "get", "--context", "nothing")
	c.says("there is: demo, live")
	c.want(statusOK, "config", "delete", "live")
	c.want(statusUsage, "config", "show")
	if err := os.Chmod(c.env["TALKCTL_CONFIG"], 0o644); err != nil {
		t.Fatal(err)
	}
	c.want(statusUsage, "settings", "get")
	c.says("chmod 600")
}

func TestAContextsTokenIsShownToItsOwnAddressAlone(t *testing.T) {
	f, stranger := &team{}, &team{}
	own, other := alone(t, f), alone(t, stranger)
	c := at(t, own)
	c.env["TALKCTL_TOKEN"], c.env["TALKCTL_ADDRESS"], c.in = "", "", adminToken
	c.want(statusOK, "config", "set", "demo", "--address", own, "--token-stdin")
	for _, args := range [][]string{{"--address", other}, {"--context", "demo", "--address", other}} {
		c.want(statusUsage, append([]string{"settings", "get"}, args...)...)
		c.says("no token", "own address alone")
	}
	c.env["TALKCTL_ADDRESS"] = other
	c.want(statusUsage, "settings", "get")
	// Who names a context means it, whatever the variables say.
	c.env["TALKCTL_TOKEN"] = "of-the-stranger"
	c.want(statusOK, "settings", "get", "--context", "demo", "--project", "demo")
	if len(stranger.tokens) > 0 || f.tokens[0] != "Bearer "+adminToken {
		t.Errorf("the stranger got %q, the context's own %q", stranger.tokens, f.tokens)
	}
	// A context that moves leaves its token behind.
	c.want(statusOK, "config", "set", "demo", "--address", other)
	c.says("token of the former one is removed")
}

func TestOffLoopbackNothingIsSentInTheClearUnlessSaid(t *testing.T) {
	address := outside(t)
	c := at(t, address)
	c.want(statusUnreachable, "settings", "get", "--timeout", "2s")
	c.says("speaks plain text", "--insecure")
	c.want(statusOK, "settings", "get", "--insecure")
}

// outside serves a SettingsService under a name that is not of loopback.
func outside(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(alone(t, &team{}))
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("0.0.0.0", port) // reaches this machine, and is not a loopback address
}

func TestCompletion(t *testing.T) {
	f := &team{operators: []*settingsv1.Operator{{Name: "projects/demo/operators/op1", DisplayName: "佐藤 花子"}, {Name: "projects/demo/operators/op2"}}}
	c := at(t, alone(t, f))
	for want, args := range map[string][]string{
		"op1\t佐藤 花子\nop2\n:4\n": {"operators", "link", ""},
		"op2\n:4\n":             {"operators", "unlink", "op1", ""},
		"mention_policy=nobody\nmention_policy=here\nmention_policy=channel\nmention_policy=targets\n:4\n": {"settings", "set", "mention_policy="},
		"table\njson\nyaml\n:4\n": {"settings", "get", "--output", ""},
		":4\n":                    {"conversations", "show", ""}, // the server does not have them: nothing, and no error
	} {
		c.want(statusOK, append([]string{"__complete"}, args...)...)
		if c.out != want {
			t.Errorf("%q completes to %q, want %q", args, c.out, want)
		}
	}
	c.want(statusOK, "config", "set", "live", "--address", "slacktalk.example.com", "--project", "shop")
	for want, args := range map[string][]string{"live\tslacktalk.example.com:9090\n:4\n": {"config", "use", ""}, "shop\n:4\n": {"settings", "get", "--project", ""}} {
		c.want(statusOK, append([]string{"__complete"}, args...)...)
		if c.out != want {
			t.Errorf("%q completes to %q, want %q", args, c.out, want)
		}
	}
	c.terminal, c.env["TALKCTL_TOKEN"] = true, ""
	c.want(statusOK, "__complete", "operators", "link", "")
	if strings.Contains(c.err, "Token for") {
		t.Error("a completion asks for a token")
	}
}

func TestExportWritesForItsOwnerAlone(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	path := filepath.Join(t.TempDir(), "demo.yaml")
	c.want(statusOK, "export", "--file", path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
