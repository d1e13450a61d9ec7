package command

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/services/router/api"
)

func TestSettingsAreSetAndShown(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	c.want(statusOK, "settings", "get")
	if !strings.Contains(c.out, "notifications_enabled   false") {
		t.Errorf("the defaults are shown as\n%s", c.out)
	}
	c.want(statusOK, "settings", "set", "channel=C0SUPPORT", "workspace=T0DEMO1", "notifications_enabled=true", "mention_policy=targets", "mention_targets=U0DEMO1, S0DEMO1", "language=ja",
		`routing_rules=[{"display_name":"店 舗","page_host":"shop.example.com","channel":"C0SHOP","business_hours":{"time_zone":"Asia/Tokyo","periods":[{"weekdays":["WEEKDAY_MONDAY","WEEKDAY_FRIDAY"],"start":"09:00","end":"18:00"}]}},{"channel":"C0OTHER"}]`)
	c.golden("settings-set")
	c.want(statusOK, "settings", "get")
	lines := strings.Split(c.out, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "etag") {
			lines[i] = "etag                    (changes)"
		}
	}
	c.out = strings.Join(lines, "\n")
	c.golden("settings-get")

	c.want(statusOK, "settings", "set", "mention_targets=", "mention_policy=nobody")
	c.want(statusOK, "settings", "set", "mention_policy=MENTION_POLICY_NOBODY")
	c.says("Nothing to change")
	c.want(statusOK, "settings", "get", "-o", "json")
	var got map[string]any
	if err := json.Unmarshal([]byte(c.out), &got); err != nil {
		t.Fatal(err)
	}
	if got["mentionPolicy"] != "MENTION_POLICY_NOBODY" || got["threadRepliesEnabled"] != false || got["updateTime"] != "2026-01-31T00:00:00Z" || len(got["mentionTargets"].([]any)) != 0 {
		t.Errorf("as JSON they are %v", got)
	}
}

func TestSettingsFromAFileAreRefusedWhenSomebodyWasFaster(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	c.want(statusOK, "settings", "set", "language=ja")
	c.want(statusOK, "settings", "get", "-o", "yaml")
	file := c.file("team.yaml", strings.Replace(c.out, "language: ja", "language: en", 1))
	c.want(statusOK, "settings", "set", "channel=C0OTHER")
	c.want(statusConflict, "settings", "set", "--file", file)
	c.says("somebody else changed this", "ABORTED", "hint: read it again")
	c.want(statusConflict, "settings", "set", "language=en", "--etag", "0123456789abcdef")

	c.in = "language: en\nnote_only_channels: [C0QUIET]\n"
	c.want(statusOK, "settings", "set", "--file", "-")
	c.want(statusOK, "settings", "get")
	for _, want := range []string{"channel                 C0OTHER", "language                en", "note_only_channels      C0QUIET"} {
		if !strings.Contains(c.out, want) {
			t.Errorf("%q is missing:\n%s", want, c.out)
		}
	}
}

func TestAProjectWithoutSettingsIsToldFromOneWithEverythingOff(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	c.want(statusOK, "settings", "get")
	c.says("Nobody has made settings for projects/demo yet")
	c.want(statusOK, "settings", "set", "language=ja")
	c.want(statusOK, "settings", "get")
	if c.err != "" {
		t.Errorf("it says %q", c.err)
	}
}

