package threads

import "testing"

func TestEarlier(t *testing.T) {
	for ts, want := range map[string]string{"1700000000.000200": "1699913600.000200", "5.000100": "0", "": "0", "x": "0"} {
		if got := earlier(ts); got != want {
			t.Errorf("%s: %s, want %s", ts, got, want)
		}
	}
}
