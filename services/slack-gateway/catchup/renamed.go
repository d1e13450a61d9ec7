package catchup

import (
	"context"
	"slices"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// renamed notices that the channel of a thread has another id now, although Slack's event of that has not come, or not yet: a thread of ours is
// written down under its head's ts in one channel only.
func (a *Answerer) renamed(ctx context.Context, team string, request *eventv1.RepliesRequest, thread slackapi.Thread) error {
	if thread.Conversation == "" || a.Channels == nil {
		return nil
	}
	record := &eventv1.ThreadRecord{}
	if _, err := a.threads.Read(ctx, bus.ConversationKey(thread.Project, thread.Conversation), record); err != nil || record.GetTeam() != team {
		return err
	}
	before := ""
	switch request.GetThreadTs() {
	case record.GetTs():
		before = record.GetChannel()
	case record.GetFormerTs():
		before = record.GetFormerChannel()
	}
	known := a.Channels.IDs(team, before)
	if before == "" || slices.Contains(known, request.GetChannel()) {
		return nil
	}
	a.Log.Info("a channel has another id now, as one of its threads shows", "before", before, "now", request.GetChannel())
	return a.Channels.Changed(ctx, team, known[len(known)-1], request.GetChannel())
}

// position answers where in SLACK a reply is stored, under whichever id its channel had when Slack told of it.
func (a *Answerer) position(ctx context.Context, team, channel, thread, ts string) (sequence uint64, ok bool, err error) {
	ids := []string{channel}
	if a.Channels != nil {
		ids = a.Channels.IDs(team, channel)
	}
	for _, id := range ids {
		sequence, ok, err = a.Bus.Position(ctx, bus.Slack, inbound.WrittenSubject(a.Bus.Partitions(), team, id, thread, ts))
		if err != nil || ok {
			return sequence, ok, err
		}
	}
	return 0, false, nil
}
