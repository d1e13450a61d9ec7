package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

var (
	wide  = view{width: 1600, height: 900, scale: 1}
	phone = view{width: 390, height: 844, scale: 2, phone: true}
)

// pictures is the folder that SCREENSHOTS names, as make screenshots does; where it names none the pictures are taken all the same, and thrown away.
func pictures(t *testing.T) string {
	t.Helper()
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		return folder
	}
	return t.TempDir()
}

// TestPictures makes the pictures of the documentation.
func TestPictures(t *testing.T) {
	s, folder := open(t), pictures(t)
	p := s.tab("?lang=ja&theme=light", wide)
	p.click(`[data-tour=start]`)
	for _, name := range []string{"first", "send", "note", "mixed"} {
		p.takeStep(name)
		p.click(`[data-tour=next]`)
	}
	p.click(`#tour .plain`)
	p.click("#tab-path")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 400, Count: 1})
	p.keys(threadText, "```クーポンをお送りします")
	p.click(".s-thread .c-send")
	p.until("the mark of the failed reply", `document.querySelector("[data-reaction=warning]")`)
	p.until("its way", `document.querySelector(".p-card.bad") && !document.querySelector(".p-depth")?.textContent.includes("⏳")`)
	eval[bool](p, `(document.activeElement.blur(), true)`)
	p.keep(folder, "playground.ja")
	p.do(chromedp.EmulateViewport(wide.width, 1400))
	p.keepElement(folder, "thread.ja", "#slack")
	eval[bool](p, `(document.querySelector(".s-thread .s-messages").scrollTop = -100000, true)`)
	p.keepElement(folder, "card.ja", ".s-thread .message")
	eval[bool](p, `(document.querySelector(".s-thread .s-messages").scrollTop = 0, true)`)
	p.do(chromedp.EmulateViewport(wide.width, wide.height))

	english := s.tab("?lang=en&theme=light", wide)
	english.click(`[data-tour=start]`)
	english.takeStep("first")
	english.click(`[data-tour=next]`)
	english.takeStep("send")
	english.keep(folder, "playground.en")

	p.click(".top-buttons .square")
	p.keep(folder, "playground.dark")
	p.click(".top-buttons .square")

	p.faults(folder)
	s.phonePictures(folder)
}

// faults shows what the panel says while Slack is down and when it is back.
func (p *tab) faults(folder string) {
	p.click("#tab-faults")
	p.click(".f-choice.down input")
	p.until("Slack is down", `document.querySelector(".f-state.bad")`)
	for _, text := range []string{"まだ届きません", "追跡番号はありますか", "よろしくお願いします"} {
		p.keys("#customer-text", text)
		p.click(".w-send")
	}
	p.until("messages wait", `!/ 0 件/.test(document.querySelector(".f-state span").textContent.split("・")[0])`)
	p.keepElement(folder, "fault-down.ja", "#behind")
	p.keep(folder, "playground-slack-down.ja")
	p.click(".f-choice.normal input")
	p.until("all came", has(".s-thread .message", "よろしくお願いします"))
	p.until("nothing waits", `document.querySelector(".f-state.good")`)
	eval[bool](p, `(document.activeElement.blur(), true)`)
	p.keepElement(folder, "fault-recovered.ja", "#behind")
}

func (s *site) phonePictures(folder string) {
	p := s.tab("?lang=ja&theme=light", phone)
	p.until("the channel", `document.querySelector(".thread-link")`)
	eval[bool](p, `(document.querySelector(".thread-link").click(), true)`)
	p.until("a thread", `document.querySelector(".s-thread .message")`)
	p.keep(folder, "phone-slack.ja")
	p.click(`#panes [data-pane=shop]`)
	p.keep(folder, "phone-shop.ja")
}

// TestPicturesOfTheApp makes those of what the app shows besides threads.
func TestPicturesOfTheApp(t *testing.T) {
	s, folder := open(t), pictures(t)
	thread := s.customerWrites("注文した本がまだ届きません")
	if _, err := s.KARTE.Assign(t.Context(), kartestandin.Customer{VisitorID: "vis-0000-demo"}, stack.Operator, kartestandin.Write{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, "ご確認ください ```本日発送しました``` でよい？", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	p := s.tab("?lang=ja&theme=light", wide)
	p.look(thread)
	p.until("the notice", `document.querySelector(".s-thread .ephemeral")`)
	p.keepElement(folder, "mixed-notice.ja", "#slack")
	p.shortcut("ご確認ください")
	p.keepElement(folder, "modal.ja", "dialog.modal")
	p.click("dialog.modal footer .b-button:not(.primary)")
	p.until("the modal is closed", `!document.querySelector("dialog.modal[open]")`)
	p.home()
	p.until("the conversation", has(".s-home", "訪問者"))
	p.keepElement(folder, "home.ja", "#slack")
	p.be(stack.AdminID)
	p.until("the settings", has(".s-home button", "チーム設定"))
	eval[bool](p, `([...document.querySelectorAll(".s-home button")].find((b) => b.textContent.includes("チーム設定")).click(), true)`)
	p.until("their modal", modalShown)
	p.do(chromedp.EmulateViewport(wide.width, 1100))
	p.keepElement(folder, "settings.ja", "dialog.modal")
}

// keep writes what the tab shows.
func (p *tab) keep(folder, name string) {
	p.t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	p.write(folder, name, png, err)
}

func (p *tab) keepElement(folder, name, selector string) {
	p.t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.Screenshot(chromedp.CSS(selector)))
	p.write(folder, name, png, err)
}

func (p *tab) write(folder, name string, png []byte, err error) {
	p.t.Helper()
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
