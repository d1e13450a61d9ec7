package replay_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/replay"
)

func TestARequestIsRememberedForTheWindow(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	m := replay.New(10*time.Minute, 1000, func() time.Time { return now })
	begin := now
	for minute := range 60 {
		now = begin.Add(time.Duration(minute) * time.Minute)
		m.Add(replay.Of(strconv.Itoa(minute), []byte("body")))
		for before := max(minute-10, 0); before <= minute; before++ {
			if !m.Has(replay.Of(strconv.Itoa(before), []byte("body"))) {
				t.Fatalf("minute %d: the request of minute %d is forgotten", minute, before)
			}
		}
		if before := minute - 21; before >= 0 && m.Has(replay.Of(strconv.Itoa(before), []byte("body"))) {
			t.Fatalf("minute %d: the request of minute %d is still there", minute, before)
		}
	}
	now = now.Add(time.Hour)
	if m.Has(replay.Of("59", []byte("body"))) {
		t.Error("after an hour of silence the latest request is still there")
	}
}

func TestTheLatestRequestsAreRememberedHoweverManyCome(t *testing.T) {
	m := replay.New(time.Hour, 100, time.Now)
	for n := range 1000 {
		m.Add(replay.Of(strconv.Itoa(n), nil))
		for before := max(n-99, 0); before <= n; before++ {
			if !m.Has(replay.Of(strconv.Itoa(before), nil)) {
				t.Fatalf("after %d: request %d is forgotten", n, before)
			}
		}
	}
	if m.Has(replay.Of("500", nil)) {
		t.Error("there is no bound")
	}
}

func TestTimeAndBodyAreToldApart(t *testing.T) {
	if replay.Of("1", []byte("23")) == replay.Of("12", []byte("3")) {
		t.Error("two requests are taken for one")
	}
}
