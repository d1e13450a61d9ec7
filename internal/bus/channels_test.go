package bus_test

import (
	"context"
	"slices"
	"testing"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

func TestAChannelIsTheSameUnderEveryIDItHad(t *testing.T) {
	b, _ := ready(t)
	learned := make(chan struct{}, 10)
	writer, reader := b.NewChannels(nil), b.NewChannels(func() { learned <- struct{}{} })
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- reader.Serve(ctx) }()
	t.Cleanup(func() { cancel(); <-served })
	eventually.Holds(t, patience, "all is read", reader.Loaded)
	// As Slack may tell it: the later change first, and each twice.
	for _, change := range [][2]string{{"C0B", "C0C"}, {"G0A", "C0B"}, {"C0B", "C0C"}, {"G0A", "C0B"}} {
		if err := writer.Changed(t.Context(), "T0", change[0], change[1]); err != nil {
			t.Fatal(err)
		}
	}
	<-learned
	<-learned
	for _, c := range []*bus.Channels{writer, reader} {
		for _, id := range []string{"G0A", "C0B", "C0C"} {
			if first, latest, all := c.First("T0", id), c.Latest("T0", id), c.IDs("T0", id); first != "G0A" || latest != "C0C" || !slices.Equal(all, []string{"G0A", "C0B", "C0C"}) {
				t.Errorf("%s: first %s, latest %s, all %v", id, first, latest, all)
			}
		}
		if got := c.Latest("T1", "G0A"); got != "G0A" {
			t.Errorf("another workspace's channel became %s", got)
		}
	}
	// What would lead round in a circle is not believed.
	if err := writer.Changed(t.Context(), "T0", "C0C", "G0A"); err != nil || writer.Latest("T0", "G0A") != "C0C" {
		t.Errorf("%v, latest %s", err, writer.Latest("T0", "G0A"))
	}
	if n := len(learned); n != 0 {
		t.Errorf("told %d times of nothing new", n)
	}
}
