package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// customerWrites lets the visitor whom the page shows first write, and answers the thread.
func (s *site) customerWrites(text string) (thread string) {
	s.t.Helper()
	if _, err := s.KARTE.CustomerWrites(s.t.Context(), kartestandin.Customer{VisitorID: "vis-0000-demo"}, text, kartestandin.Write{PageURL: "https://shop.example.com/orders", PageTitle: "ご注文履歴"}); err != nil {
		s.t.Fatal(err)
	}
	err := s.Slack.Await(s.t.Context(), func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Messages {
			if strings.Contains(m.Text, text) && (m.ThreadTS == "" || m.ThreadTS == m.TS) {
				thread = m.TS
			}
		}
		return thread != ""
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return thread
}

// at opens the page where a thread is shown.
func (s *site) at(thread string, v view) *tab {
	s.t.Helper()
	p := s.tab("?lang=en", v)
	p.look(thread)
	return p
}

func (p *tab) look(thread string) {
	p.t.Helper()
	eval[bool](p, fmt.Sprintf(`(sessionStorage.setItem("playground", JSON.stringify({...JSON.parse(sessionStorage.getItem("playground") ?? "{}"), thread: %q})), true)`, thread))
	p.reload()
}

func (p *tab) reload() {
	p.t.Helper()
	p.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("body[data-ready]")))
}

const threadText = ".s-thread .composer .c-rich"

func TestTwoTabsAtOnce(t *testing.T) {
	s := open(t)
	thread := s.customerWrites("two tabs")
	one, other := s.at(thread, desk), s.at(thread, desk)
	one.keys(threadText, "from the first\r")
	other.until("what the first tab wrote", has(".s-thread .message", "from the first"))
	other.be(stack.Taro)
	other.keys(threadText, "```not linked\r")
	one.until("what the second tab wrote", has(".s-thread .message pre.code", "not linked"))
	other.until("its private notice", has(".s-thread .ephemeral", "Slack"))
	other.until("its way ends with that", `document.querySelector(".p-card.good .hop-refused")`)
	// Each has notices of their own: what one is told, the other is not.
	notices := `[...document.querySelectorAll(".s-thread .ephemeral")].map((el) => el.dataset.ts)`
	for _, ts := range eval[[]string](other, notices) {
		if slices.Contains(eval[[]string](one, notices), ts) {
			t.Errorf("somebody else's private notice %s is shown", ts)
		}
	}
	if got := eval[string](one, `document.querySelector(".who").value`); got != stack.Hanako {
		t.Errorf("the first tab is %s now", got)
	}
}

func TestReloadInTheMiddle(t *testing.T) {
	s := open(t)
	p := s.tab("?lang=en", desk)
	p.click(`[data-tour=start]`)
	p.takeStep("first")
	p.click(`[data-tour=next]`)
	p.reload()
	p.takeStep("send")
	p.click(`[data-tour=next]`)
	// In the middle of what a step does.
	p.until("the third step", `document.querySelector('[data-step=note]')`)
	p.click(`[data-tour=act]`)
	p.reload()
	p.forgive("Failed to fetch")
	p.until("the step is seen after a reload", `document.querySelector('[data-step=note][data-done=true]') || document.querySelector('[data-tour=act]:not(:disabled)')`)
	p.until("the thread is still open", has(".s-thread .message", "APP"))
}

// hostile is what nobody should send, and somebody will.
var hostile = []string{
	`<script>document.title="broken"</script>`,
	`<img src=x onerror="document.title='broken'">`,
	`"><svg onload=document.title='broken'>`,
	"\u202etxt.exe\u202c \u2067right to left\u2069 end",
	strings.Repeat("W", 10_000),
	`<a href="javascript:document.title='broken'">x</a> javascript:alert(1)`,
	"&lt;b&gt; & <!channel> {{constructor}}",
}

