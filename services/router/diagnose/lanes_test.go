package diagnose

import (
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// A conversation that was moved, or whose rule is gone, stands in a channel that the settings do not name.
func TestChannelsThatTheSettingsDoNotNameAreLookedAtToo(t *testing.T) {
	var consumers []*jetstream.ConsumerInfo
	for _, filter := range []string{"post.T0DEMO1.C0SUPPORT.*", "post.T0DEMO1.C0SALES.*", "mark.T0DEMO1.U0ADMIN.*", "post.T0OTHER.C0THEIRS.*", "slack.32-000.>"} {
		consumers = append(consumers, &jetstream.ConsumerInfo{Config: jetstream.ConsumerConfig{FilterSubject: filter}})
	}
	got := laneChannels(&settingsv1.TeamSettings{Workspace: "T0DEMO1", Channel: "C0SUPPORT"}, consumers)
	if !slices.Equal(got, []string{"C0SUPPORT", "C0SALES"}) {
		t.Errorf("%v", got)
	}
}
