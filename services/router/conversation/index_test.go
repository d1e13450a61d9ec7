package conversation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

// noon is later than any record of a test was written, because that counts as well.
var noon = time.Date(2126, 1, 31, 12, 0, 0, 0, time.UTC)

func list(t *testing.T, s *conversation.Store, project string, size int) (all []conversation.Listed) {
	t.Helper()
	var at conversation.Cursor
	for {
		page, end, err := s.List(t.Context(), project, at, size)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if end.String() == "" {
			return all
		}
		parsed, ok := conversation.ParseCursor(end.String())
		if !ok {
			t.Fatalf("cursor %q is not read back", end)
		}
		at = parsed
	}
}

func users(all []conversation.Listed) (users []string) {
	for _, l := range all {
		users = append(users, l.Record.GetCustomer().GetUserId())
	}
	return users
}

// hear makes a customer known and notes that they wrote.
func hear(t *testing.T, s *conversation.Store, project, user string, at time.Time) string {
	t.Helper()
	conv, _, err := s.Resolve(t.Context(), project, customer(user, "vis-"+user))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Touch(t.Context(), project, conv.ID, conversation.Customer, at); err != nil {
		t.Fatal(err)
	}
	return conv.ID
}

func TestTheListBeginsWithTheLatestAndLeavesNobodyOut(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	var want []string
	for i := range 23 { // several of one moment
		hear(t, s, "demo", fmt.Sprintf("m%02d", i), noon.Add(time.Duration(i/4)*time.Minute))
		want = append(want, fmt.Sprintf("m%02d", i))
	}
	hear(t, s, "other", "stranger", noon)
	for _, size := range []int{1, 2, 3, 7, 23, 100} {
		all := list(t, s, "demo", size)
		if !slices.IsSortedFunc(all, func(a, b conversation.Listed) int { return b.Activity.Customer.Compare(a.Activity.Customer) }) {
			t.Errorf("pages of %d: not the latest first", size)
		}
		if got := users(all); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("pages of %d: got %v", size, got)
		}
	}
	hear(t, s, "demo", "m00", noon.Add(time.Hour))
	hear(t, s, "demo", "m01", noon.Add(-time.Hour)) // an old message that had to wait
	if got := users(list(t, s, "demo", 5)); got[0] != "m00" || got[22] == "m01" {
		t.Errorf("got %v", got)
	}
}

func TestWhatChangesWhileTheListIsReadIsNotToldTwice(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	for i := range 6 {
		hear(t, s, "demo", fmt.Sprintf("m%d", i), noon.Add(time.Duration(i)*time.Minute))
	}
	first, end, err := s.List(t.Context(), "demo", conversation.Cursor{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	hear(t, s, "demo", "m4", noon.Add(time.Hour)) // told already
	hear(t, s, "demo", "m9", noon.Add(time.Hour)) // new
	rest, _, err := s.List(t.Context(), "demo", end, 10)
	if err != nil {
		t.Fatal(err)
	}
	if got := users(append(first, rest...)); !slices.Equal(got, []string{"m5", "m4", "m3", "m2", "m1", "m0"}) {
		t.Errorf("got %v", got)
	}
}

func TestTheIndexIsMadeAgain(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	id := hear(t, s, "demo", "m1", noon)
	hear(t, s, "demo", "m2", noon.Add(-time.Minute))
	if _, _, err := s.Resolve(t.Context(), "demo", customer("m1", "vis-phone")); err != nil {
		t.Fatal(err)
	}
	threads := bus.NewRecords[*eventv1.ThreadRecord](w.bus, bus.Threads)
	if _, err := threads.Write(t.Context(), bus.ThreadKey("T0DEMO1", "C0SUPPORT", "1723612345.000200"), &eventv1.ThreadRecord{Project: "demo", Conversation: id}, 0); err != nil {
		t.Fatal(err)
	}
	fact := &eventv1.TalkFact{
		Id: "evt-1", Project: "demo", Customer: customer("m1", "vis-phone"), OccurredAt: timestamppb.New(noon),
		Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: "hello"}},
	}
	if _, err := w.bus.Once(t.Context(), bus.Talk, bus.TalkSubject(4, "demo", "vis-phone", "customer-message", "evt-1"), fact); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.redis.FlushAll()
		all := list(t, s, "demo", 10)
		if len(all) != 2 {
			t.Fatalf("got %v", users(all))
		}
		for _, l := range all {
			if l.ID != id {
				continue
			}
			a := l.Activity
			if !a.Customer.Equal(noon) || a.Update.IsZero() || a.Current.TS != "1723612345.000200" || a.Current.Channel != "C0SUPPORT" || len(a.Aliases) != 2 {
				t.Errorf("got %+v", a)
			}
			if l.Record.GetCreateTime() == nil {
				t.Error("nobody knows when the customer was first heard of")
			}
		}
	}
}

