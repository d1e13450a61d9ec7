package threads

import (
	"testing"
	"time"
)

func TestWhichRepliesAreLookedFor(t *testing.T) {
	const written = "1700000000.000200"
	at := func(after time.Duration) time.Time { return time.Unix(1700000000, 0).Add(after) }
	for _, c := range []struct {
		name       string
		since, now time.Time
		want       string
		none       bool
	}{
		{name: "those of a day", now: at(time.Second), want: "1699913600.000000"},
		{name: "none from before the conversation", since: at(-time.Hour + time.Millisecond), now: at(time.Second), want: "1699996400.001000"},
		{name: "of an old conversation those of a day", since: at(-48 * time.Hour), now: at(time.Second), want: "1699913600.000000"},
		{name: "none that SLACK may have forgotten", now: at(74 * time.Hour), want: "1699964000.000000"},
		{name: "none of an old reply", now: at(85 * time.Hour), none: true},
		{name: "none of a former conversation", since: at(time.Minute), now: at(time.Hour), none: true},
	} {
		got, some := after(written, c.since, c.now)
		if some == c.none || some && got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, some, c.want)
		}
	}
	for _, ts := range []string{"", "x"} {
		if got, some := after(ts, time.Time{}, at(0)); some {
			t.Errorf("%q: %s", ts, got)
		}
	}
}
