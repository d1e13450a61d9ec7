package lane_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// The head is deleted at any moment while the parts of a long text go out, and anything happens to any call after that; another replica goes on each time. The new
// thread has the text whole and once, the former one at most its beginning, and nothing stands in the channel beside the new head.
func TestPromise8ALongTextThatADeletedHeadInterruptsIsWholeInTheNewThread(t *testing.T) {
	for name, a := range map[string]accident{
		"none": {true, nil}, "effect, no answer": {true, errLost}, "no effect, no answer": {false, errLost}, "told so": {false, errNotNow},
	} {
		for _, deleted := range []int{2, 3, 5} { // the call before which it is gone: the text has four parts
			for at := deleted - 1; at <= deleted+3; at++ {
				t.Run(fmt.Sprintf("gone before call %d, %s at call %d", deleted, name, at), func(t *testing.T) {
					interrupted(t, deleted, at, a)
				})
				if name == "none" {
					break
				}
			}
		}
	}
}

func interrupted(t *testing.T, deleted, at int, a accident) {
	t.Helper()
	r := newRoom(t)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	former := r.slack.heads()[0].ts
	var long strings.Builder
	for i := range 70 {
		fmt.Fprintf(&long, "w%02d.%s\n", 10+i, strings.Repeat("長い文", 60))
	}
	messages := r.store(posting, customer("p1", "c1", long.String()), customer("p2", "c1", "w01."))
	r.slack.next(append(slices.Repeat([]accident{{effect: true}}, at-1), a)...)
	calls := 0
	r.slack.during = func() {
		if calls++; calls == deleted {
			r.slack.bury(former)
		}
	}
	for _, m := range messages {
		for tries := 0; ; tries++ {
			err := r.replica(posting, 0)(t.Context(), m)
			if err == nil {
				break
			}
			if _, permanent := retry.Reason(err); permanent || tries > 5 {
				t.Fatal(err)
			}
		}
	}
	left, _ := r.slack.words(former)
	if deleted < 5 && len(left) >= 70 || !slices.IsSorted(left) || len(slices.Compact(left)) != len(left) {
		t.Errorf("the former thread has %v", left)
	}
	heads := r.slack.heads()
	if len(heads) != 1 {
		t.Fatalf("%d heads", len(heads))
	}
	if got := r.slack.below(heads[0].ts); len(left) < 70 && (len(got) != 71 || !slices.IsSorted(got[:70]) || got[70] != "w01.") {
		t.Errorf("the new thread has %v", got)
	}
}

// below answers the words of a thread, its head apart.
func (f *fake) below(thread string) []string {
	all, _ := f.words(thread)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if e.ts == thread {
			return all[strings.Count(e.text, "w"):]
		}
	}
	return all
}

// A thread that takes no replies any more, because somebody has locked it, stops neither its conversation nor the channel's others.
func TestPromise1AThreadThatIsClosedIsOpenedAnew(t *testing.T) {
	r := newRoom(t)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	locked := fmt.Errorf("chat.postMessage: %w", retry.Rejected(slackapi.ErrThreadGone))
	for _, id := range []string{"p1", "p2"} {
		if id == "p1" {
			r.slack.next(accident{false, locked})
		}
		messages := r.store(posting, customer(id, "c1", "w0"+id[1:]+"."))
		for range 2 { // and again
			r.done(r.replica(posting, 0), messages...)
		}
	}
	heads := r.slack.heads()
	if len(heads) != 2 {
		t.Fatalf("heads: %v", heads)
	}
	if words, _ := r.slack.words(heads[1].ts); !slices.Equal(words, []string{"w01.", "w02."}) {
		t.Errorf("the new thread has %v", words)
	}
}

// How much metadata Slack takes is not documented: what it does not take together goes in smaller posts, and nothing is given up.
func TestWhatIsTooMuchForOnePostGoesInSmallerOnes(t *testing.T) {
	r := newRoom(t)
	r.done(r.replica(posting, 0), r.store(posting, customer("p", "c1", "w99."))...)
	var commands []*eventv1.SlackCommand
	want := ""
	for i := range 8 {
		commands = append(commands, customer(fmt.Sprintf("p%d", i), "c1", fmt.Sprintf("w0%d.", i)))
		want += fmt.Sprintf(" w0%d.", i)
	}
	messages := r.store(posting, commands...)
	handle := r.replica(posting, 0)
	refused := retry.Rejected(slack.SlackErrorResponse{Err: "metadata_too_large"})
	r.slack.next(accident{false, refused}, accident{false, refused})
	for range 2 {
		err := r.fails(handle, messages[0])
		if _, permanent := retry.Reason(err); permanent {
			t.Fatal(err)
		}
	}
	r.done(handle, messages...)
	r.wants("w99."+want, 5)
}
