package e2e

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// office is a system with its DeadLetterService.
type office struct {
	system
	letters adminv1.DeadLetterServiceClient
}

func startOffice(t *testing.T, o stack.Options) office {
	t.Helper()
	s := start(t, o)
	conn, err := grpc.NewClient(s.RouterAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return office{s, adminv1.NewDeadLetterServiceClient(conn)}
}

// letter waits until the project has one letter of a kind that is not known yet, and answers it.
func (o office) letter(kind string, known ...string) (found *adminv1.DeadLetter) {
	o.t.Helper()
	ctx := stack.Admin(o.t.Context())
	eventually.Holds(o.t, within, "a letter of a "+kind, func() bool {
		list, err := o.letters.ListDeadLetters(ctx, &adminv1.ListDeadLettersRequest{Parent: "projects/" + stack.Project, Filter: `kind = "` + kind + `"`})
		if err != nil {
			o.t.Fatalf("no letter of a %s: %v", kind, err)
		}
		for _, letter := range list.GetDeadLetters() {
			if !slices.Contains(known, letter.GetName()) {
				found = letter
			}
		}
		return found != nil
	})
	return found
}

// replay replays a letter, twice: the second time it is not there any more.
func (o office) replay(letter *adminv1.DeadLetter) {
	o.t.Helper()
	request := &adminv1.ReplayDeadLetterRequest{Name: letter.GetName()}
	if _, err := o.letters.ReplayDeadLetter(stack.Admin(o.t.Context()), request); err != nil {
		o.t.Fatalf("replay: %v", err)
	}
	if _, err := o.letters.ReplayDeadLetter(stack.Admin(o.t.Context()), request); status.Code(err) != codes.NotFound {
		o.t.Errorf("replayed again: %v", err)
	}
}

// none checks that the project has no letters.
func (o office) none() {
	o.t.Helper()
	list, err := o.letters.ListDeadLetters(stack.Admin(o.t.Context()), &adminv1.ListDeadLettersRequest{Parent: "projects/-"})
	if err != nil || len(list.GetDeadLetters()) != 0 {
		o.t.Errorf("letters are left: %v %v", list, err)
	}
}

// unmarked waits until a line does not carry a reaction.
func (o office) unmarked(ts, reaction string) {
	o.t.Helper()
	o.slack("no reaction "+reaction, func(now *slackstandin.Snapshot) bool { return !carries(now, ts, reaction) })
}

func TestAPostThatSlackRefusedIsReplayedOnce(t *testing.T) {
	o := startOffice(t, stack.Options{})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	o.says(c, "q-000.")
	thread := o.head("q-000.")
	o.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.Failed, Error: "msg_too_long", Channel: stack.Channel, Count: 1})
	o.says(c, "q-001.")
	letter := o.letter("thread-post")
	if letter.GetReason() != "REJECTED" || letter.GetStream() != "POSTS" || !strings.HasPrefix(letter.GetConversation(), "projects/"+stack.Project+"/conversations/") || !strings.Contains(letter.GetCause(), "msg_too_long") {
		t.Errorf("listed as %v", letter)
	}
	o.slack("the admin is told", func(now *slackstandin.Snapshot) bool {
		for id, channel := range now.Channels {
			for _, m := range channel.Messages {
				if id != stack.Channel && strings.Contains(m.Text, "デッドレター") {
					return true
				}
			}
		}
		return false
	})
	got, err := o.letters.GetDeadLetter(stack.Admin(t.Context()), &adminv1.GetDeadLetterRequest{Name: letter.GetName()})
	if err != nil || !strings.Contains(got.GetDeadLetter().GetContent(), "q-001.") {
		t.Errorf("shown as %v, %v", got, err)
	}
	if _, err := o.letters.GetDeadLetter(stack.Admin(t.Context()), &adminv1.GetDeadLetterRequest{Name: strings.Replace(letter.GetName(), stack.Project, "other", 1)}); status.Code(err) != codes.NotFound {
		t.Errorf("shown to another project: %v", err)
	}
	o.replay(letter)
	o.slack("the line", func(*slackstandin.Snapshot) bool { return len(o.order(thread, numbered("q", 2))) == 2 })
	o.says(c, "q-002.")
	o.slack("the next line", func(*slackstandin.Snapshot) bool { return slices.Contains(o.order(thread, numbered("q", 3)), "q-002.") })
	if got := o.order(thread, numbered("q", 3)); !slices.Equal(got, numbered("q", 3)) {
		t.Errorf("lines in the thread: %v\n%s", got, o.dump())
	}
	o.none()
}

