package conversation_test

import (
	"testing"

	"github.com/slacktalk/slacktalk/services/router/conversation"
)

func TestTheFirstVerdictStands(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	for _, v := range []conversation.Verdict{conversation.Undecided, conversation.Refused, conversation.Refused} {
		if got, err := s.Verdict(t.Context(), "slack-1"); err != nil || got != v {
			t.Fatalf("got %q, %v; want %q", got, err, v)
		}
		next := conversation.Refused
		if v == conversation.Refused {
			next = conversation.Taken
		}
		if err := s.Decided(t.Context(), "slack-1", next); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Verdict(t.Context(), "slack-2"); err != nil || got != conversation.Undecided {
		t.Errorf("another reply: %q, %v", got, err)
	}
}
