package manifest

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"
)

var update = flag.Bool("update", false, "write what is compared")

func run(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if err := Run(args, &stdout, &stderr); err != nil {
		t.Fatalf("manifest %v: %v %s", args, err, &stderr)
	}
	return stdout.String()
}

func same(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what the code makes (go test ./services/slack-gateway/manifest -update): %v", path, err)
	}
}

func TestManifestGolden(t *testing.T) {
	for name, args := range map[string][]string{
		"http":         {"-url", "https://talk.example.com/"},
		"socket_mode":  {"-socket-mode", "-lang", "en", "-name", "Talk"},
		"organization": {"-url", "https://talk.example.com", "-organization", "-rotation"},
	} {
		same(t, filepath.Join("testdata", name+".json"), run(t, args...))
	}
}

func TestTheLinkOpensTheSameManifest(t *testing.T) {
	link := strings.TrimSpace(run(t, "-url", "https://talk.example.com", "-link"))
	u, err := url.Parse(link)
	if err != nil || u.Host != "api.slack.com" || u.Path != "/apps" || u.Query().Get("new_app") != "1" {
		t.Fatalf("%s: %v", link, err)
	}
	var linked, printed slack.Manifest
	if err := json.Unmarshal([]byte(u.Query().Get("manifest_json")), &linked); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(run(t, "-url", "https://talk.example.com")), &printed); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(linked)
	b, _ := json.Marshal(printed)
	if !bytes.Equal(a, b) {
		t.Errorf("linked %s\nprinted %s", a, b)
	}
}

func TestWhatSlackWouldRefuseIsNotMade(t *testing.T) {
	for name, args := range map[string][]string{
		"no address":       {},
		"not encrypted":    {"-url", "http://talk.example.com"},
		"no host":          {"-url", "talk.example.com"},
		"a query":          {"-url", "https://talk.example.com?a=b"},
		"another language": {"-socket-mode", "-lang", "fr"},
		"a long name":      {"-socket-mode", "-name", strings.Repeat("あ", 36)},
		"something else":   {"-socket-mode", "json"},
	} {
		var stdout bytes.Buffer
		if err := Run(args, &stdout, &bytes.Buffer{}); err == nil || stdout.Len() > 0 {
			t.Errorf("%s: %v, %s", name, err, &stdout)
		}
	}
}

// Slack's limits of a manifest's texts, after its manifest reference.
func TestTextsFitSlacksLimits(t *testing.T) {
	fits := func(what, text string, limit int) {
		if n := len([]rune(text)); n == 0 || n > limit {
			t.Errorf("%s has %d characters, at most %d are allowed: %s", what, n, limit, text)
		}
	}
	for lang := range languages {
		m, err := Make(Options{Name: "KARTE Talk", Lang: lang, SocketMode: true})
		if err != nil {
			t.Fatal(err)
		}
		fits("description", m.Display.Description, 140)
		fits("bot name", m.Features.BotUser.DisplayName, 80)
		for _, s := range m.Features.Shortcuts {
			fits("shortcut", s.Name, 24)
			fits("shortcut description", s.Description, 150)
			fits("callback_id", s.CallbackID, 255)
		}
		for _, c := range m.Features.SlashCommands {
			fits("command", c.Command, 32)
			fits("command description", c.Description, 2000)
			fits("usage hint", c.UsageHint, 1000)
		}
	}
}

func TestEveryEventHasItsScopeAndEverythingItsReason(t *testing.T) {
	var scopes []string
	for _, s := range Scopes() {
		scopes = append(scopes, s.Name)
		if s.For == "" || s.Feature == "" {
			t.Errorf("%s has no reason", s.Name)
		}
	}
	for _, e := range Events() {
		if e.For == "" || e.Feature == "" {
			t.Errorf("%s has no reason", e.Name)
		}
		if e.Scope != "" && !slices.Contains(scopes, e.Scope) {
			t.Errorf("%s needs %s, which is not asked for", e.Name, e.Scope)
		}
	}
}

func TestTheDocumentHasTheTables(t *testing.T) {
	const path, begin, end = "../../../docs/slack-app.md", "<!-- generated: scopes and events -->\n", "<!-- end -->\n"
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(document), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the tables", path)
	}
	same(t, path, before+begin+Tables()+end+after)
}