func TestHostileTextIsText(t *testing.T) {
	s := open(t)
	thread := s.customerWrites("harmless")
	p := s.at(thread, desk)
	title := eval[string](p, "document.title")
	for i, text := range hostile {
		mark := fmt.Sprintf("#%d", i)
		if _, err := s.KARTE.CustomerWrites(t.Context(), kartestandin.Customer{VisitorID: "vis-0000-demo"}, text+mark, kartestandin.Write{PageTitle: text, PageURL: "https://shop.example.com/?" + mark}); err != nil {
			t.Fatal(err)
		}
		p.until("the widget shows "+mark, fmt.Sprintf("[...document.querySelectorAll('.w-bubble')].some((el) => el.textContent === %s)", quoted(text+mark)))
		if _, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, "reply "+text+mark, slackstandin.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		p.until("Slack shows "+mark, has(".s-thread .message", mark))
	}
	s.Slack.AddMember(slackstandin.Member{ID: "U0EVIL", Name: "evil", DisplayName: hostile[1], RealName: hostile[0]})
	s.Slack.AddChannel(slackstandin.Channel{ID: "C0EVIL", Name: hostile[1]})
	blocks := `[{"type":"header","text":{"type":"plain_text","text":` + quoted(hostile[1]) + `}},{"type":"section","text":{"type":"mrkdwn","text":"<javascript:document.title='broken'|click> ` + "`<b>`" + `"},"accessory":{"type":"button","action_id":"x","url":"javascript:document.title='broken'","text":{"type":"plain_text","text":` + quoted(hostile[0]) + `}}},{"type":"image","image_url":"https://elsewhere.example.com/x.png","alt_text":` + quoted(hostile[1]) + `}]`
	if _, err := s.Slack.Write("U0EVIL", stack.Channel, thread, hostile[0], slackstandin.WriteOptions{Blocks: []byte(blocks)}); err != nil {
		t.Fatal(err)
	}
	p.until("the blocks are shown", has(".s-thread .b-header", hostile[1]))
	for _, tabName := range []string{"queues", "settings", "redis", "calls", "faults", "path"} {
		p.click("#tab-" + tabName)
	}
	if got := eval[string](p, "document.title"); got != title {
		t.Errorf("the title is %q: a text was run", got)
	}
	if n := eval[int](p, `document.querySelectorAll("main script, main [onerror], main [onload], main iframe, a[href^='javascript']").length`); n != 0 {
		t.Errorf("%d elements were made of texts", n)
	}
	if wide := eval[int](p, `Math.max(...[document.documentElement, ...document.querySelectorAll(".pane, .s-main, .s-thread, .w-log, .h-body, .s-messages")].map((el) => el.scrollWidth - el.clientWidth))`); wide > 1 {
		t.Errorf("something is %d pixels wider than its place", wide)
	}
}

func quoted(text string) string { return fmt.Sprintf("%q", text) }

const everything = `[
{"type":"header","text":{"type":"plain_text","text":"All of Block Kit :tada:"}},
{"type":"section","text":{"type":"mrkdwn","text":"*bold* _italic_ ~gone~ ` + "`code`" + ` <https://example.com|link> <@U0HANAKO> <#C0SUPPORT> <!here> :white_check_mark:"},"fields":[{"type":"mrkdwn","text":"*A*\none"},{"type":"plain_text","text":"B"}],"accessory":{"type":"overflow","action_id":"o","options":[{"text":{"type":"plain_text","text":"First"},"value":"1"}]}},
{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"styled","style":{"bold":true}},{"type":"emoji","name":"wave"}]},{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"item"}]}]},{"type":"rich_text_quote","elements":[{"type":"text","text":"quoted"}]},{"type":"rich_text_preformatted","elements":[{"type":"text","text":"pre"}]}]},
{"type":"divider"},{"type":"context","elements":[{"type":"mrkdwn","text":"small"}]},
{"type":"actions","block_id":"acts","elements":[{"type":"button","action_id":"b","style":"primary","text":{"type":"plain_text","text":"Press"},"value":"v"},{"type":"static_select","action_id":"s","placeholder":{"type":"plain_text","text":"Pick"},"options":[{"text":{"type":"plain_text","text":"One"},"value":"1"}]},{"type":"users_select","action_id":"u"},{"type":"external_select","action_id":"e","min_query_length":0},{"type":"datepicker","action_id":"d"}]}]`

func TestBlockKitIsShownWhoeverSendsIt(t *testing.T) {
	s := open(t)
	if _, err := s.Slack.Write(stack.Hanako, stack.Channel, "", "all", slackstandin.WriteOptions{Blocks: []byte(everything), App: &slackstandin.App{BotID: "B0OTHER", AppID: "A0OTHER", Name: "Other"}}); err != nil {
		t.Fatal(err)
	}
	p := s.tab("?lang=en", desk)
	for _, selector := range []string{".b-header .emoji", ".b-text strong", ".b-text em", ".b-text s", ".b-text code", ".b-text a[href='https://example.com']", ".mention.mine", ".b-fields .b-field:nth-child(2)", ".b-overflow", ".rich-text li", ".rich-text blockquote", ".rich-text pre", ".b-context", ".b-actions .b-button.primary", ".b-actions select", ".b-lookup", ".b-actions input[type=date]"} {
		p.until(selector, fmt.Sprintf("document.querySelector(%s)", quoted(".message "+selector)))
	}
	if n := eval[int](p, `document.querySelectorAll(".unknown-block").length`); n != 0 {
		t.Errorf("%d blocks are not known", n)
	}
}

