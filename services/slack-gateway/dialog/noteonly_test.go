package dialog

import (
	"testing"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
)

// A channel for notes is one by whichever of its ids the settings name it and the dialog was opened in it.
func TestAChannelForNotesIsOneByEveryID(t *testing.T) {
	latest := map[string]string{"C0FIRST": "C0SHARED"}
	d := &Dialogs{Options: Options{Latest: func(_, channel string) string {
		if now := latest[channel]; now != "" {
			return now
		}
		return channel
	}}}
	for _, c := range []struct {
		named, in string
		want      view.Saying
	}{
		{"C0FIRST", "C0FIRST", view.NoteOnly}, {"C0FIRST", "C0SHARED", view.NoteOnly}, {"C0SHARED", "C0FIRST", view.NoteOnly}, {"C0SHARED", "C0SHARED", view.NoteOnly},
		{"C0OTHER", "C0FIRST", ""}, {"C0OTHER", "C0SHARED", ""},
	} {
		p := view.Project{Operator: "op-1", Settings: &settingsv1.TeamSettings{ThreadRepliesEnabled: true, NoteOnlyChannels: []string{c.named}}}
		if got := d.mayNotSend("T0DEMO1", p, c.in); got != c.want {
			t.Errorf("the settings name %s, the dialog is in %s: got %q, want %q", c.named, c.in, got, c.want)
		}
	}
}
