package send

import (
	"errors"
	"fmt"
	"testing"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// What operators read in Slack is KARTE's own words: neither the path of a call nor ours.
func TestAFailureIsToldInKARTEsWords(t *testing.T) {
	call := func(err error) error { return fmt.Errorf("KARTE /v2/talk/message/sendFromOperator: %w", err) }
	for want, err := range map[string]error{
		"too long (HTTP 400)": call(retry.Rejected(&karte.Refusal{Status: 400, Said: "too long"})),
		"HTTP 404":            call(retry.Rejected(&karte.Refusal{Status: 404})),
		"":                    call(retry.Malformed(errors.New("dial tcp 127.0.0.1:1: connection refused"))),
	} {
		d := newDesk(t, both)
		d.karte.refuse = once(1, err, false)
		if _, permanent := retry.Reason(d.until(d.stored(d.command("reply-1", "hello")))); !permanent {
			t.Fatal("it was to be given up")
		}
		var fact eventv1.TalkFact
		if ok, err := d.bus.Find(t.Context(), bus.Talk, "talk.*.*.*.failed.*", &fact); err != nil || !ok || fact.GetReplyFailed().GetDetail() != want {
			t.Errorf("want %q: %v %v %q", want, ok, err, fact.GetReplyFailed().GetDetail())
		}
	}
}

// What was written in a dialog stands nowhere but in the command: with the failure it goes back.
func TestAFailureTellsWhatNoLineSays(t *testing.T) {
	for ts, want := range map[string]string{"": "hello", "1700000000.000200": ""} {
		d := newDesk(t, both)
		d.karte.refuse = once(1, retry.Rejected(&karte.Refusal{Status: 400}), false)
		command := d.command("reply-1", "hello")
		command.Origin = &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: "1700000000.000100", Ts: ts, Member: "U0DEMO1"}
		if _, permanent := retry.Reason(d.until(d.stored(command))); !permanent {
			t.Fatal("it was to be given up")
		}
		var fact eventv1.TalkFact
		if ok, err := d.bus.Find(t.Context(), bus.Talk, "talk.*.*.*.failed.*", &fact); err != nil || !ok || fact.GetReplyFailed().GetText() != want {
			t.Errorf("line %q: %v %v %q", ts, ok, err, fact.GetReplyFailed().GetText())
		}
	}
}

// A change that KARTE does not allow is a refusal of its own, in KARTE's words, and parks nothing.
func TestAMissingScopeOfAChangeIsToldInKARTEsWords(t *testing.T) {
	err := classifyChange(fmt.Errorf("KARTE /v2/x: %w", retry.Parked(fmt.Errorf("%w: %w", karte.ErrScope, &karte.Refusal{Status: 403, Said: "forbidden"}))))
	reason, _ := retry.Reason(err)
	if reason != eventv1.FailureReason_FAILURE_REASON_REJECTED || errors.Is(err, retry.ErrParked) || errors.Is(err, karte.ErrScope) || detail(err) != "forbidden (HTTP 403)" {
		t.Errorf("%v: %v, told as %q", err, reason, detail(err))
	}
}
