package slackapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

const token = "xoxb-demo-token-that-must-not-be-seen"

func clientOf(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := New(server.URL+"/api", secret.New(token))
	t.Cleanup(client.Close)
	return client
}

// refusing answers every call with a code.
func refusing(t *testing.T, code string) *Client {
	t.Helper()
	return clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"ok":false,"error":%q}`, code) })
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

// post is the call whose outcome matters most.
func post(t *testing.T, c *Client) (string, error) {
	t.Helper()
	_, err := c.Post(t.Context(), "C0SUPPORT", "", render.Message{Text: "hello"}, []string{"m1"})
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %q", err, err, err), token) {
		t.Errorf("the token is in %v", err)
	}
	return class(err), err
}

// The table of the fact sheet, code by code.
func TestCodes(t *testing.T) {
	for want, codes := range map[string]string{
		"after 1s":   "ratelimited rate_limited",
		"after 1m0s": "message_limit_exceeded team_added_to_org org_login_required",
		"unknown":    "internal_error fatal_error service_unavailable request_timeout",
		"parked": "not_authed invalid_auth account_inactive token_revoked token_expired not_allowed_token_type missing_scope no_permission " +
			"access_denied app_access_restricted accesslimited enterprise_is_restricted two_factor_setup_required " +
			"channel_not_found not_in_channel is_archived team_not_found ekm_access_denied restricted_action " +
			"restricted_action_read_only_channel restricted_action_thread_only_channel restricted_action_non_threadable_channel " +
			"restricted_action_of_another_day",
		"rejected": "user_not_found cannot_reply_to_message restricted_action_thread_locked messages_tab_disabled no_text msg_too_long msg_blocks_too_long invalid_blocks " +
			"invalid_blocks_format too_many_attachments attachment_payload_limit_exceeded invalid_metadata_format metadata_too_large " +
			"markdown_text_conflict invalid_arguments invalid_form_data something_new",
	} {
		for _, code := range strings.Fields(codes) {
			if got, err := post(t, refusing(t, code)); got != want {
				t.Errorf("%s: %s, want %s (%v)", code, got, want, err)
			}
		}
	}
}

// A thread that takes no replies is no matter of its channel.
func TestAThreadThatTakesNoReplies(t *testing.T) {
	for _, code := range []string{"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message", "restricted_action_thread_locked"} {
		_, err := refusing(t, code).Post(t.Context(), "C0SUPPORT", "1700000000.000001", render.Message{Text: "hello"}, []string{"m1"})
		if !errors.Is(err, ErrThreadGone) || class(err) != "rejected" {
			t.Errorf("%s: %s, %v", code, class(err), err)
		}
	}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		status           int
		retryAfter, want string
	}{
		{429, "7", "after 7s"},
		{429, "0", "after 1s"},
		{429, "", "after 1s"},
		{429, "soon", "after 1s"},
		{408, "", "unknown"},
		{500, "", "unknown"},
		{502, "", "unknown"},
		{503, "7", "unknown"},
		{302, "", "parked"},
		{403, "", "parked"},
		{404, "", "parked"},
	} {
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.Header().Set("Location", "/elsewhere?token="+token)
			w.WriteHeader(c.status)
			_, _ = io.Copy(w, r.Body)
		})
		if got, err := post(t, client); got != c.want {
			t.Errorf("%d with Retry-After %q: %s, want %s (%v)", c.status, c.retryAfter, got, c.want, err)
		}
	}
}

func TestAnswersThatSayNeitherYesNorNo(t *testing.T) {
	for _, body := range []string{"", "<html>", `{"ok":tr`, `{"ok":true}`, `{"ok":true,"channel":"C0SUPPORT"}`} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if got, err := post(t, client); got != "unknown" {
			t.Errorf("%q: %s (%v)", body, got, err)
		}
	}
}

func TestConnections(t *testing.T) {
	cut := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = connection.Close()
		}
	})
	if got, err := post(t, cut); got != "unknown" {
		t.Errorf("cut: %s (%v)", got, err)
	}
	done := make(chan struct{})
	slow := clientOf(t, func(http.ResponseWriter, *http.Request) { <-done })
	t.Cleanup(func() { close(done) })
	slow.http.Timeout = 50 * time.Millisecond
	if got, err := post(t, slow); got != "unknown" {
		t.Errorf("no answer in time: %s (%v)", got, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	refused := New("http://"+listener.Addr().String()+"/api/", secret.New(token))
	t.Cleanup(refused.Close)
	if got, err := post(t, refused); got != "again" {
		t.Errorf("refused: %s (%v)", got, err)
	}
}

func TestTheTokenGoesToTheConfiguredHostOnly(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		t.Errorf("asked elsewhere with %q and %q", r.Header.Get("Authorization"), body)
	}))
	t.Cleanup(other.Close)
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if got, err := post(t, client); got != "parked" {
		t.Errorf("%s (%v)", got, err)
	}
}

func TestAMissingScopeIsNamed(t *testing.T) {
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":false,"error":"missing_scope","needed":"reactions:write","provided":"chat:write"}`)
	})
	if got, err := post(t, client); got != "parked" || !strings.Contains(err.Error(), "reactions:write") {
		t.Errorf("%s (%v)", got, err)
	}
}

