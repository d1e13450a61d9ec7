package send

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// replica makes another sender of the same desk, as after a kill; its clock is wrong by skew.
func (d *desk) replica(skew time.Duration) *Sender {
	options := d.sender.Options
	options.Metrics = prometheus.NewRegistry()
	options.Now = func() time.Time { return d.now().Add(skew) }
	return New(options)
}

// until hands a message to a new replica each time until it is done or given up.
func (d *desk) until(m bus.Message) error {
	d.t.Helper()
	for n := uint64(1); ; n++ {
		m.Deliveries = n
		err := d.replica(0).Handle(d.t.Context(), m)
		if _, permanent := retry.Reason(err); err == nil || permanent {
			return err
		}
		if n > 6 {
			d.t.Fatalf("neither done nor given up: %v", err)
		}
	}
}

// once makes an accident happen to the n-th call.
func once(n int, err error, effect bool) func(int) (error, bool) {
	return func(call int) (error, bool) {
		if call != n {
			return nil, true
		}
		return err, effect
	}
}

func (d *desk) note(id, text string) *eventv1.KarteCommand {
	c := d.command(id, text)
	c.Kind = eventv1.ReplyKind_REPLY_KIND_NOTE
	return c
}

var errNotNow = errors.New("connection refused")

// Whatever becomes of a call, the customer gets the text once, although every acknowledgement is lost as well.
func TestPromise2WhateverBecomesOfACallItIsSentOnce(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		effect bool
	}{
		"effect, no answer": {errLost, true}, "no effect, no answer": {errLost, false}, "told so": {errNotNow, false}, "throttled": {retry.After(time.Second, errNotNow), false},
	} {
		for kind, make := range map[string]func(*desk, string, string) *eventv1.KarteCommand{"message": (*desk).command, "note": (*desk).note} {
			d := newDesk(t, both)
			// The same words come three times: each is to arrive.
			d.karte.refuse = once(2, c.err, c.effect)
			for i := range 3 {
				m := d.stored(make(d, fmt.Sprintf("reply-%d", i), "はい"))
				for range 2 {
					if err := d.until(m); err != nil {
						t.Fatalf("%s, %s: %v", kind, name, err)
					}
				}
			}
			if got := d.karte.texts(); !slices.Equal(got, []string{"はい", "はい", "はい"}) {
				t.Errorf("%s, %s: KARTE has %v", kind, name, got)
			}
			if got := d.reports(); !slices.Equal(got, []string{"delivered", "delivered", "delivered"}) {
				t.Errorf("%s, %s: reported %v", kind, name, got)
			}
		}
	}
}

func TestWhereKARTEDoesNotListItNothingIsTriedTwice(t *testing.T) {
	for _, effect := range []bool{true, false} {
		d := newDesk(t, History{})
		d.karte.refuse = once(1, errLost, effect)
		err := d.until(d.stored(d.command("reply-1", "hello")))
		if reason, _ := retry.Reason(err); reason != eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN || d.karte.calls != 1 {
			t.Errorf("%v after %d calls", err, d.karte.calls)
		}
		if got := d.reports(); !slices.Equal(got, []string{"OUTCOME_UNKNOWN"}) {
			t.Errorf("reported %v", got)
		}
	}
}

// Lines of others, and lines from before, are not taken for ours.
func TestOtherLinesAreNotTakenForOurs(t *testing.T) {
	for name, c := range map[string]struct {
		sender, text string
		before       time.Duration
	}{
		"another operator": {"op-2", "hello", 0}, "other words": {"op-1", "hello!", 0}, "long ago": {"op-1", "hello", time.Hour},
	} {
		d := newDesk(t, both)
		d.karte.entries = append(d.karte.entries, karte.Entry{Sender: c.sender, Text: c.text, Date: d.now().Add(-c.before)})
		d.karte.refuse = once(1, errLost, false)
		if err := d.until(d.stored(d.command("reply-1", "hello"))); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := d.karte.texts(); !slices.Equal(got, []string{c.text, "hello"}) {
			t.Errorf("%s: KARTE has %v", name, got)
		}
	}
}

