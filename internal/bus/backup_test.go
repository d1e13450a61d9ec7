package bus_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// What is saved of one installation and loaded into another goes on there: what was done stays done, what waited is done, repeats are refused.
func TestWhatWasSavedGoesOnElsewhere(t *testing.T) {
	b, _ := ready(t)
	ctx := t.Context()
	store := func(b *bus.Bus, n int) bool {
		t.Helper()
		duplicate, err := b.OnceWithin(ctx, 5*time.Second, bus.Talk, bus.TalkSubject(4, "demo", "member-1", "customer-message", fmt.Sprint("evt-", n)), &eventv1.Page{Title: fmt.Sprint(n)})
		if err != nil {
			t.Fatal(err)
		}
		return duplicate
	}
	for n := range 300 {
		store(b, n)
	}
	handled := make(chan string, 1000)
	work := func(b *bus.Bus, enough int) (done map[string]bool) {
		t.Helper()
		done = map[string]bool{} // some perhaps twice, on a busy machine
		ctx, cancel := context.WithCancel(ctx)
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = b.ServePartitions(ctx, "router-talk", bus.Talk, "talk", func(_ context.Context, m bus.Message) error {
				handled <- m.Subject
				return nil
			})
		}()
		for len(done) < enough {
			select {
			case subject := <-handled:
				done[subject] = true
			case <-time.After(30 * time.Second):
				t.Fatalf("only %d of %d are handled", len(done), enough)
			}
		}
		cancel()
		<-served
		return done
	}
	before := work(b, 300)
	for n := range 20 {
		store(b, 1000+n)
	}
	if _, err := bus.NewRecords[*eventv1.Page](b, bus.Conversations).Write(ctx, "demo.c1", &eventv1.Page{Title: "kept"}, 0); err != nil {
		t.Fatal(err)
	}
	other := connect(t, startNATS(t).ClientURL(), 4, 0)
	for _, stream := range bus.Topology(1) {
		var content bytes.Buffer
		saved, err := b.Save(ctx, stream.Name, &content)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Load(ctx, saved, bytes.NewReader(content.Bytes())); err != nil {
			t.Fatal(err)
		}
		if err := other.Load(ctx, saved, bytes.NewReader(content.Bytes())); err == nil {
			t.Errorf("%s was loaded over what was there", stream.Name)
		}
	}
	if left := diff(t, other); len(left) != 8 { // the consumers of SLACK and SENDS, which were never served
		t.Errorf("differences: %q", left)
	}
	if !store(other, 7) || !store(other, 1007) {
		t.Error("a repeat was stored")
	}
	for subject := range work(other, 20) {
		if before[subject] {
			t.Errorf("done again: %s", subject)
		}
	}
	page := &eventv1.Page{}
	if _, err := bus.NewRecords[*eventv1.Page](other, bus.Conversations).Read(ctx, "demo.c1", page); err != nil || page.GetTitle() != "kept" {
		t.Errorf("the record is %v, %v", page, err)
	}
}
