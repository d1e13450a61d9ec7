package decide

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

func at(second int) time.Time { return time.Unix(1_800_000_000+int64(second), 0) }

// unanswered is a message that occurred at KARTE at one second and was received at another.
func unanswered(occurred, received int) *eventv1.Unanswered {
	return &eventv1.Unanswered{OccurredAt: timestamppb.New(at(occurred)), ReceivedAt: timestamppb.New(at(received))}
}

// An event is one thing that changes who waits.
type event func(*eventv1.Waiting) *eventv1.Waiting

func writes(occurred, received int) event {
	return func(w *eventv1.Waiting) *eventv1.Waiting { return Wrote(w, unanswered(occurred, received)) }
}

func console(second int) event {
	return func(w *eventv1.Waiting) *eventv1.Waiting { return AnsweredAtKARTE(w, at(second)) }
}

func fromSlack(second int) event {
	return func(w *eventv1.Waiting) *eventv1.Waiting { return AnsweredHere(w, at(second)) }
}

func TestWaitingSince(t *testing.T) {
	for name, c := range map[string]struct {
		events []event
		since  int // 0 for nobody
	}{
		"nobody wrote":                        {nil, 0},
		"the first of several":                {[]event{writes(10, 11), writes(20, 21)}, 10},
		"twice the same":                      {[]event{writes(10, 11), writes(10, 11)}, 10},
		"answered from Slack":                 {[]event{writes(10, 11), fromSlack(12)}, 0},
		"answered in the console":             {[]event{writes(10, 11), console(10)}, 0},
		"wrote again":                         {[]event{writes(10, 11), fromSlack(12), writes(13, 14)}, 13},
		"told late":                           {[]event{console(12), writes(10, 20)}, 0},
		"an answer to an earlier one":         {[]event{writes(10, 11), writes(13, 14), console(12)}, 13},
		"KARTE's clock is ahead":              {[]event{writes(90, 11)}, 11},
		"KARTE's clock is ahead of an answer": {[]event{writes(90, 11), fromSlack(12)}, 0},
		"not seen yet when it was answered":   {[]event{fromSlack(15), writes(10, 20)}, 10},
	} {
		var w *eventv1.Waiting
		for _, e := range c.events {
			w = e(w)
		}
		since, waits := WaitingSince(w)
		if waits != (c.since != 0) || waits && !since.Equal(at(c.since)) {
			t.Errorf("%s: since %v (%v), want %v", name, since, waits, at(c.since))
		}
	}
}

// Facts come in any order and more than once: what is known in the end is the same.
func TestWhoWaitsDoesNotDependOnTheOrderOfFacts(t *testing.T) {
	second := rapid.IntRange(1, 40)
	rapid.Check(t, func(t *rapid.T) {
		var events []event
		for range rapid.IntRange(0, mostUnanswered).Draw(t, "messages") {
			events = append(events, writes(second.Draw(t, "occurred"), second.Draw(t, "received")))
		}
		for range rapid.IntRange(0, 3).Draw(t, "answers") {
			events = append(events, rapid.SampledFrom([]func(int) event{console, fromSlack}).Draw(t, "where")(second.Draw(t, "answered")))
		}
		var one, other *eventv1.Waiting
		for _, e := range events {
			one = e(one)
		}
		for _, e := range append(rapid.Permutation(events).Draw(t, "order"), rapid.Permutation(events).Draw(t, "again")...) {
			other = e(other)
		}
		if !proto.Equal(one, other) {
			t.Fatalf("%v in one order, %v in the other", one, other)
		}
	})
}

func TestOfManyMessagesTheFirstAndTheLatestAreRemembered(t *testing.T) {
	var w *eventv1.Waiting
	for i := 1; i <= 100; i++ {
		w = Wrote(w, unanswered(i, i))
	}
	if n := len(w.GetMessages()); n != mostUnanswered {
		t.Errorf("%d are remembered", n)
	}
	if since, _ := WaitingSince(w); !since.Equal(at(1)) {
		t.Errorf("since %v", since)
	}
	if since, waits := WaitingSince(AnsweredHere(w, at(99))); !waits || !since.Equal(at(100)) {
		t.Errorf("after an answer since %v (%v)", since, waits)
	}
}

func TestOverdueAt(t *testing.T) {
	minutes := func(n int) *durationpb.Duration { return durationpb.New(time.Duration(n) * time.Minute) }
	office := hoursOf("Asia/Tokyo", false, "mon tue wed thu fri 09:00-18:00")
	both := &settingsv1.UnansweredPolicy{RemindAfter: minutes(10), EscalateAfter: minutes(30), BusinessHours: office}
	const friday, evening, monday = "2026-01-09T17:00:00+09:00", "2026-01-09T17:55:00+09:00", "2026-01-12T09:00:00+09:00"
	for name, c := range map[string]struct {
		policy           *settingsv1.UnansweredPolicy
		since            string
		after            time.Duration
		remind, escalate bool
		again            string
	}{
		"nothing is set":           {nil, friday, time.Hour, false, false, ""},
		"not yet":                  {both, friday, 9 * time.Minute, false, false, "2026-01-09T17:10:00+09:00"},
		"time to remind":           {both, friday, 10 * time.Minute, true, false, "2026-01-09T17:30:00+09:00"},
		"time to escalate":         {both, friday, 30 * time.Minute, false, true, ""},
		"everything is late":       {both, friday, 50 * time.Minute, false, true, ""},
		"nothing out of hours":     {both, friday, 3 * time.Hour, false, false, monday},
		"over the weekend":         {both, evening, 30 * time.Minute, false, false, "2026-01-12T09:05:00+09:00"},
		"after the weekend":        {both, evening, 63*time.Hour + 10*time.Minute, true, false, "2026-01-12T09:25:00+09:00"},
		"reminders only":           {&settingsv1.UnansweredPolicy{RemindAfter: minutes(10)}, friday, 3 * time.Hour, true, false, ""},
		"escalation only":          {&settingsv1.UnansweredPolicy{EscalateAfter: minutes(10)}, friday, time.Minute, false, false, "2026-01-09T17:10:00+09:00"},
		"a zone that is not known": {&settingsv1.UnansweredPolicy{RemindAfter: minutes(1), BusinessHours: hoursOf("Mars/Olympus", false)}, friday, time.Hour, false, false, ""},
	} {
		since := parse(t, c.since)
		got := OverdueAt(c.policy, since, since.Add(c.after))
		var again time.Time
		if c.again != "" {
			again = parse(t, c.again)
		}
		if got.Remind != c.remind || got.Escalate != c.escalate || !got.Again.Equal(again) {
			t.Errorf("%s: %+v, want remind %v, escalate %v, again %v", name, got, c.remind, c.escalate, again)
		}
	}
}
