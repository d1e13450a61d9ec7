package settings_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// routed has rules that keep every rule.
func routed() *settingsv1.TeamSettings {
	hours := func(zone string) *settingsv1.BusinessHours {
		return &settingsv1.BusinessHours{TimeZone: zone, Periods: []*settingsv1.BusinessPeriod{
			{Weekdays: []settingsv1.Weekday{1, 7}, Start: "09:00", End: "18:00"},
			{Weekdays: []settingsv1.Weekday{5}, Start: "22:00", End: "06:00"},
			{Weekdays: []settingsv1.Weekday{6}, Start: "00:00", End: "24:00"},
		}}
	}
	return &settingsv1.TeamSettings{
		Name:           settings.TeamName("demo"),
		OperatorGroups: []*settingsv1.OperatorGroup{{Name: "一次受け", Operators: []string{"op1"}}, {Name: "returns"}},
		RoutingRules: []*settingsv1.RoutingRule{
			{PageHost: "*.example.com", PagePathPrefix: "/返品", Channel: "C0RETURNS"},
			{Assignees: []string{"op1"}, AssigneeGroups: []string{"returns", "一次受け"}, BusinessHours: hours("Asia/Tokyo"), Channel: "C0DAY"},
			{BusinessHours: hours("UTC"), Channel: "C0NIGHT"},
		},
		NoteOnlyChannels: []string{"C0RETURNS"},
		Unanswered: &settingsv1.UnansweredPolicy{
			RemindAfter: durationpb.New(10 * time.Minute), EscalateAfter: durationpb.New(time.Hour), EscalationTargets: []string{"S0LEADS"}, BusinessHours: hours("Asia/Tokyo"),
		},
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	period := func(t *settingsv1.TeamSettings) *settingsv1.BusinessPeriod {
		return t.GetRoutingRules()[1].GetBusinessHours().GetPeriods()[1]
	}
	for _, c := range []struct {
		name   string
		change func(*settingsv1.TeamSettings)
		fields []string
	}{
		{"nothing", func(*settingsv1.TeamSettings) {}, nil},
		{"time zone unknown", func(t *settingsv1.TeamSettings) { t.RoutingRules[1].BusinessHours.TimeZone = "Asia/Atlantis" },
			[]string{"routing_rules[1].business_hours.time_zone"}},
		{"time zone local", func(t *settingsv1.TeamSettings) { t.RoutingRules[2].BusinessHours.TimeZone = "Local" },
			[]string{"routing_rules[2].business_hours.time_zone"}},
		{"time zone a path", func(t *settingsv1.TeamSettings) { t.RoutingRules[2].BusinessHours.TimeZone = "../../etc/passwd" },
			[]string{"routing_rules[2].business_hours.time_zone"}},
		{"no time zone", func(t *settingsv1.TeamSettings) { t.RoutingRules[1].BusinessHours.TimeZone = "" },
			[]string{"routing_rules[1].business_hours.time_zone"}},
		{"group gone", func(t *settingsv1.TeamSettings) { t.OperatorGroups = t.OperatorGroups[:1] },
			[]string{"routing_rules[1].assignee_groups[0]"}},
		{"group twice", func(t *settingsv1.TeamSettings) { t.OperatorGroups[1].Name = "一次受け" },
			[]string{"operator_groups[1].name", "routing_rules[1].assignee_groups[0]"}},
		{"period of no length", func(t *settingsv1.TeamSettings) { period(t).End = "22:00" },
			[]string{"routing_rules[1].business_hours.periods[1].end"}},
		{"no periods", func(t *settingsv1.TeamSettings) { t.RoutingRules[1].BusinessHours.Periods = nil },
			[]string{"routing_rules[1].business_hours.periods"}},
		{"time that is none", func(t *settingsv1.TeamSettings) { period(t).Start = "24:00" },
			[]string{"routing_rules[1].business_hours.periods[1].start"}},
		{"day that is none", func(t *settingsv1.TeamSettings) { period(t).Weekdays = []settingsv1.Weekday{0} },
			[]string{"routing_rules[1].business_hours.periods[1].weekdays[0]"}},
		{"path with a query", func(t *settingsv1.TeamSettings) { t.RoutingRules[0].PagePathPrefix = "/a?b" },
			[]string{"routing_rules[0].page_path_prefix"}},
		{"path that does not begin", func(t *settingsv1.TeamSettings) { t.RoutingRules[0].PagePathPrefix = "returns" },
			[]string{"routing_rules[0].page_path_prefix"}},
		{"host that is a URL", func(t *settingsv1.TeamSettings) { t.RoutingRules[0].PageHost = "https://example.com" },
			[]string{"routing_rules[0].page_host"}},
		{"host in capitals", func(t *settingsv1.TeamSettings) { t.RoutingRules[0].PageHost = "Example.com" },
			[]string{"routing_rules[0].page_host"}},
		{"escalated before it is reminded of", func(t *settingsv1.TeamSettings) { t.Unanswered.EscalateAfter = t.Unanswered.RemindAfter },
			[]string{"unanswered.escalate_after"}},
		{"escalated to nobody", func(t *settingsv1.TeamSettings) { t.Unanswered.EscalationTargets = nil }, []string{"unanswered.escalation_targets"}},
		{"never escalated", func(t *settingsv1.TeamSettings) {
			t.Unanswered.EscalateAfter, t.Unanswered.EscalationTargets = nil, nil
		}, nil},
		{"time that counts outside", func(t *settingsv1.TeamSettings) { t.Unanswered.BusinessHours.Outside = true }, []string{"unanswered.business_hours.outside"}},
		{"no such zone to wait in", func(t *settingsv1.TeamSettings) { t.Unanswered.BusinessHours.TimeZone = "Asia/Atlantis" },
			[]string{"unanswered.business_hours.time_zone"}},
		{"no channel", func(t *settingsv1.TeamSettings) { t.RoutingRules[0].Channel = "" }, []string{"routing_rules[0].channel"}},
		{"note-only channel that is none", func(t *settingsv1.TeamSettings) { t.NoteOnlyChannels[0] = "general" }, []string{"note_only_channels[0]"}},
		{"too many rules", func(t *settingsv1.TeamSettings) {
			t.RoutingRules = slices.Repeat([]*settingsv1.RoutingRule{{Channel: "C0MANY"}}, 51)
		}, []string{"routing_rules"}},
		{"everything wrong", func(t *settingsv1.TeamSettings) {
			t.RoutingRules = slices.Repeat([]*settingsv1.RoutingRule{{Channel: "C0MANY", AssigneeGroups: []string{"gone"}}}, 50)
		}, nil},
	} {
		team := routed()
		c.change(team)
		err := settings.CheckTeam(team)
		var invalid *settings.InvalidError
		var fields []string
		if errors.As(err, &invalid) {
			for _, v := range invalid.Violations {
				fields = append(fields, v.Field)
			}
		}
		if c.name == "everything wrong" {
			if len(fields) != 20 {
				t.Errorf("%s: %d fields are told, want 20", c.name, len(fields))
			}
			continue
		}
		if !slices.Equal(fields, c.fields) || (err == nil) != (c.fields == nil) {
			t.Errorf("%s: %v names %q, want %q", c.name, err, fields, c.fields)
		}
	}
}