func TestWhatIsDoneAlreadyIsNoError(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		call func(*Client) error
	}{
		"delete gone":    {"message_not_found", func(c *Client) error { return c.Delete(t.Context(), "C0SUPPORT", "1.2") }},
		"react again":    {"already_reacted", func(c *Client) error { return c.React(t.Context(), "C0SUPPORT", "1.2", "eyes") }},
		"react to gone":  {"message_not_found", func(c *Client) error { return c.React(t.Context(), "C0SUPPORT", "1.2", "eyes") }},
		"unreact none":   {"no_reaction", func(c *Client) error { return c.Unreact(t.Context(), "C0SUPPORT", "1.2", "eyes") }},
		"unreact gone":   {"message_not_found", func(c *Client) error { return c.Unreact(t.Context(), "C0SUPPORT", "1.2", "eyes") }},
		"unknown member": {"user_not_found", func(c *Client) error { _, err := c.User(t.Context(), "U0GONE"); return err }},
		"hidden member":  {"user_not_visible", func(c *Client) error { _, err := c.User(t.Context(), "U0GONE"); return err }},
		"hidden channel": {"channel_not_found", func(c *Client) error { _, err := c.Channel(t.Context(), "C0GONE"); return err }},
	} {
		if err := c.call(refusing(t, c.code)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := class(c.call(refusing(t, "invalid_auth"))); got != "parked" {
			t.Errorf("%s, without a good token: %s", name, got)
		}
	}
	for name, call := range map[string]func(*Client) error{
		"self":       func(c *Client) error { _, err := c.Self(t.Context()); return err },
		"usergroups": func(c *Client) error { _, err := c.UserGroups(t.Context()); return err },
		"private": func(c *Client) error {
			return c.Private(t.Context(), "C0SUPPORT", "1.2", "U0DEMO1", render.Message{Text: "x"})
		},
	} {
		if got := class(call(refusing(t, "invalid_auth"))); got != "parked" {
			t.Errorf("%s, without a good token: %s", name, got)
		}
	}
}

func TestAPrivateChannelHasNoName(t *testing.T) {
	for private, want := range map[bool]string{true: "", false: "support"} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"ok":true,"channel":{"id":"C0SUPPORT","name":"support","is_private":%v}}`, private)
		})
		if got, err := client.Channel(t.Context(), "C0SUPPORT"); err != nil || got != want {
			t.Errorf("private %v: %q, %v", private, got, err)
		}
	}
}

func TestAPostIsMarkedAndInItsThread(t *testing.T) {
	var form url.Values
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form = r.Form
		_, _ = io.WriteString(w, `{"ok":true,"channel":"C0SUPPORT","ts":"1700000000.000200","message":{"ts":"1700000000.000200","thread_ts":"1700000000.000100"}}`)
	})
	posted, err := client.Post(t.Context(), "C0SUPPORT", "1700000000.000100", render.Message{Text: "<hello>"}, []string{"m1", "m2"})
	if err != nil || posted != (Posted{TS: "1700000000.000200", ThreadTS: "1700000000.000100"}) {
		t.Fatal(posted, err)
	}
	var metadata struct {
		Type    string            `json:"event_type"`
		Payload map[string]string `json:"event_payload"`
	}
	if err := json.Unmarshal([]byte(form.Get("metadata")), &metadata); err != nil || metadata.Type != metadataType || metadata.Payload["marks"] != "m1 m2" {
		t.Errorf("%v: %v", metadata, err)
	}
	for name, want := range map[string]string{
		"text": "<hello>", "thread_ts": "1700000000.000100", "channel": "C0SUPPORT", "unfurl_links": "false", "unfurl_media": "false",
	} {
		if form.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, form.Get(name), want)
		}
	}
}
