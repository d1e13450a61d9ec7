package api

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/slacktalk/slacktalk/internal/transcript"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func newLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// file is a tokens file under a clock that the test moves.
type file struct {
	t      *testing.T
	path   string
	now    time.Time
	logs   transcript.Transcript
	tokens *Tokens
}

func loaded(t *testing.T, content string) *file {
	t.Helper()
	f := &file{t: t, path: filepath.Join(t.TempDir(), "tokens.yaml"), now: time.Unix(1_800_000_000, 0)}
	f.write(content)
	var err error
	if f.tokens, err = LoadTokens(f.path, newLog(&f.logs), func() time.Time { return f.now }); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *file) write(content string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *file) want(token string, known bool) {
	f.t.Helper()
	if _, ok := f.tokens.find(token); ok != known {
		f.t.Errorf("%s known: %v, want %v", token, ok, known)
	}
}

func TestATokensFileIsReadAgain(t *testing.T) {
	f := loaded(t, entry("a", "first", "viewer", "demo"))
	f.want("first", true)
	f.write(entry("b", "other", "viewer", "demo"))
	f.want("first", true) // not looked at within the second
	f.now = f.now.Add(time.Second)
	f.want("first", false)
	f.want("other", true)
	f.write("- {name: c")
	f.now = f.now.Add(time.Second)
	f.want("other", true)
	f.now = f.now.Add(time.Minute)
	f.want("other", true)
	if n := f.logs.Count("not taken over"); n != 1 {
		t.Errorf("the mistake was logged %d times:\n%s", n, f.logs.String())
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(time.Second)
	f.want("other", false)
	if f.tokens.Ready() == nil {
		t.Error("ready although nobody has access")
	}
	f.write(entry("b", "other", "viewer", "demo"))
	f.now = f.now.Add(time.Second)
	f.want("other", true)
	if err := f.tokens.Ready(); err != nil {
		t.Error(err)
	}
}

func TestNobodyHasAccessWithoutATokensFile(t *testing.T) {
	for _, content := range []string{"", " \n", "[]", "null", "# nobody yet\n"} {
		f := loaded(t, content)
		f.want("", false)
		if f.tokens.Ready() == nil {
			t.Errorf("%q: ready", content)
		}
	}
	missing, err := LoadTokens(filepath.Join(t.TempDir(), "missing"), newLog(io.Discard), time.Now)
	if err != nil || missing.Ready() == nil {
		t.Errorf("missing file: %v", err)
	}
}

func TestMistakesInATokensFile(t *testing.T) {
	good := entry("a", "first", "viewer", "demo")
	for name, content := range map[string]string{
		"no list":          "name: a",
		"unknown key":      strings.Replace(good, "role:", "rule:", 1),
		"key twice":        strings.Replace(good, "role:", "name: b, role:", 1),
		"no name":          strings.Replace(good, "name: a", `name: ""`, 1),
		"unknown role":     strings.Replace(good, "viewer", "root", 1),
		"no role":          strings.Replace(good, "role: viewer,", "", 1),
		"no projects":      strings.Replace(good, "[demo]", "[]", 1),
		"bad project":      strings.Replace(good, "[demo]", "[a/b]", 1),
		"empty project":    strings.Replace(good, "[demo]", `[""]`, 1),
		"short hash":       "- {name: a, sha256: abcd, role: viewer, projects: [demo]}",
		"token, not hash":  "- {name: a, sha256: my-secret-token, role: viewer, projects: [demo]}",
		"name twice":       good + entry("a", "second", "viewer", "demo"),
		"token twice":      good + entry("b", "first", "admin", "demo"),
		"one bad, one not": good + entry("b", "second", "boss", "demo"),
	} {
		path := filepath.Join(t.TempDir(), "tokens.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadTokens(path, newLog(io.Discard), time.Now)
		if err == nil || strings.Contains(err.Error(), "my-secret-token") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LoadTokens(t.TempDir(), newLog(io.Discard), time.Now); err == nil {
		t.Error("a folder was taken for a tokens file")
	}
}

func TestATokensFileMayBeJSON(t *testing.T) {
	f := loaded(t, `[{"name": "a", "sha256": "A7937B64B8CAA58F03721BB6BACF5C78CB235FEBE0E70B1B84CD99541461A08E", "role": "admin", "projects": ["*"]}]`)
	f.want("first", true)
}

func TestARevokedTokenEndsAtOnceOverTheWire(t *testing.T) {
	now := time.Now()
	r := start(t, func(o *Options) { o.Tokens.now = func() time.Time { return now } })
	request := &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")}
	_, err := r.GetTeamSettings(as(t, viewerDemo), request)
	wantCode(t, "before", err, codes.OK)
	if err := os.WriteFile(r.tokens, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	_, err = r.GetTeamSettings(as(t, viewerDemo), request)
	wantCode(t, "after", err, codes.Unauthenticated)
}

// Whatever is in the file, reading it gives callers that are whole, or a mistake.
func FuzzTokensFile(f *testing.F) {
	f.Add(tokensFile())
	f.Add("[]")
	f.Add(`[{"name":"a","sha256":"","role":"admin","projects":["*"]}]`)
	f.Fuzz(func(t *testing.T, content string) {
		callers, err := parseTokens([]byte(content))
		if err != nil {
			return
		}
		for _, c := range callers {
			if c.Name == "" || c.Role < Viewer || c.Role > Admin || len(c.projects) == 0 {
				t.Errorf("half a caller: %+v", c)
			}
		}
	})
}

func TestATokenEndsWhenItExpires(t *testing.T) {
	expiring := func(name, expires string) string {
		return strings.Replace(entry(name, "token "+name, "viewer", "demo"), "}", ", expires: "+expires+"}", 1)
	}
	f := loaded(t, expiring("day", "2027-01-15")+expiring("time", `"2027-01-15T09:00:00+09:00"`)) // the clock begins at 2027-01-15T08:00:00Z
	f.want("token day", true)
	f.want("token time", false)
	f.now = time.Date(2027, 1, 15, 23, 59, 59, 0, time.UTC)
	f.want("token day", true)
	if err := f.tokens.Ready(); err != nil {
		t.Error(err)
	}
	f.now = f.now.Add(time.Second)
	f.want("token day", false)
	if f.tokens.Ready() == nil {
		t.Error("ready although all tokens have expired")
	}
}

func TestTokensThatAnybodyWouldTryAreRefused(t *testing.T) {
	for _, token := range []string{"", "test", "password", "test\n", "a", "viewer", "demo"} {
		path := filepath.Join(t.TempDir(), "tokens.yaml")
		if err := os.WriteFile(path, []byte(entry("a", token, "viewer", "demo")), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadTokens(path, newLog(io.Discard), time.Now); err == nil || !strings.Contains(err.Error(), "guessed") {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestAMistakeInATokensFileQuotesNothingOfIt(t *testing.T) {
	for _, content := range []string{
		"- my-secret-token", "my-secret-token", "- my-secret-token: x", "- {name: a, token: my-secret-token}", "- name: [my-secret-token", "- {my-secret-token: 1, my-secret-token: 2}",
		"- {name: a, sha256: my-secret-token, role: viewer, projects: [demo]}", "- {name: {my-secret-token: 1}}",
	} {
		if _, err := parseTokens([]byte(content)); err == nil || strings.Contains(err.Error(), "my-secret-token") {
			t.Errorf("%s: %v", content, err)
		}
	}
}

func TestATokensFileThatIsOpenToOthersIsWarnedOf(t *testing.T) {
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o440: false, 0o640: false, 0o644: true, 0o660: true, 0o602: true} {
		f := loaded(t, "")
		if err := os.Chmod(f.path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadTokens(f.path, newLog(&f.logs), time.Now); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(f.logs.String(), "open to others"); got != warned {
			t.Errorf("%v: warned: %v, want %v", mode, got, warned)
		}
	}
}

func TestNewTokenMakesATokenAndTheEntryThatKnowsIt(t *testing.T) {
	now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	var out, again strings.Builder
	args := []string{"--name", "山田's laptop", "-role", "operator", "-project", "demo", "-project", "shop", "-expires", "2026-12-31"}
	for _, w := range []*strings.Builder{&out, &again} {
		if err := NewToken(args, w, now); err != nil {
			t.Fatal(err)
		}
	}
	token, entry, _ := strings.Cut(out.String(), "\n")
	if strings.HasPrefix(again.String(), token) || len(token) < 50 || !strings.HasPrefix(token, "slacktalk_") || strings.Contains(entry, token) {
		t.Errorf("got\n%s\nand then\n%s", out.String(), again.String())
	}
	f := loaded(t, entry)
	caller, ok := f.tokens.find(token)
	if f.now = now; !ok {
		caller, ok = f.tokens.find(token)
	}
	if !ok || caller.Name != "山田's laptop" || caller.Role != Operator || !caller.mayUse("demo") || !caller.mayUse("shop") || caller.mayUse("other") ||
		!caller.expires.Equal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the entry is\n%sand gives %+v", entry, caller)
	}
}

func TestNewTokenRefusesWhatTheFileWould(t *testing.T) {
	for name, args := range map[string][]string{
		"no name":         {"-project", "demo"},
		"no project":      {"-name", "ci"},
		"bad project":     {"-name", "ci", "-project", "a/b"},
		"unknown role":    {"-name", "ci", "-project", "demo", "-role", "root"},
		"bad day":         {"-name", "ci", "-project", "demo", "-expires", "tomorrow"},
		"expired already": {"-name", "ci", "-project", "demo", "-expires", "2020-01-01"},
		"words behind":    {"-name", "ci", "-project", "demo", "please"},
	} {
		var out strings.Builder
		if err := NewToken(args, &out, time.Now()); err == nil || out.Len() > 0 {
			t.Errorf("%s: %v, and wrote %q", name, err, out.String())
		}
	}
}

func TestNoTokenAnExpiredOneAndAnUnknownOneAreRefusedInTheSameWords(t *testing.T) {
	const expired = "expired token"
	r := start(t)
	file := tokensFile() + strings.Replace(entry("old", expired, "admin", `"*"`), "}", ", expires: 2020-01-01}", 1)
	if err := os.WriteFile(r.tokens, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := LoadTokens(r.tokens, newLog(io.Discard), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r = start(t, func(o *Options) { o.Tokens = tokens })
	request := &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")}
	_, missing := r.GetTeamSettings(t.Context(), request)
	wantCode(t, "no token", missing, codes.Unauthenticated)
	for _, token := range []string{expired, "unknown"} {
		if _, err := r.GetTeamSettings(as(t, token), request); err == nil || err.Error() != missing.Error() {
			t.Errorf("%s: %v differs from %v", token, err, missing)
		}
	}
}
