package slackapi

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// closing is an answer that notes whether it was closed, without which its connection is never used again.
type closing struct {
	io.Reader

	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func (c *closing) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: c, Request: r}, nil
}

func TestOnlyAYesIsAYes(t *testing.T) {
	for body, want := range map[string]bool{
		`{"ok":true,"ts":"1700000000.000100"}`: true, `{"ts":"1700000000.000100"}`: false, `{"ok":false,"ts":"1700000000.000100"}`: false,
	} {
		client, answer := New("http://127.0.0.1:1/api/", secret.New("xoxb-fake")), &closing{Reader: strings.NewReader(body)}
		client.http.Transport = answer
		if posted, err := client.Post(t.Context(), "C0SUPPORT", "", render.Message{Text: "hello"}, []string{"m1"}); (err == nil) != want {
			t.Errorf("%s: %+v, %v", body, posted, err)
		}
		if !answer.closed {
			t.Errorf("%s is not closed", body)
		}
	}
}
