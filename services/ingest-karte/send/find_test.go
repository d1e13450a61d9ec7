package send

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// That KARTE refuses to show the history is no refusal of the reply, which may have arrived.
func TestPromise5AHistoryThatIsRefusedIsNoRefusalOfTheReply(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse, d.karte.unlisted = once(1, errLost, true), errRefused
	reason, gone := retry.Reason(d.until(d.stored(d.command("reply-1", "hello"))))
	if !gone || reason != eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN {
		t.Errorf("given up %v, %v", gone, reason)
	}
	d.wants([]string{"hello"}, []string{"OUTCOME_UNKNOWN"})
}

// KARTE need not keep the white space around a text, in which the parts of a long one end.
func TestPromise2ATextThatKARTEListsTrimmedIsFound(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = once(1, errLost, true)
	d.karte.listed = func(e karte.Entry) karte.Entry {
		e.Text = strings.TrimSpace(e.Text)
		return e
	}
	parts := []string{strings.Repeat("a", 98) + "\n\n", strings.Repeat("b", 50)}
	if err := d.until(d.stored(d.command("reply-1", strings.Join(parts, "")))); err != nil {
		t.Fatal(err)
	}
	if got := d.karte.texts(); !slices.Equal(got, parts) {
		t.Errorf("KARTE has %q", got)
	}
}

// A line of which it cannot be told whether it is ours is not sent a second time.
func TestPromise2ALineThatMayBeOursIsNotSentAgain(t *testing.T) {
	for name, c := range map[string]struct {
		operator string
		listed   func(karte.Entry) karte.Entry
	}{
		"no date":                  {"op-1", func(e karte.Entry) karte.Entry { e.Date = time.Time{}; return e }},
		"a bot's without a sender": {"bot-1", func(e karte.Entry) karte.Entry { e.Sender = ""; return e }},
	} {
		d := newDesk(t, both)
		d.karte.refuse, d.karte.listed = once(1, errLost, true), c.listed
		command := d.command("reply-1", "hello")
		command.Operator = c.operator
		if reason, _ := retry.Reason(d.until(d.stored(command))); reason != eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN {
			t.Errorf("%s: %v", name, reason)
		}
		d.wants([]string{"hello"}, []string{"OUTCOME_UNKNOWN"})
	}
}

// Nor is it when another line of the same words explains those of which it can be told.
func TestPromise2ALineThatMayBeOursIsNotSentAgainBesideAnother(t *testing.T) {
	d := newDesk(t, both)
	if err := d.until(d.stored(d.command("reply-1", "hello "))); err != nil {
		t.Fatal(err)
	}
	d.karte.refuse = once(2, errLost, true)
	d.karte.listed = func(e karte.Entry) karte.Entry {
		if e.Text == "hello" {
			e.Date = time.Time{}
		}
		return e
	}
	if reason, _ := retry.Reason(d.until(d.stored(d.command("reply-2", "hello")))); reason != eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN {
		t.Error(reason)
	}
	if got := d.karte.texts(); !slices.Equal(got, []string{"hello ", "hello"}) {
		t.Errorf("KARTE has %q", got)
	}
}