func TestSettingsThatAreWrongAreUsage(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	for name, tt := range map[string]struct {
		args []string
		in   string
		says []string
	}{
		"an unknown field":       {[]string{"colour=red"}, "", []string{`"colour" is not a field`, "notifications_enabled", "operator_groups"}},
		"a field of the server":  {[]string{"etag=x"}, "", []string{`"etag" is not a field`}},
		"no value":               {[]string{"channel"}, "", []string{"not FIELD=VALUE"}},
		"nothing":                {nil, "", []string{"give either"}},
		"both":                   {[]string{"language=ja", "--file", "-"}, "", []string{"give either"}},
		"a wrong bool":           {[]string{"notifications_enabled=maybe"}, "", []string{"neither true nor false"}},
		"a wrong enum":           {[]string{"mention_policy=all"}, "", []string{"NOBODY, HERE, CHANNEL, TARGETS"}},
		"a wrong message":        {[]string{`routing_rules=[{"chanel":"C0SHOP"}]`}, "", []string{"routing_rules: unknown field"}},
		"a rule of the contract": {[]string{"channel=support", "admins=bob"}, "", []string{"team_settings.channel: ", "; team_settings.admins[0]: ", "INVALID_ARGUMENT", "hint: a channel is given by its id", "; a person is given by the member id"}},
		"a rule of the server":   {[]string{"notifications_enabled=true"}, "", []string{"team_settings.workspace", "team_settings.channel"}},
		"an unknown key":         {[]string{"--file", "-"}, "colour: red", []string{`"colour" is not a field`}},
		"an empty file":          {[]string{"--file", "-"}, "", []string{"not an object"}},
		"nothing to change":      {[]string{"--file", "-"}, "name: projects/demo/teamSettings", []string{"names no field"}},
		"another project":        {[]string{"--file", "-"}, "name: projects/other/teamSettings\nlanguage: ja", []string{"is of projects/other"}},
		"no such file":           {[]string{"--file", "/does/not/exist"}, "", []string{"/does/not/exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &talkctl{t: t, ctx: t.Context(), env: c.env, in: tt.in}
			c.want(statusUsage, append([]string{"settings", "set"}, tt.args...)...)
			c.says(tt.says...)
			message, _, _ := strings.Cut(strings.TrimSpace(c.err), "\n  hint: ")
			if strings.Contains(message, "\n") {
				t.Errorf("more than a line:\n%s", c.err)
			}
		})
	}
}

func TestAProjectIsExportedAndImported(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	c.want(statusOK, "settings", "set", "language=ja", "channel=C0SUPPORT")
	c.want(statusOK, "operators", "link", "op1", "U0DEMO1", "--display-name", "佐藤 花子")
	file := c.t.TempDir() + "/demo.yaml"
	c.want(statusOK, "export", "--file", file)
	c.want(statusOK, "import", file, "--dry-run")
	c.says("Nothing would change.")
	c.want(statusOK, "export", "-o", "json")
	asJSON := c.file("demo.json", c.out)
	c.want(statusOK, "import", asJSON, "--dry-run")
	c.says("Nothing would change.")

	document, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := c.file("changed.yaml", strings.NewReplacer("C0SUPPORT", "C0OTHER", "U0DEMO1", "U0DEMO2").Replace(string(document)))
	c.want(statusOK, "import", changed, "--dry-run")
	c.out = strings.Replace(c.out, changed, "changed.yaml", 1)
	c.golden("import-dry-run")
	c.want(statusUsage, "import", changed)
	c.says("give --yes")
	c.terminal, c.in = true, "n\n"
	c.want(statusFailed, "import", changed)
	c.says("nothing was done", "C0OTHER")
	c.terminal = false
	c.want(statusOK, "operators", "list", "--links", "-o", "json")
	if !strings.Contains(c.out, `"U0DEMO1"`) {
		t.Errorf("what was not confirmed was done:\n%s", c.out)
	}
	c.want(statusOK, "import", changed, "--yes")
	c.want(statusOK, "operators", "list", "--links", "-o", "json")
	if !strings.Contains(c.out, `"U0DEMO2"`) {
		t.Errorf("the import changed nothing:\n%s", c.out)
	}
	c.want(statusUsage, "import", c.file("x.yaml", "a: 1"), "--dry-run")
	c.says("is not a document")
}

func TestLinksAreSetTakenOverAndRemoved(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	c.want(statusOK, "operators", "link", "op1", "U0DEMO1", "--display-name", "佐藤 花子")
	c.want(statusConflict, "operators", "link", "op2", "U0DEMO1", "--display-name", "x")
	c.says("linked to another operator", "ALREADY_EXISTS")
	c.want(statusOK, "operators", "link", "projects/demo/operators/op1", "U0DEMO2")
	if !strings.Contains(c.out, "op1 (佐藤 花子) is linked to U0DEMO2, no longer to U0DEMO1.") {
		t.Errorf("told is %q", c.out)
	}
	c.want(statusOK, "operators", "link", "op2", "U0DEMO3", "--display-name", "Ichiro")
	c.want(statusOK, "operators", "list", "--links")
	c.golden("links")
	c.want(statusNotFound, "operators", "unlink", "op1", "nobody", "op2")
	c.says("unlink projects/demo/operators/nobody")
	c.want(statusOK, "operators", "list", "--links")
	if c.out != "" {
		t.Errorf("still linked:\n%s", c.out)
	}
	c.says("No operator is linked.")
	c.want(statusUsage, "operators", "unlink", "projects/demo/deadLetters/1")
}
