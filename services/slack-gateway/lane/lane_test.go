package lane_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Whatever becomes of one call, what it was to post stands there once, and nothing else is lost or moved; another replica goes on each
// time, as after a kill. The call is the n-th of the channel: the head, a line, or a line that carries others.
func TestPromise2WhateverBecomesOfACallItsPostStandsOnce(t *testing.T) {
	for call, which := range []string{"head", "line", "line that carries others"} {
		for name, a := range map[string]accident{
			"no effect, no answer":     {false, errLost},
			"effect, no answer":        {true, errLost},
			"no effect, and told so":   {false, errNotNow},
			"throttled":                {false, retry.After(time.Second, errors.New("ratelimited"))},
			"only its acknowledgement": {true, nil},
		} {
			t.Run(which+": "+name, func(t *testing.T) {
				r := newRoom(t)
				accidents := slices.Repeat([]accident{{effect: true}}, call)
				r.slack.next(append(accidents, a)...)
				for _, step := range [][]*eventv1.SlackCommand{
					{customer("p0", "c1", "w00.")}, {customer("p1", "c1", "w01.")},
					{customer("p2", "c1", "w02."), customer("p3", "c2", "w10."), customer("p4", "c1", "w03."), customer("p5", "c1", "w04.")},
				} {
					for _, m := range r.store(posting, step...) {
						// Twice, as after a lost acknowledgement, until it is done both times.
						for done, tries := 0, 0; done < 2; tries++ {
							err := r.replica(posting, 0)(t.Context(), m)
							if err == nil {
								done++
							} else if _, permanent := retry.Reason(err); permanent || tries > 5 {
								t.Fatal(err)
							}
						}
					}
				}
				if len(r.slack.accidents) > 0 {
					t.Error("the accident did not happen")
				}
				heads := r.slack.heads()
				if len(heads) != 2 {
					t.Fatalf("%d heads: %v", len(heads), heads)
				}
				first, _ := r.slack.words(heads[0].ts)
				second, _ := r.slack.words(heads[1].ts)
				if !slices.Equal(first, []string{"w00.", "w01.", "w02.", "w03.", "w04."}) || !slices.Equal(second, []string{"w10."}) {
					t.Errorf("threads %v and %v", first, second)
				}
			})
		}
	}
}

func TestALaneThatIsBehindPutsConversationsTogether(t *testing.T) {
	r := newRoom(t)
	r.options.Pace = time.Millisecond
	var commands []*eventv1.SlackCommand
	for i := range 5 {
		for c := range 3 {
			commands = append(commands, customer(fmt.Sprintf("p%d%d", c, i), fmt.Sprintf("c%d", c), fmt.Sprintf("w%d%d.", c, i)))
		}
	}
	r.done(r.replica(posting, 0), r.store(posting, commands...)...)
	r.wants("w00. w01. w02. w03. w04. w10. w11. w12. w13. w14. w20. w21. w22. w23. w24.", 3)
	if got := r.facts(); !slices.Equal(got, slices.Repeat([]string{"thread-opened", "posted"}, 3)) && len(got) != 6 {
		t.Errorf("told %v", got)
	}
}

// What a refused post would have carried is not refused with it.
func TestWhatIsGivenUpTakesNothingWithIt(t *testing.T) {
	r := newRoom(t)
	messages := r.store(posting, customer("p0", "c1", "w00."), customer("p1", "c1", "w01."), customer("p2", "c1", "w02."))
	r.slack.next(accident{false, errNever})
	err := r.fails(r.replica(posting, 0), messages[0])
	if reason, permanent := retry.Reason(err); !permanent || reason != eventv1.FailureReason_FAILURE_REASON_REJECTED {
		t.Fatal(err)
	}
	r.done(r.replica(posting, 0), messages[1:]...)
	r.wants("w01. w02.", 1)
}

func TestADeletedHeadIsNoticedFromTheAnswer(t *testing.T) {
	r := newRoom(t)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	if err := r.slack.Delete(t.Context(), posting.Channel, r.slack.heads()[0].ts); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.done(r.replica(posting, 0), r.store(posting, customer("p1", "c1", "w01."))...)
	}
	r.done(r.replica(posting, 0), r.store(posting, customer("p2", "c1", "w02."))...)
	r.wants("w01. w02.", 2)
	if heads := r.slack.heads(); len(heads) != 1 {
		t.Errorf("heads: %v", heads)
	}
}

