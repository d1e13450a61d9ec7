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

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func newLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// file is a tokens file under a clock that the test moves.
type file struct {
	t      *testing.T
	path   string
	now    time.Time
	logs   logs
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
	if n := strings.Count(f.logs.String(), "not taken over"); n != 1 {
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
