package edge_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// A press is answered once it is stored, and whoever pressed is told once, however often Slack delivers it.
func TestAPressIsStoredBeforeItIsSaidToBeTaken(t *testing.T) {
	value := element.Line{Thread: "1700000000.000100", TS: "1700000001.000100"}.Value()
	body := "payload=" + url.QueryEscape(`{"type":"block_actions","team":{"id":"T0DEMO1"},"user":{"id":"U0DEMO1","team_id":"T0DEMO1"},"channel":{"id":"C0SUPPORT"},
		"container":{"type":"message","message_ts":"1700000002.000100","channel_id":"C0SUPPORT","is_ephemeral":true},"response_url":"https://hooks.slack.com/x",
		"actions":[{"action_id":"send_all","block_id":"b","type":"button","action_ts":"1700000003.000100","value":`+quoted(value)+`}]}`)
	w, h := newEdge()
	w.err = errors.New("the stream is away")
	if got := take(h, signed(current, now, "/slack/interactions", body)); got[:3] != "503" || len(w.pressed) != 0 {
		t.Errorf("not stored: %s, told %v", got, w.pressed)
	}
	w.err = nil
	for i := range 3 {
		if got := take(h, signed(current, now.Add(time.Duration(i)*time.Second), "/slack/interactions", body)); got[:3] != "200" {
			t.Errorf("%s", got)
		}
	}
	if len(w.facts) != 1 || len(w.pressed) != 1 || w.facts[0].GetActionPressed().GetTs() != "1700000001.000100" {
		t.Errorf("stored %v, told %v", w.facts, w.pressed)
	}
}

// Slack names the workspace of whoever presses something private in a shared channel; the app may be in several others.
func TestAPressOfAStrangerIsTurnedAway(t *testing.T) {
	body := "payload=" + url.QueryEscape(`{"type":"block_actions","team":{"id":"T0PARTNER"},"user":{"id":"U0PARTNER","team_id":"T0PARTNER"},"channel":{"id":"C0SUPPORT"},
		"container":{"type":"message","message_ts":"1700000002.000100","channel_id":"C0SUPPORT","is_ephemeral":true},"response_url":"https://hooks.slack.com/x",
		"actions":[{"action_id":"send_all","block_id":"b","type":"button","action_ts":"1700000003.000100","value":"x"}]}`)
	w, h := newEdge()
	w.stranger = true
	if got := take(h, signed(current, now, "/slack/interactions", body)); got[:3] != "200" || len(w.facts) != 0 || !slices.Equal(w.turned, []string{"U0PARTNER"}) {
		t.Errorf("%s, stored %v, turned away %v", got, w.facts, w.turned)
	}
}

func quoted(s string) string {
	out := `"`
	for _, r := range s {
		if r == '"' || r == '\\' {
			out += `\`
		}
		out += string(r)
	}
	return out + `"`
}