// The head is deleted, and the answer that would have said so is lost.
func TestADeletedHeadIsNoticedAfterALostAnswer(t *testing.T) {
	r := newRoom(t)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	if err := r.slack.Delete(t.Context(), posting.Channel, r.slack.heads()[0].ts); err != nil {
		t.Fatal(err)
	}
	messages := r.store(posting, customer("p1", "c1", "w01."))
	r.slack.next(accident{true, errLost})
	_ = r.fails(r.replica(posting, 0), messages[0])
	r.done(r.replica(posting, 0), messages...)
	r.wants("w01.", 1)
}

// Replicas whose clocks are minutes apart take over from each other in the middle of everything.
func TestClockSkewBetweenReplicasPostsNothingTwice(t *testing.T) {
	const apart = 2 * time.Minute
	for _, skew := range []time.Duration{apart, -apart} {
		r := newRoom(t)
		messages := r.store(posting, customer("p0", "c1", "w00."))
		r.slack.next(accident{true, errLost})
		_ = r.fails(r.replica(posting, skew), messages[0])
		r.done(r.replica(posting, -skew), messages...)
		line := r.store(posting, customer("p1", "c1", "w01."))
		r.slack.next(accident{true, errLost})
		_ = r.fails(r.replica(posting, skew), line[0])
		r.done(r.replica(posting, -skew), line...)
		r.wants("w00. w01.", 2)
	}
}

func TestALongTextGoesOnWhereItStopped(t *testing.T) {
	for name, a := range map[string]accident{"effect, no answer": {true, errLost}, "no effect, no answer": {false, errLost}, "told so": {false, errNotNow}} {
		r := newRoom(t)
		r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
		var long strings.Builder
		for i := range 90 {
			fmt.Fprintf(&long, "w%02d.%s\n", 10+i, strings.Repeat("長い文", 60))
		}
		messages := r.store(posting, customer("p1", "c1", long.String()), customer("p2", "c1", "w01."))
		r.slack.next(accident{true, nil}, a)
		_ = r.fails(r.replica(posting, 0), messages[0])
		r.done(r.replica(posting, 0), messages...)
		got, in := r.slack.words("")
		if len(got) != 92 || !slices.IsSorted(got[1:91]) || got[91] != "w01." || in < 4 {
			t.Errorf("%s: %d messages with %v", name, in, got)
		}
	}
}

func TestAParkedLaneGoesOnWhenItIsWoken(t *testing.T) {
	r := newRoom(t)
	messages := r.store(posting, customer("p0", "c1", "w00."))
	r.slack.next(accident{false, errUninvite}, accident{false, errUninvite})
	parked := make(chan struct{}, 10)
	r.slack.during = func() { parked <- struct{}{} }
	done := make(chan error, 1)
	handle := r.replica(posting, 0)
	go func() { done <- handle(t.Context(), messages[0]) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			r.wants("w00.", 1)
			if n := len(slices.DeleteFunc(r.facts(), func(kind string) bool { return kind != "lane-parked" })); n != 1 {
				t.Errorf("the admins are told %d times", n)
			}
			return
		case <-parked:
		case <-time.After(time.Millisecond):
			r.options.Wakes.Wake(posting.Channel)
		}
	}
}

func TestAParkedLaneCanBeStopped(t *testing.T) {
	r := newRoom(t)
	messages := r.store(posting, customer("p0", "c1", "w00."))
	r.options.Workspace = in(r.slack, "T0OTHER")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.replica(posting, 0)(ctx, messages[0]); err == nil || r.slack.calls != 0 {
		t.Errorf("%v, %d calls", err, r.slack.calls)
	}
}

func TestWhatBelongsIntoAThreadAloneOpensNone(t *testing.T) {
	r := newRoom(t)
	c := customer("p0", "c1", "w00.")
	c.GetThreadPost().OnlyInThread = true
	r.done(r.replica(posting, 0), r.store(posting, c)...)
	r.wants("", 0)
}

// Two replicas at once, one of which is believed to be dead: one head.
func TestTwoReplicasAtOnceOpenOneThread(t *testing.T) {
	r := newRoom(t)
	messages := r.store(posting, customer("p0", "c1", "w00."))
	var working sync.WaitGroup
	for range 4 {
		handle := r.replica(posting, 0)
		working.Go(func() {
			if err := handle(t.Context(), messages[0]); err != nil && !errors.Is(err, bus.ErrConflict) {
				t.Errorf("%v", err)
			}
		})
	}
	working.Wait()
	r.done(r.replica(posting, 0), messages...)
	r.wants("w00.", 1)
}

