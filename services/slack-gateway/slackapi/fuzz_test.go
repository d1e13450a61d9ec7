package slackapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// canned answers every call alike, without a network.
type canned struct {
	status     int
	retryAfter string
	body       []byte
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	if c.retryAfter != "" {
		header.Set("Retry-After", c.retryAfter)
	}
	return &http.Response{StatusCode: c.status, Header: header, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r}, nil
}

// Whatever Slack answers, every call says what it means for a second try, and only a yes counts as done.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"ok":true,"channel":"C0SUPPORT","ts":"1700000000.000100","message":{"thread_ts":"1700000000.000000"}}`, `{"ok":true}`, `{"ok":false,"error":"is_archived"}`,
		`{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"x"}`, `{"ok":false}`, `{"ok":"yes","ts":7}`, `<html>`, ``, `null`, `[]`,
		`{"ok":true,"messages":[{"ts":"1700000000.000100","metadata":{"event_type":"slacktalk_post","event_payload":{"marks":"m1"}}}],"has_more":true}`,
		`{"ok":false,"error":"ratelimited","response_metadata":{"messages":["x"]},"errors":["y",{"a":1}]}`,
	} {
		f.Add(uint16(200), "", []byte(seed))
	}
	f.Add(uint16(429), "30", []byte(nil))
	f.Add(uint16(429), "-1", []byte(nil))
	f.Add(uint16(503), "soon", []byte("busy"))
	f.Fuzz(func(t *testing.T, status uint16, retryAfter string, body []byte) {
		answer := canned{status: 200 + int(status%400), retryAfter: retryAfter, body: body}
		if strings.Contains(string(body)+retryAfter, token) {
			return
		}
		client := New("http://127.0.0.1:1/api/", secret.New(token))
		client.http.Transport = answer
		posted, err := client.Post(t.Context(), "C0SUPPORT", "", render.Message{Text: "hello"}, []string{"m1"})
		if (err == nil) != (posted.TS != "") {
			t.Fatalf("%+v with %v", posted, err)
		}
		if err == nil && !bytes.Contains(bytes.ToLower(body), []byte("ok")) {
			t.Fatalf("done without a yes: %d %q", answer.status, body)
		}
		at, found, lookedUp := client.Find(t.Context(), "C0SUPPORT", "", "m1", time.Unix(1_600_000_000, 0))
		if found != (at.TS != "") || found && lookedUp != nil {
			t.Fatalf("found %v: %+v, %v", found, at, lookedUp)
		}
		for name, err := range map[string]error{
			"post": err, "find": lookedUp, "react": client.React(t.Context(), "C0SUPPORT", "1.1", "memo"), "delete": client.Delete(t.Context(), "C0SUPPORT", "1.1"),
			"private": client.Private(t.Context(), "C0SUPPORT", "", "U0DEMO1", render.Message{Text: "hello"}),
		} {
			if err == nil {
				continue
			}
			if said := fmt.Sprintf("%v %+v %q", err, err, err); strings.Contains(said, token) {
				t.Fatalf("%s: the token is in %s", name, said)
			}
			if delay := retry.Delay(err); delay < 0 {
				t.Fatalf("%s: again in %v", name, delay)
			}
		}
	})
}
