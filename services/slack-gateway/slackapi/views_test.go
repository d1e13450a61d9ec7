package slackapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// A response URL is a credential that came in a request: it leads to Slack, or nowhere.
func TestAResponseGoesToSlackOnly(t *testing.T) {
	var got string
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.URL.Path + " " + r.Header.Get("Authorization") + string(body)
	})
	own := strings.TrimSuffix(client.base, "api/") + "response/R1"
	if err := client.Respond(t.Context(), secret.New(own), render.Message{Text: "hello"}, true); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "/response/R1 {") || !strings.Contains(got, `"response_type":"ephemeral"`) || !strings.Contains(got, `"replace_original":true`) || strings.Contains(got, token) {
		t.Errorf("sent %s", got)
	}
	for url, want := range map[string]bool{
		"https://hooks.slack.com/actions/T0/1/x": true, "https://slack.com/x": true, "https://hooks.slack-gov.com/x": true,
		"http://hooks.slack.com/x": false, "https://hooks.slack.com.example.com/x": false, "https://slack.com@example.com/x": false, "https://user@hooks.slack.com/x": false,
		"https://hooks.slack.com:8443/x": false, "https://evilslack.com/x": false, "http://127.0.0.1:1/x": false, "https://169.254.169.254/": false, "": false, "/x": false, "://": false,
	} {
		_, err := client.responseTarget(url)
		if (err == nil) != want {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil && url != "" && strings.Contains(err.Error(), url) {
			t.Errorf("%q is quoted: %v", url, err)
		}
	}
}

func TestViewsSayWhyNot(t *testing.T) {
	for code, want := range map[string]error{
		"expired_trigger_id": ErrTriggerExpired, "exchanged_trigger_id": ErrTriggerExpired, "invalid_trigger_id": ErrTriggerExpired, "hash_conflict": ErrViewChanged, "not_found": ErrViewChanged,
		"invalid_blocks": nil,
	} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"ok":false,"error":"`+code+`"}`)
		})
		_, opened := client.OpenView(t.Context(), "1.T0DEMO1.x", slack.ModalViewRequest{})
		_, updated := client.UpdateView(t.Context(), View{ID: "V0DEMO1"}, slack.ModalViewRequest{})
		_, published := client.PublishHome(t.Context(), "U0DEMO1", "hash", slack.HomeTabViewRequest{})
		for _, err := range []error{opened, updated, published} {
			if err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s: %v", code, err)
			}
		}
	}
}
