package decide

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

func parse(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAddHours(t *testing.T) {
	office := hoursOf("Asia/Tokyo", false, "mon tue wed thu fri 09:00-12:00", "mon tue wed thu fri 13:00-18:00")
	office.Holidays = []string{"2026-01-12"}
	night := hoursOf("Asia/Tokyo", false, "fri 22:00-06:00", "sat 05:00-07:00")
	newYork := hoursOf("America/New_York", false, "sat sun 22:00-06:00")
	for name, c := range map[string]struct {
		hours    *settingsv1.BusinessHours
		from     string // 2026-01-09 is a Friday
		business time.Duration
		want     string
	}{
		"no hours":            {nil, "2026-01-09T23:59:00+09:00", time.Hour, "2026-01-10T00:59:00+09:00"},
		"the same morning":    {office, "2026-01-09T09:10:30+09:00", 30 * time.Minute, "2026-01-09T09:40:30+09:00"},
		"over lunch":          {office, "2026-01-09T11:50:00+09:00", 30 * time.Minute, "2026-01-09T13:20:00+09:00"},
		"before they open":    {office, "2026-01-09T03:00:00+09:00", 30 * time.Minute, "2026-01-09T09:30:00+09:00"},
		"over a long weekend": {office, "2026-01-09T17:45:00+09:00", 30 * time.Minute, "2026-01-13T09:15:00+09:00"},
		"on a holiday":        {office, "2026-01-12T10:00:00+09:00", time.Minute, "2026-01-13T09:01:00+09:00"},
		"just as they close":  {office, "2026-01-09T17:30:00+09:00", 30 * time.Minute, "2026-01-13T09:00:00+09:00"},
		"no time at all":      {office, "2026-01-10T10:00:00+09:00", 0, "2026-01-13T09:00:00+09:00"},
		"a week":              {office, "2026-01-13T09:00:00+09:00", 40 * time.Hour, "2026-01-20T09:00:00+09:00"},
		"past midnight":       {night, "2026-01-09T23:30:00+09:00", time.Hour, "2026-01-10T00:30:00+09:00"},
		"overlapping periods": {night, "2026-01-10T04:30:00+09:00", 2 * time.Hour, "2026-01-10T06:30:00+09:00"},
		"a shorter night":     {newYork, "2026-03-08T00:00:00-05:00", 4 * time.Hour, "2026-03-08T05:00:00-04:00"},
		"a longer night":      {newYork, "2026-11-01T00:00:00-04:00", 4 * time.Hour, "2026-11-01T03:00:00-05:00"},
	} {
		got, ever := AddHours(c.hours, parse(t, c.from), c.business)
		if want := parse(t, c.want); !ever || !got.Equal(want) {
			t.Errorf("%s: got %v (%v), want %v", name, got, ever, want)
		}
	}
	never := hoursOf("Asia/Tokyo", false, "mon 09:00-10:00")
	never.TimeZone = "Mars/Olympus"
	if at, ever := AddHours(never, time.Now(), 0); ever {
		t.Errorf("a zone that is not known has business time at %v", at)
	}
}

func TestHolidays(t *testing.T) {
	hours := hoursOf("Asia/Tokyo", false, "thu fri 09:00-18:00", "thu fri 22:00-06:00")
	hours.Holidays = []string{"2026-01-02"}
	for at, want := range map[string]bool{
		"2026-01-01T10:00:00+09:00": true,
		"2026-01-01T23:00:00+09:00": true,
		"2026-01-02T05:00:00+09:00": true, // it began the day before
		"2026-01-02T10:00:00+09:00": false,
		"2026-01-02T23:00:00+09:00": false,
		"2026-01-03T05:00:00+09:00": false,
	} {
		for _, outside := range []bool{false, true} {
			hours.Outside = outside
			if got := InHours(hours, parse(t, at)); got != (want != outside) {
				t.Errorf("%s, outside %v: %v", at, outside, got)
			}
			if got := Channel(one(&settingsv1.RoutingRule{BusinessHours: hours}), Origin{At: parse(t, at)}) == matched; got != (want != outside) {
				t.Errorf("a rule at %s, outside %v: %v", at, outside, got)
			}
		}
	}
}

// anyHours draws hours that are open for at least half an hour a week, near a change of the clock.
var anyHours = rapid.Custom(func(t *rapid.T) *settingsv1.BusinessHours {
	hours := &settingsv1.BusinessHours{TimeZone: rapid.SampledFrom([]string{
		"UTC", "Asia/Tokyo", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo",
	}).Draw(t, "zone")}
	clock := func(m int) string { return fmt.Sprintf("%02d:%02d", m/60%24, m%60) }
	for range rapid.IntRange(1, 3).Draw(t, "periods") {
		start := rapid.IntRange(0, 47).Draw(t, "start") * 30
		end := start + rapid.IntRange(1, 47).Draw(t, "length")*30
		days := rapid.SliceOfNDistinct(rapid.IntRange(1, 7), 1, 7, rapid.ID).Draw(t, "days")
		p := &settingsv1.BusinessPeriod{Start: clock(start), End: clock(end)}
		for _, d := range days {
			p.Weekdays = append(p.Weekdays, settingsv1.Weekday(d))
		}
		hours.Periods = append(hours.Periods, p)
	}
	for i := range 7 {
		if rapid.IntRange(0, 9).Draw(t, "holiday") == 0 {
			hours.Holidays = append(hours.Holidays, time.Date(2026, 3, 5+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
		}
	}
	return hours
})

var anyTime = rapid.Custom(func(t *rapid.T) time.Time {
	begin := rapid.SampledFrom([]time.Time{
		time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 3, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 10, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC),
	}).Draw(t, "week")
	return begin.Add(time.Duration(rapid.IntRange(0, 4*24*3600).Draw(t, "second")) * time.Second)
})

// Business time is what InHours says, counted minute by minute.
func TestAddHoursCountsWhatInHoursSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours, from := anyHours.Draw(t, "hours"), anyTime.Draw(t, "from").Truncate(time.Minute)
		business := time.Duration(rapid.IntRange(0, 10*60).Draw(t, "minutes")) * time.Minute
		at, left := from, business
		for ; at.Sub(from) < 5*24*time.Hour; at = at.Add(time.Minute) {
			if InHours(hours, at) {
				if left == 0 {
					break
				}
				left -= time.Minute
			}
		}
		if at.Sub(from) >= 5*24*time.Hour {
			t.Skip("further away than is counted here")
		}
		if got, ever := AddHours(hours, from, business); !ever || !got.Equal(at) {
			t.Fatalf("got %v (%v), want %v", got, ever, at)
		}
	})
}

func TestAddHoursIsAnAddition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours, from := anyHours.Draw(t, "hours"), anyTime.Draw(t, "from")
		a := time.Duration(rapid.Int64Range(0, int64(50*time.Hour)).Draw(t, "a"))
		b := time.Duration(rapid.Int64Range(0, int64(50*time.Hour)).Draw(t, "b"))
		first, ever := AddHours(hours, from, a)
		if !ever || first.Before(from) || !InHours(hours, first) {
			t.Fatalf("%v later it is %v (%v), which is no business time after %v", a, first, ever, from)
		}
		twice, _ := AddHours(hours, first, b)
		if once, _ := AddHours(hours, from, a+b); !once.Equal(twice) {
			t.Fatalf("%v and %v later it is %v, both together later %v", a, b, twice, once)
		}
	})
}
