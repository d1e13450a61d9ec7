package lane_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func givingBack() *eventv1.SlackCommand {
	return mark("n0", &eventv1.SlackCommand{Command: &eventv1.SlackCommand_Notice{Notice: &eventv1.Notice{
		Target: &eventv1.SlackMessageRef{Channel: marking.Channel, ThreadTs: "1.1", Member: "U0DEMO1"}, Kind: eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED, Text: "明日お届けします。",
	}}})
}

// What somebody wrote is nowhere else: it is given back until Slack has said that it took it.
func TestWhatIsGivenBackComesRatherTwiceThanNever(t *testing.T) {
	for name, c := range map[string]struct {
		accidents []accident
		shown     int
	}{
		"effect, no answer":           {[]accident{{true, errLost}}, 2},
		"no effect, no answer, twice": {[]accident{{false, errLost}, {false, errLost}}, 1},
		"told so":                     {[]accident{{false, errNotNow}}, 1},
		"no accident":                 {nil, 1},
	} {
		r := newRoom(t)
		messages := r.store(marking, givingBack())
		r.slack.next(c.accidents...)
		for range c.accidents {
			_ = r.fails(r.replica(marking, 0), messages[0])
		}
		r.done(r.replica(marking, 0), messages...)
		if len(r.slack.private) != c.shown {
			t.Errorf("%s: given back %d times, want %d", name, len(r.slack.private), c.shown)
		}
	}
}

// Whom the app cannot write to is told in the thread.
func TestWhoHasNoConversationWithTheAppGetsItInTheThread(t *testing.T) {
	for _, why := range []error{errNever, retry.Parked(errors.New("channel_not_found"))} {
		r := newRoom(t)
		messages := r.store(marking, givingBack())
		r.slack.next(accident{false, why}, accident{true, nil})
		r.done(r.replica(marking, 0), messages...)
		if want := []string{"U0DEMO1"}; !slices.Equal(r.slack.private, want) {
			t.Errorf("%v: told %v", why, r.slack.private)
		}
	}
}
