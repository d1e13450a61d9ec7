package conversation_test

import (
	"fmt"
	"testing"
	"time"
)

func TestAThreadIsAdoptedByTheConversationThatOpenedItOnly(t *testing.T) {
	w := newWorld(t)
	s := w.store(t)
	member, _ := resolve(t, w, s, "m", "")
	visitor, _ := resolve(t, w, s, "", "vis-1")
	if _, merged := resolve(t, w, s, "m", "vis-1"); merged != visitor {
		t.Fatalf("merged %q", merged)
	}
	for _, c := range []struct {
		name, id, want string
		age            time.Duration
	}{
		{"its own", member, member, 0},
		{"its own, by a clock that is late", member, member, 4 * time.Minute},
		{"one of a former conversation with the same customer", member, "", time.Hour},
		{"one of a merged conversation", visitor, member, 0},
		{"one of a former conversation with what is an alias now", visitor, "", time.Hour},
		{"one of nobody", "none", "", 0},
	} {
		ts := fmt.Sprintf("%d.000100", time.Now().Add(-c.age).Unix())
		w.reset()
		conv, ok, err := s.Adopt(t.Context(), "T0DEMO1", "C0SUPPORT", ts, "demo", c.id)
		if err != nil || ok != (c.want != "") || conv.ID != c.want {
			t.Errorf("%s: %q, %v, %v; want %q", c.name, conv.ID, ok, err, c.want)
		}
	}
}
