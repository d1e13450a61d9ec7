package slackstandin

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// Slack's own Node libraries drive the stand-in and are driven by it, so that it is held to Slack's idea of Slack
// and not to ours.
func TestSlacksOwnLibrariesAgree(t *testing.T) {
	node, dir := judges(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	d := newDesk(t, Config{})
	d.start()
	judge := exec.CommandContext(ctx, node, "judge.mjs")
	judge.Dir = dir
	judge.Env = append(os.Environ(), "STANDIN_URL="+d.web.URL, "BOT_TOKEN=xoxb-demo", "SIGNING_SECRET=demo-signing-secret")
	out, err := judge.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("judge: %v", err)
	}
}

// judges answers Node and the folder of the judges, installing what package-lock.json names if need be.
func judges(t *testing.T) (node, dir string) {
	t.Helper()
	node, npm := prerequisite.Program(t, "node"), prerequisite.Program(t, "npm")
	dir, err := filepath.Abs("../judges")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@slack", "bolt")); err != nil {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		install := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts")
		install.Dir = dir
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	return node, dir
}
