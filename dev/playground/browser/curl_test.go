package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// answered is what a copied command gave.
type answered struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// shell runs a copied command as it is. The curl in it is told to say the status too.
func shell(ctx context.Context, command string) (answered, error) {
	out, err := exec.CommandContext(ctx, "sh", "-c", "curl() { command curl -sS -w '\\n%{http_code}' \"$@\"; }\n"+command).Output()
	if err != nil {
		return answered{}, err
	}
	text := string(out)
	at := strings.LastIndex(text, "\n")
	status, err := strconv.Atoi(text[at+1:])
	return answered{Status: status, Body: text[:at]}, err
}

// inTheTerminal lets a shell do what the page asks for, by the command that the page would copy.
const inTheTerminal = `(async () => {
	const { calls } = await import("/js/api.js"), real = window.fetch, done = new Set();
	window.ran = {};
	window.fetch = async (path, options) => {
		const call = calls.find((c) => c.path === path && c.status === undefined && !done.has(c.serial));
		if (!call) return real(path, options);
		done.add(call.serial);
		const { status, body } = await window.shell(call.curl());
		window.ran[call.title] = (window.ran[call.title] ?? 0) + 1;
		return new Response(body, { status });
	};
	return true;
})()`

// TestTheCopiedCommandsDoWhatThePageDoes takes the tour, and does all else that the page can do, with nothing but commands as they are copied. The page
// goes on only where their answers are as good as its own.
func TestTheCopiedCommandsDoWhatThePageDoes(t *testing.T) {
	s := open(t)
	prerequisite.Program(t, "curl")
	p := s.tab("?lang=en", desk)
	p.do(chromedp.ExposeFunc("shell", shell))
	eval[bool](p, inTheTerminal)
	p.click(`[data-tour=start]`)
	for i, name := range tourSteps {
		p.takeStep(name)
		if i < len(tourSteps)-1 {
			p.click(`[data-tour=next]`)
		}
	}
	// Quotes, line breaks and everything else that a shell could take for its own.
	hostile := "it's $HOME `id` \"quoted\" \\ !! <b> & | ; \n two 日本語"
	eval[bool](p, `(async () => {
		const { slack, karte, settings, order } = await import("/js/api.js");
		const { store } = await import("/js/store.js");
		const { ts } = await slack("write", { member: `+quoted(stack.Hanako)+`, channel: `+quoted(stack.Channel)+`, thread_ts: "", text: `+quoted(hostile)+` });
		await slack("react", { member: `+quoted(stack.Hanako)+`, channel: `+quoted(stack.Channel)+`, ts, name: "eyes" });
		await slack("edit", { channel: `+quoted(stack.Channel)+`, ts, paragraphs: [{ kind: "bullet", runs: [{ text: "it's edited", bold: true }] }] });
		await slack("home", { member: `+quoted(stack.Hanako)+` });
		await slack("command", { member: `+quoted(stack.Hanako)+`, channel: `+quoted(stack.Channel)+`, command: store.slack.workspace.commands[0].command, text: "help" });
		await slack("bot/remove", { channel: `+quoted(stack.Channel)+` });
		await slack("bot/invite", { member: `+quoted(stack.Hanako)+`, channel: `+quoted(stack.Channel)+` });
		await slack("delete", { channel: `+quoted(stack.Channel)+`, ts });
		await karte("operator-writes", { customer: { visitor_id: "vis-0000-demo", user_id: "" }, operator: store.config.operator, text: "it's a note", note: true });
		await settings("ListOperators", { parent: "projects/demo-project" });
		for (const what of ["restart", "kill", "start", "stop", "start"]) await order("ingest-karte", what);
		return true;
	})()`)
	if got := s.Slack.Messages(stack.Channel); strings.Contains(string(got[len(got)-1].Blocks), "it's edited") {
		t.Error("the line was not deleted")
	}
	t.Logf("run in a shell: %v", eval[map[string]int](p, "window.ran"))
	p.hooksAreSentAgain()
	p.grpcurlAnswers()
}

// hooksAreSentAgain runs the commands of the last hooks, which sign them anew.
func (p *tab) hooksAreSentAgain() {
	p.t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if prerequisite.Mandatory() {
			p.t.Error("CI needs openssl on PATH")
		}
		p.t.Log("*** NOT TESTED: the hooks, which need openssl on PATH ***")
		return
	}
	for _, command := range eval[[]string](p, `Promise.all([import("/js/api.js"), import("/js/store.js")]).then(([a, s]) => s.store.karte.hooks.filter(Boolean).slice(-3).map(a.hookCurl))`) {
		out, err := exec.CommandContext(p.t.Context(), "sh", "-c", command).Output()
		if err != nil || !strings.Contains(string(out), " 200 OK") {
			p.t.Errorf("%v\n%s\n%s", err, command, out)
		}
	}
}

// grpcurlAnswers runs the copied commands of calls that only look.
func (p *tab) grpcurlAnswers() {
	p.t.Helper()
	folder, err := filepath.Abs("../../../.bin")
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := os.Stat(folder + "/grpcurl"); err != nil {
		p.t.Log("no grpcurl here (make grpcurl): its commands are not tried")
		return
	}
	commands := eval[[]string](p, `import("/js/api.js").then(({ calls }) => calls.filter((c) => c.looks && c.status === 200 && c.grpcurl).map((c) => c.grpcurl()))`)
	if len(commands) < 2 {
		p.t.Errorf("only %d calls look", len(commands))
	}
	for _, command := range commands {
		run := exec.CommandContext(p.t.Context(), "sh", "-c", command)
		run.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
		if out, err := run.CombinedOutput(); err != nil {
			p.t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}
