package browser

import (
	"fmt"
	"testing"
)

var tourSteps = []string{"first", "send", "note", "mixed", "down", "redis"}

// takeStep does a step of the tour and waits until the page itself says that it happened.
func (p *tab) takeStep(name string) {
	p.t.Helper()
	p.until("step "+name, fmt.Sprintf(`document.querySelector('[data-step=%s]')`, name))
	p.click(`[data-tour=act]:not(:disabled)`)
	p.until("step "+name+" done", fmt.Sprintf(`document.querySelector('[data-step=%s][data-done=true]')`, name))
}

func TestTheTourFromEndToEnd(t *testing.T) {
	s := open(t)
	for _, language := range []string{"ja", "en"} {
		p := s.tab("?lang="+language, desk)
		p.click(`[data-tour=start]`)
		for i, name := range tourSteps {
			p.takeStep(name)
			if i < len(tourSteps)-1 {
				p.click(`[data-tour=next]`)
			}
		}
		p.click(`[data-tour=end]`)
		p.until("the tour is over", `document.getElementById('tour').hidden`)
	}
}
