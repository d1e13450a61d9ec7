package oauth

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAStateIsOfOneBrowserAndEnds(t *testing.T) {
	now, keys, former := time.Unix(1_700_000_000, 0), [][]byte{[]byte("current")}, [][]byte{[]byte("former")}
	state := newState(keys, "browser", now)
	for name, c := range map[string]struct {
		keys           [][]byte
		state, browser string
		after          time.Duration
		want           error
	}{
		"good":            {keys, state, "browser", time.Minute, nil},
		"the last moment": {keys, state, "browser", valid, nil},
		"too late":        {keys, state, "browser", valid + time.Second, errExpired},
		"another browser": {keys, state, "else", 0, errForged},
		"no cookie":       {keys, state, "", 0, errForged},
		"another key":     {former, state, "browser", 0, errForged},
		"key was changed": {append(former, keys...), state, "browser", 0, nil},
		"longer":          {keys, strings.Replace(state, ".", ".9", 1), "browser", 0, errForged},
		"unsigned":        {keys, state[:strings.LastIndexByte(state, '.')+1], "browser", 0, errForged},
		"nothing":         {keys, "", "browser", 0, errForged},
	} {
		if err := checkState(c.keys, c.state, c.browser, now.Add(c.after)); !errors.Is(err, c.want) || err != nil && c.want == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if newState(keys, "browser", now) == state {
		t.Error("two states are the same")
	}
}

func TestEveryPageHasItsWords(t *testing.T) {
	for name, p := range pages {
		if p.status == 0 || p.ja.Title == "" || p.ja.Text == "" || p.en.Title == "" || p.en.Text == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
