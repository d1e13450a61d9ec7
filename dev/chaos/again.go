package chaos

import (
	"slices"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

// continued is what a head says behind the beginning of a text that it cannot hold; see render's words.
const continued = "…continued in the thread"

// deletedHead is a head that somebody deleted, with the customer's texts that went with it.
type deletedHead struct {
	customer int
	ts       string
	marks    []string
	at       time.Time
}

// showing is one line of ours, with the customer's marks that it shows.
type showing struct {
	line  *slackstandin.Message
	marks []string
}

func (s showing) thread() string {
	if s.line.ThreadTS == "" {
		return s.line.TS
	}
	return s.line.ThreadTS
}

func (s showing) isHead() bool { return s.thread() == s.line.TS }

func showings(lines []*slackstandin.Message) []showing {
	shown := make([]showing, len(lines))
	for i, m := range lines {
		shown[i] = showing{m, marksIn(m.Text, fromCustomer)}
	}
	return shown
}

// counted leaves out the beginnings of long texts that stand somewhere besides the whole text on purpose. There are two, and nothing else may be
// shown again:
//   - the head of a thread quotes the beginning of a text that it cannot hold, says so, and the whole text stands below that head;
//   - the head was deleted while the parts of a text went out one after the other: those before stay below what is left of that head, and the whole
//     text stands in another thread.
func counted(shown []showing, texts []sent, deleted []deletedHead) []showing {
	result := slices.Clone(shown)
	for _, t := range texts {
		if t.kind != fromCustomer || len(t.marks) < 2 {
			continue
		}
		for i, s := range shown {
			if quotes(s, t) && slices.Equal(below(shown, s.thread(), t), t.marks) {
				result[i].marks = nil
			}
		}
		for _, d := range deleted {
			if leftBehind(shown, d, t) && wholeElsewhere(shown, d, t) {
				result = forget(result, d, t)
			}
		}
	}
	return result
}

// quotes reports whether a head shows the beginning of t, and of nothing else, and says that there is more.
func quotes(s showing, t sent) bool {
	return s.isHead() && strings.Contains(s.line.Text, continued) && begins(t, s.marks)
}

// begins reports whether marks are some of the first of t, but not all.
func begins(t sent, marks []string) bool {
	return len(marks) > 0 && len(marks) < len(t.marks) && slices.Equal(marks, t.marks[:len(marks)])
}

// below answers the marks of t in the lines of a thread, its head apart.
func below(shown []showing, thread string, t sent) (marks []string) {
	for _, s := range shown {
		if s.thread() == thread && !s.isHead() {
			marks = append(marks, ofText(s.marks, t)...)
		}
	}
	return marks
}

func ofText(marks []string, t sent) []string {
	return slices.DeleteFunc(slices.Clone(marks), func(mark string) bool { return !slices.Contains(t.marks, mark) })
}

// leftBehind reports whether the thread of a deleted head holds the beginning of t, from before the head was deleted.
func leftBehind(shown []showing, d deletedHead, t sent) bool {
	for _, s := range shown {
		if s.thread() == d.ts && len(ofText(s.marks, t)) > 0 && slackTime(s.line.TS).After(d.at) {
			return false
		}
	}
	return begins(t, below(shown, d.ts, t))
}

// wholeElsewhere reports whether one other thread holds all of t.
func wholeElsewhere(shown []showing, d deletedHead, t sent) bool {
	return slices.ContainsFunc(shown, func(s showing) bool {
		return s.thread() != d.ts && slices.Equal(below(shown, s.thread(), t), t.marks)
	})
}

// forget takes the marks of t out of the thread of a deleted head.
func forget(shown []showing, d deletedHead, t sent) []showing {
	for i, s := range shown {
		if s.thread() == d.ts {
			shown[i].marks = slices.DeleteFunc(slices.Clone(s.marks), func(mark string) bool { return slices.Contains(t.marks, mark) })
		}
	}
	return shown
}

// wentWith answers the texts that nobody can read any more once a head is deleted: not one that it only quotes, which stands below it.
func wentWith(head *slackstandin.Message) []string {
	if strings.Contains(head.Text, continued) {
		return nil
	}
	return marksIn(head.Text, fromCustomer)
}
