package slackapi

import (
	"io"
	"net/http"
	"testing"
)

func TestLineReadsOneMessageOfAThread(t *testing.T) {
	asked, answer := "", `{"ok":true,"messages":[{"ts":"1700000000.000100"},{"ts":"1700000000.000200","text":"hello"}]}`
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.Form.Encode()
		_, _ = io.WriteString(w, answer)
	})
	raw, err := client.Line(t.Context(), "C0SUPPORT", "1700000000.000100", "1700000000.000200")
	if err != nil || string(raw) != `{"ts":"1700000000.000200","text":"hello"}` {
		t.Errorf("%s, %v", raw, err)
	}
	if want := "channel=C0SUPPORT&inclusive=true&latest=1700000000.000200&limit=2&oldest=1700000000.000200&ts=1700000000.000100"; asked != want {
		t.Errorf("asked %s", asked)
	}
	for _, answer = range []string{`{"ok":true,"messages":[{"ts":"1700000000.000100"}]}`, `{"ok":true,"messages":[]}`, `{"ok":false,"error":"thread_not_found"}`} {
		if raw, err := client.Line(t.Context(), "C0SUPPORT", "1700000000.000100", "1700000000.000200"); raw != nil || err != nil {
			t.Errorf("%s: %s, %v", answer, raw, err)
		}
	}
	for _, answer = range []string{`{"ok":false,"error":"ratelimited"}`, `{"ok":false,"error":"internal_error"}`, `{`} {
		if raw, err := client.Line(t.Context(), "C0SUPPORT", "1700000000.000100", "1700000000.000200"); raw != nil || err == nil {
			t.Errorf("%s: %s", answer, raw)
		}
	}
}
