package lane_test

import (
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// What a newer update has taken along needs nothing of NATS when its turn comes.
func TestUpdatesThatWereTakenAlongAreNotLookedUp(t *testing.T) {
	r, store := cards(t)
	messages := store(updated("c1", 2, 0), updated("c1", 2, 1), updated("c1", 3, 0), updated("c1", 2, 9))
	for i := range messages {
		messages[i].Turn = uint64(i) + 1
	}
	handle := r.replica(carding, 0)
	r.done(handle, messages[0])
	before := r.bus.Conn().Stats().OutMsgs
	r.done(handle, messages[1:]...)
	if asked := r.bus.Conn().Stats().OutMsgs - before; asked != 0 {
		t.Errorf("%d messages to NATS", asked)
	}
	r.shows("state 3.0")
	if len(r.slack.updates) != 1 {
		t.Errorf("%d calls", len(r.slack.updates))
	}
}

// Another head knows nothing of what the one before it showed: the update that its opening brings about shows the same once more.
func TestAnUpdateForAnotherHeadIsShownAlthoughTheFormerOneShowedIt(t *testing.T) {
	r, store := cards(t)
	handle := r.replica(carding, 0)
	first := store(updated("c1", 3, 5), updated("c1", 3, 4))
	r.done(handle, first[0])
	r.shows("state 3.5")
	_ = r.slack.Delete(t.Context(), "", r.slack.heads()[0].ts)
	r.last = 0
	posts := r.store(posting, carded("p2", "c1", 2))
	r.done(r.replica(posting, 0), posts[len(posts)-1])
	r.shows("state 2.0")
	r.done(handle, first[1])
	again := updated("c1", 3, 5)
	again.Id += "-opened"
	r.done(handle, store(again)...)
	r.shows("state 3.5")
}

// withWords makes a card one that says how the conversation began, as the router makes them.
func withWords(card *eventv1.Card, words string) *eventv1.Card {
	card.FirstWords = words
	return card
}

// The words of the first message are kept once, in the conversation's record, and stay in the head whatever its card comes to show.
func TestTheWordsOfAHeadAreThoseOnItsCards(t *testing.T) {
	for name, tt := range map[string]struct {
		said, onCards string
		kept          bool
	}{
		"the same":                        {"w01.hello", "w01.hello", false},
		"the card has the beginning":      {"w01." + strings.Repeat("長い文", 200), "w01." + strings.Repeat("長い文", 90) + "…", true},
		"another message opened the head": {"w01.hello", "w00.before", true},
		"the head has the beginning":      {"w01." + strings.Repeat("長い文", 600), "w01." + strings.Repeat("長い文", 600), true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			command := carded("p1", "c1", 1)
			command.GetThreadPost().GetCustomerMessage().Text = tt.said
			withWords(command.GetThreadPost().GetCard(), tt.onCards)
			r.done(r.replica(posting, 0), r.store(posting, command)...)
			record := &eventv1.ThreadRecord{}
			if _, err := bus.NewRecords[*eventv1.ThreadRecord](r.bus, bus.Threads).Read(t.Context(), bus.ConversationKey("demo", "c1"), record); err != nil {
				t.Fatal(err)
			}
			if record.GetWordsOnCard() == tt.kept || (record.GetWords() != "") != tt.kept {
				t.Errorf("the record keeps %q, on the cards: %v", record.GetWords(), record.GetWordsOnCard())
			}
			update := updated("c1", 2, 0)
			withWords(update.GetCardUpdate().GetCard(), tt.onCards)
			r.last = 0
			r.done(r.replica(carding, 0), r.store(carding, update)...)
			r.shows("state 2.0")
			if head := r.slack.heads()[0].text; !strings.Contains(head, tt.said[:min(len(tt.said), len("w01.")+30*len("長い文"))]) {
				t.Errorf("the head has lost its words: %.200s", head)
			}
		})
	}
}

// A card that does not say how the conversation began would take the words away.
func TestACardWithoutTheWordsLeavesTheHeadAsItIs(t *testing.T) {
	r := newRoom(t)
	command := carded("p1", "c1", 1)
	withWords(command.GetThreadPost().GetCard(), "w01.")
	r.done(r.replica(posting, 0), r.store(posting, command)...)
	r.last = 0
	r.done(r.replica(carding, 0), r.store(carding, updated("c1", 2, 0))...)
	r.shows("state 1.0")
	if len(r.slack.updates) != 0 || !strings.Contains(r.slack.heads()[0].text, "w01.") {
		t.Errorf("updates %v", r.slack.updates)
	}
}
