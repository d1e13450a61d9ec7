package listing

import (
	"strings"
	"testing"
	"time"
)

func TestFilter(t *testing.T) {
	item := map[string]any{
		"state": "WAITING", "channel": "C0SUPPORT", "customer": []string{"member-1", "vis-1"},
		"update_time": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "create_time": time.Time{},
	}
	for filter, want := range map[string]bool{
		"":                    true,
		`state = "WAITING"`:   true,
		`state = WAITING`:     true,
		`state != WAITING`:    false,
		`NOT state = WAITING`: false,
		`state = "WAITING" AND channel = "C0OTHER"`:                  false,
		`state = "WAITING" channel = "C0OTHER"`:                      false,
		`state = "NEW" OR channel = "C0SUPPORT"`:                     true,
		`(state = "NEW" OR state = WAITING) AND channel = C0SUPPORT`: true,
		`customer = "vis-1"`:                                         true,
		`customer != "vis-1"`:                                        false,
		`customer = "vis-2"`:                                         false,
		`channel : "SUPP"`:                                           true,
		`update_time > "2026-01-02T00:00:00Z"`:                       true,
		`update_time <= "2026-01-02T03:04:05Z"`:                      true,
		`update_time < "2026-01-02T12:04:05+09:00"`:                  false,
		`create_time < "2030-01-01T00:00:00Z"`:                       false,
	} {
		match, err := ParseFilter(filter, "state", "channel", "customer", "update_time", "create_time")
		if err != nil {
			t.Errorf("%s: %v", filter, err)
		} else if got := match(func(field string) any { return item[field] }); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	for _, filter := range []string{
		"state", "state =", `nothing = "x"`, `state = "x" AND`, "(", `state = "x"` + "\x00", "\"", `update_time > "yesterday"`, `f(state)`, `state.x = "y"`, `state = f(x)`,
		strings.Repeat("(", 900), strings.Repeat("NOT ", 200) + "state", `state = state.x`, `"x" = state`, `state = -x`,
	} {
		if _, err := ParseFilter(filter, "state", "update_time"); err == nil {
			t.Errorf("%.40q is taken", filter)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add(`state = "WAITING" AND (update_time < "2026-01-31T00:00:00Z" OR NOT channel : "C")`)
	f.Fuzz(func(_ *testing.T, filter string) {
		if len(filter) > 1000 { // the contract's limit
			return
		}
		match, err := ParseFilter(filter, "state", "channel", "update_time")
		if err == nil {
			match(func(string) any { return "" })
			match(func(string) any { return time.Unix(1, 0) })
		}
	})
}
