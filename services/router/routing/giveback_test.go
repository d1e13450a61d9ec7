package routing_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// givenBack answers what people got back, in order.
func (d *desk) givenBack() []string {
	return all(d, func(m proto.Message) (string, bool) {
		c, ok := m.(*eventv1.SlackCommand)
		return c.GetNotice().GetText(), ok && c.GetNotice().GetText() != ""
	})
}

func TestWhatIsRefusedAfterItsDialogWasClosedIsGivenBack(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		change func(*desk, *eventv1.SlackFact)
		back   []string
	}{
		"unlinked since":         {"hello", func(d *desk, _ *eventv1.SlackFact) { delete(d.settings.links, hanako) }, []string{"hello"}},
		"another operator since": {"hello", func(d *desk, _ *eventv1.SlackFact) { d.settings.links[hanako] = "op-2" }, []string{"hello"}},
		"replies off since":      {"hello", func(d *desk, _ *eventv1.SlackFact) { d.settings.team.ThreadRepliesEnabled = false }, []string{"hello"}},
		"a channel for notes":    {"hello", func(d *desk, _ *eventv1.SlackFact) { d.settings.team.NoteOnlyChannels = []string{channel} }, []string{"hello"}},
		"a guest by now":         {"hello", func(d *desk, _ *eventv1.SlackFact) { d.people[hanako].Guest = true }, []string{"hello"}},
		"nothing to send":        {"　\n", nil, nil},
		"sent":                   {"hello", nil, nil},
	} {
		d := newDesk(t)
		d.opened("vis-1", head)
		fact := composed(hanako, "V0DEMO1", c.text, operator)
		if c.change != nil {
			c.change(d, fact)
		}
		for range 2 {
			d.slack(fact)
		}
		if !slices.Equal(d.givenBack(), c.back) {
			t.Errorf("%s: given back %q, want %q", name, d.givenBack(), c.back)
		}
	}
}

// Who confirmed that a line is to be sent has read that it goes to the customer.
func TestALineForAConversationThatIsGoneIsSaidToBeNotSent(t *testing.T) {
	d := newDesk(t)
	d.threads.known = true
	for _, action := range []eventv1.Action{eventv1.Action_ACTION_SEND_ALL, eventv1.Action_ACTION_RETRY, eventv1.Action_ACTION_KEEP_NOTE, eventv1.Action_ACTION_CLAIM} {
		fact := pressed(hanako, action, line, "1")
		fact.ReceivedAt = timestamppb.New(time.Now().Add(-time.Minute))
		before := len(d.notices())
		for range 2 {
			d.slack(fact)
		}
		told := slices.Contains(d.notices()[before:], eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOWHERE)
		if sends := action == eventv1.Action_ACTION_SEND_ALL || action == eventv1.Action_ACTION_RETRY; told != sends || len(d.notices())-before > 1 || len(d.sends()) != 0 {
			t.Errorf("%v: told %v, sent %v", action, d.notices()[before:], d.sends())
		}
	}
}

func TestWhatKARTERefusesIsGivenBackToWhoWroteItInADialog(t *testing.T) {
	d, conv := onDesk(t)
	failed := func(id, ts string, reason eventv1.FailureReason) *eventv1.TalkFact {
		return outcome(id, conv, func(origin *eventv1.SlackMessageRef, command string) *eventv1.TalkFact {
			origin.Ts = ts
			return &eventv1.TalkFact{Fact: &eventv1.TalkFact_ReplyFailed{ReplyFailed: &eventv1.ReplyFailed{
				CommandId: command, Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Origin: origin, Operator: operator, Conversation: conv, Reason: reason, Detail: "400", Text: "text of " + id,
			}}}
		})
	}
	for range 2 {
		d.talk(failed("rejected", "", eventv1.FailureReason_FAILURE_REASON_REJECTED))
		d.talk(failed("unknown", "", eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN))
		d.talk(failed("malformed", "", eventv1.FailureReason_FAILURE_REASON_MALFORMED))
		d.talk(failed("of a line", line, eventv1.FailureReason_FAILURE_REASON_REJECTED)) // which says it
	}
	if want := []string{"text of rejected", "text of unknown", "text of malformed"}; !slices.Equal(d.givenBack(), want) {
		t.Errorf("given back %q", d.givenBack())
	}
}
