package lane_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// carded makes the command that opens a conversation's thread with a card.
func carded(id, conversation string, revision uint64) *eventv1.SlackCommand {
	c := customer(id, conversation, "w01.")
	c.GetThreadPost().Card = cardOf(revision, 0)
	c.GetThreadPost().Mentions = []*eventv1.Mention{{Mention: &eventv1.Mention_Broadcast{Broadcast: "here"}}}
	return c
}

// wrote is when the customer wrote last, by number.
func wrote(n int) time.Time { return time.Unix(1_700_000_000+60*int64(n), 0) }

// says reports whether a card shows the state "revision.number of the time".
func says(text, state string) bool {
	var revision, n int
	if _, err := fmt.Sscanf(state, "state %d.%d", &revision, &n); err != nil {
		return strings.Contains(text, state)
	}
	return strings.Contains(text, fmt.Sprintf("state %d.", revision)) && strings.Contains(text, "お客様の最終メッセージ: "+wrote(n).In(time.FixedZone("", 9*60*60)).Format("1/2 15:04\n"))
}

// cardOf makes a card that names its revision and time.
func cardOf(revision uint64, second int) *eventv1.Card {
	return &eventv1.Card{
		Revision: revision, Customer: &eventv1.Customer{VisitorId: "vis-1"}, CustomerWroteAt: timestamppb.New(wrote(second)),
		Page: &eventv1.Page{Title: fmt.Sprintf("state %d.", revision)},
	}
}

func updated(conversation string, revision uint64, second int) *eventv1.SlackCommand {
	return &eventv1.SlackCommand{
		Id: fmt.Sprintf("card-%s-%d-%d", conversation, revision, second), Team: carding.Team, Channel: carding.Channel, IssuedAt: timestamppb.Now(),
		Command: &eventv1.SlackCommand_CardUpdate{CardUpdate: &eventv1.CardUpdate{Project: "demo", Conversation: conversation, Card: cardOf(revision, second)}},
	}
}

// cards is a lane of cards with the thread of one conversation, whose card has the revision 1.
func cards(t *testing.T) (*room, func(...*eventv1.SlackCommand) []bus.Message) {
	t.Helper()
	r := newRoom(t)
	r.done(r.replica(posting, 0), r.store(posting, carded("p1", "c1", 1))...)
	after := uint64(0)
	return r, func(commands ...*eventv1.SlackCommand) []bus.Message {
		r.last = after
		stored := r.store(carding, commands...)
		after = r.last
		return stored
	}
}

func (r *room) shows(want string) {
	r.t.Helper()
	if heads := r.slack.heads(); len(heads) != 1 || !says(heads[0].text, want) || !strings.HasPrefix(heads[0].text, "<!here>") {
		r.t.Errorf("the head shows %+v, want %q", heads, want)
	}
}

func TestManyUpdatesBecomeOneCall(t *testing.T) {
	r, store := cards(t)
	var all []*eventv1.SlackCommand
	for n := range 30 {
		all = append(all, updated("c1", uint64(n)+2, 0))
	}
	r.done(r.replica(carding, 0), store(all...)...)
	r.shows("state 31.0")
	if len(r.slack.updates) != 1 {
		t.Errorf("%d calls", len(r.slack.updates))
	}
}

func TestNothingOlderIsShownAfterSomethingNewer(t *testing.T) {
	r, store := cards(t)
	replicas := []bus.Handler{r.replica(carding, 0), r.replica(carding, 0)}
	for _, step := range []struct {
		revision uint64
		second   int
		shown    string
	}{{3, 0, "3.0"}, {2, 9, "3.0"}, {3, 5, "3.5"}, {3, 4, "3.5"}, {1, 0, "3.5"}, {4, 0, "4.0"}, {3, 9, "4.0"}} {
		for i, m := range store(updated("c1", step.revision, step.second)) {
			r.done(replicas[i%2], m, m) // JetStream may hand it out again
		}
		r.shows("state " + step.shown)
	}
}

