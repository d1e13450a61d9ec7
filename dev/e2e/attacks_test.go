package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

func TestAMentionOfAPrivateChannelBesideABlockIsNoMessage(t *testing.T) {
	s := start(t, stack.Options{})
	s.Slack.AddChannel(slackstandin.Channel{ID: "C0SECRET", Name: "secret", Private: true})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.marked(s.replies(stack.Hanako, thread, "```draft, not to be sent```<#C0SECRET>"), "memo")
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); len(got) != 0 {
		t.Fatalf("the customer got %q", got)
	}
}

func TestANoteIsNotTakenForTheMessageWithTheSameWords(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.marked(s.replies(stack.Hanako, thread, "確認します"), "memo")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultCut, Count: 1})
	s.marked(s.replies(stack.Hanako, thread, "```確認します```"), "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"確認します"}) {
		t.Fatalf("the customer got %q", got)
	}
}

func TestAStopDuringASlowCallSendsOnce(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultDelay, Delay: time.Second, Count: 1})
	ts := s.replies(stack.Hanako, thread, "```a```")
	s.karte("the call is under way", "vis-1", func([]kartestandin.Message) bool {
		return s.KARTE.Snapshot().Calls[kartestandin.PathSendFromOperator] > 0
	})
	if err := s.StopService(stack.IngestKARTE); err != nil {
		t.Fatal(err)
	}
	if err := s.StartService(stack.IngestKARTE); err != nil {
		t.Fatal(err)
	}
	s.marked(ts, "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("the customer got %q", got)
	}
}

func TestAnAssignmentBeforeTheLoginOpensNoSecondThread(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	if _, err := s.KARTE.Assign(t.Context(), kartestandin.Customer{UserID: "member-1"}, stack.Operator, kartestandin.Write{Wait: true}); err != nil {
		t.Fatal(err)
	}
	s.says(kartestandin.Customer{UserID: "member-1", VisitorID: "vis-1"}, "q-001.")
	s.slack("one thread", func(*slackstandin.Snapshot) bool {
		return slices.Equal(s.order(thread, numbered("q", 2)), numbered("q", 2))
	})
	if heads := s.heads(); len(heads) != 1 {
		t.Fatalf("%d threads:\n%s", len(heads), s.dump())
	}
}

func TestARefusedHeadTakesNoOtherMessageWithIt(t *testing.T) {
	s := start(t, stack.Options{})
	if err := s.StopService(stack.SlackGateway); err != nil {
		t.Fatal(err)
	}
	for _, text := range numbered("q", 4) {
		s.says(kartestandin.Customer{VisitorID: "vis-1"}, text)
	}
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.Failed, Error: "invalid_blocks", Count: 1})
	if err := s.StartService(stack.SlackGateway); err != nil {
		t.Fatal(err)
	}
	thread := s.head("q-003.")
	s.slack("all but the refused one", func(*slackstandin.Snapshot) bool {
		return slices.Equal(s.order(thread, numbered("q", 4)), numbered("q", 4)[1:])
	})
}
