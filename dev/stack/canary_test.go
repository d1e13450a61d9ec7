package stack

import (
	"log/slog"
	"testing"

	canaries "github.com/slacktalk/slacktalk/dev/canary"
)

// What is hidden in a line of the logs is found, however it is quoted; words that lines are made of are not taken for what somebody wrote.
func TestTheCanaryHearsWhatNoLogMayHold(t *testing.T) {
	for text, heard := range map[string]bool{
		"届かないのですが": true, "q-000.": true, "first words of somebody": true, `a "quoted" line` + "\nand another": true, "xoxb-demo-not-a-real-token": true,
		"another id": false, "signature": false, "ok": false,
	} {
		c := &canary{}
		log := c.hear(slog.DiscardHandler).With("service", "demo")
		log.Debug("a line with another id, ok, whose signature is good", "err", "it says: "+text)
		words := canaries.Words{}
		words.Note(text, "what was said")
		if text == "xoxb-demo-not-a-real-token" {
			words[text] = "a secret"
		}
		if err := c.found(words); (err != nil) != heard {
			t.Errorf("%q: %v", text, err)
		}
	}
}
