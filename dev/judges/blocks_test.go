package judges

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// goldens are where messages and views are kept as golden files.
const goldens = "../../services/slack-gateway/*/testdata/*.json"

// Slack's own types, as TypeScript checks them, agree with every message and view that we keep as a golden file.
func TestSlacksOwnTypesAgreeWithEveryGoldenFile(t *testing.T) {
	tsc, dir := compiler(t), t.TempDir()
	source, n := declarations(t)
	if n < 80 {
		t.Fatalf("only %d golden files", n)
	}
	if out, err := check(t, tsc, dir, source); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	wrong := `import type { KnownBlock } from "@slack/types"; export const a: KnownBlock[] = [{"type":"header","text":{"type":"mrkdwn","text":"a"}}];`
	if out, err := check(t, tsc, dir, wrong); err == nil || !strings.Contains(out, "mrkdwn") {
		t.Errorf("a wrong block is taken, so that nothing was judged: %v\n%s", err, out)
	}
}

// compiler answers the path of TypeScript's compiler, installing what package-lock.json names if need be.
func compiler(t *testing.T) string {
	t.Helper()
	prerequisite.Program(t, "node")
	npm := prerequisite.Program(t, "npm")
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	tsc := filepath.Join(dir, "node_modules", "typescript", "bin", "tsc")
	if _, err := os.Stat(tsc); err != nil {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		if out, err := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts").CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	return tsc
}

// declarations writes every golden file as a typed constant.
func declarations(t *testing.T) (source string, n int) {
	t.Helper()
	files, err := filepath.Glob(goldens)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(`import type { KnownBlock, HomeView, ModalView, Option, OptionGroup } from "@slack/types";` + "\n")
	for _, file := range files {
		if strings.Contains(file, "inbound") {
			continue // what Slack, or somebody else, sends to us
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content any
		if err := json.Unmarshal(raw, &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list, isList := content.([]any)
		if !isList {
			list = []any{content}
		}
		for _, e := range list {
			if declaration := declare(e); declaration != "" {
				n++
				fmt.Fprintf(&b, "// %s\nexport const golden_%d: %s;\n", filepath.Base(file), n, declaration)
			}
		}
	}
	return b.String(), n
}

// declare answers the type and the value of what is a message, a view or options, nothing for everything else.
func declare(content any) string {
	o, _ := content.(map[string]any)
	switch {
	case o["type"] == "modal":
		return "ModalView = " + encode(o)
	case o["type"] == "home":
		return "HomeView = " + encode(o)
	case o["Blocks"] != nil:
		return "KnownBlock[] = " + encode(o["Blocks"])
	case o["blocks"] != nil:
		return "KnownBlock[] = " + encode(o["blocks"])
	case o["options"] != nil:
		return "Option[] = " + encode(o["options"])
	case o["option_groups"] != nil:
		return "OptionGroup[] = " + encode(o["option_groups"])
	}
	return ""
}

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON before
	}
	return string(raw)
}

// check compiles source without writing anything.
func check(t *testing.T, tsc, dir, source string) (string, error) {
	t.Helper()
	modules := filepath.ToSlash(filepath.Dir(filepath.Dir(filepath.Dir(tsc))))
	config := fmt.Sprintf(`{"compilerOptions":{"strict":true,"noEmit":true,"skipLibCheck":true,"types":[],"lib":["es2022"],"module":"esnext",`+
		`"moduleResolution":"bundler","paths":{"@slack/types":["%s/@slack/types"]}},"files":["golden.ts"]}`, modules)
	for name, text := range map[string]string{"golden.ts": source, "tsconfig.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "node", tsc, "--project", dir).CombinedOutput()
	return string(out), err
}