func TestTheLastStateWinsWhateverDies(t *testing.T) {
	for seed := range uint64(20) {
		r, store := cards(t)
		r.options.CallTime = 0
		chance := rand.New(rand.NewPCG(seed, 1))
		var all []*eventv1.SlackCommand
		for n := range 12 {
			all = append(all, updated("c1", uint64(n)+2, chance.IntN(10)))
		}
		chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var last uint64
		seen := func() {
			for _, text := range r.slack.updates {
				var revision uint64
				if _, err := fmt.Sscanf(text[strings.Index(text, "state "):], "state %d.", &revision); err != nil || revision < last {
					t.Fatalf("seed %d: %d after %d, %v", seed, revision, last, err)
				}
				last = revision
			}
			r.slack.updates = nil
		}
		for len(all) > 0 {
			n := 1 + chance.IntN(len(all))
			messages := store(all[:n]...)
			all = all[n:]
			for _, m := range messages {
				handle := r.replica(carding, 0) // a new one each time
				for chance.IntN(3) == 0 {       // dies, before the call or after it
					r.slack.next(accident{effect: chance.IntN(2) == 0, err: errLost})
					_ = handle(t.Context(), m)
					r.slack.next()
					handle = r.replica(carding, 0)
				}
				r.done(handle, m)
				seen()
			}
		}
		r.shows("state 13.")
	}
}

// While another replica may be at the call, nobody makes a newer one, which the late one would undo.
func TestAnUpdateWaitsForTheCallOfAnotherReplica(t *testing.T) {
	r, store := cards(t)
	r.options.CallTime = time.Minute
	m := store(updated("c1", 2, 0))[0]
	r.slack.next(accident{err: errLost})
	_ = r.fails(r.replica(carding, 0), m)
	if err := r.fails(r.replica(carding, 0), m); retry.Delay(err) < 30*time.Second {
		t.Errorf("waits %v: %v", retry.Delay(err), err)
	}
	if len(r.slack.updates) != 0 {
		t.Errorf("updated %v", r.slack.updates)
	}
}

func TestWhatAnUpdateMeets(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		check func(error) bool
	}{
		"too many":   {retry.After(30*time.Second, errNotNow), func(err error) bool { return retry.Delay(err) == 30*time.Second }},
		"refused":    {errNever, func(err error) bool { _, permanent := retry.Reason(err); return permanent }},
		"no contact": {errNotNow, func(err error) bool { return errors.Is(err, errNotNow) }},
	} {
		r, store := cards(t)
		m := store(updated("c1", 2, 0))[0]
		r.slack.next(accident{err: tt.err})
		if err := r.fails(r.replica(carding, 0), m); !tt.check(err) {
			t.Errorf("%s: %v", name, err)
		}
		r.done(r.replica(carding, 0), m)
		r.shows("state 2.0")
	}
}

// A head that Slack does not let anybody change any more must not keep the lane: what waits behind it is shown.
func TestAHeadThatStaysAsItIsHoldsNobodyUp(t *testing.T) {
	r, store := cards(t)
	r.options.CardDelay = time.Minute
	_ = r.slack.Delete(t.Context(), "", r.slack.heads()[0].ts)
	messages := store(updated("c1", 1, 5), updated("c1", 2, 0)) // times only, and then what is urgent
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	handle := r.replica(carding, 0)
	for _, m := range messages {
		if err := handle(ctx, m); err != nil {
			t.Fatalf("%s: %v", m.Subject, err)
		}
	}
}

func TestNothingIsShownWithoutAHead(t *testing.T) {
	r, store := cards(t)
	handle := r.replica(carding, 0)
	r.done(handle, store(updated("c2", 5, 0))...) // no thread yet
	_ = r.slack.Delete(t.Context(), "", r.slack.heads()[0].ts)
	r.done(handle, store(updated("c1", 2, 0))...) // deleted
	if len(r.slack.updates) != 0 || len(r.slack.heads()) != 0 {
		t.Errorf("updates %v, heads %v", r.slack.updates, r.slack.heads())
	}
	// The next post opens another one, which is brought up to date as the first was.
	next := carded("p2", "c1", 3)
	r.last = 0
	for _, m := range r.store(posting, next) {
		r.done(r.replica(posting, 0), m)
	}
	r.done(handle, store(updated("c1", 4, 0))...)
	r.shows("state 4.0")
}

