package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// lastOf answers the latest message of a thread.
func (s *site) lastOf(thread string) slackstandin.Message {
	s.t.Helper()
	messages := s.Slack.Thread(stack.Channel, thread)
	return *messages[len(messages)-1]
}

// newLine is Shift+Enter.
func (p *tab) newLine() {
	p.t.Helper()
	p.do(chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierShift)))
}

func (p *tab) types(text string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(text))
}

func TestTheComposerShowsFormatting(t *testing.T) {
	s := open(t)
	thread := s.customerWrites("formatting")
	p := s.at(thread, desk)
	sent := len(s.Slack.Thread(stack.Channel, thread))
	send := func(what, shown, text string) {
		t.Helper()
		sent++
		p.until(what+" is shown", shown)
		p.types("\r")
		p.until(what+" is sent", `document.querySelector(".s-thread .composer .c-rich.empty")`)
		p.until(what+" is there", fmt.Sprintf(`document.querySelectorAll(".s-thread .message:not(.ephemeral)").length === %d`, sent))
		if got := s.lastOf(thread); got.Text != text {
			t.Errorf("%s: %q, not %q: %s", what, got.Text, text, got.Blocks)
		}
	}
	in := func(script string) string {
		return `(() => { const box = document.querySelector(".s-thread .c-parts"), one = (s) => box.querySelector(s)?.textContent; return ` + script + `; })()`
	}
	p.keys(threadText, "*big* and _slanted_, `code` snake_case_name 2*3*4 end")
	send("typed marks", in(`one("b") === "big" && one("i") === "slanted" && one("code") === "code" && box.textContent.includes("snake_case_name 2*3*4 end")`), "*big* and _slanted_, `code` snake_case_name 2*3*4 end")

	p.click(".s-thread [data-tool=bold]")
	p.types("loud")
	p.until("the button is on", `document.querySelector(".s-thread [data-tool=bold][aria-pressed=true]")`)
	p.click(".s-thread [data-tool=bold]")
	p.types(" quiet")
	send("a button", in(`one("b") === "loud" && !box.textContent.includes("*")`), "*loud* quiet")

	p.keys(threadText, "see:")
	p.newLine()
	p.types("- one")
	p.newLine()
	p.types("two")
	send("a list", in(`box.querySelectorAll(".c-bullet").length === 2 && one(".c-text") === "see:"`), "see:\n• one\n• two")
	p.until("it is a list", `document.querySelectorAll(".s-thread .rich-text li").length === 2`)

	p.keys(threadText, "> said")
	p.newLine()
	p.newLine()
	p.types("ours")
	send("a quote", in(`one(".c-quote") === "said" && one(".c-text") === "ours"`), "&gt; said\nours")

	p.keys(threadText, "```block```after")
	send("fences", in(`box.querySelector(".c-code").value === "block" && one(".c-text") === "after"`), "```block```\nafter")

	p.click(".s-thread .c-tools summary")
	p.until("the people", has(".s-thread .c-tools .b-menu button", "鈴木 太郎"))
	eval[bool](p, `([...document.querySelectorAll(".s-thread .c-tools .b-menu button")].find((b) => b.textContent === "鈴木 太郎").click(), true)`)
	p.types("please look")
	send("a mention", in(`box.querySelector("[data-token]").textContent === "@鈴木 太郎"`), "<@"+stack.Taro+"> please look")

	p.types("not yet")
	p.newLine()
	p.types("two lines")
	send("two lines", in(`true`), "not yet\ntwo lines")
}

func TestAnEditedMessageKeepsItsFormatting(t *testing.T) {
	s := open(t)
	thread := s.customerWrites("edit")
	ts, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, "*big* <@"+stack.Taro+">\n```block```\n• item", slackstandin.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := s.at(thread, desk)
	p.until("the menu", fmt.Sprintf(`(() => { const m = document.querySelector('.s-thread [data-ts="%s"]'); m?.querySelector(".toolbar > button:last-of-type").click(); return m?.querySelector(".actions"); })()`, ts))
	eval[bool](p, `([...document.querySelectorAll(".popup.actions button")].find((b) => b.textContent === "Edit message").click(), true)`)
	p.until("what was formatted", `(() => { const box = document.querySelector(".m-body .c-parts"); return box?.querySelector("b").textContent === "big" && box.querySelector("[data-token]") && box.querySelector(".c-code").value === "block" && box.querySelector(".c-bullet").textContent === "item"; })()`)
	p.types(" more\r")
	p.until("it is edited", has(".s-thread .message .m-edited", "edited"))
	if got := s.lastOf(thread); got.Text != "*big* <@"+stack.Taro+">\n```block```\n• item more" || !strings.Contains(string(got.Blocks), `"bold":true`) {
		t.Errorf("%q %s", got.Text, got.Blocks)
	}
}
