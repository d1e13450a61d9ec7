package routing_test

import (
	"testing"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// A fact of a kind that comes with the next version is not dropped: its router takes it.
func TestAFactOfTheNextVersionIsLeftToIt(t *testing.T) {
	d := newDesk(t)
	talk, slack := &eventv1.TalkFact{Id: "evt-1", Project: "demo"}, &eventv1.SlackFact{Id: "evt-2"}
	unread := []byte{0xa2, 0x3f, 0x00} // field 1012, an empty message
	talk.ProtoReflect().SetUnknown(unread)
	slack.ProtoReflect().SetUnknown(unread)
	for name, err := range map[string]error{"talk": d.router.Talk(t.Context(), wire(t, talk)), "slack": d.router.Slack(t.Context(), wire(t, slack))} {
		if _, permanent := retry.Reason(err); err == nil || permanent || retry.Delay(err) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// More about a kind that is known does not keep it from being understood.
	more := said("evt-3", "vis-1", "", "one")
	more.ProtoReflect().SetUnknown(unread)
	d.talk(more)
	if len(d.posts()) != 1 {
		t.Errorf("%d posts", len(d.posts()))
	}
}
