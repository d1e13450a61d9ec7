package catchup

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// failing answers every call with an error and counts them.
type failing struct {
	err   error
	calls int
}

func (f *failing) Thread(context.Context, string, string, string, string, string) (slackapi.Thread, error) {
	f.calls++
	return slackapi.Thread{Project: "demo", Conversation: "xyz"}, f.err
}

func (f *failing) Line(context.Context, string, string, string) (json.RawMessage, error) {
	f.calls++
	return nil, f.err
}

// ask makes an answerer over slack, with a clock of its own, and a function that asks it once.
func ask(api Slack, perMinute int) (now *time.Time, once func() *eventv1.RepliesResponse) {
	at := time.Unix(1700000000, 0)
	a := New(Options{
		Slack: func(string) (Slack, error) { return api, nil }, Self: func(string) (inbound.Self, bool) { return inbound.Self{BotID: "B0BOT"}, true }, PerMinute: perMinute,
		Now: func() time.Time { return at }, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	return &at, func() *eventv1.RepliesResponse {
		response, err := a.Answer(context.Background(), "T0DEMO1", &eventv1.RepliesRequest{})
		return a.judge("T0DEMO1", response, err)
	}
}

func TestRepliesAreNotHeldUpByWhatStays(t *testing.T) {
	for _, c := range []struct {
		name      string
		err       error
		unchecked bool
	}{
		{"missing scope", retry.Parked(slack.SlackErrorResponse{Err: "missing_scope"}), true},
		{"not in the channel just now", retry.Parked(slack.SlackErrorResponse{Err: "not_in_channel"}), false},
		{"thread gone", slackapi.ErrThreadGone, true},
		{"throttled", retry.After(time.Second, errors.New("ratelimited")), true},
		{"slack is down", retry.Unknown(errors.New("500")), false},
		{"connection refused", errors.New("connection refused"), false},
	} {
		_, once := ask(&failing{err: c.err}, 60)
		if got := once(); got.GetUnchecked() != c.unchecked || (got.GetError() == "") != c.unchecked {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestSlackIsLeftAloneAsLongAsItAsksFor(t *testing.T) {
	api := &failing{err: retry.After(30*time.Second, errors.New("ratelimited"))}
	now, once := ask(api, 600)
	once()
	*now = now.Add(29 * time.Second)
	if once(); api.calls != 1 {
		t.Errorf("asked %d times", api.calls)
	}
	*now = now.Add(2 * time.Second)
	if once(); api.calls != 2 {
		t.Errorf("asked %d times after the wait", api.calls)
	}
}

func TestSlackIsAskedNoMoreOftenThanSet(t *testing.T) {
	for perMinute, most := range map[int]int{0: 0, 1: 11, 40: 420} {
		api := &failing{}
		now, once := ask(api, perMinute)
		for range 600 { // ten minutes
			if answer := once(); answer.GetUnchecked() == (answer.GetConversation() != "") {
				t.Fatalf("neither asked nor unchecked: %v", answer)
			}
			*now = now.Add(time.Second)
		}
		if api.calls > most || api.calls < most*9/10 {
			t.Errorf("%d a minute: asked %d times in ten minutes", perMinute, api.calls)
		}
	}
}
