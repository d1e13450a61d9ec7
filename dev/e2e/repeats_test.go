package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// Not every hook has an id. Its body is what tells a repeat then.
func TestPromise2AHookWithoutAnIDIsKnownByItsBody(t *testing.T) {
	s := start(t, stack.Options{})
	s.KARTE.AddHookFault(kartestandin.HookFault{Kind: kartestandin.HookDuplicate, Delay: 100 * time.Millisecond})
	c, want := kartestandin.Customer{VisitorID: "vis-1"}, numbered("q", 3)
	for _, text := range want {
		if _, err := s.KARTE.CustomerWrites(t.Context(), c, text, kartestandin.Write{OmitID: true, Wait: true}); err != nil {
			t.Fatal(err)
		}
	}
	s.karte("every duplicate delivered", "vis-1", func([]kartestandin.Message) bool { return s.KARTE.Snapshot().Waiting == 0 })
	s.says(c, "last words")
	thread := s.head("last words")
	s.slack("everything", func(*slackstandin.Snapshot) bool { return len(s.order(thread, want)) >= len(want) })
	if got := s.order(thread, want); !slices.Equal(got, want) {
		t.Errorf("got %v\n%s", got, s.dump())
	}
	if heads := s.heads(); len(heads) != 1 {
		t.Errorf("%d threads:\n%s", len(heads), s.dump())
	}
}
