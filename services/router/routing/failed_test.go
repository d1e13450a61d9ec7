package routing

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// commands keeps what is published, each subject once, as the stream does.
type commands struct {
	subjects []string
	last     *eventv1.SlackCommand
}

func (c *commands) Once(_ context.Context, _, subject string, message proto.Message) (bool, error) {
	if slices.Contains(c.subjects, subject) {
		return true, nil
	}
	c.subjects = append(c.subjects, subject)
	c.last, _ = message.(*eventv1.SlackCommand)
	return false, nil
}

func (*commands) Register(context.Context, bus.Lane) error { return nil }

func factOf(t *testing.T, fact proto.Message) bus.Message {
	t.Helper()
	data, err := proto.Marshal(fact)
	if err != nil {
		t.Fatal(err)
	}
	return bus.Message{Data: data}
}

func TestAdminsAreToldOfAFailedPostOnceAnHourAndChannel(t *testing.T) {
	published := &commands{}
	team := &settingsv1.TeamSettings{Workspace: "T0DEMO1", Admins: []string{"U0ADMIN", "U0OTHER"}, UpdateTime: timestamppb.New(time.Unix(1, 0))}
	r := New(Parts{Settings: onlySettings{team: team}, Publisher: published, Lanes: published, Partitions: 2, Metrics: prometheus.NewRegistry()})
	at := time.Date(2026, 11, 1, 11, 5, 0, 0, time.UTC)
	for i, c := range []struct {
		channel, project string
		after            time.Duration
		want             int
	}{
		{"C0SUPPORT", "demo", 0, 2},
		{"C0SUPPORT", "demo", 10 * time.Minute, 2},
		{"C0OTHER", "demo", 10 * time.Minute, 4},
		{"C0SUPPORT", "demo", time.Hour, 6},
		{"C0OTHER", "", 2 * time.Hour, 6}, // a mark
	} {
		fact := &eventv1.SlackFact{
			Id: string(rune('a' + i)), Team: "T0DEMO1", Channel: c.channel, OccurredAt: timestamppb.New(at.Add(c.after)),
			Fact: &eventv1.SlackFact_PostFailed{PostFailed: &eventv1.PostFailed{CommandId: "post-1", Project: c.project, Detail: "msg_too_long"}},
		}
		if err := r.Slack(t.Context(), factOf(t, fact)); err != nil {
			t.Fatal(err)
		}
		if got := len(published.subjects); got != c.want {
			t.Errorf("after %v in %s: %d notices, want %d", c.after, c.channel, got, c.want)
		}
	}
	notice := published.last.GetDirectNotice()
	if notice.GetKind() != eventv1.NoticeKind_NOTICE_KIND_POST_FAILED || notice.GetDetail() != "msg_too_long" || notice.GetAbout().GetChannel() != "C0SUPPORT" {
		t.Errorf("told %v", notice)
	}
}

func TestTheReceiptOfAReplayTakesTheFailedMarkAway(t *testing.T) {
	for _, replayed := range []bool{false, true} {
		published := &commands{}
		team := &settingsv1.TeamSettings{UpdateTime: timestamppb.New(time.Unix(1, 0))}
		r := New(Parts{Settings: onlySettings{team: team}, Publisher: published, Lanes: published, Partitions: 2, Metrics: prometheus.NewRegistry()})
		fact := &eventv1.TalkFact{Id: "delivered-1", Project: "demo", Fact: &eventv1.TalkFact_ReplyDelivered{ReplyDelivered: &eventv1.ReplyDelivered{
			CommandId: "reply-1", Replayed: replayed, Origin: &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", Ts: "1.2"},
		}}}
		if err := r.Talk(t.Context(), factOf(t, fact)); err != nil {
			t.Fatal(err)
		}
		reaction := published.last.GetReaction()
		if reaction.GetReceipt() != eventv1.Receipt_RECEIPT_SENT || reaction.GetReplacesFailed() != replayed {
			t.Errorf("replayed %v: %v", replayed, reaction)
		}
	}
}
