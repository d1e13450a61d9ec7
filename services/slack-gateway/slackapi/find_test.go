package slackapi

import (
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"

	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

var since = time.Unix(1700000000, 500)

// shelf serves pages of posts; the post with a mark stands on the page that the mark names, as in "p3".
func shelf(t *testing.T, last int, asked *[]string) *Client {
	t.Helper()
	return clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		*asked = append(*asked, r.URL.Path+"?ts="+r.Form.Get("ts")+"&oldest="+r.Form.Get("oldest")+"&all="+r.Form.Get("include_all_metadata"))
		page, _ := strconv.Atoi(r.Form.Get("cursor"))
		next := ""
		if page < last {
			next = strconv.Itoa(page + 1)
		}
		_, _ = fmt.Fprintf(w, `{"ok":true,"has_more":%v,"response_metadata":{"next_cursor":%q},"messages":[
			{"ts":"%d.000001","text":"no metadata p%d"},
			{"ts":"%d.000002","metadata":{"event_type":"somebody_elses","event_payload":{"marks":"p%d"}}},
			{"ts":"%d.000003","metadata":{"event_type":"slacktalk_post","event_payload":{"marks":7}}},
			{"ts":"%d.000004","thread_ts":"1700000000.000100","metadata":{"event_type":"slacktalk_post","event_payload":{"marks":"x%d p%d p%dx"}}}]}`,
			next != "", next, page, page, page, page, page, page, page, page, page)
	})
}

func TestFindPagesThrough(t *testing.T) {
	for thread, path := range map[string]string{"": "/api/conversations.history", "1700000000.000100": "/api/conversations.replies"} {
		for _, page := range []int{0, 1, 3} {
			var asked []string
			at, found, err := shelf(t, 3, &asked).Find(t.Context(), "C0SUPPORT", thread, fmt.Sprintf("p%d", page), since)
			want := Posted{TS: fmt.Sprintf("%d.000004", page), ThreadTS: "1700000000.000100"}
			if err != nil || !found || at != want {
				t.Errorf("%s, page %d: %v %v %v", path, page, at, found, err)
			}
			if len(asked) != page+1 || asked[0] != path+"?ts="+thread+"&oldest=1700000000.000000&all=1" && asked[0] != path+"?ts="+thread+"&oldest=1700000000.000000&all=true" {
				t.Errorf("page %d: asked %v", page, asked)
			}
		}
	}
}

func TestFindTakesNoPartOfAMark(t *testing.T) {
	var asked []string
	client := shelf(t, 0, &asked)
	for _, mark := range []string{"p", "0", "p00", "x", "p9"} {
		if at, found, err := client.Find(t.Context(), "C0SUPPORT", "", mark, since); found || err != nil {
			t.Errorf("%s: %v %v", mark, at, err)
		}
	}
}

func TestFindThatEndsTooEarlyDoesNotSayNo(t *testing.T) {
	var asked []string
	_, found, err := shelf(t, 1000, &asked).Find(t.Context(), "C0SUPPORT", "", "nothing", since)
	if reason, ok := retry.Reason(err); found || !ok || reason != eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN || len(asked) != pages {
		t.Errorf("%v %v, asked %d times", found, err, len(asked))
	}
}

func TestFindTellsWhyNot(t *testing.T) {
	for code, want := range map[string]string{
		"thread_not_found": "again", "ratelimited": "after 1s", "invalid_auth": "parked", "channel_not_found": "parked", "internal_error": "unknown",
	} {
		_, found, err := refusing(t, code).Find(t.Context(), "C0SUPPORT", "1700000000.000100", "m", since)
		if found || class(err) != want || errors.Is(err, ErrThreadGone) != (code == "thread_not_found") {
			t.Errorf("%s: %v, %s (%v)", code, found, class(err), err)
		}
	}
	cut := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true,"messages":[`) })
	if _, found, err := cut.Find(t.Context(), "C0SUPPORT", "", "m", since); found || err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("%v %v", found, err)
	}
}
