package karte

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
)

// canned answers every call alike, without a network.
type canned struct {
	status     int
	retryAfter string
	body       []byte
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{}
	if c.retryAfter != "" {
		header.Set("Retry-After", c.retryAfter)
	}
	return &http.Response{StatusCode: c.status, Header: header, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r}, nil
}

// Whatever KARTE answers, only 2xx counts as done, and a history that cannot be read is an error and not an empty one.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"account_id":"op-1","date":"2026-01-02T03:04:05.678Z","content":{"text":"hello"}}]}`, `{"messages":[{"sender_id":"op-1","date":null,"content":null}]}`,
		`{"messages":null}`, `{}`, `[]`, `null`, ``, `<html>`, `{"messages":{"0":1}}`, `{"error":"no such user"}`, `{"error":{"message":"x"}}`,
	} {
		f.Add(uint16(200), "", []byte(seed))
		f.Add(uint16(400), "", []byte(seed))
	}
	f.Add(uint16(429), "30", []byte(nil))
	f.Add(uint16(429), "-99999999999999999999", []byte(nil))
	f.Fuzz(func(t *testing.T, status uint16, retryAfter string, body []byte) {
		answer := canned{status: 200 + int(status)%400, retryAfter: retryAfter, body: body}
		if strings.Contains(string(body)+retryAfter, token) {
			return
		}
		client := New("http://127.0.0.1:1", secret.New(token))
		client.http.Transport = answer
		sent := client.Send(t.Context(), "member-1", "op-1", "hello")
		if (sent == nil) != (answer.status < 300) {
			t.Fatalf("%d: %v", answer.status, sent)
		}
		entries, looked := client.History(t.Context(), "member-1", 100)
		if looked != nil && len(entries) > 0 || looked == nil && (answer.status >= 300 || !bytes.ContainsAny(body, "{n")) {
			t.Fatalf("%d %q: %d entries, %v", answer.status, body, len(entries), looked)
		}
		for _, err := range []error{sent, looked} {
			withoutToken(t, err)
			if delay := retry.Delay(err); delay < 0 || delay > 10*time.Minute {
				t.Fatalf("again in %v", delay)
			}
		}
	})
}
