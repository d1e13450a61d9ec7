// Package retry classifies errors by the one question that matters to whoever carries a message: what happens if it is tried again.
package retry

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// permanent is an error that the same input would meet again.
type permanent struct {
	reason eventv1.FailureReason
	err    error
}

func (e *permanent) Error() string { return e.err.Error() }
func (e *permanent) Unwrap() error { return e.err }

// Permanent marks err as one that the same input would meet again, for reason.
func Permanent(reason eventv1.FailureReason, err error) error {
	return &permanent{reason: reason, err: err}
}

// Rejected marks err as the other side's refusal of the content.
func Rejected(err error) error {
	return Permanent(eventv1.FailureReason_FAILURE_REASON_REJECTED, err)
}

// Malformed marks err as the fault of a message that cannot be understood.
func Malformed(err error) error {
	return Permanent(eventv1.FailureReason_FAILURE_REASON_MALFORMED, err)
}

// Reason answers why err is permanent; ok is false when it is not.
func Reason(err error) (reason eventv1.FailureReason, ok bool) {
	var p *permanent
	if !errors.As(err, &p) {
		return eventv1.FailureReason_FAILURE_REASON_UNSPECIFIED, false
	}
	return p.reason, true
}

// after is an error with the peer's own word on when to come again.
type after struct {
	delay time.Duration
	err   error
}

func (e *after) Error() string { return fmt.Sprintf("%v (again in %v)", e.err, e.delay) }
func (e *after) Unwrap() error { return e.err }

// After marks err as one to be tried again no sooner than after delay.
func After(delay time.Duration, err error) error { return &after{delay: delay, err: err} }

// ErrThrottled is wrapped by errors of calls that were refused because there were too many.
var ErrThrottled = errors.New("too many calls")

// Throttled marks err as such a refusal, to be tried again no sooner than after delay.
func Throttled(delay time.Duration, err error) error {
	return After(delay, fmt.Errorf("%w: %w", ErrThrottled, err))
}

// Delay answers how long the peer asked to wait; 0 when it did not say.
func Delay(err error) time.Duration {
	var a *after
	if errors.As(err, &a) {
		return a.delay
	}
	return 0
}

// ErrUnknown is wrapped by errors of calls that may have had their effect although no answer came.
var ErrUnknown = errors.New("outcome unknown")

// Unknown marks err as one after which nobody knows whether the call had its effect.
func Unknown(err error) error { return fmt.Errorf("%w: %w", ErrUnknown, err) }

// ErrParked is wrapped by errors that end only when a person mends something: a revoked token, a bot that is not in
// the channel. What meets it waits, however long that takes.
var ErrParked = errors.New("parked")

// Parked marks err as one that waits for a person.
func Parked(err error) error { return fmt.Errorf("%w: %w", ErrParked, err) }

// Bounds of Backoff.
const (
	first = 250 * time.Millisecond
	// Longest is the longest wait between two attempts, and so how long after a cause has gone away the last waiting
	// message moves again.
	Longest = 10 * time.Second
)

// Backoff answers how long to wait after the n-th failed attempt (from 1): doubling, at most Longest, with jitter of a fifth.
func Backoff(n uint64) time.Duration {
	d := Longest
	if n >= 1 && n <= 6 {
		d = min(first<<(n-1), Longest)
	}
	return d - time.Duration(rand.Int64N(int64(d)/5)) //nolint:gosec // jitter needs no secrecy
}

// Wait answers how long to wait before the next attempt: the peer's own word beats our backoff.
func Wait(n uint64, err error) time.Duration { return max(Backoff(n), Delay(err)) }
