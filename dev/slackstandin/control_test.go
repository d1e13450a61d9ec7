package slackstandin

import (
	"net/http"
	"testing"
)

// do sends a control request that must succeed.
func (d *desk) do(path string, body any) map[string]any {
	d.t.Helper()
	resp, got, err := d.send(newJSONRequest(d.t, d.web.URL+"/_control/"+path, body))
	if err != nil || resp.StatusCode != http.StatusOK || got["ok"] != true {
		d.t.Fatalf("%s: %v %v", path, got, err)
	}
	return got
}

func (d *desk) see(path string) map[string]any {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.web.URL+"/_control/"+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, got, err := d.send(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: %v %v", path, got, err)
	}
	return got
}

type object = map[string]any

func TestControl(t *testing.T) {
	a := newApp(t, func(_ int, w http.ResponseWriter, r request) {
		if r.header.Get("Content-Type") == "application/json" {
			writeJSON(w, 200, reply{"challenge": r.event(t)["challenge"]})
		}
	})
	d := newDesk(t, Config{})
	d.start()
	d.do("urls", object{"events": a.URL, "interactions": a.URL, "commands": a.URL, "self": d.web.URL})
	d.do("verify", object{})
	d.do("members", object{"id": "U0NEW", "name": "new", "guest": true})
	d.do("channels", object{"id": "C0NEW", "name": "new", "members": []string{"U0NEW"}})
	d.do("usergroups", object{"id": "S0NEW", "handle": "new"})
	d.do("bot/invite", object{"channel": "C0NEW", "member": "U0NEW"})
	d.do("join", object{"channel": "C0NEW", "member": "U0KEN"})
	d.do("leave", object{"channel": "C0NEW", "member": "U0KEN"})
	head, _ := d.do("write", object{"member": "U0NEW", "channel": "C0NEW", "text": "hi ```x```"})["ts"].(string)
	under, _ := d.do("write", object{"member": "U0NEW", "channel": "C0NEW", "thread_ts": head, "text": "raw", "raw": true, "subtype": "me_message"})["ts"].(string)
	d.do("edit", object{"channel": "C0NEW", "ts": under, "text": "edited"})
	d.do("unfurl", object{"channel": "C0NEW", "ts": under, "url": "https://example.com"})
	d.do("react", object{"member": "U0NEW", "channel": "C0NEW", "ts": head, "name": "eyes"})
	d.do("react", object{"member": "U0NEW", "channel": "C0NEW", "ts": head, "name": "eyes", "remove": true})
	if got := d.see("thread?channel=C0NEW&ts=" + head)["messages"].([]any); len(got) != 2 || field(t, got[1], "text") != "edited" {
		t.Errorf("thread: %v", got)
	}
	if got := d.see("messages?channel=C0NEW")["messages"].([]any); len(got) != 2 || field(t, got[1], "subtype") != "me_message" {
		t.Errorf("messages: %v", got)
	}
	d.do("delete", object{"channel": "C0NEW", "ts": head, "as_deleted": true})

	ts := d.post("text", "x", "blocks", buttons)
	if got := d.do("click", object{"member": "U0AYA", "channel": "C0SUPPORT", "ts": ts, "action_id": "send"}); got["status"] != 200.0 {
		t.Errorf("click: %v", got)
	}
	d.do("command", object{"member": "U0AYA", "channel": "C0SUPPORT", "command": "/talk", "text": "x"})
	d.do("home", object{"member": "U0AYA"})
	d.do("event", object{"event": object{"type": "app_uninstalled"}})
	d.do("archive", object{"member": "U0AYA", "channel": "C0SUPPORT", "archived": true})
	d.do("bot/remove", object{"channel": "C0NEW"})
	if d.do("dm", object{"member": "U0AYA"})["channel"] == "" {
		t.Error("no direct message channel")
	}

	d.do("faults", object{"method": "auth.test", "kind": "error", "error": "fatal_error", "count": 1})
	d.fails("fatal_error", "auth.test")
	d.do("faults", object{"method": "auth.test", "kind": "status"})
	d.do("event-faults", object{"kind": "drop"})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, d.web.URL+"/_control/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.send(req); err != nil {
		t.Fatal(err)
	}
	d.ok("auth.test")
	if got := d.see("calls?method=auth.test")["calls"]; got != 2.0 {
		t.Errorf("calls: %v", got)
	}
	d.await("delivery", settled)
	if got := d.see("undelivered"); len(got["undelivered"].([]any)) != 0 || got["pending"] != 0.0 {
		t.Errorf("undelivered: %v", got)
	}
	if got := d.see("deliveries")["deliveries"].([]any); len(got) < 10 {
		t.Errorf("%d deliveries", len(got))
	}
	d.see("ephemerals")

	version := d.see("state")["version"].(float64)
	waited := make(chan object)
	go func() { waited <- d.see("state?after=" + mustJSON(t, version) + "&wait_ms=10000") }()
	d.AddMember(Member{ID: "U0LAST"})
	if got := <-waited; got["version"].(float64) <= version {
		t.Errorf("version %v after %v", got["version"], version)
	}
}

func TestControlRefusesNonsense(t *testing.T) {
	d := newDesk(t, Config{})
	for path, body := range map[string]any{
		"write":        object{"member": "U0NONE", "channel": "C0SUPPORT"},
		"edit":         object{"channel": "C0SUPPORT", "ts": "1.000001"},
		"members":      object{},
		"channels":     object{},
		"faults":       object{},
		"event-faults": object{},
		"event":        object{},
		"click":        object{"member": "U0AYA"},
		"delete":       "no object",
	} {
		resp, got, err := d.send(newJSONRequest(t, d.web.URL+"/_control/"+path, body))
		if err != nil || resp.StatusCode != http.StatusBadRequest || got["error"] == nil {
			t.Errorf("%s: %v %v", path, got, err)
		}
	}
}
