package routing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/history"
	"github.com/slacktalk/slacktalk/services/router/routing"
)

// past is a KARTE that tells what was said before, or fails with err.
type past struct {
	entries []*eventv1.HistoryEntry
	err     error
	asked   int
	before  time.Time
	limit   int
}

func (p *past) Of(_ context.Context, _ string, _ *eventv1.Customer, limit int, before time.Time) ([]*eventv1.HistoryEntry, error) {
	p.asked, p.limit, p.before = p.asked+1, limit, before
	return p.entries, p.err
}

// began makes the fact that the visitor's first thread was opened with what was written at a time.
func (d *desk) began(at time.Time) *eventv1.SlackFact {
	id := d.opened("vis-1", thread)
	return &eventv1.SlackFact{
		Id: "opened-" + thread, Team: team, Channel: channel, ThreadTs: thread, ReceivedAt: timestamppb.New(d.clock()),
		Fact: &eventv1.SlackFact_ThreadOpened{ThreadOpened: &eventv1.ThreadOpened{Project: project, Conversation: id, BeganAt: timestamppb.New(at)}},
	}
}

func (d *desk) histories() []*eventv1.ThreadPost {
	return all(d, func(m proto.Message) (*eventv1.ThreadPost, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c.GetThreadPost(), ok && c.GetThreadPost().GetHistory() != nil
	})
}

func TestWhatWasSaidBeforeIsToldOnceUnderTheHead(t *testing.T) {
	d := newDesk(t)
	d.past.entries = []*eventv1.HistoryEntry{{Text: "before"}, {Text: "answer", Operator: &eventv1.Operator{Id: operator}}}
	d.talk(said("evt-1", "vis-1", "", "one"))
	at := time.Now().Add(-time.Minute)
	fact := d.began(at)
	for range 2 {
		if err := d.router.History(t.Context(), wire(t, fact)); err != nil {
			t.Fatal(err)
		}
		d.past.entries = append(d.past.entries, &eventv1.HistoryEntry{Text: "KARTE tells more the second time"})
	}
	got := d.histories()
	if len(got) != 1 || len(got[0].GetHistory().GetEntries()) != 2 || !got[0].GetOnlyInThread() {
		t.Fatalf("told %v", got)
	}
	if name := got[0].GetHistory().GetEntries()[1].GetOperator().GetName(); name != "佐藤" {
		t.Errorf("the operator is called %q", name)
	}
	// What was said shortly before may still come as a line of its own.
	if d.past.limit != 10 || !d.past.before.Equal(at.Add(-5*time.Minute)) {
		t.Errorf("asked for %d before %v, the thread began at %v", d.past.limit, d.past.before, at)
	}
}

func TestWhoHasNoPastHasNoHistory(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "one"))
	fact := d.began(time.Now())
	later := proto.CloneOf(fact)
	later.GetThreadOpened().BeganAt = nil // it takes the place of a former thread
	moved := proto.CloneOf(fact)
	moved.Channel = "C0OTHER"
	for _, f := range []*eventv1.SlackFact{fact, later, moved} {
		if err := d.router.History(t.Context(), wire(t, f)); err != nil {
			t.Fatal(err)
		}
	}
	if d.past.asked != 1 || len(d.histories()) != 0 {
		t.Errorf("asked %d times, told %v", d.past.asked, d.histories())
	}
}

// A project without settings waits for a person, which may take for ever; behind its thread wait those of all projects.
func TestAProjectThatHasNoSettingsAnyMoreHoldsUpNoOther(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "one"))
	fact := d.began(time.Now())
	d.settings.team.UpdateTime = nil
	m := wire(t, fact)
	for m.Deliveries = 1; d.router.History(t.Context(), m) != nil; m.Deliveries++ {
		if m.Deliveries > 9 {
			t.Fatal("it is tried for ever")
		}
	}
	if m.Deliveries == 1 {
		t.Error("given up at once: the settings may come back")
	}
}

// KARTE may be slow, refuse, or answer what nobody understands: it is asked a few times, and the thread goes without. Nothing else waits.
func TestAKARTEThatDoesNotTellIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		late time.Duration
		want int
	}{
		"it refuses": {fmt.Errorf("%w: 403", history.ErrRefused), 0, 1}, "it does not answer": {fmt.Errorf("%w: timeout", history.ErrNotNow), 0, 5},
		"the thread is old": {fmt.Errorf("%w: timeout", history.ErrNotNow), time.Hour, 1},
	} {
		d := newDesk(t)
		d.past.err = c.err
		d.talk(said("evt-1", "vis-1", "", "one"))
		fact := d.began(time.Now())
		d.now = time.Now().Add(c.late)
		m := wire(t, fact)
		for m.Deliveries = 1; d.router.History(t.Context(), m) != nil; m.Deliveries++ {
			if m.Deliveries > 9 {
				t.Fatalf("%s: it is asked for ever", name)
			}
		}
		if d.past.asked != c.want || len(d.histories()) != 0 {
			t.Errorf("%s: asked %d times, told %v", name, d.past.asked, d.histories())
		}
	}
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.past.err = fmt.Errorf("%w: timeout", history.ErrNotNow)
	old := d.began(time.Now())
	if got := routing.ProjectOfThread(wire(t, old)); got != project {
		t.Errorf("a thread of %q", got)
	}
	d.now = time.Now().Add(time.Hour)
	for range 20 { // threads that have been waiting behind a KARTE that hangs
		if err := d.router.History(t.Context(), wire(t, old)); err != nil {
			t.Fatal(err)
		}
	}
	if d.past.asked != 1 {
		t.Errorf("a KARTE that does not answer is asked %d times about threads that nobody needs it for", d.past.asked)
	}
	d.now = d.now.Add(time.Minute)
	if err := d.router.History(t.Context(), wire(t, old)); err != nil || d.past.asked != 2 {
		t.Errorf("asked %d times; %v", d.past.asked, err)
	}
	d = newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "one"))
	d.past.entries = []*eventv1.HistoryEntry{{Text: "before"}}
	fact := d.began(time.Now())
	d.away = errAway // what is not stored is not done
	if err := d.router.History(t.Context(), wire(t, fact)); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
}

func TestConsoleMessagesStandUnderTheirOperatorsNameWhereTheSettingsSaySo(t *testing.T) {
	for _, on := range []bool{true, false} {
		d := newDesk(t)
		d.settings.team.OperatorPictures = on
		d.talk(said("evt-1", "vis-1", "", "one"))
		console := said("evt-2", "vis-1", "", "")
		console.Fact = &eventv1.TalkFact_OperatorMessage{OperatorMessage: &eventv1.OperatorMessage{Operator: &eventv1.Operator{Id: operator, Name: "佐藤"}, Text: "hello"}}
		d.talk(console)
		posts := d.posts()
		if len(posts) != 2 || posts[0].GetThreadPost().GetUnderOwnName() || posts[1].GetThreadPost().GetUnderOwnName() != on {
			t.Errorf("%v: posts %v", on, posts)
		}
	}
}
