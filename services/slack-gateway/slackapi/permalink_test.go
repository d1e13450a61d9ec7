package slackapi

import (
	"fmt"
	"net/http"
	"testing"
)

func TestPermalink(t *testing.T) {
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/chat.getPermalink" || r.FormValue("channel") != "C0DEMO1" || r.FormValue("message_ts") != "1.2" {
			t.Errorf("asked %s %v", r.URL.Path, r.Form)
		}
		_, _ = fmt.Fprint(w, `{"ok":true,"channel":"C0DEMO1","permalink":"https://demo.slack.com/archives/C0DEMO1/p12"}`)
	})
	if got, err := c.Permalink(t.Context(), "C0DEMO1", "1.2"); err != nil || got != "https://demo.slack.com/archives/C0DEMO1/p12" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := refusing(t, "message_not_found").Permalink(t.Context(), "C0DEMO1", "1.2"); err == nil {
		t.Error("a message that is not there has an address")
	}
}
