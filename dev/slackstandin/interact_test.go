package slackstandin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const buttons = `[{"type":"actions","block_id":"row","elements":[
	{"type":"button","action_id":"send","text":{"type":"plain_text","text":"Send"},"value":"42"},
	{"type":"users_select","action_id":"who"},
	{"type":"static_select","action_id":"pick","options":[{"text":{"type":"plain_text","text":"A"},"value":"a"}]}]}]`

func form(t *testing.T, r request) url.Values {
	t.Helper()
	sig := Signature("demo-signing-secret", r.header.Get("X-Slack-Request-Timestamp"), r.body)
	if r.header.Get("X-Slack-Signature") != sig || r.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("header %v", r.header)
	}
	values, err := url.ParseQuery(string(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func payload(t *testing.T, r request) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(form(t, r).Get("payload")), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (d *desk) respond(link string, body any) (int, map[string]any) {
	d.t.Helper()
	resp, got, err := d.send(newJSONRequest(d.t, link, body))
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, got
}

func TestClicks(t *testing.T) {
	a := newApp(t, nil)
	d := newDesk(t, Config{InteractionsURL: a.URL})
	head := d.post("text", "x")
	ts := d.post("text", "x", "blocks", buttons, "thread_ts", head)
	click := func(c Click) map[string]any {
		t.Helper()
		c.Member, c.Channel, c.TS = "U0AYA", "C0SUPPORT", ts
		answer, err := d.ClickButton(t.Context(), c)
		if err != nil || answer.Status != http.StatusOK {
			t.Fatal(answer, err)
		}
		all := a.requests()
		return payload(t, all[len(all)-1])
	}
	got := click(Click{ActionID: "send"})
	if got["type"] != "block_actions" || field(t, got, "user", "id") != "U0AYA" || field(t, got, "team", "id") != "T0DEMO1" ||
		field(t, got, "channel", "id") != "C0SUPPORT" || field(t, got, "message", "ts") != ts || field(t, got, "container", "thread_ts") != head {
		t.Errorf("%v", got)
	}
	action := func(p map[string]any) any { return p["actions"].([]any)[0] }
	if field(t, action(got), "value") != "42" || field(t, action(got), "block_id") != "row" || field(t, action(got), "action_ts") == nil {
		t.Errorf("%v", action(got))
	}
	if field(t, action(click(Click{ActionID: "who", Value: "U0KEN"})), "selected_user") != "U0KEN" {
		t.Error("picked user is missing")
	}
	if field(t, action(click(Click{ActionID: "pick", Value: "a"})), "selected_option", "text", "text") != "A" {
		t.Error("picked option is missing")
	}
	if _, err := d.ClickButton(t.Context(), Click{Member: "U0AYA", Channel: "C0SUPPORT", TS: ts, ActionID: "none"}); !errors.Is(err, ErrNoSuchAction) {
		t.Error(err)
	}
	if _, err := d.ClickButton(t.Context(), Click{Member: "U0AYA", Channel: "C0SUPPORT", TS: "1.000001", ActionID: "send"}); err == nil {
		t.Error("clicked on nothing")
	}
}

func TestResponseURL(t *testing.T) {
	a := newApp(t, nil)
	var mu sync.Mutex
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	d := newDesk(t, Config{InteractionsURL: a.URL, Clock: clock})
	ts := d.post("text", "x", "blocks", buttons)
	private, _ := d.ok("chat.postEphemeral", "channel", "C0SUPPORT", "user", "U0AYA", "text", "psst", "blocks", buttons)["message_ts"].(string)
	link := func(ts string) string {
		if _, err := d.ClickButton(t.Context(), Click{Member: "U0AYA", Channel: "C0SUPPORT", TS: ts, ActionID: "send"}); err != nil {
			t.Fatal(err)
		}
		all := a.requests()
		link, _ := payload(t, all[len(all)-1])["response_url"].(string)
		return link
	}
	if _, err := d.ClickButton(t.Context(), Click{Member: "U0KEN", Channel: "C0SUPPORT", TS: private, ActionID: "send"}); err == nil {
		t.Error("somebody else clicked on an ephemeral message")
	}

	of := link(private)
	if p := payload(t, a.requests()[0]); p["message"] != nil || field(t, p, "container", "is_ephemeral") != true {
		t.Errorf("%v", p)
	}
	d.respond(of, map[string]any{"replace_original": true, "text": "sent"})
	if e := d.Ephemerals(); len(e) != 1 || e[0].Text != "sent" || e[0].Blocks != nil {
		t.Errorf("replaced: %+v", e)
	}
	d.respond(of, map[string]any{"delete_original": true})
	if e := d.Ephemerals(); len(e) != 0 {
		t.Errorf("deleted: %+v", e)
	}

	of = link(ts)
	d.respond(of, map[string]any{"text": "for you"})
	d.respond(of, map[string]any{"text": "for all", "response_type": "in_channel", "thread_ts": ts})
	d.respond(of, map[string]any{"text": "done", "replace_original": true})
	if e := d.Ephemerals(); len(e) != 1 || e[0].Text != "for you" {
		t.Errorf("%+v", e)
	}
	if m := d.Messages("C0SUPPORT"); len(m) != 2 || m[0].Text != "done" || m[1].Text != "for all" || m[1].ThreadTS != ts {
		t.Errorf("%+v", m)
	}
	if _, got := d.respond(of, map[string]any{}); got["error"] != "no_text" {
		t.Errorf("%v", got)
	}
	d.respond(of, map[string]any{"text": "5"})
	if status, got := d.respond(of, map[string]any{"text": "6"}); status != http.StatusNotFound || got["error"] != "used_url" {
		t.Errorf("sixth use: %d %v", status, got)
	}
	ts = d.post("text", "x", "blocks", buttons)
	of = link(ts)
	mu.Lock()
	now = now.Add(31 * time.Minute)
	mu.Unlock()
	if status, _ := d.respond(of, map[string]any{"text": "late"}); status != http.StatusNotFound {
		t.Errorf("after half an hour: %d", status)
	}
}

func TestCommands(t *testing.T) {
	a := newApp(t, func(n int, w http.ResponseWriter, _ request) {
		switch n {
		case 0:
			_, _ = w.Write([]byte("plain"))
		case 1:
			writeJSON(w, 200, reply{"text": "object"})
		}
	})
	d := newDesk(t, Config{CommandsURL: a.URL, SelfURL: "http://slack.example.com"})
	for range 3 {
		if _, err := d.Command(t.Context(), "U0AYA", "C0SUPPORT", "/talk", "status now"); err != nil {
			t.Fatal(err)
		}
	}
	got := form(t, a.requests()[0])
	for name, want := range map[string]string{
		"command": "/talk", "text": "status now", "user_id": "U0AYA", "channel_id": "C0SUPPORT", "channel_name": "support",
		"team_id": "T0DEMO1", "is_enterprise_install": "false",
	} {
		if got.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Get(name), want)
		}
	}
	if !strings.HasPrefix(got.Get("response_url"), "http://slack.example.com/response/") || got.Get("trigger_id") == "" {
		t.Errorf("%v", got)
	}
	if e := d.Ephemerals(); len(e) != 2 || e[0].Text != "plain" || e[1].Text != "object" || e[1].User != "U0AYA" {
		t.Errorf("%+v", e)
	}
}

