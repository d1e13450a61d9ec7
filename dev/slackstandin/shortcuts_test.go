package slackstandin

import (
	"encoding/json"
	"net/http"
	"testing"
)

const inputs = `[{"type":"input","block_id":"who","dispatch_action":true,"label":{"type":"plain_text","text":"L"},"element":{"type":"external_select","action_id":"find"}},
	{"type":"actions","block_id":"row","elements":[
	{"type":"button","action_id":"more","text":{"type":"plain_text","text":"More"}},
	{"type":"multi_users_select","action_id":"people"},
	{"type":"checkboxes","action_id":"on","options":[{"text":{"type":"plain_text","text":"A"},"value":"a"}]},
	{"type":"static_select","action_id":"group","option_groups":[{"label":{"type":"plain_text","text":"G"},"options":[{"text":{"type":"plain_text","text":"B"},"value":"b"}]}]},
	{"type":"datepicker","action_id":"day"}]}]`

func last(t *testing.T, a *app) map[string]any {
	t.Helper()
	all := a.requests()
	return payload(t, all[len(all)-1])
}

func TestShortcutsOpenModals(t *testing.T) {
	a := newApp(t, nil)
	d := newDesk(t, Config{InteractionsURL: a.URL})
	d.SetMenus([]Shortcut{{Type: "message", CallbackID: "send", Name: "Send"}}, nil)
	ts := d.write("", "a line", WriteOptions{})
	if answer, err := d.MessageShortcut(t.Context(), "U0AYA", "C0SUPPORT", ts, "send"); err != nil || answer.Status != http.StatusOK {
		t.Fatal(answer, err)
	}
	got := last(t, a)
	if got["type"] != "message_action" || got["callback_id"] != "send" || field(t, got, "message", "text") != "a line" || got["message_ts"] != ts || got["response_url"] == "" {
		t.Errorf("%v", got)
	}
	view := `{"type":"modal","title":{"type":"plain_text","text":"T"},"blocks":` + inputs + `}`
	d.ok("views.open", "trigger_id", got["trigger_id"].(string), "view", view)
	if _, err := d.MessageShortcut(t.Context(), "U0AYA", "C0SUPPORT", "1.000001", "send"); err == nil {
		t.Error("a shortcut on nothing")
	}
	if _, err := d.GlobalShortcut(t.Context(), "U0AYA", "open"); err != nil {
		t.Fatal(err)
	}
	if got := last(t, a); got["type"] != "shortcut" || got["callback_id"] != "open" {
		t.Errorf("%v", got)
	}
	if s := d.Snapshot().Workspace; len(s.Shortcuts) != 1 || len(s.Members) < 3 {
		t.Errorf("%+v", s)
	}
}

// open opens a modal with inputs and answers its id.
func (d *desk) open(a *app, body string) string {
	d.t.Helper()
	if _, err := d.GlobalShortcut(d.t.Context(), "U0AYA", "open"); err != nil {
		d.t.Fatal(err)
	}
	view := field(d.t, d.ok("views.open", "trigger_id", last(d.t, a)["trigger_id"].(string), "view", body), "view")
	return field(d.t, view, "id").(string)
}

func TestModalsLieOnEachOther(t *testing.T) {
	var answer string
	a := newApp(t, func(_ int, w http.ResponseWriter, _ request) { _, _ = w.Write([]byte(answer)) })
	d := newDesk(t, Config{InteractionsURL: a.URL})
	view := `{"type":"modal","notify_on_close":true,"title":{"type":"plain_text","text":"T"},"blocks":` + inputs + `}`
	first := d.open(a, view)
	if _, err := d.ClickButton(t.Context(), Click{Member: "U0AYA", ViewID: first, ActionID: "more"}); err != nil {
		t.Fatal(err)
	}
	pushed := d.ok("views.push", "trigger_id", last(t, a)["trigger_id"].(string), "view", view)
	if field(t, pushed, "view", "previous_view_id") != first || field(t, pushed, "view", "root_view_id") != first {
		t.Errorf("%v", pushed)
	}
	second, _ := field(t, pushed, "view", "id").(string)
	raw, _ := encode(map[string]any{"response_action": "push", "view": json.RawMessage(view)})
	answer = string(raw)
	if _, err := d.SubmitView(t.Context(), "U0AYA", second, nil); err != nil || len(d.Snapshot().Views) != 3 {
		t.Fatal(err, len(d.Snapshot().Views))
	}
	third := d.Snapshot().Views[2].ID
	if _, err := d.SubmitView(t.Context(), "U0AYA", third, nil); err == nil {
		t.Error("a fourth modal")
	}
	answer = ""
	if _, err := d.CloseView(t.Context(), "U0AYA", third, false); err != nil || len(d.Snapshot().Views) != 2 {
		t.Fatal(err)
	}
	if got := last(t, a); got["type"] != "view_closed" || got["is_cleared"] != false {
		t.Errorf("%v", got)
	}
	answer = `{"response_action":"clear"}`
	if _, err := d.SubmitView(t.Context(), "U0AYA", second, nil); err != nil || len(d.Snapshot().Views) != 0 {
		t.Fatal(err, d.Snapshot().Views)
	}
	if _, err := d.CloseView(t.Context(), "U0AYA", second, true); err == nil {
		t.Error("closed twice")
	}
}

