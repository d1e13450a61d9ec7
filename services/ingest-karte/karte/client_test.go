package karte

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const token = "demo-token-that-must-not-be-seen"

func clientOf(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := New(server.URL+"/", secret.New(token))
	t.Cleanup(client.Close)
	return client
}

// class names what an error means for a second try.
func class(err error) string {
	reason, permanent := retry.Reason(err)
	switch {
	case err == nil:
		return "done"
	case permanent && reason == eventv1.FailureReason_FAILURE_REASON_REJECTED:
		return "rejected"
	case permanent:
		return "permanent " + reason.String()
	case errors.Is(err, retry.ErrUnknown):
		return "unknown"
	case errors.Is(err, retry.ErrParked):
		return "parked"
	case retry.Delay(err) > 0:
		return "after " + retry.Delay(err).String()
	}
	return "again"
}

func withoutToken(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %q", err, err, err), token) {
		t.Errorf("the token is in %v", err)
	}
}

func TestStatusClasses(t *testing.T) {
	for _, c := range []struct {
		status     int
		retryAfter string
		want       string
	}{
		{200, "", "done"},
		{201, "", "done"},
		{204, "", "done"},
		{301, "", "parked"},
		{307, "", "parked"},
		{400, "", "rejected"},
		{401, "", "parked"},
		{403, "", "parked"},
		{404, "", "rejected"},
		{408, "", "unknown"},
		{409, "", "rejected"},
		{413, "", "rejected"},
		{422, "", "rejected"},
		{429, "", "after 1s"},
		{429, "0", "after 1s"},
		{429, "-5", "after 1s"},
		{429, "soon", "after 1s"},
		{429, "7", "after 7s"},
		{429, "86400", "after 10m0s"},
		{500, "", "unknown"},
		{502, "", "unknown"},
		{503, "7", "unknown"},
		{504, "", "unknown"},
		{599, "", "unknown"},
	} {
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			if c.status != http.StatusNoContent {
				_, _ = fmt.Fprintf(w, `{"error":"refused %s"}`, r.Header.Get("Authorization"))
			}
		})
		for name, err := range map[string]error{
			"send": client.Send(t.Context(), "member-1", "op1", "hello"),
			"note": client.Note(t.Context(), "member-1", "op1", "hello"),
		} {
			if got := class(err); got != c.want {
				t.Errorf("%s, %d with Retry-After %q: %s, want %s (%v)", name, c.status, c.retryAfter, got, c.want, err)
			}
			withoutToken(t, err)
		}
	}
}

func TestAHistoryThatIsNoHistoryIsTriedAgain(t *testing.T) {
	for _, body := range []string{"", "<html>", `{"messages":`, `{"messages":{}}`, `[]`, `{"messages":[1,{"words":"hello"}]}`} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if entries, err := client.History(t.Context(), "member-1", 10); class(err) != "again" {
			t.Errorf("%q: %v, %v", body, entries, err)
		}
		if err := client.Send(t.Context(), "member-1", "op1", "hello"); err != nil {
			t.Errorf("200 with %q is a success for a send: %v", body, err)
		}
	}
}

func TestACutConnectionLeavesTheOutcomeUnknown(t *testing.T) {
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = connection.Close()
	})
	err := client.Send(t.Context(), "member-1", "op1", "hello")
	if class(err) != "unknown" {
		t.Errorf("%s: %v", class(err), err)
	}
	withoutToken(t, err)
}

func TestNoAnswerInTimeLeavesTheOutcomeUnknown(t *testing.T) {
	done := make(chan struct{})
	client := clientOf(t, func(http.ResponseWriter, *http.Request) { <-done })
	t.Cleanup(func() { close(done) })
	client.http.Timeout = 50 * time.Millisecond
	err := client.Send(t.Context(), "member-1", "op1", "hello")
	if class(err) != "unknown" {
		t.Errorf("%s: %v", class(err), err)
	}
	withoutToken(t, err)
}

func TestARefusedConnectionNeverLeft(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	_ = listener.Close()
	client := New(address, secret.New(token))
	t.Cleanup(client.Close)
	err = client.Send(t.Context(), "member-1", "op1", "hello")
	if class(err) != "again" {
		t.Errorf("%s: %v", class(err), err)
	}
	withoutToken(t, err)
}

func TestABadAddressIsNoRetry(t *testing.T) {
	err := New("http://exa mple.com", secret.New(token)).Send(t.Context(), "member-1", "op1", "hello")
	if _, permanent := retry.Reason(err); !permanent {
		t.Errorf("%v", err)
	}
	withoutToken(t, err)
}