func TestViews(t *testing.T) {
	var action string
	a := newApp(t, func(_ int, w http.ResponseWriter, _ request) {
		if action != "" {
			_, _ = w.Write([]byte(action))
		}
	})
	var mu sync.Mutex
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	d := newDesk(t, Config{InteractionsURL: a.URL, Clock: clock})
	view := `{"type":"modal","callback_id":"settings","private_metadata":"m","title":{"type":"plain_text","text":"T"},"blocks":` + buttons + `}`
	ts := d.post("text", "x", "blocks", buttons)
	trigger := func() string {
		if _, err := d.ClickButton(t.Context(), Click{Member: "U0AYA", Channel: "C0SUPPORT", TS: ts, ActionID: "send"}); err != nil {
			t.Fatal(err)
		}
		all := a.requests()
		id, _ := payload(t, all[len(all)-1])["trigger_id"].(string)
		return id
	}
	d.fails("invalid_trigger_id", "views.open", "trigger_id", "none", "view", view)
	id := trigger()
	d.fails("invalid_arguments", "views.open", "trigger_id", id, "view", "{}")
	opened := field(t, d.ok("views.open", "trigger_id", id, "view", view), "view")
	d.fails("exchanged_trigger_id", "views.open", "trigger_id", id, "view", view)
	id = trigger()
	mu.Lock()
	now = now.Add(4 * time.Second)
	mu.Unlock()
	d.fails("expired_trigger_id", "views.open", "trigger_id", id, "view", view)

	viewID, _ := field(t, opened, "id").(string)
	d.fails("hash_conflict", "views.update", "view_id", viewID, "hash", "old", "view", view)
	d.fails("not_found", "views.update", "view_id", "V0NONE", "view", view)
	d.ok("views.update", "view_id", viewID, "hash", field(t, opened, "hash").(string), "view", view)
	if _, err := d.ClickButton(t.Context(), Click{Member: "U0AYA", ViewID: viewID, ActionID: "send"}); err != nil {
		t.Fatal(err)
	}

	action = `{"response_action":"errors","errors":{"b":"no"}}`
	if _, err := d.SubmitView(t.Context(), "U0AYA", viewID, map[string]any{"b": map[string]any{}}); err != nil || len(d.Snapshot().Views) != 1 {
		t.Errorf("refused: %v", err)
	}
	action = ""
	if _, err := d.SubmitView(t.Context(), "U0AYA", viewID, nil); err != nil || len(d.Snapshot().Views) != 0 {
		t.Errorf("submitted: %v", err)
	}
	all := a.requests()
	got := payload(t, all[len(all)-1])
	if got["type"] != "view_submission" || field(t, got, "view", "callback_id") != "settings" || field(t, got, "view", "private_metadata") != "m" {
		t.Errorf("%v", got)
	}
	if _, err := d.SubmitView(t.Context(), "U0AYA", viewID, nil); err == nil {
		t.Error("submitted twice")
	}

	home := `{"type":"home","blocks":[{"type":"divider"}]}`
	d.ok("views.publish", "user_id", "U0AYA", "view", home)
	d.fails("invalid_blocks", "views.publish", "user_id", "U0AYA", "view", `{"type":"home","blocks":[`+strings.Repeat(`{"type":"divider"},`, 100)+`{"type":"divider"}]}`)
	if v := d.Snapshot().Views; len(v) != 1 || v[0].User != "U0AYA" {
		t.Errorf("%+v", v)
	}
}
