package browser

import (
	"fmt"
	"slices"
	"testing"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

const (
	long         = 500
	paintWithin  = 1000 // milliseconds
	shownWithin  = 200
	measurements = 15
)

// TestALongThreadIsQuick measures in the page itself, with its own clock. One measurement says how busy the machine is; their median says how quick
// the page is.
func TestALongThreadIsQuick(t *testing.T) {
	s := open(t)
	thread := s.customerWrites("a long thread")
	for i := range long {
		if _, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, fmt.Sprintf("Line %d of a *long* thread\n```with a block```", i), slackstandin.WriteOptions{App: &slackstandin.App{BotID: "B0OTHER", AppID: "A0OTHER", User: "U0TARO", Name: "Other"}}); err != nil {
			t.Fatal(err)
		}
	}
	p := s.at(thread, desk)
	var paints, wholes []float64
	for range 5 {
		p.reload()
		p.until("the whole thread", fmt.Sprintf(`document.querySelectorAll(".s-thread .message").length > %d`, long))
		paints = append(paints, eval[float64](p, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
		wholes = append(wholes, eval[float64](p, `performance.getEntriesByName("thread-shown")[0]?.startTime ?? 0`))
	}
	replies := p.measure(`(text) => { const area = document.querySelector(".s-thread .composer .c-rich"); area.textContent = text; area.dispatchEvent(new Event("input")); area.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true})); }`, ".s-thread .message", ".s-thread .s-messages")
	words := p.measure(`(text) => { document.querySelector("#customer-text").value = text; document.querySelector(".w-form").requestSubmit(); }`, ".w-bubble", ".w-log")
	t.Logf("%d messages in the thread: first paint %s ms, the whole thread shown %s ms", long, told(paints), told(wholes))
	t.Logf("a reply is visible after %s ms, a customer's message after %s ms", told(replies), told(words))
	for name, m := range map[string]struct {
		got  []float64
		most float64
	}{"first paint": {paints, paintWithin}, "reply": {replies, shownWithin}, "customer's message": {words, shownWithin}} {
		if median(m.got) > m.most {
			t.Errorf("%s: %s ms, at most %v", name, told(m.got), m.most)
		}
	}
}

// measure sends some messages, and answers for each how many milliseconds passed from sending it until it was painted in sight.
func (p *tab) measure(send, of, in string) []float64 {
	p.t.Helper()
	return eval[[]float64](p, fmt.Sprintf(`(async () => {
		const send = %s, took = [];
		for (let i = 0; i < %d; i++) {
			const text = "measured " + Math.random().toString(36).slice(2);
			const box = document.querySelector(%q);
			const begin = performance.now();
			const seen = new Promise((done) => {
				const look = () => {
					const el = [...document.querySelectorAll(%q)].slice(-8).find((el) => el.textContent.includes(text));
					const at = el?.getBoundingClientRect(), frame = box.getBoundingClientRect();
					if (el && at.bottom > frame.top && at.top < frame.bottom) done(performance.now() - begin); else requestAnimationFrame(look);
				};
				look();
			});
			send(text);
			took.push(await seen);
			await new Promise((done) => setTimeout(done, 60));
		}
		return took;
	})()`, send, measurements, in, of))
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

func told(of []float64) string {
	return fmt.Sprintf("%.0f (median; %.0f to %.0f)", median(of), slices.Min(of), slices.Max(of))
}
