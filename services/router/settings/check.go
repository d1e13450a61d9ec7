package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the image has no time zones of its own

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// maxViolations bounds how many wrong fields are told at once, because they travel in a header of the answer.
const maxViolations = 20

// Check applies the rules written in the .proto to any message. Its error is an *InvalidError when a rule is broken.
func Check(m proto.Message) error {
	err := protovalidate.Validate(m)
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return err
	}
	invalid := &InvalidError{}
	for _, v := range broken.Violations[:min(len(broken.Violations), maxViolations)] {
		invalid.Violations = append(invalid.Violations, Violation{
			Field:       protovalidate.FieldPathString(v.Proto.GetField()),
			Description: v.Proto.GetMessage(),
		})
	}
	return invalid
}

// CheckTeam applies the rules of the .proto and those that join several fields: who wants notifications says where to, and routing rules
// name what is there.
func CheckTeam(t *settingsv1.TeamSettings) error {
	if err := Check(t); err != nil {
		return err
	}
	wrong := slices.Concat(checkPlace(t), checkGroups(t), checkRules(t), checkUnanswered(t.GetUnanswered()))
	if len(wrong) > 0 {
		return &InvalidError{Violations: wrong[:min(len(wrong), maxViolations)]}
	}
	return nil
}

func checkPlace(t *settingsv1.TeamSettings) (wrong []Violation) {
	if !t.GetNotificationsEnabled() {
		return nil
	}
	for _, field := range []struct{ name, value string }{{"workspace", t.GetWorkspace()}, {"channel", t.GetChannel()}} {
		if field.value == "" {
			wrong = append(wrong, Violation{field.name, field.name + " is needed while notifications_enabled is true"})
		}
	}
	return wrong
}

func checkGroups(t *settingsv1.TeamSettings) (wrong []Violation) {
	seen := map[string]bool{}
	for i, group := range t.GetOperatorGroups() {
		if seen[group.GetName()] {
			wrong = append(wrong, Violation{fmt.Sprintf("operator_groups[%d].name", i), "a group before has the same name"})
		}
		seen[group.GetName()] = true
	}
	return wrong
}

func checkRules(t *settingsv1.TeamSettings) (wrong []Violation) {
	for i, rule := range t.GetRoutingRules() {
		path := fmt.Sprintf("routing_rules[%d].", i)
		for j, name := range rule.GetAssigneeGroups() {
			if !slices.ContainsFunc(t.GetOperatorGroups(), func(g *settingsv1.OperatorGroup) bool { return g.GetName() == name }) {
				wrong = append(wrong, Violation{fmt.Sprintf("%sassignee_groups[%d]", path, j), "no group of operator_groups has this name"})
			}
		}
		if strings.ContainsAny(rule.GetPagePathPrefix(), "?#") {
			wrong = append(wrong, Violation{path + "page_path_prefix", "is a path, which ends before ? and #"})
		}
		wrong = append(wrong, checkHours(path+"business_hours.", rule.GetBusinessHours())...)
	}
	return wrong
}

func checkUnanswered(p *settingsv1.UnansweredPolicy) (wrong []Violation) {
	const path = "unanswered."
	remind, escalate := p.GetRemindAfter().AsDuration(), p.GetEscalateAfter().AsDuration()
	if escalate > 0 && escalate <= remind {
		wrong = append(wrong, Violation{path + "escalate_after", "must be longer than remind_after, or 0 for never"})
	}
	if escalate > 0 && len(p.GetEscalationTargets()) == 0 {
		wrong = append(wrong, Violation{path + "escalation_targets", "says whom to mention after escalate_after: members (U…, W…) or user groups (S…)"})
	}
	if p.GetBusinessHours().GetOutside() {
		wrong = append(wrong, Violation{path + "business_hours.outside", "is for routing rules: give the hours in which time counts"})
	}
	return append(wrong, checkHours(path+"business_hours.", p.GetBusinessHours())...)
}

func checkHours(path string, hours *settingsv1.BusinessHours) (wrong []Violation) {
	if hours == nil {
		return nil
	}
	// Local is Go's word for wherever the router happens to run.
	if _, err := time.LoadLocation(hours.GetTimeZone()); err != nil || hours.GetTimeZone() == "Local" {
		wrong = append(wrong, Violation{path + "time_zone", "is not the IANA name of a time zone, like Asia/Tokyo"})
	}
	for i, period := range hours.GetPeriods() {
		if period.GetStart() == period.GetEnd() {
			wrong = append(wrong, Violation{fmt.Sprintf("%speriods[%d].end", path, i), "is the start as well; a whole day is 00:00 to 24:00"})
		}
	}
	return wrong
}
