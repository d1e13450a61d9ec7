// Package effort notes what it takes to carry out a command, for whoever asks later what a message went through.
package effort

import (
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// most bounds how many failed attempts are kept: what waits for a person is tried for days.
const most = 10

// Recall answers what the message with sequence took so far. Checkpoints keep it, so that it does not matter which replica makes the next attempt. An attempt
// that was noted there and whose end nobody saw, because its process has died, counts as one without an answer.
func Recall(note *eventv1.Checkpoint, sequence uint64) *eventv1.Effort {
	if note.GetTried() != sequence || note.GetEffort() == nil {
		return &eventv1.Effort{}
	}
	e := proto.CloneOf(note.GetEffort())
	if began := note.GetAttemptedAt(); note.GetSequence() == sequence && began != nil && !note.GetEnded() && !seen(e, began.AsTime()) {
		add(e, &eventv1.FailedAttempt{Result: eventv1.AttemptResult_ATTEMPT_RESULT_UNKNOWN, EndedAt: began})
	}
	return e
}

// seen reports whether the end of the attempt that began at a time is among what is known.
func seen(e *eventv1.Effort, began time.Time) bool {
	last := len(e.GetFailed()) - 1
	return last >= 0 && !e.GetFailed()[last].GetEndedAt().AsTime().Before(began)
}

// Tried notes that an attempt is about to be made.
func Tried(e *eventv1.Effort, now time.Time) {
	if e != nil && e.GetFirstTriedAt() == nil {
		e.FirstTriedAt = timestamppb.New(now)
	}
}

// Failed notes how an attempt has ended that did not succeed, or of which nobody knows that it did.
func Failed(e *eventv1.Effort, err error, now time.Time) {
	if e == nil {
		return
	}
	failed := &eventv1.FailedAttempt{Result: result(err), EndedAt: timestamppb.New(now)}
	if wait := retry.Delay(err); wait > 0 && !errors.Is(err, retry.ErrUnknown) { // without an answer it is we who wait
		failed.Wait = durationpb.New(wait)
	}
	if failed.GetResult() == eventv1.AttemptResult_ATTEMPT_RESULT_THROTTLED {
		e.Throttled = durationpb.New(e.GetThrottled().AsDuration() + failed.GetWait().AsDuration())
	}
	add(e, failed)
}

func add(e *eventv1.Effort, failed *eventv1.FailedAttempt) {
	e.Failures++
	if e.Failed = append(e.GetFailed(), failed); len(e.GetFailed()) > most {
		e.Failed = slices.Delete(e.GetFailed(), 1, 2)
	}
}

// Tries answers how many of the attempts that are kept failed after the other side had looked at what it was given, as far as anybody knows: a 429 comes before that.
func Tries(e *eventv1.Effort) (n int) {
	for _, failed := range e.GetFailed() {
		switch failed.GetResult() {
		case eventv1.AttemptResult_ATTEMPT_RESULT_THROTTLED, eventv1.AttemptResult_ATTEMPT_RESULT_PARKED:
		default:
			n++
		}
	}
	return n
}

// Looked notes what a look for the effect of an attempt without an answer has shown.
func Looked(e *eventv1.Effort, found bool, err error, now time.Time) {
	if e == nil {
		return
	}
	e.LookedAt = timestamppb.New(now)
	switch {
	case err != nil:
		e.LostAnswer = eventv1.LostAnswer_LOST_ANSWER_FAILED
	case found:
		e.LostAnswer = eventv1.LostAnswer_LOST_ANSWER_FOUND
	default:
		e.LostAnswer = eventv1.LostAnswer_LOST_ANSWER_ABSENT
	}
}

func result(err error) eventv1.AttemptResult {
	_, permanent := retry.Reason(err)
	switch {
	case errors.Is(err, retry.ErrThrottled):
		return eventv1.AttemptResult_ATTEMPT_RESULT_THROTTLED
	case errors.Is(err, retry.ErrUnknown):
		return eventv1.AttemptResult_ATTEMPT_RESULT_UNKNOWN
	case errors.Is(err, retry.ErrParked):
		return eventv1.AttemptResult_ATTEMPT_RESULT_PARKED
	case permanent:
		return eventv1.AttemptResult_ATTEMPT_RESULT_REJECTED
	}
	return eventv1.AttemptResult_ATTEMPT_RESULT_LATER
}

// after is an error with what went before it.
type after struct {
	error

	effort *eventv1.Effort
}

func (e *after) Unwrap() error { return e.error }

// With answers err with what it took to get there, for whoever sets the message aside.
func With(err error, e *eventv1.Effort) error {
	if err == nil || e == nil {
		return err
	}
	return &after{err, e}
}

// Behind answers what With was given; nil when nothing was.
func Behind(err error) *eventv1.Effort {
	var a *after
	if !errors.As(err, &a) {
		return nil
	}
	return a.effort
}
