package catchup

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// line is a workspace in which every line is the same.
type line struct{ raw string }

func (l line) Thread(context.Context, string, string, string, string, string) (slackapi.Thread, error) {
	return slackapi.Thread{}, nil
}

func (l line) Line(context.Context, string, string, string) (json.RawMessage, error) {
	if l.raw == "" {
		return nil, nil
	}
	return json.RawMessage(l.raw), nil
}

func answererOf(api Slack, perMinute int, now func() time.Time) *Answerer {
	return New(Options{
		Slack: func(string) (Slack, error) { return api, nil }, Self: func(string) (inbound.Self, bool) {
			return inbound.Self{BotUser: "U0BOT", BotID: "B0BOT", Team: "T0DEMO1"}, true
		}, PerMinute: perMinute,
		Now: now, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
}

func TestWhatALineSaysNow(t *testing.T) {
	const thread, ts = "1700000000.000100", "1700000001.000100"
	request := &eventv1.MessageRequest{Team: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: thread, Ts: ts}
	for name, c := range map[string]struct {
		raw, says, edited string
	}{
		"as it was written": {`{"type":"message","user":"U0HANAKO","text":"hello","ts":"` + ts + `","thread_ts":"` + thread + `"}`, "hello", ""},
		"edited": {
			`{"type":"message","user":"U0HANAKO","text":"hello again","ts":"` + ts + `","thread_ts":"` + thread + `","edited":{"user":"U0HANAKO","ts":"1700000009.000000"}}`, "hello again", "1700000009.000000",
		},
		"gone":                            {"", "", ""},
		"a tombstone":                     {`{"type":"message","subtype":"tombstone","user":"USLACKBOT","text":"This message was deleted.","ts":"` + ts + `","thread_ts":"` + thread + `"}`, "", ""},
		"another app's":                   {`{"type":"message","user":"U0APP","bot_id":"B0APP","text":"hello","ts":"` + ts + `","thread_ts":"` + thread + `"}`, "", ""},
		"our own":                         {`{"type":"message","user":"U0BOT","bot_id":"B0BOT","text":"hello","ts":"` + ts + `","thread_ts":"` + thread + `"}`, "", ""},
		"in another thread":               {`{"type":"message","user":"U0HANAKO","text":"hello","ts":"` + ts + `","thread_ts":"1600000000.000100"}`, "", ""},
		"edited, and nobody can say when": {`{"type":"message","user":"U0HANAKO","text":"hello","ts":"` + ts + `","thread_ts":"` + thread + `","edited":true}`, "", ""},
		"edited without a time":           {`{"type":"message","user":"U0HANAKO","text":"hello","ts":"` + ts + `","thread_ts":"` + thread + `","edited":{}}`, "", ""},
	} {
		got, err := answererOf(line{c.raw}, 60, time.Now).Line(t.Context(), "T0DEMO1", request)
		says := ""
		for _, b := range got.GetMessage().GetContent().GetBlocks() {
			says += b.GetInlines()[0].GetText()
		}
		if err != nil || says != c.says || got.GetEditedTs() != c.edited || (got.GetMessage() != nil) != (c.says != "") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Nothing is decided without it, so there is no answer that looks like one.
func TestALineWaitsForItsTurn(t *testing.T) {
	at := time.Unix(1700000000, 0)
	api := &failing{}
	a := answererOf(api, 2, func() time.Time { return at })
	request := &eventv1.MessageRequest{Team: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: "1.1", Ts: "1.2"}
	if _, err := a.Line(t.Context(), "T0DEMO1", request); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Line(t.Context(), "T0DEMO1", request); err == nil {
		t.Errorf("over the budget, and yet %v", got)
	}
	at = at.Add(31 * time.Second)
	if _, err := a.Line(t.Context(), "T0DEMO1", request); err != nil {
		t.Error(err)
	}
	api.err = retry.After(time.Minute, errors.New("ratelimited"))
	at = at.Add(31 * time.Second)
	if got, err := a.Line(t.Context(), "T0DEMO1", request); err == nil || api.calls != 3 {
		t.Errorf("%v after %d calls", got, api.calls)
	}
}
