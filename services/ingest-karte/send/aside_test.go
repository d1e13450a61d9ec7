package send

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// A replica that was taken for dead and comes to set its reply aside when another one has been at it lets it be; and the other way round.
func TestPromise2AReplyIsSetAsideByOneReplicaAndSentByTheOtherOnce(t *testing.T) {
	for name, answer := range map[string]error{"nobody knows whether KARTE has it": errLost, "KARTE does not have it": errNotNow} {
		t.Run(name+", the other one sends it first", func(t *testing.T) {
			d := newDesk(t, both)
			d.karte.refuse = fails(1, answer, false)
			m, other := d.stored(d.command("reply-1", "hello")), d.replica(0)
			cause := d.sender.Handle(t.Context(), m)
			if !errors.Is(cause, answer) {
				t.Fatal(cause)
			}
			again := m
			again.Deliveries = 2
			if err := other.Handle(t.Context(), again); err != nil {
				t.Fatal(err)
			}
			if _, err := d.sender.SetAside(t.Context(), m, cause); !errors.Is(err, bus.ErrConflict) {
				t.Errorf("set aside although it is sent: %v", err)
			}
			d.wants([]string{"hello"}, []string{"delivered"})
		})
		t.Run(name+", it is set aside first", func(t *testing.T) {
			d := newDesk(t, both)
			d.karte.refuse = fails(1, answer, false)
			m, other := d.stored(d.command("reply-1", "hello")), d.replica(0)
			cause := d.sender.Handle(t.Context(), m)
			if _, err := d.sender.SetAside(t.Context(), m, cause); err != nil {
				t.Fatal(err)
			}
			again := m
			again.Deliveries = 2
			err := other.Handle(t.Context(), again)
			if !errors.Is(err, errAside) || errors.Is(err, bus.ErrStay) || !errors.Is(err, retry.ErrUnknown) {
				t.Errorf("the other one: %v", err)
			}
			if _, err := other.SetAside(t.Context(), again, err); err != nil {
				t.Errorf("the other one does not set it aside: %v", err)
			}
			d.wants(nil, nil)
			m.Attempted = true
			d.done(held(m))
			d.wants([]string{"hello"}, []string{"delivered"})
		})
	}
}

// Behind others of their customer replies are set aside without an attempt; of one that was attempted before, HELD is to know.
func TestAReplyThatQueuesUpBehindOthersKeepsWhatWasAttempted(t *testing.T) {
	d := newDesk(t, both)
	d.karte.refuse = fails(1, errLost, true)
	untried, other := d.stored(d.command("reply-1", "one")), d.replica(0)
	if attempted, err := d.sender.SetAside(t.Context(), untried, nil); err != nil || attempted {
		t.Fatal(attempted, err)
	}
	tried := d.stored(d.command("reply-2", "two"))
	if err := d.sender.Handle(t.Context(), tried); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	tried.Deliveries = 2
	if attempted, err := other.SetAside(t.Context(), tried, nil); err != nil || !attempted {
		t.Fatalf("attempted: %v, %v", attempted, err)
	}
	// What is behind was settled long ago, and JetStream forgot that. It keeps nobody waiting: HELD finds what became of it.
	if attempted, err := other.SetAside(t.Context(), untried, nil); err != nil || !attempted {
		t.Errorf("behind a later one: attempted %v, %v", attempted, err)
	}
}

// While another replica may be at its call, a reply stays where it is.
func TestAReplyThatAnotherReplicaMayBeSendingIsNotSetAside(t *testing.T) {
	d := newDesk(t, both)
	m, other := d.stored(d.command("reply-1", "hello")), d.replica(0)
	checkpoint := d.sender.checkpoint(m)
	if _, err := checkpoint.At(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := d.sender.note(t.Context(), checkpoint, m, 0, nil); err != nil {
		t.Fatal(err)
	}
	other.CallTime = time.Minute
	if _, err := other.SetAside(t.Context(), m, nil); !errors.Is(err, errElsewhere) {
		t.Errorf("got %v", err)
	}
}

// Whatever became of a reply that is handed out again behind a later one, nothing else is told of it: it is not delivered because it is done with.
func TestAReplyThatIsHandedOutAgainIsWhatItWas(t *testing.T) {
	for name, c := range map[string]struct {
		answer  error
		aside   bool
		reports []string
	}{
		"delivered": {nil, false, []string{"delivered", "delivered"}},
		"given up":  {errRefused, false, []string{"REJECTED", "delivered"}},
		"set aside": {errNotNow, true, []string{"delivered"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, both)
			if c.answer != nil {
				d.karte.refuse = fails(1, c.answer, false)
			}
			first := d.stored(d.command("reply-1", "one"))
			cause := d.sender.Handle(t.Context(), first)
			if !errors.Is(cause, c.answer) {
				t.Fatal(cause)
			}
			if c.aside {
				if _, err := d.sender.SetAside(t.Context(), first, cause); err != nil {
					t.Fatal(err)
				}
			}
			d.done(d.stored(d.command("reply-2", "two")))
			again := d.sender.Handle(t.Context(), first)
			if c.aside && (!errors.Is(again, errAside) || errors.Is(again, bus.ErrStay)) || c.answer == nil && again != nil {
				t.Errorf("handed out again: %v", again)
			}
			if got := d.reports(); !slices.Equal(got, c.reports) {
				t.Errorf("reported %v, want %v", got, c.reports)
			}
		})
	}
}

// Nor is a change done because it is behind a later command: HELD has it, and KARTE does not.
func TestAChangeThatIsHandedOutAgainBehindALaterCommandIsNotDone(t *testing.T) {
	d := newDesk(t, both)
	command := d.command("change-1", "")
	command.Change = &eventv1.KarteCommand_Status{Status: &eventv1.StatusChange{Status: eventv1.ChatStatus_CHAT_STATUS_CLOSED}}
	change, later := d.stored(command), d.stored(d.command("reply-2", "two"))
	if _, err := d.sender.SetAside(t.Context(), change, errAside); err != nil {
		t.Fatal(err)
	}
	d.done(later)
	if err := d.sender.Handle(t.Context(), change); !errors.Is(err, errAside) {
		t.Errorf("handed out again: %v", err)
	}
	if got := d.reports(); len(got) != 1 {
		t.Errorf("reported %q", got)
	}
}
