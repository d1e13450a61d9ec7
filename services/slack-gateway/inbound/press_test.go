package inbound

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

func press(change func(*Interaction)) Interaction {
	in := Interaction{
		Type: "block_actions", Team: "T0DEMO1", User: "U0HANAKO", UserTeam: "T0DEMO1", Channel: "C0SUPPORT", MessageTS: "1767225600.000100",
		ActionTS: "1767225700.123456", Actions: []Action{{ID: element.Claim}},
	}
	change(&in)
	return in
}

func TestPress(t *testing.T) {
	line := element.Line{Thread: "1767225600.000100", TS: "1767225650.000200", Edited: "1767225660.000300", Command: "cmd-1"}
	for name, c := range map[string]struct {
		in   Interaction
		want *eventv1.ActionPressed // nil: no fact
	}{
		"a button on the head":              {press(func(*Interaction) {}), &eventv1.ActionPressed{Action: eventv1.Action_ACTION_CLAIM}},
		"a pick from the menu of operators": {press(func(in *Interaction) { in.Actions[0] = Action{ID: element.Assign, Values: []string{"op-1"}} }), &eventv1.ActionPressed{Action: eventv1.Action_ACTION_ASSIGN, Operator: "op-1"}},
		"a button about a line":             {press(func(in *Interaction) { in.Actions[0] = Action{ID: element.SendBlock, Values: []string{line.Value()}} }), &eventv1.ActionPressed{Action: eventv1.Action_ACTION_SEND_BLOCK, Ts: line.TS, EditedTs: line.Edited, CommandId: "cmd-1"}},
		"a line that is no ts": {press(func(in *Interaction) {
			in.Actions[0] = Action{ID: element.SendBlock, Values: []string{element.Line{Thread: "1.1", TS: "x.>"}.Value()}}
		}), nil},
		"a thread that is no ts": {press(func(in *Interaction) {
			in.Actions[0] = Action{ID: element.SendBlock, Values: []string{element.Line{Thread: "*", TS: "1.1"}.Value()}}
		}), nil},
		"a dialog's message, which has no line": {press(func(in *Interaction) {
			in.Actions[0] = Action{ID: element.Retry, Values: []string{element.Line{Thread: line.Thread, Command: "cmd-1"}.Value()}}
		}), &eventv1.ActionPressed{Action: eventv1.Action_ACTION_RETRY, CommandId: "cmd-1"}},
		"no line for what needs one": {press(func(in *Interaction) {
			in.Actions[0] = Action{ID: element.SendAll, Values: []string{element.Line{Thread: line.Thread, Command: "cmd-1"}.Value()}}
		}), nil},
		"another channel from a channel": {press(func(in *Interaction) {
			in.Actions[0] = Action{ID: element.SendAll, Values: []string{element.Line{Thread: line.Thread, TS: line.TS, Channel: "C0OTHER"}.Value()}}
		}), nil},
		"a channel that is none": {press(func(in *Interaction) {
			in.Channel, in.Actions[0] = "D0DEMO1", Action{ID: element.SendAll, Values: []string{element.Line{Thread: line.Thread, TS: line.TS, Channel: "*"}.Value()}}
		}), nil},
		"a line's button without its line":       {press(func(in *Interaction) { in.Actions[0] = Action{ID: element.Retry} }), nil},
		"an element that is somebody else's":     {press(func(in *Interaction) { in.Actions[0].ID = "other" }), nil},
		"two elements at once":                   {press(func(in *Interaction) { in.Actions = append(in.Actions, Action{ID: element.Resolve}) }), nil},
		"a button in a modal":                    {press(func(in *Interaction) { in.Channel = "" }), nil},
		"a submitted modal":                      {press(func(in *Interaction) { in.Type = "view_submission" }), nil},
		"a press that nothing tells from others": {press(func(in *Interaction) { in.ActionTS = "" }), nil},
	} {
		t.Run(name, func(t *testing.T) {
			fact := Press(c.in, "T0DEMO1", time.Unix(1767225701, 0))
			if c.want == nil {
				if fact != nil {
					t.Fatalf("a fact: %v", fact)
				}
				return
			}
			c.want.Author = &eventv1.Author{Member: "U0HANAKO", Team: "T0DEMO1"}
			if !proto.Equal(fact.GetActionPressed(), c.want) || fact.GetThreadTs() != "1767225600.000100" {
				t.Errorf("got %v", fact)
			}
			again := Press(c.in, "T0DEMO1", time.Unix(1767229999, 0))
			if again.GetId() != fact.GetId() {
				t.Errorf("a repeat has another id: %s, %s", again.GetId(), fact.GetId())
			}
		})
	}
}

