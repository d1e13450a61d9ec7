package decide

import (
	"net/url"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the image has no time zones of its own

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// Origin is what the routing rules look at. What is not known of it fulfils no condition about it.
type Origin struct {
	// PageURL is where the customer was when writing; empty when nobody said, as with an operator's first message.
	PageURL string
	// Assignee is the KARTE operator the conversation is assigned to; empty when nobody.
	Assignee string
	// At is when the message arrived.
	At time.Time
}

// Channel answers the channel in which a conversation's thread belongs: that of the first rule that matches, else the project's. It is asked
// when a conversation is new and when it is to be moved; what is in a thread stays there.
func Channel(team *settingsv1.TeamSettings, o Origin) string {
	for _, rule := range team.GetRoutingRules() {
		if onPage(rule, o.PageURL) && assigned(team, rule, o.Assignee) && inHours(rule.GetBusinessHours(), o.At) {
			return rule.GetChannel()
		}
	}
	return team.GetChannel()
}

// onPage compares the page; hosts are as browsers send them, so international names are in their xn-- form on both sides.
func onPage(rule *settingsv1.RoutingRule, page string) bool {
	if rule.GetPageHost() == "" && rule.GetPagePathPrefix() == "" {
		return true
	}
	u, err := url.Parse(page)
	if err != nil || u.Host == "" {
		return false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return onHost(rule.GetPageHost(), host) && below(rule.GetPagePathPrefix(), u.EscapedPath())
}

func onHost(pattern, host string) bool {
	if domain, wild := strings.CutPrefix(pattern, "*"); wild {
		return strings.HasSuffix(host, domain) && host != domain
	}
	return pattern == "" || pattern == host
}

// below compares whole segments, so that /return is not the beginning of /returns, whichever of the two is percent-encoded.
func below(prefix, path string) bool {
	want, got := segments(prefix), segments(path)
	return len(got) >= len(want) && slices.Equal(want, got[:len(want)])
}

func segments(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	return parts
}

func assigned(team *settingsv1.TeamSettings, rule *settingsv1.RoutingRule, operator string) bool {
	if len(rule.GetAssignees())+len(rule.GetAssigneeGroups()) == 0 {
		return true
	}
	if operator == "" {
		return false
	}
	return slices.Contains(rule.GetAssignees(), operator) ||
		slices.ContainsFunc(team.GetOperatorGroups(), func(g *settingsv1.OperatorGroup) bool {
			return slices.Contains(rule.GetAssigneeGroups(), g.GetName()) && slices.Contains(g.GetOperators(), operator)
		})
}

// inHours compares the wall clock of the rule's time zone. In a zone that is not known it is never the time.
func inHours(hours *settingsv1.BusinessHours, at time.Time) bool {
	if hours == nil {
		return true
	}
	zone, err := time.LoadLocation(hours.GetTimeZone())
	if err != nil {
		return false
	}
	now := at.In(zone)
	open := slices.ContainsFunc(hours.GetPeriods(), func(p *settingsv1.BusinessPeriod) bool { return inPeriod(p, now) })
	return open != hours.GetOutside()
}

func inPeriod(p *settingsv1.BusinessPeriod, now time.Time) bool {
	clock, start, end := now.Format("15:04"), p.GetStart(), p.GetEnd()
	today, yesterday := on(p, now.Weekday()), on(p, (now.Weekday()+6)%7)
	if start < end {
		return today && start <= clock && clock < end
	}
	return today && start <= clock || yesterday && clock < end
}

// weekdays are the contract's names of Go's days.
var weekdays = [...]settingsv1.Weekday{
	time.Sunday: settingsv1.Weekday_WEEKDAY_SUNDAY, time.Monday: settingsv1.Weekday_WEEKDAY_MONDAY, time.Tuesday: settingsv1.Weekday_WEEKDAY_TUESDAY,
	time.Wednesday: settingsv1.Weekday_WEEKDAY_WEDNESDAY, time.Thursday: settingsv1.Weekday_WEEKDAY_THURSDAY,
	time.Friday: settingsv1.Weekday_WEEKDAY_FRIDAY, time.Saturday: settingsv1.Weekday_WEEKDAY_SATURDAY,
}

// on tells whether a period begins on a day.
func on(p *settingsv1.BusinessPeriod, day time.Weekday) bool {
	return slices.Contains(p.GetWeekdays(), weekdays[day])
}
