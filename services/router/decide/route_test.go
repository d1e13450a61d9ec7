package decide

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const fallback, matched = "C0SUPPORT", "C0MATCHED"

// one is a project with one rule.
func one(rule *settingsv1.RoutingRule) *settingsv1.TeamSettings {
	rule.Channel = matched
	return &settingsv1.TeamSettings{Channel: fallback, RoutingRules: []*settingsv1.RoutingRule{rule}, OperatorGroups: []*settingsv1.OperatorGroup{
		{Name: "first line", Operators: []string{"op1", "op2"}}, {Name: "returns", Operators: []string{"op3"}}, {Name: "nobody"},
	}}
}

func TestPagesOfRules(t *testing.T) {
	for _, c := range []struct {
		host, path, page string
		want             bool
	}{
		{"", "", "", true},
		{"", "", "::not a url", true},
		{"shop.example.com", "", "https://shop.example.com/cart#top", true},
		{"shop.example.com", "", "https://shop.example.com", true},
		{"shop.example.com", "", "https://SHOP.Example.com:8443/", true},
		{"shop.example.com", "", "https://shop.example.com./", true},
		{"shop.example.com", "", "https://www.shop.example.com/", false},
		{"shop.example.com", "", "https://shop.example.com.evil.example.net/", false},
		{"shop.example.com", "", "https://shop.example.com@evil.example.net/", false},
		{"shop.example.com", "", "https://evil.example.net/?shop.example.com", false},
		{"shop.example.com", "", "/cart", false},
		{"shop.example.com", "", "", false},
		{"shop.example.com", "", "https://shop.example.com:x/", false},
		{"*.example.com", "", "https://a.example.com/", true},
		{"*.example.com", "", "https://a.b.example.com/", true},
		{"*.example.com", "", "https://example.com/", false},
		{"*.example.com", "", "https://.example.com/", false},
		{"*.example.com", "", "https://badexample.com/", false},
		{"", "/returns", "https://example.com/returns", true},
		{"", "/returns", "https://example.com/returns/", true},
		{"", "/returns/", "https://example.com/returns", true},
		{"", "/returns", "https://example.com/returns/42?x=1", true},
		{"", "/returns", "https://example.com/returns-policy", false},
		{"", "/returns", "https://example.com/Returns", false},
		{"", "/returns", "https://example.com/", false},
		{"", "/returns", "https://example.com/?/returns", false},
		{"", "/returns", "", false},
		{"", "/", "https://example.com", true},
		{"", "/返品", "https://example.com/%E8%BF%94%E5%93%81/1", true},
		{"", "/%E8%BF%94%E5%93%81", "https://example.com/返品", true},
		{"", "/a/b", "https://example.com/a%2Fb", false},
		{"a.example.com", "/x", "https://a.example.com/x/y", true},
		{"a.example.com", "/x", "https://b.example.com/x", false},
		{"a.example.com", "/x", "https://a.example.com/y", false},
	} {
		team := one(&settingsv1.RoutingRule{PageHost: c.host, PagePathPrefix: c.path})
		if got := Channel(team, Origin{PageURL: c.page}) == matched; got != c.want {
			t.Errorf("rule %q %q on page %q: %v", c.host, c.path, c.page, got)
		}
	}
}

func TestAssigneesOfRules(t *testing.T) {
	for _, c := range []struct {
		operators, groups []string
		assignee          string
		want              bool
	}{
		{nil, nil, "", true},
		{[]string{"op1"}, nil, "op1", true},
		{[]string{"op1"}, nil, "op2", false},
		{[]string{"op1"}, nil, "", false},
		{nil, []string{"first line"}, "op2", true},
		{nil, []string{"first line", "returns"}, "op3", true},
		{nil, []string{"first line"}, "op3", false},
		{nil, []string{"nobody"}, "", false},
		{nil, []string{"gone"}, "op1", false},
		{[]string{"op9"}, []string{"returns"}, "op9", true},
		{[]string{"op9"}, []string{"returns"}, "op3", true},
		{[]string{""}, nil, "", false},
	} {
		team := one(&settingsv1.RoutingRule{Assignees: c.operators, AssigneeGroups: c.groups})
		if got := Channel(team, Origin{Assignee: c.assignee}) == matched; got != c.want {
			t.Errorf("rule %v %v with %q: %v", c.operators, c.groups, c.assignee, got)
		}
	}
}

