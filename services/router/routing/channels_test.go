package routing

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// renames are the ids of one channel, the first one first.
type renames []string

func (r renames) IDs(_, id string) []string {
	if slices.Contains(r, id) {
		return r
	}
	return []string{id}
}

// Whichever id the settings name a channel by, and whichever its thread was opened under: from a channel of which they say so, nothing is sent.
func TestNothingIsSentFromAChannelForNotesUnderAnyOfItsIDs(t *testing.T) {
	r := New(Parts{Channels: renames{"G0FIRST", "C0NOW"}, Metrics: prometheus.NewRegistry()})
	for _, named := range []string{"G0FIRST", "C0NOW"} {
		team := r.firstIDs(&settingsv1.TeamSettings{Workspace: "T0DEMO1", NoteOnlyChannels: []string{named}})
		for channel, want := range map[string]bool{"G0FIRST": true, "C0NOW": true, "C0OTHER": false} {
			if got := r.noteOnly(team, channel); got != want {
				t.Errorf("the settings name %s, the thread is in %s: for notes only %t", named, channel, got)
			}
		}
	}
}