func TestTheComposerWritesWhatSlackWrites(t *testing.T) {
	s := open(t)
	thread := s.customerWrites("composer")
	p := s.at(thread, desk)
	p.click(".s-thread [data-tool=codeblock]")
	p.keys(".s-thread .c-code", "one")
	eval[bool](p, `(() => { const a = document.querySelector(".s-thread .c-code"); a.setRangeText("\ntwo <3 & more", 3, 3, "end"); a.dispatchEvent(new Event("input")); return true; })()`)
	p.keys(".s-thread .c-code", "\r")
	p.until("the block", has(".s-thread .message pre.code", "two <3 & more"))
	messages := s.Slack.Thread(stack.Channel, thread)
	last := messages[len(messages)-1]
	if last.Text != "```one\ntwo &lt;3 &amp; more```" || !strings.Contains(string(last.Blocks), `"rich_text_preformatted"`) {
		t.Errorf("%q %s", last.Text, last.Blocks)
	}
	p.until("it is sent to the customer", has(".w-row.them", "two <3 & more"))
}

// shortcut picks the app's shortcut in the menu of a message, and waits for its modal.
func (p *tab) shortcut(of string) {
	p.t.Helper()
	p.until("the menu", fmt.Sprintf(`(() => { const m = [...document.querySelectorAll(".s-thread .message")].find((m) => m.textContent.includes(%s)); if (!m) return false; m.querySelector(".toolbar > button:last-of-type").click(); return Boolean(m.querySelector(".actions button")); })()`, quoted(of)))
	eval[bool](p, `(document.querySelector(".popup.actions button").click(), true)`)
	p.until("the modal", `document.querySelector("dialog.modal[open] .modal-body .blocks")`)
}

func TestAShortcutSendsALineThroughItsModal(t *testing.T) {
	s := open(t)
	thread := s.customerWrites("shortcut")
	ts, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, "a line for the customer", slackstandin.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := s.at(thread, desk)
	p.until("the note is marked "+ts, `document.querySelector("[data-reaction=memo]")`)
	p.shortcut("a line for the customer")
	p.click("dialog.modal[open] button[type=submit]")
	p.until("it is sent", has(".w-row.them", "a line for the customer"))
	p.until("the modal is closed", `!document.querySelector("dialog.modal[open]")`)
}

func TestServicesFaultsAndSettings(t *testing.T) {
	s := open(t)
	p := s.tab("?lang=en", desk)
	p.click("#tab-faults")
	p.click(`[data-order="stop slack-gateway"]`)
	p.until("it is stopped", has(".f-service.down", "slack-gateway"))
	p.keys("#customer-text", "while nobody listens\r")
	p.click(`[data-order="start slack-gateway"]`)
	p.until("the thread comes", has(".s-main .message", "while nobody listens"))
	p.click("#tab-settings")
	p.click("#set-thread_replies_enabled")
	p.until("the API has it", `(async () => { const r = await fetch("/api/grpc/slacktalk.settings.v1.SettingsService/GetTeamSettings", {method: "POST", body: '{"name":"projects/demo-project/teamSettings"}'}); return (await r.json()).team_settings.thread_replies_enabled === false; })()`)
	p.click("#tab-calls")
	p.until("the calls are listed", has(".k-row", "UpdateTeamSettings"))
	p.click(`[data-order=bot]`)
	p.until("the app is out", `document.querySelector("[data-order=bot].primary")`)
	p.click(`[data-order=bot]`)
}

// TestNothingIsInAnybodysWay lets axe-core judge every view.
func TestNothingIsInAnybodysWay(t *testing.T) {
	s := open(t)
	j := newJudge(t)
	thread := s.customerWrites("for everybody")
	if _, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, "a ```b``` c", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Slack.Write(stack.Hanako, stack.Channel, "", "all", slackstandin.WriteOptions{Blocks: []byte(everything), App: &slackstandin.App{BotID: "B0OTHER", AppID: "A0OTHER", Name: "Other"}}); err != nil {
		t.Fatal(err)
	}
	for _, look := range []struct {
		query string
		view  view
	}{{"?lang=ja&theme=light", desk}, {"?lang=en&theme=dark", desk}, {"?lang=ja&theme=light", phone}} {
		p := s.tab(look.query, look.view)
		j.invite(p)
		where := func(name string) { t.Helper(); j.look(p, look.query+" "+name) }
		where("channel")
		if !look.view.phone {
			for _, name := range []string{"queues", "faults", "settings", "redis", "calls"} {
				p.click("#tab-" + name)
				where(name)
			}
			p.click(".thread-link")
			where("thread")
			p.click("[data-tour=start]")
			p.until("the tour", `document.querySelector('[data-step=first]')`)
			where("tour")
			continue
		}
		for _, name := range []string{"shop", "behind"} {
			p.click(`#panes [data-pane=` + name + `]`)
			where(name)
		}
	}
}
