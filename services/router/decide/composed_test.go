package decide

import (
	"slices"
	"testing"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestWhatBecomesOfADialogsMessage(t *testing.T) {
	composed := func(text, operator string) *eventv1.MessageComposed {
		return &eventv1.MessageComposed{Author: &eventv1.Author{Member: "U0DEMO1"}, Text: text, Operator: operator}
	}
	for name, c := range map[string]struct {
		in   Composed
		kind eventv1.ReplyKind
		told []Private
	}{
		"sent":                {Composed{Message: composed("hello", "op-1"), Operator: "op-1"}, eventv1.ReplyKind_REPLY_KIND_MESSAGE, nil},
		"no operator named":   {Composed{Message: composed("hello", ""), Operator: "op-1"}, eventv1.ReplyKind_REPLY_KIND_MESSAGE, nil},
		"fences are its text": {Composed{Message: composed("```hello``` and more", "op-1"), Operator: "op-1"}, eventv1.ReplyKind_REPLY_KIND_MESSAGE, nil},
		"another operator":    {Composed{Message: composed("hello", "op-1"), Operator: "op-2"}, 0, []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED}}},
		"a channel for notes": {Composed{Message: composed("hello", "op-1"), Operator: "op-1", NoteOnly: true}, 0, []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOTE_ONLY}}},
		"blank":               {Composed{Message: composed(" \n\u3000", "op-1"), Operator: "op-1"}, 0, []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_EMPTY}}},
		"refused":             {Composed{Message: composed("hello", "op-1"), Refused: eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED}, 0, []Private{{Kind: eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED, Detail: "U0DEMO1"}}},
	} {
		got := OfComposed(c.in)
		if got.Kind != c.kind || !slices.Equal(got.Notices, c.told) || (c.kind != 0) != (got.Text == c.in.Message.GetText()) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
