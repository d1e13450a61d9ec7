package overview

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestAPostSaysInAFewWordsWhatItTook(t *testing.T) {
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	throttled := &eventv1.Effort{
		FirstTriedAt: timestamppb.New(noon.Add(3 * time.Second)), Failures: 2, Throttled: durationpb.New(time.Second),
		Failed: []*eventv1.FailedAttempt{
			{Result: eventv1.AttemptResult_ATTEMPT_RESULT_THROTTLED, EndedAt: timestamppb.New(noon.Add(4 * time.Second)), Wait: durationpb.New(time.Second)},
			{Result: eventv1.AttemptResult_ATTEMPT_RESULT_LATER, EndedAt: timestamppb.New(noon.Add(6 * time.Second))},
		},
	}
	for name, c := range map[string]struct {
		posted *eventv1.Posted
		want   string
		hops   int
	}{
		"of an earlier version": {&eventv1.Posted{CommandIds: []string{"post-a"}}, "C0SUPPORT 1.2", 0},
		"at once":               {&eventv1.Posted{CommandIds: []string{"post-a"}, Effort: &eventv1.Effort{FirstTriedAt: timestamppb.New(noon)}}, "C0SUPPORT 1.2", 0},
		"late":                  {&eventv1.Posted{CommandIds: []string{"post-a", "post-b", "post-c"}, Effort: throttled}, "C0SUPPORT 1.2, 3s until its turn, waited 1s after 429, at the 3rd attempt, with 2 later messages", 2},
		"carried along":         {&eventv1.Posted{CommandIds: []string{"post-z", "post-a"}, Effort: throttled}, "C0SUPPORT 1.2, went along with z", 0},
	} {
		c.posted.Ts = "1.2"
		a := &attempts{way: &way{}, place: "Slack", decided: noon}
		if got := a.post(&eventv1.SlackFact{Channel: "C0SUPPORT"}, c.posted, "post-a"); got != c.want || len(a.hops) != c.hops {
			t.Errorf("%s: got %q and %v, want %q", name, got, a.hops, c.want)
		}
		// A long message is several posts, each of which tells what was tried until then.
		if a.post(&eventv1.SlackFact{}, c.posted, "post-a"); len(a.hops) != c.hops {
			t.Errorf("%s: what was told is told again: %v", name, a.hops)
		}
	}
}

func TestOrdinals(t *testing.T) {
	for n, want := range map[uint32]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"} {
		if got := ordinal(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