func TestWhatIsPickedAndSuggested(t *testing.T) {
	a := newApp(t, func(_ int, w http.ResponseWriter, r request) { _, _ = w.Write([]byte(`{"options":[]}`)) })
	d := newDesk(t, Config{InteractionsURL: a.URL})
	id := d.open(a, `{"type":"modal","title":{"type":"plain_text","text":"T"},"blocks":`+inputs+`}`)
	state := map[string]any{"who": map[string]any{"find": map[string]any{"type": "external_select"}}}
	picked := func(c Click) any {
		t.Helper()
		c.Member, c.ViewID, c.State = "U0AYA", id, state
		if _, err := d.ClickButton(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		got := last(t, a)
		if field(t, got, "view", "state", "values", "who") == nil {
			t.Errorf("no state: %v", got)
		}
		return got["actions"].([]any)[0]
	}
	if got := picked(Click{ActionID: "find", Value: "1", Label: "One"}); field(t, got, "selected_option", "text", "text") != "One" {
		t.Errorf("%v", got)
	}
	if got := picked(Click{ActionID: "people", Values: []string{"U0KEN"}}); len(field(t, got, "selected_users").([]any)) != 1 {
		t.Errorf("%v", got)
	}
	if got := picked(Click{ActionID: "on", Values: []string{"a"}}); len(field(t, got, "selected_options").([]any)) != 1 {
		t.Errorf("%v", got)
	}
	if got := picked(Click{ActionID: "group", Value: "b"}); field(t, got, "selected_option", "text", "text") != "B" {
		t.Errorf("%v", got)
	}
	if got := picked(Click{ActionID: "day", Value: "2026-11-30"}); field(t, got, "selected_date") != "2026-11-30" {
		t.Errorf("%v", got)
	}
	answer, err := d.Suggest(t.Context(), Click{Member: "U0AYA", ViewID: id, ActionID: "find", Value: "ha"})
	if err != nil || string(answer.Body) != `{"options":[]}` {
		t.Fatal(answer, err)
	}
	if got := last(t, a); got["type"] != "block_suggestion" || got["action_id"] != "find" || got["value"] != "ha" || got["block_id"] != "who" {
		t.Errorf("%v", got)
	}
}

func TestAnEphemeralMessageIsDismissed(t *testing.T) {
	d := newDesk(t, Config{})
	ts, _ := d.ok("chat.postEphemeral", "channel", "C0SUPPORT", "user", "U0AYA", "text", "psst")["message_ts"].(string)
	if err := d.Dismiss("U0KEN", "C0SUPPORT", ts); err == nil {
		t.Error("dismissed by somebody else")
	}
	if err := d.Dismiss("U0AYA", "C0SUPPORT", ts); err != nil || len(d.Ephemerals()) != 0 {
		t.Error(err)
	}
}

func TestFaultsAreListedUntilTheyAreOver(t *testing.T) {
	d := newDesk(t, Config{})
	d.AddFault(Fault{Method: "auth.test", Kind: Status, Count: 1})
	if f := d.Faults(); len(f) != 1 || f[0].Kind != Status {
		t.Errorf("%+v", f)
	}
	if resp, _, err := d.try(t.Context(), "auth.test"); err != nil || resp.StatusCode != http.StatusInternalServerError {
		t.Fatal(resp, err)
	}
	if f := d.Faults(); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	if members := d.ok("users.list")["members"].([]any); len(members) < 3 {
		t.Errorf("%v", members)
	}
}
