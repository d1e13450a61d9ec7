package kartestandin_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
)

func TestControlAPI(t *testing.T) {
	s, b := start(t, kartestandin.Config{})
	c := newClient(t, s)
	ok := func(method, path, body string, out any) {
		t.Helper()
		if status := c.control(method, path, body, out); status != http.StatusOK {
			t.Fatalf("%s %s: %d", method, path, status)
		}
	}
	ok("PUT", "/_control/operators", `[{"id":"aaaaaaaaaaaaaaaaaaaaaaaa","profile_name":"Sato"}]`, nil)
	var h kartestandin.Hook
	ok("POST", "/_control/customer-writes", `{"customer":{"visitor_id":"vis-1"},"text":"hi","write":{"id":"evt-1","wait":true}}`, &h)
	if h.ID != "evt-1" || h.Accepted != 1 {
		t.Errorf("got %+v", h)
	}
	ok("POST", "/_control/operator-writes", `{"customer":{"visitor_id":"vis-1"},"operator":"aaaaaaaaaaaaaaaaaaaaaaaa","text":"ok"}`, nil)
	ok("POST", "/_control/operator-writes", `{"customer":{"visitor_id":"vis-1"},"operator":"aaaaaaaaaaaaaaaaaaaaaaaa","text":"psst","note":true}`, nil)
	ok("POST", "/_control/assign", `{"customer":{"visitor_id":"vis-1"},"operator":"aaaaaaaaaaaaaaaaaaaaaaaa"}`, nil)
	ok("POST", "/_control/redeliver", `{"id":"evt-1"}`, nil)
	await(t, s, delivered)
	if got := b.texts(t); !slices.Equal(got, []string{"hi", "ok", "", "hi"}) {
		t.Errorf("delivered %q", got)
	}

	var messages []kartestandin.Message
	ok("GET", "/_control/messages?customer=vis-1", "", &messages)
	var now kartestandin.Snapshot
	ok("GET", "/_control/snapshot", "", &now)
	if len(messages) != 3 || messages[2].Kind != kartestandin.KindNote || now.Conversation("vis-1").Assignee.Name != "Sato" {
		t.Errorf("got %+v, %+v", messages, now)
	}
	var later kartestandin.Snapshot
	ok("GET", "/_control/snapshot?after=0", "", &later)
	if later.Version == 0 {
		t.Errorf("got %+v", later)
	}
	var hooks []kartestandin.Hook
	ok("GET", "/_control/hooks", "", &hooks)
	if len(hooks) != 3 || hooks[0].Accepted != 2 {
		t.Errorf("got %+v", hooks)
	}

	var direct struct{ Status int }
	ok("POST", "/_control/deliver", `{"body":`+string(hooks[0].Body)+`}`, &direct)
	if direct.Status != http.StatusOK {
		t.Errorf("got %+v", direct)
	}

	ok("PUT", "/_control/knobs", `{"list_notes":true,"denied_scopes":["talk.note.send"]}`, nil)
	var knobs kartestandin.Knobs
	ok("GET", "/_control/knobs", "", &knobs)
	if !knobs.ListNotes || !slices.Equal(knobs.DeniedScopes, []string{"talk.note.send"}) {
		t.Errorf("got %+v", knobs)
	}
	ok("POST", "/_control/faults", `{"path":"*","kind":"status","status":503}`, nil)
	ok("POST", "/_control/hook-faults", `{"kind":"drop"}`, nil)
	if status, _ := c.post(kartestandin.PathOperatorList, `{}`); status != 503 {
		t.Errorf("with a fault: %d", status)
	}
	ok("DELETE", "/_control/faults", "", nil)
	ok("PUT", "/_control/credentials", `{"api_token":"new-token"}`, nil)
	if status, _ := c.post(kartestandin.PathOperatorList, `{}`); status != http.StatusUnauthorized {
		t.Errorf("with the old token: %d", status)
	}
	ok("PUT", "/_control/hook-url", `{"url":"`+b.server.URL+`/other"}`, nil)
}

func TestControlAPIRefuses(t *testing.T) {
	c := newClient(t, kartestandin.New(kartestandin.Config{}))
	for _, call := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/_control/faults", `{"pth":"*"}`, 400},
		{"POST", "/_control/faults", `nonsense`, 400},
		{"POST", "/_control/customer-writes", `{}`, 400},
		{"POST", "/_control/redeliver", `{"id":"nothing"}`, 404},
		{"GET", "/_control/snapshot?after=x", ``, 400},
		{"GET", "/_control/unknown", ``, 404},
	} {
		if got := c.control(call.method, call.path, call.body, nil); got != call.status {
			t.Errorf("%s %s %s: %d", call.method, call.path, call.body, got)
		}
	}
}
