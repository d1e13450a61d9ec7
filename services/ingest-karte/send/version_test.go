package send

import (
	"testing"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// What the next version has in mind with a text of another kind is not known here: it may not be for the customer.
func TestPromise4OnlyWhatSaysThatItIsForTheCustomerIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*eventv1.KarteCommand)
		dead   bool
	}{
		"another kind": {func(c *eventv1.KarteCommand) { c.Kind = 99 }, false},
		"another change": {func(c *eventv1.KarteCommand) {
			c.Kind, c.Text = 0, ""
			c.ProtoReflect().SetUnknown([]byte{0xa2, 0x3f, 0x00})
		}, false},
		"no kind": {func(c *eventv1.KarteCommand) { c.Kind = 0 }, true},
	} {
		d := newDesk(t, both)
		command := d.command("reply-1", "社内の話")
		c.change(command)
		err := d.sender.Handle(t.Context(), d.stored(command))
		if _, permanent := retry.Reason(err); err == nil || permanent != c.dead {
			t.Errorf("%s: %v", name, err)
		}
		if got := d.karte.texts(); len(got) > 0 {
			t.Errorf("%s: KARTE has %v", name, got)
		}
	}
}