func TestGivingUp(t *testing.T) {
	for name, c := range map[string]struct {
		err        error
		deliveries uint64
		age        time.Duration
		gone       bool
	}{
		"young":           {errNotNow, 50, time.Minute, false},
		"old, few tries":  {errNotNow, 3, 2 * time.Hour, false},
		"old, many tries": {errNotNow, 50, 2 * time.Hour, true},
		"throttled":       {retry.After(time.Second, errNotNow), 50, 2 * time.Hour, false},
		"nobody knows":    {errLost, 50, 2 * time.Hour, true},
	} {
		r := newRoom(t)
		command := customer("p0", "c1", "w00.")
		command.IssuedAt = timestamppb.New(time.Now().Add(-c.age))
		m := r.store(posting, command)[0]
		m.Deliveries = c.deliveries
		r.slack.next(accident{false, c.err})
		reason, permanent := retry.Reason(r.fails(r.replica(posting, 0), m))
		if permanent != c.gone || permanent && reason != eventv1.FailureReason_FAILURE_REASON_EXHAUSTED {
			t.Errorf("%s: %v %v", name, permanent, reason)
		}
	}
}

func TestWhatCannotBeReadIsMalformed(t *testing.T) {
	r := newRoom(t)
	reaction := &eventv1.SlackCommand{Id: "x", Command: &eventv1.SlackCommand_Reaction{Reaction: &eventv1.Reaction{}}}
	for _, err := range []error{
		r.fails(r.replica(posting, 0), bus.Message{Data: []byte("\xff"), Sequence: 1}), r.fails(r.replica(posting, 0), r.store(posting, reaction)[0]),
		r.fails(r.replica(marking, 0), r.store(marking, customer("p0", "c1", "w00."))[0]),
	} {
		if reason, permanent := retry.Reason(err); !permanent || reason != eventv1.FailureReason_FAILURE_REASON_MALFORMED {
			t.Errorf("%v", err)
		}
	}
}

func mark(id string, command *eventv1.SlackCommand) *eventv1.SlackCommand {
	command.Id, command.Team, command.Channel, command.IssuedAt = id, marking.Team, marking.Channel, timestamppb.Now()
	return command
}

func TestReactionsAreMadeWhateverBecomesOfACall(t *testing.T) {
	target := &eventv1.SlackMessageRef{Team: marking.Team, Channel: marking.Channel, Ts: "1.1"}
	for name, a := range map[string]accident{"effect, no answer": {true, errLost}, "no effect, no answer": {false, errLost}, "told so": {false, errNotNow}} {
		r := newRoom(t)
		messages := r.store(marking, mark("m0", &eventv1.SlackCommand{Command: &eventv1.SlackCommand_Reaction{Reaction: &eventv1.Reaction{
			Target: target, Receipt: eventv1.Receipt_RECEIPT_SENT, ReplacesWaiting: true,
		}}}))
		r.slack.next(a)
		_ = r.fails(r.replica(marking, 0), messages[0])
		for range 2 { // the acknowledgement may be lost as well
			r.done(r.replica(marking, 0), messages...)
		}
		sent, waiting := "+"+render.Reaction(eventv1.Receipt_RECEIPT_SENT), "-"+render.Reaction(eventv1.Receipt_RECEIPT_WAITING)
		if got := slices.Compact(r.slack.reactions); !slices.Equal(got, []string{sent, waiting}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A private notice cannot be looked up: it is shown once, or perhaps not at all, and never twice.
func TestANoticeIsNeverShownTwice(t *testing.T) {
	for name, c := range map[string]struct {
		accident accident
		fails    bool
		shown    int
	}{
		"effect, no answer":    {accident{true, errLost}, false, 1},
		"no effect, no answer": {accident{false, errLost}, false, 0},
		"told so":              {accident{false, errNotNow}, true, 1},
		"no accident":          {accident{true, nil}, false, 1},
	} {
		for kind, command := range map[string]*eventv1.SlackCommand{
			"notice": {Command: &eventv1.SlackCommand_Notice{Notice: &eventv1.Notice{
				Target: &eventv1.SlackMessageRef{Channel: marking.Channel, ThreadTs: "1.1", Member: "U0DEMO1"}, Kind: eventv1.NoticeKind_NOTICE_KIND_MIXED}}},
			"direct": {Command: &eventv1.SlackCommand_DirectNotice{DirectNotice: &eventv1.DirectNotice{Member: "U0DEMO1", Kind: eventv1.NoticeKind_NOTICE_KIND_PROJECT_PARKED}}},
		} {
			r := newRoom(t)
			messages := r.store(marking, mark("n0", command))
			r.slack.next(c.accident)
			if c.fails {
				_ = r.fails(r.replica(marking, 0), messages[0])
			}
			for range 3 {
				r.done(r.replica(marking, 0), messages...)
			}
			if len(r.slack.private) != c.shown {
				t.Errorf("%s, %s: shown %d times", kind, name, len(r.slack.private))
			}
		}
	}
}
