package edge_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

func TestWhatComesFromAChannelWithAnotherIDIsStoredUnderTheFirst(t *testing.T) {
	w, h := newEdge()
	written := enveloped(strings.ReplaceAll(reply, "C0SUPPORT", "C0NOW"))
	if got := take(h, signed(current, now, events, written)); got[:3] != "200" {
		t.Fatal(got)
	}
	value := element.Line{Thread: "1700000000.000100", TS: "1700000001.000100"}.Value()
	body := "payload=" + url.QueryEscape(`{"type":"block_actions","team":{"id":"T0DEMO1"},"user":{"id":"U0DEMO1","team_id":"T0DEMO1"},"channel":{"id":"C0NOW"},
		"container":{"type":"message","message_ts":"1700000002.000100","channel_id":"C0NOW","is_ephemeral":true},
		"actions":[{"action_id":"send_all","block_id":"b","type":"button","action_ts":"1700000003.000100","value":`+quoted(value)+`}]}`)
	if got := take(h, signed(current, now, "/slack/interactions", body)); got[:3] != "200" {
		t.Fatal(got)
	}
	for _, fact := range w.facts {
		if fact.GetChannel() != "G0BEFORE" || !strings.Contains(fact.GetId(), "-G0BEFORE-") {
			t.Errorf("stored as %s in %s", fact.GetId(), fact.GetChannel())
		}
	}
	if len(w.facts) != 2 {
		t.Errorf("stored %v", w.facts)
	}
	take(h, signed(current, now, events, enveloped(`{"type":"group_unarchive","channel":"C0NOW"}`)))
	if len(w.wakes) != 1 || w.wakes[0].Channel != "G0BEFORE" {
		t.Errorf("woken: %v", w.wakes)
	}
}

func TestANewIDOfAChannelIsToldAgainUntilItIsWrittenDown(t *testing.T) {
	w, h := newEdge()
	changed := enveloped(`{"type":"channel_id_changed","old_channel_id":"G0DEMO1","new_channel_id":"C0DEMO1"}`)
	w.unwritten = errors.New("the bucket is away")
	if got := take(h, signed(current, now, events, changed)); got[:3] != "503" {
		t.Errorf("not written down: %s", got)
	}
	w.unwritten = nil
	if got := take(h, signed(current, now.Add(time.Second), events, changed)); got[:3] != "200" {
		t.Errorf("written down: %s", got)
	}
	if want := "T0DEMO1 G0DEMO1 C0DEMO1"; !slices.Equal(w.renamed, []string{want, want}) {
		t.Errorf("told %v", w.renamed)
	}
}