func TestEveryActionHasAnElement(t *testing.T) {
	for number := range eventv1.Action_name {
		action := eventv1.Action(number)
		found := action == eventv1.Action_ACTION_UNSPECIFIED
		for _, id := range []string{
			element.Claim, element.Unassign, element.Assign, element.Resolve, element.Reopen, element.SendBlock, element.SendAll, element.KeepNote, element.Retry,
			element.SendFollowUp, element.NoteFollowUp,
		} {
			named, _ := element.ActionOf(id)
			found = found || named == action
		}
		if !found {
			t.Errorf("nothing can ask for %v", action)
		}
	}
}

// In the app's own conversation with somebody, a button says in which channel its line is.
func TestAPressInADirectMessageIsAboutTheLinesChannel(t *testing.T) {
	value := element.Line{Thread: "1767225600.000100", Command: "cmd-1", Channel: "C0SUPPORT"}.Value()
	fact := Press(press(func(in *Interaction) {
		in.Channel, in.Actions[0] = "D0DEMO1", Action{ID: element.Retry, Values: []string{value}}
	}), "T0DEMO1", time.Unix(1767225701, 0))
	if fact.GetChannel() != "C0SUPPORT" || fact.GetThreadTs() != "1767225600.000100" || fact.GetActionPressed().GetCommandId() != "cmd-1" {
		t.Errorf("got %v", fact)
	}
}

func TestAModalIsOneMessage(t *testing.T) {
	dialog := Dialog{Team: "T0DEMO1", Channel: "C0SUPPORT", Thread: "1767225600.000100", View: "V0DEMO1", Author: &eventv1.Author{Member: "U0HANAKO", Team: "T0DEMO1"}, Received: time.Unix(1767225701, 0)}
	message := func() *eventv1.MessageComposed {
		return &eventv1.MessageComposed{Text: "hello", SavedReply: "thanks", Operator: "op-1"}
	}
	first := Composed(dialog, message())
	dialog.Received = time.Unix(1767229999, 0)
	second := Composed(dialog, message())
	if first.GetId() == "" || first.GetId() != second.GetId() || first.GetMessageComposed().GetAuthor().GetMember() != "U0HANAKO" || first.GetMessageComposed().GetOperator() != "op-1" ||
		first.GetThreadTs() != dialog.Thread || KindOf(first) != "message-composed" {
		t.Errorf("%v and %v", first, second)
	}
	for name, change := range map[string]func(*Dialog, *eventv1.MessageComposed){
		"no text":            func(_ *Dialog, m *eventv1.MessageComposed) { m.Text = "" },
		"no view":            func(d *Dialog, _ *eventv1.MessageComposed) { d.View = "" },
		"a channel of stars": func(d *Dialog, _ *eventv1.MessageComposed) { d.Channel = "*" },
		"no thread":          func(d *Dialog, _ *eventv1.MessageComposed) { d.Thread = "now" },
		"no workspace":       func(d *Dialog, _ *eventv1.MessageComposed) { d.Team = "" },
	} {
		changed, m := dialog, message()
		change(&changed, m)
		if fact := Composed(changed, m); fact != nil {
			t.Errorf("%s: %v", name, fact)
		}
	}
}
