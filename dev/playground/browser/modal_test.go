package browser

import (
	"fmt"
	"testing"

	"github.com/slacktalk/slacktalk/dev/stack"
)

// focused is a script that tells whether something in the modal has the focus.
func focused(selector string) string {
	return `document.activeElement?.closest("dialog.modal[open]") && document.activeElement.matches("` + selector + `")`
}

// A modal opens in the client in which its button was pressed, as Slack opens it where the trigger was given, and there it stays when the page is loaded again. The first
// input has the focus, or the button that goes on; never the cross.
func TestAModalOpensWhereItsButtonWasPressed(t *testing.T) {
	s := open(t)
	thread := s.customerWrites("one modal")
	for name, v := range map[string]view{"desk": desk, "phone": phone} {
		one, other := s.at(thread, v), s.at(thread, v)
		one.keys(threadText, name+" line")
		one.click(".s-thread .c-send")
		// When its mark is there, it is not drawn anew below the menu.
		marked := fmt.Sprintf(`[...document.querySelectorAll(".s-thread .message")].find((m) => m.textContent.includes(%q))?.querySelector("[data-reaction=memo]")`, name+" line")
		one.until("the line", marked)
		other.until("the line", marked)
		one.shortcut(name + " line")
		one.until("the button has the focus, there is no input", focused("[type=submit]"))
		if eval[bool](other, `document.querySelector("dialog.modal[open]") !== null`) {
			t.Errorf("%s: the modal opens in another tab", name)
		}
		one.reload()
		one.until("the modal is still there", focused("[type=submit]"))
		one.click("dialog.modal footer .b-button:not(.primary)")
		other.home()
		other.until("the home", `document.querySelector(".s-home [data-action=personal_settings]")`)
		eval[bool](other, `(document.querySelector(".s-home [data-action=personal_settings]").click(), true)`)
		other.until("the first input has the focus", focused("select, input"))
		if eval[bool](one, `document.querySelector("dialog.modal[open]") !== null`) {
			t.Errorf("%s: the modal of the home opens in another tab", name)
		}
		other.click("dialog.modal footer .b-button:not(.primary)")
		other.until("the modal is closed", `!document.querySelector("dialog.modal[open]")`)
		other.be(stack.AdminID)
		other.until("the settings", `document.querySelector(".s-home [data-action=team_settings]")`)
		eval[bool](other, `(document.querySelector(".s-home [data-action=team_settings]").click(), true)`)
		other.until("the settings' modal", modalShown)
		eval[bool](other, `([...document.querySelectorAll("dialog.modal .b-choice")].find((el) => el.textContent === "ゲスト").querySelector("input").click(), true)`)
		other.click("dialog.modal [type=submit]")
		other.until("what is wrong is said, and can be seen", `(() => { const p = document.querySelector("dialog.modal .b-problem")?.getBoundingClientRect(), b = document.querySelector("dialog.modal .modal-body").getBoundingClientRect(); return p && p.top >= b.top && p.bottom <= b.bottom; })()`)
		other.click("dialog.modal footer .b-button:not(.primary)")
		other.until("the settings are closed", `!document.querySelector("dialog.modal[open]")`)
	}
}
