package overview

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// attempts are what one command went through, as its facts tell bit by bit.
type attempts struct {
	*way
	place string
	// decided is when the command was stored, and seen how far its attempts are shown.
	decided time.Time
	seen    time.Time
	// before is how many attempts failed before the message was set aside, waited for how long the other side asked to wait then.
	before uint32
	waited time.Duration
}

// show adds a hop for each attempt that failed and is not shown yet, and for what was looked for.
func (a *attempts) show(e *eventv1.Effort) {
	for _, failed := range e.GetFailed() {
		at := failed.GetEndedAt().AsTime()
		if how := words(failed); how != "" && at.After(a.seen) {
			a.add("tried", failed.GetEndedAt(), a.place, how)
			a.seen = at
		}
	}
	if found := looks[e.GetLostAnswer()]; found != "" && e.GetLookedAt().AsTime().After(a.seen) {
		a.add("looked", e.GetLookedAt(), a.place, found)
		a.seen = e.GetLookedAt().AsTime()
	}
}

// words says how an attempt has failed; what is refused for good is told as the end of the message.
func words(failed *eventv1.FailedAttempt) string {
	how := map[eventv1.AttemptResult]string{
		eventv1.AttemptResult_ATTEMPT_RESULT_THROTTLED: "429, too many calls", eventv1.AttemptResult_ATTEMPT_RESULT_UNKNOWN: "no answer, it may have had its effect",
		eventv1.AttemptResult_ATTEMPT_RESULT_PARKED: "not taken until somebody mends something", eventv1.AttemptResult_ATTEMPT_RESULT_LATER: "not taken now",
	}[failed.GetResult()]
	if wait := failed.GetWait().AsDuration(); how != "" && wait > 0 {
		how += ": asked to wait " + wait.String()
	}
	return how
}

var looks = map[eventv1.LostAnswer]string{
	eventv1.LostAnswer_LOST_ANSWER_FOUND: "the attempt had had its effect", eventv1.LostAnswer_LOST_ANSWER_ABSENT: "the attempt had had no effect",
	eventv1.LostAnswer_LOST_ANSWER_FAILED: "it could not be told whether the attempt had had its effect",
}

// sum says in a few words what it took in the end: how long it waited for its turn, how long after a 429, and which attempt it was.
func (a *attempts) sum(e *eventv1.Effort) (told []string) {
	if first := e.GetFirstTriedAt(); first != nil && !a.decided.IsZero() {
		if turn := first.AsTime().Sub(a.decided).Round(time.Millisecond); turn > 0 {
			told = append(told, fmt.Sprintf("%v until its turn", turn))
		}
	}
	if waited := a.waited + e.GetThrottled().AsDuration(); waited > 0 {
		told = append(told, fmt.Sprintf("waited %v after 429", waited))
	}
	failures := a.before + e.GetFailures()
	switch {
	case failures == 0:
	case e.GetLostAnswer() == eventv1.LostAnswer_LOST_ANSWER_FOUND:
		told = append(told, fmt.Sprintf("found after the %s attempt", ordinal(failures)))
	default:
		told = append(told, fmt.Sprintf("at the %s attempt", ordinal(failures+1)))
	}
	return told
}

// after notes what was tried before a command was set aside: what comes later counts it in.
func (a *attempts) after(e *eventv1.Effort) {
	a.show(e)
	a.before += e.GetFailures()
	a.waited += e.GetThrottled().AsDuration()
	a.decided = time.Time{} // its turn was before
}

// post shows what led to a post, and says where it is and what it took. Of what an earlier message took along only that is told.
func (a *attempts) post(told *eventv1.SlackFact, posted *eventv1.Posted, command string) string {
	detail := []string{told.GetChannel() + " " + posted.GetTs()}
	if ids := posted.GetCommandIds(); len(ids) > 0 && ids[0] == command {
		a.show(posted.GetEffort())
		detail = append(detail, a.sum(posted.GetEffort())...)
	}
	if with := carried(posted, command); with != "" {
		detail = append(detail, with)
	}
	return strings.Join(detail, ", ")
}

// carried says with what a message shares its post: command is the message's own.
func carried(posted *eventv1.Posted, command string) string {
	ids := posted.GetCommandIds()
	switch {
	case len(ids) < 2:
		return ""
	case ids[0] != command:
		return "went along with " + strings.TrimPrefix(ids[0], "post-")
	case len(ids) == 2:
		return "with a later message"
	}
	return fmt.Sprintf("with %d later messages", len(ids)-1)
}

// ordinal is n as English counts.
func ordinal(n uint32) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// attemptsAt begins with a command that was just found.
func (w *way) attemptsAt(place string, decided bool) *attempts {
	a := &attempts{way: w, place: place}
	if decided {
		a.decided = w.latest().AsTime()
	}
	return a
}

// latest is the time of the latest hop.
func (w *way) latest() *timestamppb.Timestamp { return w.hops[len(w.hops)-1].GetTime() }