func TestARedisThatIsEmptiedWhileTheIndexIsMadeDoesNotHideAnybody(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	hear(t, s, "demo", "m1", noon)
	list(t, s, "demo", 10)
	w.redis.FlushAll()
	hear(t, s, "demo", "m2", noon) // makes part of the index
	if got := users(list(t, s, "demo", 10)); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestAMergedConversationIsListedOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.store(t)
		member, _ := resolve(t, w, s, "m", "vis-1")
		visitor, _ := resolve(t, w, s, "", "vis-2")
		for _, id := range []string{member, visitor} {
			if err := s.Touch(t.Context(), "demo", id, conversation.Customer, noon); err != nil {
				t.Fatal(err)
			}
			thread := conversation.Thread{Team: "T0DEMO1", Channel: "C0SUPPORT", TS: "1." + id}
			if err := s.ThreadOpened(t.Context(), thread, "demo", id); err != nil {
				t.Fatal(err)
			}
		}
		if _, merged := resolve(t, w, s, "m", "vis-2"); merged != visitor {
			t.Fatalf("merged %q", merged)
		}
		all := list(t, s, "demo", 10)
		if len(all) != 1 || all[0].ID != member {
			t.Fatalf("got %v", users(all))
		}
		if got := all[0].Activity.Aliases; len(got) != 2 {
			t.Errorf("aliases %v", got)
		}
		l, ok, err := s.Get(t.Context(), "demo", visitor)
		if err != nil || !ok || l.ID != member {
			t.Errorf("by its former name: %v %v %v", l.ID, ok, err)
		}
		if len(w.redis.Keys()) > 0 && all[0].Activity.Current.TS == "1."+visitor {
			t.Errorf("the merged thread counts as its own")
		}
	})
}

func TestACustomerWhoseConversationIsGoneBeginsAnew(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	id, _ := resolve(t, w, s, "m", "vis-1")
	conv, _, err := s.Resolve(t.Context(), "demo", customer("m", "vis-1"))
	if err != nil {
		t.Fatal(err)
	}
	// What leads there stays behind, as when somebody new came in while it was erased.
	records := bus.NewRecords[*eventv1.ConversationRecord](w.bus, bus.Conversations)
	if _, err := records.Erase(t.Context(), "demo."+id, func() *eventv1.ConversationRecord { return &eventv1.ConversationRecord{} }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), conv, func(r *eventv1.ConversationRecord) { r.Channel = "C0SUPPORT" }); err == nil {
		t.Error("what was erased has been written again")
	}
	for _, c := range []*eventv1.Customer{customer("", "vis-1"), customer("m", "vis-1"), customer("m", ""), customer("", "vis-1")} {
		conv, _, err := s.Resolve(t.Context(), "demo", c)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		if conv.Record.GetChannel() != "" {
			t.Errorf("%v: %v", c, conv.Record)
		}
	}
}

// A fact is being handled while its customer is erased: it does not bring back who was mentioned.
func TestWhoeverIsAtWorkOnWhatIsErasedWritesNothingOfIt(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	id := hear(t, s, "demo", "erase-me", time.Now())
	family, err := s.Family(t.Context(), "demo", id)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.EraseRecords(t.Context(), family); err != nil {
		t.Fatal(err)
	}
	if _, err := s.EraseIndex(t.Context(), family, conversation.Memories{}); err != nil {
		t.Fatal(err)
	}
	first, err := s.Mention(t.Context(), "demo", id, "U0HANAKO", "fact-1", time.Minute)
	if err != nil || first {
		t.Errorf("mentioned: %t, %v", first, err)
	}
	for _, key := range w.redis.Keys() {
		if strings.HasPrefix(key, "mention:") {
			t.Errorf("left: %s", key)
		}
	}
}

// An earlier version kept the times of messages in sorted sets: they are read, and move to where they stand now when there is a later one.
func TestTheTimesOfAnEarlierVersionAreReadAndTakenOver(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	id := hear(t, s, "demo", "m1", noon)
	for set, at := range map[string]time.Time{"customer": noon.Add(time.Minute), "operator": noon.Add(2 * time.Minute)} {
		if _, err := w.redis.ZAdd("index:{demo}:"+set, float64(at.UnixMilli()), id); err != nil {
			t.Fatal(err)
		}
	}
	check := func(customer, operator time.Time) {
		t.Helper()
		if a, err := s.Activity(t.Context(), "demo", id); err != nil || !a.Customer.Equal(customer) || !a.Operator.Equal(operator) {
			t.Errorf("got %v and %v, %v", a.Customer, a.Operator, err)
		}
	}
	check(noon.Add(time.Minute), noon.Add(2*time.Minute))
	for _, author := range []conversation.Author{conversation.Customer, conversation.Operator} {
		if err := s.Touch(t.Context(), "demo", id, author, noon.Add(90*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	check(noon.Add(90*time.Second), noon.Add(2*time.Minute))
	for _, set := range []string{"customer", "operator"} {
		if w.redis.Exists("index:{demo}:" + set) {
			t.Errorf("%s is still there", set)
		}
	}
}

// Copies of records last for hours; who goes through the list finds everybody, and brings no copies back.
func TestTheListNeedsNoCopies(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	for i := range 40 {
		hear(t, s, "demo", fmt.Sprintf("m%02d", i), noon)
	}
	w.redis.FastForward(7 * time.Hour)
	if got := list(t, s, "demo", 30); len(got) != 40 {
		t.Errorf("got %v", users(got))
	}
	for _, key := range w.redis.Keys() {
		if strings.HasPrefix(key, "conv:") {
			t.Errorf("there is a copy: %s", key)
		}
	}
	if id := hear(t, s, "demo", "m07", noon.Add(time.Hour)); list(t, s, "demo", 30)[0].ID != id {
		t.Error("who wrote last is not first")
	}
}
