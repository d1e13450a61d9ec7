package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/natstest"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// The customer was erased and has come back; somebody goes on in the former thread. What was sent from it before the erasure is not known any more, and is
// not to be sent again.
func TestWhatWasSentBeforeAnErasureIsNotSentAgain(t *testing.T) {
	s := start(t, stack.Options{})
	client := s.conversations()
	s.forgetful()
	customer := kartestandin.Customer{UserID: "member-1"}
	s.says(customer, "first words")
	thread := s.head("first words")
	s.marked(s.replies(stack.Hanako, thread, "```one```"), "white_check_mark")
	s.marked(s.replies(stack.Hanako, thread, "```two```"), "white_check_mark")
	name := s.conversation(client, customer.UserID, func(c *adminv1.Conversation) bool { return c.GetThreadTs() == thread }).GetName()
	s.erase(client, name)

	s.says(customer, "back again")
	again := s.head("back again")
	if again == thread {
		t.Fatal("the erased thread goes on")
	}
	s.replies(stack.Hanako, thread, "```in the former thread```")
	s.marked(s.replies(stack.Hanako, again, "```in the new thread```"), "white_check_mark")
	s.karte("the reply in the former thread", customer.UserID, func(messages []kartestandin.Message) bool {
		return slices.Contains(fromAPI(messages, kartestandin.KindMessage), "in the former thread")
	})
	got := fromAPI(s.KARTE.Messages(customer.UserID), kartestandin.KindMessage)
	for _, text := range []string{"one", "two"} {
		if n := count(got, text); n != 1 {
			t.Errorf("the customer got %q %d times: %q", text, n, got)
		}
	}
}

// forgetful makes the streams refuse a repeat only by what they hold, as they do a few minutes later.
func (s system) forgetful() {
	s.t.Helper()
	js := natstest.JetStream(s.t, s.NATSURL)
	for _, name := range []string{bus.Slack, bus.Sends, bus.Talk} {
		stream, err := js.Stream(s.t.Context(), name)
		if err != nil {
			s.t.Fatal(err)
		}
		config := stream.CachedInfo().Config
		config.Duplicates = 100 * time.Millisecond
		if _, err := js.UpdateStream(s.t.Context(), config); err != nil {
			s.t.Fatal(err)
		}
	}
}

func count(all []string, text string) (n int) {
	for _, one := range all {
		if one == text {
			n++
		}
	}
	return n
}
