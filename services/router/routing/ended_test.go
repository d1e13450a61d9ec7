package routing_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestAdminsAreToldOnceThatTheAppIsGone(t *testing.T) {
	d := newDesk(t)
	ended := func(id, workspace string) *eventv1.SlackFact {
		return &eventv1.SlackFact{
			Id: id, Team: workspace, OccurredAt: timestamppb.New(time.Unix(1_700_000_000, 0)),
			Fact: &eventv1.SlackFact_InstallationEnded{InstallationEnded: &eventv1.InstallationEnded{Event: "app_uninstalled"}},
		}
	}
	d.slack(ended("ended-other", "T0OTHER"))
	if got := d.directs(); len(got) != 0 {
		t.Errorf("of another workspace told %v", got)
	}
	for range 2 {
		d.slack(ended("ended-1", team))
	}
	d.slack(ended("ended-2", team)) // tokens_revoked after app_uninstalled
	// Each of its lanes is parked, which is nothing new.
	d.slack(&eventv1.SlackFact{Id: "parked-1", Team: team, Channel: channel, Fact: &eventv1.SlackFact_LaneParked{LaneParked: &eventv1.LaneParked{Project: project, Detail: "not installed", Ended: true}}})
	if got := d.directs(); !slices.Equal(got, []string{"U0ADMIN"}) {
		t.Errorf("told %v", got)
	}
}