var days = map[string]settingsv1.Weekday{"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 7}

// hoursOf reads "fri sat 22:00-06:00".
func hoursOf(zone string, outside bool, periods ...string) *settingsv1.BusinessHours {
	hours := &settingsv1.BusinessHours{TimeZone: zone, Outside: outside}
	for _, text := range periods {
		period := &settingsv1.BusinessPeriod{}
		for word := range strings.FieldsSeq(text) {
			if day, ok := days[word]; ok {
				period.Weekdays = append(period.Weekdays, day)
				continue
			}
			period.Start, period.End, _ = strings.Cut(word, "-")
		}
		hours.Periods = append(hours.Periods, period)
	}
	return hours
}

func TestBusinessHoursOfRules(t *testing.T) {
	const tokyo = "Asia/Tokyo"
	office := []string{"mon tue wed thu fri 09:00-18:00", "sat 10:00-12:00"}
	for _, c := range []struct {
		zone    string
		periods []string
		at      string // 2026-01-02 is a Friday
		want    bool
	}{
		{tokyo, office, "2026-01-02T09:00:00+09:00", true},
		{tokyo, office, "2026-01-02T08:59:59+09:00", false},
		{tokyo, office, "2026-01-02T17:59:59+09:00", true},
		{tokyo, office, "2026-01-02T18:00:00+09:00", false},
		{tokyo, office, "2026-01-02T00:30:00Z", true},
		{tokyo, office, "2026-01-01T15:30:00Z", false},
		{tokyo, office, "2026-01-03T11:00:00+09:00", true},
		{tokyo, office, "2026-01-04T11:00:00+09:00", false},
		{tokyo, []string{"fri 22:00-06:00"}, "2026-01-02T22:00:00+09:00", true},
		{tokyo, []string{"fri 22:00-06:00"}, "2026-01-03T05:59:00+09:00", true},
		{tokyo, []string{"fri 22:00-06:00"}, "2026-01-03T06:00:00+09:00", false},
		{tokyo, []string{"fri 22:00-06:00"}, "2026-01-02T05:00:00+09:00", false},
		{tokyo, []string{"fri 22:00-06:00"}, "2026-01-03T22:00:00+09:00", false},
		{tokyo, []string{"sun 22:00-06:00"}, "2026-01-05T01:00:00+09:00", true},
		{tokyo, []string{"fri 18:00-00:00"}, "2026-01-02T23:59:59+09:00", true},
		{tokyo, []string{"fri 18:00-00:00"}, "2026-01-03T00:00:00+09:00", false},
		{tokyo, []string{"fri 18:00-24:00"}, "2026-01-02T23:59:59+09:00", true},
		{tokyo, []string{"fri 00:00-24:00"}, "2026-01-02T00:00:00+09:00", true},
		{tokyo, []string{"fri 00:00-24:00"}, "2026-01-03T00:00:00+09:00", false},
		// In New York the clock goes from 02:00 to 03:00 on 2026-03-08.
		{"America/New_York", []string{"sun 09:00-10:00"}, "2026-03-08T13:30:00Z", true},
		{"America/New_York", []string{"sun 09:00-10:00"}, "2026-03-01T13:30:00Z", false},
		{"America/New_York", []string{"sun 09:00-10:00"}, "2026-03-01T14:30:00Z", true},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		for _, outside := range []bool{false, true} {
			team := one(&settingsv1.RoutingRule{BusinessHours: hoursOf(c.zone, outside, c.periods...)})
			if got := Channel(team, Origin{At: at}) == matched; got != (c.want != outside) {
				t.Errorf("%v in %s at %s, outside %v: %v", c.periods, c.zone, c.at, outside, got)
			}
		}
	}
	for _, outside := range []bool{false, true} {
		team := one(&settingsv1.RoutingRule{BusinessHours: hoursOf("Mars/Olympus", outside, office...)})
		if Channel(team, Origin{At: time.Unix(1e9, 0)}) == matched {
			t.Errorf("a time zone that is not known matches, outside %v", outside)
		}
	}
}

func TestTheFirstRuleThatMatchesWins(t *testing.T) {
	team := &settingsv1.TeamSettings{Channel: fallback, RoutingRules: []*settingsv1.RoutingRule{
		{PageHost: "a.example.com", Assignees: []string{"op1"}, Channel: "C0BOTH"},
		{PageHost: "a.example.com", Channel: "C0HOST"},
		{Assignees: []string{"op1"}, Channel: "C0OPERATOR"},
		{PageHost: "*.example.com", Channel: "C0DOMAIN"},
	}}
	for _, c := range []struct{ page, assignee, want string }{
		{"https://a.example.com/", "op1", "C0BOTH"},
		{"https://a.example.com/", "", "C0HOST"},
		{"https://b.example.com/", "op1", "C0OPERATOR"},
		{"https://b.example.com/", "op2", "C0DOMAIN"},
		{"", "op1", "C0OPERATOR"},
		{"", "", fallback},
	} {
		if got := Channel(team, Origin{PageURL: c.page, Assignee: c.assignee}); got != c.want {
			t.Errorf("%s of %q: %s, want %s", c.page, c.assignee, got, c.want)
		}
	}
	team.RoutingRules = append([]*settingsv1.RoutingRule{{Channel: "C0ALL"}}, team.GetRoutingRules()...)
	if got := Channel(team, Origin{}); got != "C0ALL" {
		t.Errorf("a rule without conditions: %s", got)
	}
	if got := Channel(&settingsv1.TeamSettings{Channel: fallback}, Origin{PageURL: "https://a.example.com/"}); got != fallback {
		t.Errorf("no rules: %s", got)
	}
}

// A period is the set of its minutes: counted one by one from its start to its end, whichever days that touches.
func TestPeriodsAreTheMinutesFromStartToEnd(t *testing.T) {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		start, length := rapid.IntRange(0, 1439).Draw(t, "start"), rapid.IntRange(1, 1439).Draw(t, "length")
		day, minute := rapid.IntRange(0, 6).Draw(t, "day"), rapid.IntRange(0, 7*1440-1).Draw(t, "minute")
		clock := func(m int) string { return fmt.Sprintf("%02d:%02d", m/60%24, m%60) }
		period := &settingsv1.BusinessPeriod{
			Weekdays: []settingsv1.Weekday{settingsv1.Weekday(day + 1)}, Start: clock(start), End: clock(start + length),
		}
		since := (minute - day*1440 - start + 14*1440) % (7 * 1440)
		hours := &settingsv1.BusinessHours{TimeZone: "UTC", Periods: []*settingsv1.BusinessPeriod{period}}
		if got := InHours(hours, monday.Add(time.Duration(minute)*time.Minute)); got != (since < length) {
			t.Fatalf("%v at minute %d of the week: %v", period, minute, got)
		}
	})
}

func FuzzChannel(f *testing.F) {
	f.Add("https://shop.example.com/returns/1?x=%zz#y", "*.example.com", "/returns")
	f.Fuzz(func(t *testing.T, page, host, path string) {
		team := one(&settingsv1.RoutingRule{PageHost: host, PagePathPrefix: path})
		if got := Channel(team, Origin{PageURL: page}); got != matched && got != fallback {
			t.Errorf("got %q", got)
		}
	})
}
