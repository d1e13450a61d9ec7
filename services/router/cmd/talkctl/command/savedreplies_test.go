package command

import (
	"os"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/services/router/api"
)

func TestSavedRepliesAreAddedChangedAndRemoved(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	c.want(statusOK, "saved-replies", "list")
	c.says("There are no saved replies.")
	c.want(statusOK, "saved-replies", "create", "thanks", "title=お礼", "text={customer} 様、ありがとうございます。{operator} です。")
	if c.out != "thanks (お礼) is added.\n" {
		t.Errorf("said %q", c.out)
	}
	c.want(statusConflict, "saved-replies", "create", "thanks", "title=お礼", "text=again")
	c.says("ALREADY_EXISTS")
	c.want(statusOK, "saved-replies", "create", "wait", "title=お待ちください", "text=@"+c.file("wait.txt", "少々お待ちください。\n確認しております。\n"))
	c.want(statusOK, "saved-replies", "list")
	c.golden("saved-replies")
	c.want(statusOK, "saved-replies", "list", "--query", "確認", "-o", "json")
	if !strings.Contains(c.out, "savedReplies/wait") || strings.Contains(c.out, "savedReplies/thanks") {
		t.Errorf("found\n%s", c.out)
	}
	c.want(statusOK, "saved-replies", "update", "projects/demo/savedReplies/wait", "title=少々お待ちください")
	c.want(statusOK, "saved-replies", "get", "wait")
	if !strings.Contains(c.out, "少々お待ちください\n") || !strings.Contains(c.out, "確認しております。\n") || !strings.Contains(c.out, "projects/demo/savedReplies/wait") {
		t.Errorf("shown\n%s", c.out)
	}
	c.want(statusConflict, "saved-replies", "update", "wait", "title=x", "--etag", "stale")
	c.want(statusUsage, "saved-replies", "delete", "wait")
	c.says("give --yes")
	c.want(statusNotFound, "saved-replies", "delete", "wait", "nobody", "--yes")
	c.says("remove projects/demo/savedReplies/nobody")
	c.want(statusNotFound, "saved-replies", "get", "wait")
	c.want(statusOK, "saved-replies", "get", "thanks")
}

func TestSavedRepliesThatAreWrongAreUsage(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	for name, args := range map[string][]string{
		"no value":         {"create", "thanks", "title"},
		"an unknown field": {"create", "thanks", "colour=red"},
		"no text":          {"create", "thanks", "title=お礼"},
		"a wrong id":       {"create", "Thanks", "title=お礼", "text=x"},
		"another resource": {"get", "projects/demo/operators/x"},
		"no such file":     {"create", "thanks", "title=お礼", "text=@/does/not/exist"},
		"no document":      {"import", c.file("x.yaml", "a: 1"), "--dry-run"},
		"an empty one":     {"import", c.file("y.yaml", ""), "--dry-run"},
		"twice":            {"import", c.file("z.yaml", "savedReplies: [{name: a, title: A, text: a}, {name: projects/other/savedReplies/a, title: B, text: b}]"), "--dry-run"},
	} {
		t.Run(name, func(t *testing.T) { c.want(statusUsage, append([]string{"saved-replies"}, args...)...) })
	}
}

func TestSavedRepliesAreExportedAndImported(t *testing.T) {
	c := at(t, router(t, api.Options{}))
	c.want(statusOK, "saved-replies", "create", "thanks", "title=お礼", "text=ありがとうございます。")
	c.want(statusOK, "saved-replies", "create", "wait", "title=お待ちください", "text=少々お待ちください。")
	file := t.TempDir() + "/replies.yaml"
	c.want(statusOK, "saved-replies", "export", "--file", file)
	c.want(statusOK, "saved-replies", "import", file, "--dry-run")
	c.says("Nothing would change.")
	c.want(statusOK, "saved-replies", "export", "-o", "json")
	c.want(statusOK, "saved-replies", "import", c.file("replies.json", c.out), "--yes")
	c.says("Nothing to change")

	// Changed, added, and one left out; names are ids alone, or of another project.
	changed := c.file("changed.yaml", "savedReplies:\n- {name: projects/other/savedReplies/thanks, title: お礼, text: ありがとうございました。}\n- {name: sorry, title: お詫び, text: 申し訳ございません。}\n")
	c.want(statusOK, "saved-replies", "import", changed, "--dry-run")
	c.out = strings.Replace(c.out, changed, "changed.yaml", 1)
	c.golden("saved-import-dry-run")
	c.terminal, c.in = true, "n\n"
	c.want(statusFailed, "saved-replies", "import", changed)
	c.terminal = false
	c.want(statusOK, "saved-replies", "import", changed, "--yes")
	c.golden("saved-import")
	c.want(statusOK, "saved-replies", "list", "-o", "json")
	for _, want := range []string{"ありがとうございました。", "申し訳ございません。", "少々お待ちください。"} {
		if !strings.Contains(c.out, want) {
			t.Errorf("%s is missing:\n%s", want, c.out)
		}
	}
	c.want(statusOK, "saved-replies", "import", changed, "--replace", "--yes")
	c.want(statusNotFound, "saved-replies", "get", "wait")
	// The whole project's document holds them as well, and everything else that is new in settings.
	c.want(statusOK, "settings", "set", "mention_quiet_period=10m", "mention_directly=true", "operator_pictures=true", "self_linking_disabled=true", "workspace=T0DEMO1",
		"unanswered={remind_after: 600s, escalate_after: 1800s, escalation_targets: [S0LEADS]}")
	project := t.TempDir() + "/demo.yaml"
	c.want(statusOK, "export", "--file", project)
	document, err := os.ReadFile(project)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"savedReplies/sorry", "mentionQuietPeriod: 600s", "mentionDirectly: true", "operatorPictures: true", "selfLinkingDisabled: true", "escalateAfter: 1800s", "S0LEADS"} {
		if !strings.Contains(string(document), want) {
			t.Errorf("%s is missing in the export:\n%s", want, document)
		}
	}
	c.want(statusOK, "settings", "set", "mention_quiet_period=5m", "mention_directly=false", "operator_pictures=false", "self_linking_disabled=false", "unanswered=")
	c.want(statusOK, "saved-replies", "delete", "sorry", "--yes")
	c.want(statusOK, "import", project, "--yes")
	c.want(statusOK, "import", project, "--dry-run")
	c.says("Nothing would change.")
	c.want(statusOK, "saved-replies", "get", "sorry")
	c.want(statusOK, "settings", "get", "-o", "json")
	for _, want := range []string{`"600s"`, `"mentionDirectly": true`, `"S0LEADS"`} {
		if !strings.Contains(c.out, want) {
			t.Errorf("%s did not come back:\n%s", want, c.out)
		}
	}
}
