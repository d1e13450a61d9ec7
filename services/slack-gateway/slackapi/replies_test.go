package slackapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

func TestThread(t *testing.T) {
	const head = "1700000000.000100"
	var asked string
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.Form.Encode()
		if r.Header.Get("Authorization") != "Bearer "+token || r.URL.Path != "/api/conversations.replies" {
			t.Errorf("%s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, `{"ok":true,"messages":[
			{"ts":"1700000000.000100","bot_id":"B0BOT","metadata":{"event_type":"slacktalk_post","event_payload":{"marks":"abc conversation:demo:xyz def"}}},
			{"ts":"1700000000.000200","thread_ts":"1700000000.000100","user":"U0DEMO1","new":{"kept":1}},
			{"ts":5}]}`)
	})
	thread, err := client.Thread(t.Context(), "C0SUPPORT", head, "1699990000.000200", "1700000000.000300", "B0BOT")
	if err != nil || thread.Project != "demo" || thread.Conversation != "xyz" || len(thread.Replies) != 1 || string(thread.Replies[0][:28]) != `{"ts":"1700000000.000200","t` {
		t.Errorf("%+v, %v", thread, err)
	}
	if want := "channel=C0SUPPORT&include_all_metadata=true&latest=1700000000.000300&limit=1000&oldest=1699990000.000200&ts=1700000000.000100"; asked != want {
		t.Errorf("asked %s", asked)
	}
	thread, err = client.Thread(t.Context(), "C0SUPPORT", head, "", "", "B0BOT")
	if err != nil || thread.Project != "demo" || len(thread.Replies) != 0 {
		t.Errorf("head alone: %+v, %v", thread, err)
	}
	for _, own := range []string{"", "B0OTHER"} {
		thread, err = client.Thread(t.Context(), "C0SUPPORT", head, "", "", own)
		if err != nil || thread.Project != "" || thread.Conversation != "" {
			t.Errorf("a head of another app's, own %q: %+v, %v", own, thread, err)
		}
	}
}

func TestALongThreadIsReadPageByPage(t *testing.T) {
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		page, next := r.Form.Get("cursor"), map[string]string{"": "b", "b": "c", "c": ""}
		_, _ = fmt.Fprintf(w, `{"ok":true,"messages":[{"ts":"1.1"},{"ts":"2.%s"}],"response_metadata":{"next_cursor":%q}}`, page, next[page])
	})
	thread, err := client.Thread(t.Context(), "C0SUPPORT", "1.1", "0", "9.9", "B0BOT")
	if err != nil || len(thread.Replies) != 3 {
		t.Errorf("%s, %v", thread.Replies, err)
	}
}

func TestThreadTellsWhyNot(t *testing.T) {
	for answer, want := range map[string]string{
		`{"ok":false,"error":"thread_not_found"}`: "rejected", `{"ok":false,"error":"ratelimited"}`: "after 1s", `{"ok":false,"error":"missing_scope"}`: "parked",
		`{"ok":false}`: "unknown", `{`: "unknown", `{"ok":false,"error":"internal_error"}`: "unknown",
	} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		_, err := client.Thread(t.Context(), "C0SUPPORT", "1.1", "", "", "B0BOT")
		if class(err) != want || errors.Is(err, ErrThreadGone) != (want == "rejected") {
			t.Errorf("%s: %s (%v)", answer, class(err), err)
		}
	}
	for status, want := range map[int]string{429: "after 7s", 500: "unknown", 404: "parked"} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
		})
		_, err := client.Thread(t.Context(), "C0SUPPORT", "1.1", "", "", "B0BOT")
		if class(err) != want {
			t.Errorf("%d: %s (%v)", status, class(err), err)
		}
	}
}

func TestConversationMark(t *testing.T) {
	for _, project := range []string{"", "a b", "a:b"} {
		if mark := ConversationMark(project, "xyz"); mark != "" {
			t.Errorf("%q: %q", project, mark)
		}
	}
	project, conversation := conversationOf(map[string]any{"marks": fmt.Sprintf("x %s y", ConversationMark("demo", "xyz"))})
	if project != "demo" || conversation != "xyz" {
		t.Errorf("%q %q", project, conversation)
	}
}
