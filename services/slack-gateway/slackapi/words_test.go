package slackapi

import (
	"errors"
	"fmt"
	"testing"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/retry"
)

func TestWordsAreSlacksOwn(t *testing.T) {
	for want, err := range map[string]error{
		"not_in_channel": slack.SlackErrorResponse{Err: "not_in_channel"},
		"missing_scope (needs the scope chat:write)":   slack.SlackErrorResponse{Err: "missing_scope", Needed: "chat:write"},
		"chat.postMessage to C0DEMO1: nobody answered": nil,
	} {
		if err == nil {
			err = errors.New("nobody answered")
		} else {
			err = classify(err)
		}
		if got := Words(fmt.Errorf("chat.postMessage to C0DEMO1: %w", err)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := Words(retry.Parked(errors.New("no token"))); got != "parked: no token" {
		t.Errorf("%q", got)
	}
}
