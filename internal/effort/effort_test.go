package effort_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/effort"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func TestHowAttemptsEnd(t *testing.T) {
	for want, err := range map[eventv1.AttemptResult]error{
		eventv1.AttemptResult_ATTEMPT_RESULT_THROTTLED: retry.Throttled(time.Second, errors.New("429")),
		eventv1.AttemptResult_ATTEMPT_RESULT_UNKNOWN:   retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, retry.Unknown(errors.New("no answer"))),
		eventv1.AttemptResult_ATTEMPT_RESULT_PARKED:    retry.Parked(errors.New("not_in_channel")),
		eventv1.AttemptResult_ATTEMPT_RESULT_REJECTED:  retry.Rejected(errors.New("invalid_blocks")),
		eventv1.AttemptResult_ATTEMPT_RESULT_LATER:     errors.New("503"),
	} {
		e := &eventv1.Effort{}
		effort.Failed(e, fmt.Errorf("post: %w", err), noon)
		if got := e.GetFailed()[0].GetResult(); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}

func TestWaitsAfterA429AreSummed(t *testing.T) {
	e := &eventv1.Effort{}
	effort.Failed(e, retry.Throttled(time.Second, errors.New("429")), noon)
	effort.Failed(e, retry.After(time.Minute, errors.New("503")), noon)
	effort.Failed(e, retry.After(2*time.Second, retry.Unknown(errors.New("no answer"))), noon)
	effort.Failed(e, retry.Throttled(2*time.Second, errors.New("429")), noon)
	if got := e.GetThrottled().AsDuration(); got != 3*time.Second || e.GetFailures() != 4 || e.GetFailed()[2].GetWait() != nil {
		t.Errorf("got %v in %v", got, e)
	}
}

func TestOfManyAttemptsTheFirstAndTheLatestAreKept(t *testing.T) {
	e := &eventv1.Effort{}
	for i := range 100 {
		effort.Failed(e, retry.Parked(errors.New("not_in_channel")), noon.Add(time.Duration(i)*time.Minute))
	}
	failed := e.GetFailed()
	if e.GetFailures() != 100 || len(failed) != 10 || !failed[0].GetEndedAt().AsTime().Equal(noon) || !failed[9].GetEndedAt().AsTime().Equal(noon.Add(99*time.Minute)) {
		t.Errorf("got %v", e)
	}
}

func TestAnAttemptWhoseEndNobodySawHadNoAnswer(t *testing.T) {
	e := &eventv1.Effort{}
	effort.Tried(e, noon)
	effort.Tried(e, noon.Add(time.Hour))
	if !e.GetFirstTriedAt().AsTime().Equal(noon) {
		t.Errorf("first tried at %v", e.GetFirstTriedAt().AsTime())
	}
	note := &eventv1.Checkpoint{Sequence: 7, AttemptedAt: timestamppb.New(noon), Tried: 7, Effort: e}
	died := effort.Recall(note, 7)
	if died.GetFailures() != 1 || died.GetFailed()[0].GetResult() != eventv1.AttemptResult_ATTEMPT_RESULT_UNKNOWN {
		t.Errorf("of a process that died: %v", died)
	}
	effort.Failed(e, retry.Unknown(errors.New("no answer")), noon.Add(time.Second))
	if told := effort.Recall(note, 7); told.GetFailures() != 1 {
		t.Errorf("what is known counts twice: %v", told)
	}
	if other := effort.Recall(note, 8); other.GetFailures() != 0 || other.GetFirstTriedAt() != nil {
		t.Errorf("another message's: %v", other)
	}
	// It failed cleanly, and the checkpoint was cleared: it stands at the message before.
	if cleared := effort.Recall(&eventv1.Checkpoint{Sequence: 6, Tried: 7, Effort: e}, 7); cleared.GetFailures() != 1 {
		t.Errorf("after a clean failure: %v", cleared)
	}
}

func TestALookTellsItsVerdict(t *testing.T) {
	e := &eventv1.Effort{}
	for want, look := range map[eventv1.LostAnswer]func(){
		eventv1.LostAnswer_LOST_ANSWER_FOUND:  func() { effort.Looked(e, true, nil, noon) },
		eventv1.LostAnswer_LOST_ANSWER_ABSENT: func() { effort.Looked(e, false, nil, noon) },
		eventv1.LostAnswer_LOST_ANSWER_FAILED: func() { effort.Looked(e, false, errors.New("500"), noon) },
	} {
		if look(); e.GetLostAnswer() != want {
			t.Errorf("got %v, want %v", e.GetLostAnswer(), want)
		}
	}
}

func TestAnErrorTellsWhatWentBefore(t *testing.T) {
	e := &eventv1.Effort{Failures: 1}
	cause := retry.Throttled(time.Second, errors.New("429"))
	err := fmt.Errorf("send: %w", effort.With(cause, e))
	if effort.Behind(err) != e || !errors.Is(err, retry.ErrThrottled) || retry.Delay(err) != time.Second {
		t.Errorf("got %v", err)
	}
	if effort.With(nil, e) != nil || effort.Behind(cause) != nil {
		t.Error("nothing is something")
	}
	// What nobody notes costs nothing.
	effort.Tried(nil, noon)
	effort.Failed(nil, cause, noon)
	effort.Looked(nil, true, nil, noon)
}