func TestAHistoryThatDoesNotReachBackSaysNothing(t *testing.T) {
	for name, c := range map[string]struct {
		lines int
		age   time.Duration
		want  bool
	}{
		"it is short": {historyLimit - 1, 0, true}, "it reaches back": {historyLimit, time.Hour, true}, "it does not": {historyLimit, 0, false},
	} {
		d := newDesk(t, both)
		d.karte.refuse = once(1, errLost, false)
		m := d.stored(d.command("reply-1", "hello"))
		if err := d.sender.Handle(t.Context(), m); err == nil {
			t.Fatal("it was to fail")
		}
		for i := range c.lines {
			d.karte.entries = append(d.karte.entries, karte.Entry{Sender: "member-1", Text: fmt.Sprint(i), Date: d.now().Add(-c.age)})
		}
		reason, gone := retry.Reason(d.until(m))
		if gone == c.want || gone && reason != eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN {
			t.Errorf("%s: given up %v, %v", name, gone, reason)
		}
	}
}

// A text in parts goes on where it stopped, also when its parts are equal.
func TestPromise8PartsArriveOnceEachAndInOrder(t *testing.T) {
	distinct, equal := "", ""
	for i := range 20 {
		distinct += fmt.Sprintf("%02d %s\n", i, strings.Repeat("長い返信。", 5))
		equal += strings.Repeat("x", 99) + "\n"
	}
	for name, text := range map[string]string{"distinct": distinct, "equal": equal} {
		for call := 1; call <= 4; call++ {
			for _, effect := range []bool{true, false} {
				d := newDesk(t, both)
				command := d.command("reply-1", text)
				parts := d.sender.parts(command)
				if len(parts) < 5 {
					t.Fatalf("only %d parts", len(parts))
				}
				d.karte.refuse = once(call, errLost, effect)
				if err := d.until(d.stored(command)); err != nil {
					t.Fatalf("%s, call %d: %v", name, call, err)
				}
				if got := d.karte.texts(); !slices.Equal(got, parts) {
					t.Errorf("%s, call %d, effect %v: %d of %d parts", name, call, effect, len(got), len(parts))
				}
			}
		}
	}
}

func TestAPartThatIsRefusedIsReportedWithWhatArrived(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = once(3, errRefused, false)
	m := d.stored(d.command("reply-1", strings.Repeat("abcdefghi ", 50)))
	if _, permanent := retry.Reason(d.until(m)); !permanent {
		t.Fatal("it was to be given up")
	}
	var fact eventv1.TalkFact
	if ok, err := d.bus.Find(t.Context(), bus.Talk, "talk.*.*.*.failed.*", &fact); err != nil || !ok || fact.GetReplyFailed().GetPartsDelivered() != 2 {
		t.Errorf("%v %v %v", ok, err, &fact)
	}
}

func TestAParkedProjectWaitsHoweverLong(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = fails(3, retry.Parked(errors.New("401")), false)
	command := d.command("reply-1", "hello")
	command.IssuedAt = timestamppb.New(d.now().Add(-90 * time.Hour))
	m := d.stored(command)
	m.Deliveries = 500
	for range 3 {
		if err := d.sender.Handle(t.Context(), m); !errors.Is(err, retry.ErrParked) {
			t.Fatal(err)
		}
	}
	told, err := d.bus.Before(t.Context(), bus.Talk, "talk.*.*.*.parked.*", "")
	if err != nil || len(told) != 1 {
		t.Errorf("the admins are told %d times (%v)", len(told), err)
	}
	d.done(m)
	d.wants([]string{"hello"}, []string{"delivered"})
}

