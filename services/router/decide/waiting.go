package decide

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// mostUnanswered is how many messages of a customer who waits are remembered one by one.
const mostUnanswered = 8

// Wrote answers who waits since when once a customer has written.
func Wrote(w *eventv1.Waiting, m *eventv1.Unanswered) *eventv1.Waiting {
	w = cloned(w)
	w.Messages = append(w.GetMessages(), m)
	return settle(w)
}

// AnsweredAtKARTE answers the same once an operator has written in KARTE's console, at KARTE's time: whatever had occurred there until then is answered.
func AnsweredAtKARTE(w *eventv1.Waiting, at time.Time) *eventv1.Waiting {
	w = cloned(w)
	w.AnsweredOccurred = later(w.GetAnsweredOccurred(), at)
	return settle(w)
}

// AnsweredHere answers the same once a message from Slack has reached the customer, or the conversation was closed, at our time: whatever had been received
// until then is answered.
func AnsweredHere(w *eventv1.Waiting, at time.Time) *eventv1.Waiting {
	w = cloned(w)
	w.AnsweredReceived = later(w.GetAnsweredReceived(), at)
	return settle(w)
}

// WaitingSince answers since when the customer waits, if they do. KARTE's clock may be ahead of ours.
func WaitingSince(w *eventv1.Waiting) (since time.Time, waits bool) {
	if len(w.GetMessages()) == 0 {
		return time.Time{}, false
	}
	first := w.GetMessages()[0]
	since = first.GetOccurredAt().AsTime()
	if received := first.GetReceivedAt().AsTime(); received.Before(since) {
		since = received
	}
	return since, true
}

func cloned(w *eventv1.Waiting) *eventv1.Waiting {
	if w == nil {
		return &eventv1.Waiting{}
	}
	return proto.CloneOf(w)
}

func later(before *timestamppb.Timestamp, at time.Time) *timestamppb.Timestamp {
	if before != nil && !before.AsTime().Before(at) {
		return before
	}
	return timestamppb.New(at)
}

// settle brings w into the one form that it has whatever the order in which its parts became known: what is answered is left out, the rest is in order.
func settle(w *eventv1.Waiting) *eventv1.Waiting {
	messages := slices.DeleteFunc(w.GetMessages(), func(m *eventv1.Unanswered) bool {
		return until(m.GetOccurredAt(), w.GetAnsweredOccurred()) || until(m.GetReceivedAt(), w.GetAnsweredReceived())
	})
	slices.SortFunc(messages, func(a, b *eventv1.Unanswered) int {
		if c := a.GetOccurredAt().AsTime().Compare(b.GetOccurredAt().AsTime()); c != 0 {
			return c
		}
		return a.GetReceivedAt().AsTime().Compare(b.GetReceivedAt().AsTime())
	})
	messages = slices.CompactFunc(messages, func(a, b *eventv1.Unanswered) bool { return proto.Equal(a, b) })
	if n := len(messages); n > mostUnanswered {
		messages = append(messages[:mostUnanswered-1], messages[n-1])
	}
	w.Messages = messages
	return w
}

func until(at, answered *timestamppb.Timestamp) bool {
	return answered != nil && !at.AsTime().After(answered.AsTime())
}

// Watched tells whether anything happens when customers wait.
func Watched(team *settingsv1.TeamSettings) bool {
	p := team.GetUnanswered()
	return team.GetNotificationsEnabled() && (p.GetRemindAfter().AsDuration() > 0 || p.GetEscalateAfter().AsDuration() > 0)
}

// Overdue is what there is to do about a customer who waits.
type Overdue struct {
	// Remind and Escalate are not both set: who is asked to step in need not be told that the assignee was late as well.
	Remind, Escalate bool
	// Again is when to look again; zero when there will be nothing more to do.
	Again time.Time
}

// OverdueAt decides it at a moment. Nothing is done outside of business hours, not even what is late.
func OverdueAt(p *settingsv1.UnansweredPolicy, since, now time.Time) (o Overdue) {
	due := func(after time.Duration) bool {
		if after <= 0 {
			return false
		}
		at, ever := AddHours(p.GetBusinessHours(), since, after)
		if ever && !at.After(now) {
			at, ever = AddHours(p.GetBusinessHours(), now, 0)
		}
		if ever && at.After(now) && (o.Again.IsZero() || at.Before(o.Again)) {
			o.Again = at
		}
		return ever && !at.After(now)
	}
	o.Remind, o.Escalate = due(p.GetRemindAfter().AsDuration()), due(p.GetEscalateAfter().AsDuration())
	o.Remind = o.Remind && !o.Escalate
	return o
}
