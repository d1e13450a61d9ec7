package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// Whatever KARTE's history shows of a text, and of who sent it, a text whose answer was lost goes out once.
func TestPromise2ALostAnswerIsFoundWhateverKARTEsHistoryShows(t *testing.T) {
	s := start(t, stack.Options{})
	s.KARTE.SetKnobs(kartestandin.Knobs{TrimTexts: true, BareHistory: true})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThenCut, Count: 1})
	parts := []string{strings.Repeat("あ", 900), strings.Repeat("い", 500)}
	s.marked(s.replies(stack.Hanako, thread, "```"+strings.Join(parts, "\n\n")+"```"), "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, parts) {
		t.Errorf("at KARTE: %q", got)
	}
}

// Where KARTE refuses to show so much of its history, nobody can say whether a reply has arrived: it is not said that it has not, and not sent again.
func TestPromise5AHistoryThatIsRefusedIsNoRefusalOfTheReply(t *testing.T) {
	s := start(t, stack.Options{})
	s.KARTE.SetKnobs(kartestandin.Knobs{MaxLimit: 50})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThenCut, Count: 1})
	line := s.replies(stack.Hanako, thread, "```hello```")
	s.marked(line, "warning")
	s.told(stack.Hanako, "届いたか")
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("at KARTE: %q", got)
	}
}