func TestAReplyThatKARTERefusedIsReplayedOnceOrNever(t *testing.T) {
	o := startOffice(t, stack.Options{})
	o.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := o.head("q-000.")
	refuse := func() {
		o.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 400, Count: 1})
	}
	refuse()
	never := o.replies(stack.Hanako, thread, "```never```")
	o.marked(never, "warning")
	discarded := o.letter("message")
	if _, err := o.letters.DiscardDeadLetter(stack.Admin(t.Context()), &adminv1.DiscardDeadLetterRequest{Name: discarded.GetName()}); err != nil {
		t.Fatal(err)
	}
	refuse()
	line := o.replies(stack.Hanako, thread, "```once```")
	o.marked(line, "warning")
	letter := o.letter("message")
	// It dies once more, which makes another letter.
	refuse()
	o.replay(letter)
	letter = o.letter("message", letter.GetName())
	if !carries(o.Slack.Snapshot(), line, "warning") || carries(o.Slack.Snapshot(), line, "white_check_mark") {
		t.Error("the line is marked as sent")
	}
	o.replay(letter)
	o.marked(line, "white_check_mark")
	o.unmarked(line, "warning")
	o.marked(o.replies(stack.Hanako, thread, "```last```"), "white_check_mark")
	if got := fromAPI(o.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"once", "last"}) {
		t.Errorf("the customer got %q", got)
	}
	if _, err := o.letters.ReplayDeadLetter(stack.Admin(t.Context()), &adminv1.ReplayDeadLetterRequest{Name: discarded.GetName(), NotDone: true}); status.Code(err) != codes.NotFound {
		t.Errorf("the discarded one is replayed: %v", err)
	}
	if !carries(o.Slack.Snapshot(), never, "warning") || carries(o.Slack.Snapshot(), never, "white_check_mark") {
		t.Error("the discarded one is marked as sent")
	}
	o.none()
}

// KARTE took the reply, its answer was lost, and it is believed not to list what its API sent.
func TestAReplyWithAnUnknownOutcomeThatHadArrivedIsNotSentAgain(t *testing.T) {
	environ := []string{"SLACK_PACE=1ms", "KARTE_HISTORY=none"}
	o := startOffice(t, stack.Options{Environ: environ})
	o.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := o.head("q-000.")
	o.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThenCut, Count: 1})
	line := o.replies(stack.Hanako, thread, "```arrived```")
	o.marked(line, "warning")
	letter := o.letter("message")
	if letter.GetReason() != "OUTCOME_UNKNOWN" {
		t.Errorf("listed as %v", letter)
	}
	// As long as it cannot be looked up, a replay does not guess either.
	o.replay(letter)
	letter = o.letter("message", letter.GetName())
	if err := o.StopService(stack.IngestKARTE); err != nil {
		t.Fatal(err)
	}
	environ[1] = "KARTE_HISTORY=messages,notes"
	if err := o.StartService(stack.IngestKARTE); err != nil {
		t.Fatal(err)
	}
	o.replay(letter)
	o.marked(line, "white_check_mark")
	o.unmarked(line, "warning")
	if got := fromAPI(o.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"arrived"}) {
		t.Errorf("the customer got %q", got)
	}
	o.none()
}
