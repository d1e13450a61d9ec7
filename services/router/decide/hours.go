package decide

import (
	"slices"
	"time"
	_ "time/tzdata" // the image has no time zones of its own

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// horizon is how far ahead business time is looked for: enough for the longest wait that the settings allow at an hour a week, which is more than three years.
const horizon = 5 * 366 * 24 * time.Hour

// InHours tells whether it is business time, by the wall clock of the hours' time zone. Without hours it always is; in a zone that is not known it never is.
func InHours(hours *settingsv1.BusinessHours, at time.Time) bool {
	if hours == nil {
		return true
	}
	zone, err := time.LoadLocation(hours.GetTimeZone())
	if err != nil {
		return false
	}
	wall := wallOf(at.In(zone))
	open := slices.ContainsFunc(openOn(hours, wall.Truncate(day)), func(s span) bool { return !wall.Before(s.start) && wall.Before(s.end) })
	return open != hours.GetOutside()
}

// AddHours answers the first moment of business time at which as much of it has gone by since from; never when there is none for years.
func AddHours(hours *settingsv1.BusinessHours, from time.Time, business time.Duration) (at time.Time, ever bool) {
	if hours == nil {
		return from.Add(business), true
	}
	zone, err := time.LoadLocation(hours.GetTimeZone())
	if err != nil {
		return time.Time{}, false
	}
	for begin, last := from.In(zone), from.Add(horizon); begin.Before(last); {
		// Between two changes of the clock, wall time is time.
		_, end := begin.ZoneBounds()
		if end.IsZero() || end.After(last) {
			end = last
		}
		start := wallOf(begin)
		offset := start.Sub(begin)
		wall, left, found := walk(hours, span{start, end.Add(offset).UTC()}, business)
		if found {
			return wall.Add(-offset), true
		}
		begin, business = end.In(zone), left
	}
	return time.Time{}, false
}

// walk spends business time within s, and answers when it is spent or how much is left.
func walk(hours *settingsv1.BusinessHours, s span, business time.Duration) (at time.Time, left time.Duration, found bool) {
	for date := s.start.Truncate(day); date.Before(s.end); date = date.Add(day) {
		for _, open := range openOn(hours, date) {
			open = open.within(s)
			length := open.end.Sub(open.start)
			if length > business {
				return open.start.Add(business), 0, true
			}
			business -= max(length, 0)
		}
	}
	return time.Time{}, business, false
}

const day = 24 * time.Hour

// A span is a part of the wall clock's time, written as if it were UTC, where every day has 24 hours.
type span struct{ start, end time.Time }

func (s span) within(other span) span {
	if s.start.Before(other.start) {
		s.start = other.start
	}
	if s.end.After(other.end) {
		s.end = other.end
	}
	return s
}

// wallOf reads the clock at t.
func wallOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// openOn answers the business time of a date in order, no two spans meeting. A period belongs to the day on which it begins.
func openOn(hours *settingsv1.BusinessHours, date time.Time) []span {
	var spans []span
	today, yesterday := begins(hours, date), begins(hours, date.Add(-day))
	for _, p := range hours.GetPeriods() {
		start, end := date.Add(clock(p.GetStart())), date.Add(clock(p.GetEnd()))
		overnight := !start.Before(end)
		if overnight && yesterday(p) {
			spans = append(spans, span{date, end})
		}
		if overnight {
			end = date.Add(day)
		}
		if today(p) {
			spans = append(spans, span{start, end})
		}
	}
	return merge(spans)
}

// begins answers which periods begin on a date.
func begins(hours *settingsv1.BusinessHours, date time.Time) func(*settingsv1.BusinessPeriod) bool {
	if slices.Contains(hours.GetHolidays(), date.Format(time.DateOnly)) {
		return func(*settingsv1.BusinessPeriod) bool { return false }
	}
	return func(p *settingsv1.BusinessPeriod) bool {
		return slices.Contains(p.GetWeekdays(), weekdays[date.Weekday()])
	}
}

// clock reads `18:00`; the settings' rules allow nothing else.
func clock(s string) time.Duration {
	if len(s) != len("00:00") {
		return 0
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	return time.Duration(two(0)*60+two(3)) * time.Minute
}

// merge orders spans and joins those that meet, so that no time counts twice.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.start.Compare(b.start) })
	var merged []span
	for _, s := range spans {
		if n := len(merged); n > 0 && !s.start.After(merged[n-1].end) {
			if s.end.After(merged[n-1].end) {
				merged[n-1].end = s.end
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// weekdays are the contract's names of Go's days.
var weekdays = [...]settingsv1.Weekday{
	time.Sunday: settingsv1.Weekday_WEEKDAY_SUNDAY, time.Monday: settingsv1.Weekday_WEEKDAY_MONDAY, time.Tuesday: settingsv1.Weekday_WEEKDAY_TUESDAY,
	time.Wednesday: settingsv1.Weekday_WEEKDAY_WEDNESDAY, time.Thursday: settingsv1.Weekday_WEEKDAY_THURSDAY,
	time.Friday: settingsv1.Weekday_WEEKDAY_FRIDAY, time.Saturday: settingsv1.Weekday_WEEKDAY_SATURDAY,
}