func TestGivingUp(t *testing.T) {
	for name, c := range map[string]struct {
		err        error
		deliveries uint64
		age        time.Duration
		gone       bool
	}{
		"young": {errNotNow, 50, time.Minute, false}, "old, few tries": {errNotNow, 3, 2 * time.Hour, false}, "old, many tries": {errNotNow, 50, 2 * time.Hour, true},
		"throttled": {retry.After(time.Second, errNotNow), 50, 2 * time.Hour, false},
	} {
		d := newDesk(t, both)
		d.karte.refuse = once(1, c.err, false)
		command := d.command("reply-1", "hello")
		command.IssuedAt = timestamppb.New(d.now().Add(-c.age))
		m := d.stored(command)
		m.Deliveries = c.deliveries
		reason, gone := retry.Reason(d.sender.Handle(t.Context(), m))
		if gone != c.gone || gone && reason != eventv1.FailureReason_FAILURE_REASON_EXHAUSTED {
			t.Errorf("%s: given up %v, %v", name, gone, reason)
		}
	}
}

func TestWhatIsNotForUsIsMalformed(t *testing.T) {
	d := newDesk(t, both)
	other := d.command("reply-1", "hello")
	other.Project = "another"
	for _, m := range []bus.Message{{Data: []byte("\xff"), Subject: "send.2-000.demo.c1.x", Sequence: 1}, d.stored(other)} {
		if reason, _ := retry.Reason(d.sender.Handle(t.Context(), m)); reason != eventv1.FailureReason_FAILURE_REASON_MALFORMED {
			t.Errorf("%s: %v", m.Subject, reason)
		}
	}
	d.wants(nil, nil)
}

func TestATextThatKARTEWouldShowAsACardIsDefused(t *testing.T) {
	for text, defused := range map[string]bool{"`{\"a\":1}`": true, " ` {\n} ` ": true, "`x`": false, "{\"a\":1}": false, "see `{}` there": false} {
		d := newDesk(t, both)
		d.done(d.stored(d.command("reply-1", text)))
		if got := d.karte.texts(); len(got) != 1 || (got[0] != text) != defused || !strings.HasSuffix(got[0], text) {
			t.Errorf("%q was sent as %q", text, got)
		}
	}
}

// Replicas whose clocks are two minutes wrong, each to its side, and a KARTE that tells the time in whole seconds.
func TestClockSkewBetweenReplicasSendsOnce(t *testing.T) {
	const apart = 2 * time.Minute
	for _, skew := range []time.Duration{apart, -apart} {
		for _, effect := range []bool{true, false} {
			for _, earlier := range []time.Duration{0, time.Second, time.Minute, 3 * time.Minute, 20 * time.Minute} {
				d := newDesk(t, both)
				start := d.now()
				d.karte.now = func() time.Time { return d.now().Truncate(time.Second) }
				want := []string{"hello"}
				if earlier > 0 { // the same words were said before, by the other replica
					if err := d.replica(-skew).Handle(t.Context(), d.stored(d.command("reply-0", "hello"))); err != nil {
						t.Fatal(err)
					}
					d.ahead, want = earlier, append(want, "hello")
				}
				d.karte.refuse = once(d.karte.calls+1, errLost, effect)
				m := d.stored(d.command("reply-1", "hello"))
				if err := d.replica(skew).Handle(t.Context(), m); err == nil {
					t.Fatal("it was to fail")
				}
				d.ahead += 10 * time.Second
				err := d.replica(-skew).Handle(t.Context(), m)
				reason, gone := retry.Reason(err)
				name := fmt.Sprintf("skew %v, effect %v, the same words %v before (%v)", skew, effect, earlier, d.now().Sub(start))
				switch {
				case gone && reason == eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN && earlier > 0 && earlier < 10*time.Minute:
					// With such clocks nobody can tell whose line it is: a person is asked to look.
				case err != nil:
					t.Errorf("%s: %v", name, err)
				case !slices.Equal(d.karte.texts(), want):
					t.Errorf("%s: KARTE has %v, want %v", name, d.karte.texts(), want)
				}
			}
		}
	}
}
