package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestACustomerSendsAPictureAndLogsInHalfWay(t *testing.T) {
	s := open(t)
	p := s.tab("?lang=en", desk)
	p.do(chromedp.SetValue(chromedp.CSS("#customer"), "login"))
	eval[bool](p, `document.querySelector("#customer").dispatchEvent(new Event("change"))`)
	p.keys("#customer-text", "before logging in\r")
	p.until("a thread", has(".s-main .message", "before logging in"))
	p.click(".w-who .link")
	p.keys("#customer-text", "after logging in\r")
	p.click(".s-main .thread-link")
	p.until("the same thread", has(".s-thread .message", "after logging in"))
	p.click(".w-more .link")
	p.until("the picture in the shop", `document.querySelector(".w-bubble img")?.naturalWidth > 0`)
	p.until("the picture in Slack", `(() => { const img = document.querySelector(".s-thread .message img.b-picture"); img?.scrollIntoView(); return img?.naturalWidth > 0; })()`)
	if n := eval[int](p, fmt.Sprintf("document.querySelectorAll(%q).length", ".s-main .thread-link")); n != 1 {
		t.Errorf("%d threads of one customer", n)
	}
}