func TestACardFollowsItsConversation(t *testing.T) {
	r, store := cards(t)
	sales := bus.Lane{Kind: bus.PostLane, Team: posting.Team, Channel: "C0SALES"}
	r.last = 0
	moved := carded("moved", "c1", 2)
	moved.Channel, moved.GetThreadPost().Moves = sales.Channel, 1
	moved.GetThreadPost().Body = &eventv1.ThreadPost_Moved{Moved: &eventv1.Moved{FromChannel: posting.Channel}}
	for _, m := range r.store(sales, moved) {
		r.done(r.replica(sales, 0), m)
	}
	// Decided before the move, and older than what the new head shows; then one that is newer; then one of a move that nobody here has heard of.
	later := updated("c1", 9, 0)
	later.GetCardUpdate().Moves = 2
	handle := r.replica(carding, 0)
	r.done(handle, store(updated("c1", 2, 0), updated("c1", 3, 0), later)...)
	there, err := r.bus.Waiting(t.Context(), bus.Lane{Kind: bus.CardLane, Team: posting.Team, Channel: sales.Channel}, 0, 10)
	if err != nil || len(there) != 1 {
		t.Fatalf("%d updates have followed, %v", len(there), err)
	}
	of := bus.Lane{Kind: bus.CardLane, Team: posting.Team, Channel: sales.Channel}
	r.done(r.replica(of, 0), there...)
	if n := len(r.slack.updates); n != 1 || !says(r.slack.updates[0], "state 3.0") {
		t.Errorf("updates %v", r.slack.updates)
	}
}

// What brings only times waits until it is old enough; what brings more goes first, whichever conversation it is of.
func TestTimesWaitAndHoldNothingUp(t *testing.T) {
	r, store := cards(t)
	r.done(r.replica(posting, 0), r.store(posting, carded("p2", "c2", 1))...)
	r.options.CardDelay = 3 * time.Second
	began, first := time.Now(), make(chan time.Duration, 10)
	all := store(updated("c1", 1, 1), updated("c1", 1, 2), updated("c2", 2, 0))
	r.slack.during = func() { first <- time.Since(began) }
	r.done(r.replica(carding, 0), all...)
	if len(r.slack.updates) != 2 || !says(r.slack.updates[0], "state 2.0") || !says(r.slack.updates[1], "state 1.2") {
		t.Fatalf("updates %v", r.slack.updates)
	}
	if urgent, times := <-first, <-first; urgent >= r.options.CardDelay || times < r.options.CardDelay {
		t.Errorf("what matters came after %v, times after %v", urgent, times)
	}
}

// A record may change in what no card shows.
func TestARevisionThatShowsNothingNewIsInNoHurry(t *testing.T) {
	r, store := cards(t)
	r.options.CardDelay = 300 * time.Millisecond
	began := time.Now()
	same := updated("c1", 2, 5)
	same.GetCardUpdate().GetCard().Page = cardOf(1, 0).GetPage()
	r.done(r.replica(carding, 0), store(same)...)
	if took := time.Since(began); took < 250*time.Millisecond || len(r.slack.updates) != 1 {
		t.Errorf("%d updates in %v", len(r.slack.updates), took)
	}
}

func TestTimesOfALivelyConversationAreFewCalls(t *testing.T) {
	r, store := cards(t)
	r.options.CardDelay = 200 * time.Millisecond
	handle := r.replica(carding, 0)
	for n := range 10 {
		r.done(handle, store(updated("c1", 1, 3*n+1), updated("c1", 1, 3*n+2), updated("c1", 1, 3*n+3))...)
	}
	r.shows("state 1.30")
	if n := len(r.slack.updates); n > 10 {
		t.Errorf("%d calls", n)
	}
}
