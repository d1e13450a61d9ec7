package retry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var errCause = errors.New("cause")

func TestClassesSurviveWrapping(t *testing.T) {
	const unspecified = eventv1.FailureReason_FAILURE_REASON_UNSPECIFIED
	for name, c := range map[string]struct {
		err             error
		reason          eventv1.FailureReason
		unknown, parked bool
		delay           time.Duration
	}{
		"plain":                           {err: errCause},
		"rejected":                        {err: retry.Rejected(errCause), reason: eventv1.FailureReason_FAILURE_REASON_REJECTED},
		"malformed":                       {err: retry.Malformed(errCause), reason: eventv1.FailureReason_FAILURE_REASON_MALFORMED},
		"permanent":                       {err: retry.Permanent(eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, errCause), reason: eventv1.FailureReason_FAILURE_REASON_EXHAUSTED},
		"after":                           {err: retry.After(time.Minute, errCause), delay: time.Minute},
		"unknown":                         {err: retry.Unknown(errCause), unknown: true},
		"parked":                          {err: retry.Parked(errCause), parked: true},
		"unknown, and when to come again": {err: retry.Unknown(retry.After(time.Second, errCause)), unknown: true, delay: time.Second},
	} {
		for depth, err := range []error{c.err, fmt.Errorf("doing: %w", c.err), errors.Join(errors.New("other"), c.err)} {
			reason, permanent := retry.Reason(err)
			if reason != c.reason || permanent != (c.reason != unspecified) {
				t.Errorf("%s/%d: reason %v, %v", name, depth, reason, permanent)
			}
			if errors.Is(err, retry.ErrUnknown) != c.unknown || errors.Is(err, retry.ErrParked) != c.parked || retry.Delay(err) != c.delay {
				t.Errorf("%s/%d: %v", name, depth, err)
			}
			if !errors.Is(err, errCause) {
				t.Errorf("%s/%d: the cause is lost", name, depth)
			}
		}
	}
}

func TestNoErrorHasNoClass(t *testing.T) {
	if _, ok := retry.Reason(nil); ok || retry.Delay(nil) != 0 {
		t.Error("nil has one")
	}
}

func TestTheMessageKeepsTheCause(t *testing.T) {
	for want, err := range map[string]error{
		"cause":                  retry.Rejected(errCause),
		"cause (again in 2s)":    retry.After(2*time.Second, errCause),
		"outcome unknown: cause": retry.Unknown(errCause),
		"parked: cause":          retry.Parked(errCause),
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	full := []time.Duration{
		250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, retry.Longest, retry.Longest,
	}
	for i, want := range full {
		for range 100 {
			if got := retry.Backoff(uint64(i) + 1); got > want || got <= want*4/5 {
				t.Fatalf("attempt %d: %v, want %v less a fifth at most", i+1, got, want)
			}
		}
	}
}

func TestBackoffNeverLeavesItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n")
		delay := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "delay"))
		if got := retry.Backoff(n); got <= 0 || got > retry.Longest {
			t.Fatalf("Backoff(%d) = %v", n, got)
		}
		got := retry.Wait(n, retry.After(delay, errCause))
		if got < delay || got > max(delay, retry.Longest) {
			t.Fatalf("Wait(%d, %v) = %v", n, delay, got)
		}
	})
}
