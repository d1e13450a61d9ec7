package routing_test

import (
	"testing"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// A router dies when a reply is stored for KARTE, before it notes that it took it. Its author, who is not linked any more when the reply comes again, is not told
// that it was not sent: it was.
func TestWhatWasSentIsNotSaidToBeRefused(t *testing.T) {
	for name, fact := range map[string]*eventv1.SlackFact{
		"a reply": wrote(hanako, head, line, "", "hello"), "from a dialog": composed(hanako, "V0DEMO1", "hello", operator),
	} {
		d := newDesk(t)
		d.opened("vis-1", head)
		d.slack(fact)
		if len(d.sends()) != 1 {
			t.Fatalf("%s: sent %v", name, d.sends())
		}
		if !d.redis.Del("verdict:" + bus.Token(fact.GetId())) {
			t.Fatalf("%s: nothing was noted", name)
		}
		delete(d.settings.links, hanako)
		for range 2 {
			d.slack(fact)
		}
		if len(d.sends()) != 1 || len(d.notices()) != 0 {
			t.Errorf("%s: sent %v, told %v", name, d.sends(), d.notices())
		}
	}
}
