package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// long answers a text that takes several posts, with words that tell its order.
func long(words []string) string {
	return strings.Join(words, strings.Repeat("とても長い問い合わせです。", 8)+"\n")
}

// below answers in which order the words appear in the lines of a thread, its head apart.
func (s system) below(thread string, words []string) []string {
	var all strings.Builder
	for _, m := range s.Slack.Thread(stack.Channel, thread) {
		if m.TS != thread {
			all.WriteString(m.Text + "\n")
		}
	}
	return appearing(all.String(), words)
}

// The head of the thread that follows a deleted one cannot hold a long text: it quotes the beginning and says so, and below it the text is whole.
func TestPromise8ALongTextAfterADeletedHeadIsWholeBelowTheNewOne(t *testing.T) {
	s := start(t, stack.Options{})
	c := kartestandin.Customer{UserID: "member-1"}
	s.says(c, "first words")
	former := s.head("first words")
	s.marked(s.replies(stack.Hanako, former, "```a```"), "white_check_mark")
	if err := s.Slack.Delete(stack.Channel, former, slackstandin.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	words := numbered("q", 90)
	s.says(c, long(words))
	s.says(c, "last words")
	s.head("last words")
	opened := s.heads()
	if len(opened) != 1 {
		t.Fatalf("heads %v:\n%s", opened, s.dump())
	}
	if got := s.below(opened[0], words); !slices.Equal(got, words) {
		t.Errorf("below the new head: %v", got)
	}
	if got := s.below(former, words); len(got) > 0 {
		t.Errorf("in the former thread: %v", got)
	}
	head := s.Slack.Thread(stack.Channel, opened[0])[0].Text
	if got := appearing(head, words); len(got) == 0 || len(got) > 10 || !slices.Equal(got, words[:len(got)]) || !strings.Contains(head, "…続きはスレッド内") {
		t.Errorf("the new head quotes %v of %q", got, head)
	}
}

// The head is deleted while the parts of a long text go out. What follows cannot be read where the first parts are, so the new thread has the text
// from its beginning: whole, in order, once. The former thread keeps what it had, and nothing is left in the channel.
func TestPromise8ALongTextThatADeletedHeadInterruptsIsWholeInTheNewThread(t *testing.T) {
	// The second part is throttled until the head is deleted; then it goes into the channel instead, where its answer may be lost.
	throttled := slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 1, After: 1}
	lost := slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenStatus, Count: 1}
	for name, faults := range map[string][]slackstandin.Fault{"answered": nil, "and the answer is lost": {lost}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, stack.Options{})
			c := kartestandin.Customer{UserID: "member-1"}
			s.says(c, "first words")
			former := s.head("first words")
			s.marked(s.replies(stack.Hanako, former, "```a```"), "white_check_mark")
			s.Slack.AddFault(throttled)
			words := numbered("q", 90)
			s.says(c, long(words))
			s.slack("the first part", func(*slackstandin.Snapshot) bool { return len(s.below(former, words)) > 0 })
			if err := s.Slack.Delete(stack.Channel, former, slackstandin.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			s.Slack.ClearFaults()
			for _, fault := range faults {
				s.Slack.AddFault(fault)
			}
			s.says(c, "last words")
			opened := s.head("last words")
			if heads := s.heads(); !slices.Equal(heads, []string{opened}) {
				t.Errorf("heads %v, want only %s:\n%s", heads, opened, s.dump())
			}
			if got := s.below(opened, words); !slices.Equal(got, words) {
				t.Errorf("in the new thread: %v", got)
			}
			if got := s.below(former, words); len(got) == len(words) || !slices.Equal(got, words[:len(got)]) {
				t.Errorf("in the former thread: %v", got)
			}
		})
	}
}
