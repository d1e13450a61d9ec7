package slackstandin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// ask calls a method with the token of the app.
func ask(t *testing.T, base, token, method string, form url.Values) (http.Header, string) {
	t.Helper()
	form.Set("token", token)
	answer, err := http.PostForm(base+"/api/"+method, form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body := make([]byte, 4096)
	n, _ := answer.Body.Read(body)
	return answer.Header, string(body[:n])
}

func TestScopesAreSaidAndHeld(t *testing.T) {
	s := New(Config{BotToken: "xoxb-demo"})
	server := httptest.NewServer(s)
	defer server.Close()
	s.AddChannel(Channel{ID: "C0OPEN", Members: []string{"U0BOT"}})
	s.AddChannel(Channel{ID: "C0CLOSED", Private: true, Members: []string{"U0BOT"}})
	header, _ := ask(t, server.URL, "xoxb-demo", "auth.test", url.Values{})
	if got := strings.Split(header.Get("X-OAuth-Scopes"), ","); !slices.Equal(got, AllScopes()) {
		t.Errorf("%v", got)
	}
	s.SetScopes("channels:read")
	for _, tt := range []struct{ method, channel, want string }{
		{"auth.test", "", `"ok":true`},
		{"conversations.info", "C0OPEN", `"ok":true`},
		{"conversations.info", "C0CLOSED", `"needed":"groups:read"`},
		{"chat.postMessage", "C0OPEN", `"error":"missing_scope"`},
	} {
		if _, body := ask(t, server.URL, "xoxb-demo", tt.method, url.Values{"channel": {tt.channel}, "text": {"hello"}}); !strings.Contains(body, tt.want) {
			t.Errorf("%s %s: %s", tt.method, tt.channel, body)
		}
	}
	s.SetCredentials("xoxb-other", "")
	if _, body := ask(t, server.URL, "xoxb-demo", "auth.test", url.Values{}); !strings.Contains(body, "invalid_auth") {
		t.Errorf("after the token was changed: %s", body)
	}
}

func TestAnswersSayWhatTimeItIs(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Config{BotToken: "xoxb-demo", Clock: func() time.Time { return at }})
	server := httptest.NewServer(s)
	defer server.Close()
	for _, skew := range []time.Duration{0, 10 * time.Minute} {
		s.SetDateSkew(skew)
		header, _ := ask(t, server.URL, "xoxb-demo", "auth.test", url.Values{})
		if got := header.Get("Date"); got != at.Add(skew).Format(http.TimeFormat) {
			t.Errorf("skewed by %v: %s", skew, got)
		}
	}
}