func TestTheTokenGoesToTheConfiguredHostOnly(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if err := client.Send(t.Context(), "member-1", "op1", "hello"); class(err) != "parked" {
		t.Errorf("%v", err)
	}
}

func TestWhatIsAsked(t *testing.T) {
	type asked struct{ method, path, auth, kind, body string }
	var got asked
	client := clientOf(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = asked{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}
	})
	for _, c := range []struct {
		call func() error
		path string
		body string
	}{
		{func() error { return client.Send(t.Context(), "member-1", "op1", "こんにちは <b>") }, pathSend,
			`{"content":{"text":"こんにちは <b>"},"sender_id":"op1","user_id":"member-1"}`},
		{func() error { return client.Note(t.Context(), "vis-1", "op1", "memo") }, pathNote,
			`{"content":{"text":"memo"},"sender":{"id":"op1","is_bot":false},"user_id":"vis-1"}`},
		{func() error { return client.Note(t.Context(), "vis-1", "bot-1", "memo") }, pathNote,
			`{"content":{"text":"memo"},"sender":{"id":"bot-1","is_bot":true},"user_id":"vis-1"}`},
	} {
		if err := c.call(); err != nil {
			t.Fatal(err)
		}
		var body, want any
		if json.Unmarshal([]byte(got.body), &body) != nil || json.Unmarshal([]byte(c.body), &want) != nil {
			t.Fatalf("body %s", got.body)
		}
		got.body = ""
		if fmt.Sprint(body) != fmt.Sprint(want) || got != (asked{"POST", c.path, "Bearer " + token, "application/json", ""}) {
			t.Errorf("%+v %v, want %s %s", got, body, c.path, c.body)
		}
	}
}

func TestHistory(t *testing.T) {
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"messages":[
			{"date":"2026-01-01T00:00:00.5Z","content":{"text":"from the customer"}},
			{"date":"2026-01-01T00:00:01Z","account_id":"op1","content":{"text":"by account"}},
			{"date":"2026-01-01T00:00:02Z","account_id":null,"sender_id":"op2","content":{"text":"by sender"}},
			{"date":"2026-01-01T00:00:03Z"},
			{"content":{"text":"without a date"}}]}`)
	})
	entries, err := client.History(t.Context(), "member-1", 10)
	if err != nil || len(entries) != 4 || !entries[3].Date.IsZero() {
		t.Fatal(entries, err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 5e8, time.UTC)
	if e := entries[0]; e.Sender != "" || e.Text != "from the customer" || !e.Date.Equal(start) {
		t.Errorf("%+v", e)
	}
	if entries[1].Sender != "op1" || entries[2].Sender != "op2" {
		t.Errorf("%+v", entries)
	}
}

// What form a line has is documented for few of its members: one that is not as expected hides neither itself nor the others.
func TestOneOddLineDoesNotHideTheHistory(t *testing.T) {
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"messages":[
			{"date":1767225600000,"account_id":"op1","content":{"text":"milliseconds"}},
			{"date":"1767225600","account_id":7,"content":{"text":"seconds"}},
			{"date":"2026-01-01T00:00:00+0000","content":"only words"},
			{"date":"2026-01-01 soon","account_id":"op1","content":{"text":"no date"}},
			{"date":"2026-01-01T00:00:00Z","account_id":"op1","content":{"text":{"odd":1},"image":{"src":"x"}}},
			17, null]}`)
	})
	entries, err := client.History(t.Context(), "member-1", 10)
	if err != nil || len(entries) != 5 {
		t.Fatal(entries, err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, e := range entries {
		if dated := i != 3; dated != e.Date.Equal(start) || dated == e.Date.IsZero() {
			t.Errorf("%q is of %v", e.Text, e.Date)
		}
	}
	if entries[1].Sender != "7" || entries[2].Text != "only words" || !entries[4].Image {
		t.Errorf("%+v", entries)
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for said, want := range map[string]time.Duration{
		"Thu, 01 Jan 2026 00:00:30 GMT": 30 * time.Second, "Wed, 31 Dec 2025 23:00:00 GMT": time.Second, "Fri, 02 Jan 2026 00:00:00 GMT": 10 * time.Minute,
		"99999999999999999": 10 * time.Minute,
	} {
		if got := waitOf(said, now); got != want {
			t.Errorf("%s: %v, want %v", said, got, want)
		}
	}
}

func TestALongExplanationIsShortened(t *testing.T) {
	got := New("", secret.String{}).explanation([]byte(`{"error":"` + strings.Repeat("あ", 500) + `"}`))
	if want := strings.Repeat("あ", 200) + "…"; got != want {
		t.Errorf("got %q", got)
	}
	if got := New("", secret.String{}).explanation([]byte(`<html>`)); got != "" {
		t.Errorf("got %q", got)
	}
}
