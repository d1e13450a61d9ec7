package browser

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// judge is axe-core, with what it has said already.
type judge struct {
	t      *testing.T
	script string
	told   map[string]bool
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	script, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("npm ci in this folder installs it: %v", err)
	}
	return &judge{t: t, script: string(script), told: map[string]bool{}}
}

// invite brings the judge into a page.
func (j *judge) invite(p *tab) { eval[bool](p, j.script+"\n;true") }

// look lets it judge what a page shows now.
func (j *judge) look(p *tab, where string) {
	j.t.Helper()
	found := eval[[]string](p, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}).then((r) => r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).flatMap((v) => v.nodes.map((n) => v.id + " " + n.target + " " + n.html.slice(0, 160) + " " + (n.any[0]?.message ?? ""))))`)
	for _, problem := range found {
		if !j.told[problem] {
			j.told[problem] = true
			j.t.Errorf("%s: %s", where, problem)
		}
	}
}

// be makes a tab somebody else's.
func (p *tab) be(member string) {
	p.t.Helper()
	p.do(chromedp.SetValue(chromedp.CSS(".who"), member))
	eval[bool](p, `document.querySelector(".who").dispatchEvent(new Event("change"))`)
}

// home opens the app's Home.
func (p *tab) home() {
	p.t.Helper()
	p.click(`[data-open=home]`)
	p.until("the Home", `document.querySelector(".s-home .blocks")`)
}

const modalShown = `document.querySelector("dialog.modal[open] .modal-body .blocks")`

// TestTheAppsOwnViewsAreInNobodysWay lets axe-core judge Home, the settings and the modal that sends a line.
func TestTheAppsOwnViewsAreInNobodysWay(t *testing.T) {
	s := open(t)
	s.Slack.AddMember(slackstandin.Member{ID: "U0ENGLISH", Name: "emma", DisplayName: "Emma", Locale: "en-US", Admin: true})
	thread := s.customerWrites("views")
	if _, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, "a line", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	j := newJudge(t)
	for _, look := range []struct{ lang, theme, member string }{{"ja", "light", stack.AdminID}, {"ja", "dark", stack.Hanako}, {"en", "light", stack.Hanako}, {"en", "dark", "U0ENGLISH"}} {
		where := look.lang + " " + look.theme + " " + look.member
		p := s.tab(fmt.Sprintf("?lang=%s&theme=%s", look.lang, look.theme), desk)
		p.be(look.member)
		p.home()
		j.invite(p)
		j.look(p, where+" home")
		buttons := eval[[]string](p, `[...document.querySelectorAll(".s-home button[data-action]")].map((b) => b.dataset.action).filter((a) => /settings/.test(a))`)
		if len(buttons) == 0 {
			t.Errorf("%s: Home has no button that opens settings: %v", where, eval[[]string](p, `[...document.querySelectorAll(".s-home button[data-action]")].map((b) => b.dataset.action)`))
		}
		for _, button := range buttons {
			eval[bool](p, fmt.Sprintf(`([...document.querySelectorAll(".s-home button")].find((b) => b.dataset.action === %s).click(), true)`, quoted(button)))
			p.until("the modal of "+button, modalShown)
			j.look(p, where+" "+button)
			p.click("dialog.modal[open] footer .b-button:not(.primary)")
			p.until("the modal is closed", `!document.querySelector("dialog.modal[open]")`)
		}
	}
	p := s.at(thread, desk)
	p.shortcut("a line")
	j.invite(p)
	j.look(p, "the modal that sends")
}
