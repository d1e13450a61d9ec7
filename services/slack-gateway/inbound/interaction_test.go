package inbound

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func form(payload string) string { return url.Values{"payload": {payload}}.Encode() }

var interactionCases = []struct {
	name string
	body string
	want Interaction
}{
	{
		"button in a thread",
		form(`{"type":"block_actions","api_app_id":"A0DEMO","team":{"id":"T0DEMO1","domain":"demo"},
			"user":{"id":"U0DEMO1","team_id":"T0OTHER","name":"somebody"},"channel":{"id":"C0SUPPORT","name":"support"},
			"container":{"type":"message","message_ts":"1700000000.000100","channel_id":"C0SUPPORT","thread_ts":"1699999999.000100"},
			"message":{"ts":"1700000000.000100"},"response_url":"https://example.com/answer","trigger_id":"1.2.3",
			"actions":[{"type":"button","action_id":"send","block_id":"b","value":"v","action_ts":"1700000001.000000"}]}`),
		Interaction{
			Type: "block_actions", Team: "T0DEMO1", User: "U0DEMO1", UserTeam: "T0OTHER", AppID: "A0DEMO",
			Channel: "C0SUPPORT", MessageTS: "1700000000.000100", ThreadTS: "1699999999.000100",
			ActionTS: "1700000001.000000", ResponseURL: "https://example.com/answer", TriggerID: "1.2.3",
			Actions: []Action{{ID: "send", Block: "b", Values: []string{"v"}}},
		},
	},
	{
		"button of a message that gives something back",
		form(`{"type":"block_actions","team":{"id":"T0DEMO1"},"user":{"id":"U0DEMO1"},"channel":{"id":"D0DEMO1"},
			"message":{"ts":"1700000000.000100","blocks":[{"type":"section","text":{"type":"plain_text","text":"x"}},5,{"type":"rich_text","elements":[
				{"type":"rich_text_section","elements":[{"type":"text","text":"no"}]},
				{"type":"rich_text_preformatted","elements":[{"type":"text","text":"one\n"},5,{"type":"link","url":"https://example.com"},{"type":"text","text":"two"}]}]}]},
			"actions":[{"action_id":"retry","block_id":"b","value":"v"}]}`),
		Interaction{
			Type: "block_actions", Team: "T0DEMO1", User: "U0DEMO1", Channel: "D0DEMO1", MessageTS: "1700000000.000100", Given: "one\nhttps://example.comtwo",
			Actions: []Action{{ID: "retry", Block: "b", Values: []string{"v"}}},
		},
	},
	{
		"message shortcut",
		form(`{"type":"message_action","callback_id":"send_it","team":{"id":"T0DEMO1"},"user":{"id":"U0DEMO1"},
			"channel":{"id":"C0SUPPORT"},"message_ts":"1700000000.000100",
			"message":{"ts":"1700000000.000100","thread_ts":"1699999999.000100","text":5},"action_ts":"1.5"}`),
		Interaction{
			Type: "message_action", Team: "T0DEMO1", User: "U0DEMO1", Channel: "C0SUPPORT", CallbackID: "send_it",
			MessageTS: "1700000000.000100", ThreadTS: "1699999999.000100", ActionTS: "1.5", Said: &Said{Content: content("", nil)},
		},
	},
	{
		"form submitted, organisation-wide",
		form(`{"type":"view_submission","team":null,"is_enterprise_install":true,"user":{"id":"W0DEMO1"},
			"view":{"id":"V1","type":"modal","callback_id":"settings","hash":"h","private_metadata":"m","state":{"values":{
				"b2":{"users":{"type":"multi_users_select","selected_users":["U0DEMO1",5,"U0DEMO2"]}},
				"b1":{"z":{"type":"plain_text_input","value":"typed"},
				      "y":{"type":"plain_text_input","value":null},
				      "x":{"type":"static_select","selected_option":{"value":"one"}}}}}}}`),
		Interaction{
			Type: "view_submission", User: "W0DEMO1",
			View: &View{
				ID: "V1", Type: "modal", CallbackID: "settings", Hash: "h", PrivateMetadata: "m",
				Inputs: []Action{
					{ID: "x", Block: "b1", Values: []string{"one"}},
					{ID: "y", Block: "b1"},
					{ID: "z", Block: "b1", Values: []string{"typed"}},
					{ID: "users", Block: "b2", Values: []string{"U0DEMO1", "U0DEMO2"}},
				},
			},
		},
	},
	{
		"home, several picks",
		form(`{"type":"block_actions","team":{"id":"T0DEMO1"},"user":{"id":"U0DEMO1"},"view":{"type":"home","state":[]},
			"actions":[{"action_id":"a","selected_options":[{"value":"1"},{"value":"2"}]},{"action_id":"b","selected_channel":"C0SUPPORT"},
			{"action_id":"c","selected_conversations":["C0SUPPORT"]},7]}`),
		Interaction{
			Type: "block_actions", Team: "T0DEMO1", User: "U0DEMO1", View: &View{Type: "home"},
			Actions: []Action{
				{ID: "a", Values: []string{"1", "2"}},
				{ID: "b", Values: []string{"C0SUPPORT"}},
				{ID: "c", Values: []string{"C0SUPPORT"}},
				{},
			},
		},
	},
}

func TestParseInteraction(t *testing.T) {
	for _, c := range interactionCases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseInteraction([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestParseInteractionMalformed(t *testing.T) {
	const good = `{"type":"block_actions","user":{"id":"U0DEMO1"}}`
	for name, body := range map[string]string{
		"empty":                "",
		"JSON without a form":  good,
		"other field":          url.Values{"body": {good}}.Encode(),
		"two payloads":         form(good) + "&" + form(good),
		"not JSON":             form("{"),
		"not an object":        form("[]"),
		"bad escape":           "payload=%zz",
		"semicolon":            "payload=a;b",
		"no type":              form(`{"user":{"id":"U0DEMO1"}}`),
		"no user":              form(`{"type":"block_actions"}`),
		"user of wrong shape":  form(`{"type":"block_actions","user":{"id":"u.1"}}`),
		"team of wrong shape":  form(`{"type":"block_actions","user":{"id":"U0DEMO1"},"team":{"id":"*"}}`),
		"channel wrong shape":  form(`{"type":"block_actions","user":{"id":"U0DEMO1"},"channel":{"id":">"}}`),
		"ts of wrong shape":    form(`{"type":"block_actions","user":{"id":"U0DEMO1"},"message":{"ts":"now"}}`),
		"thread ts wrong":      form(`{"type":"block_actions","user":{"id":"U0DEMO1"},"container":{"thread_ts":"1"}}`),
		"user's team is wrong": form(`{"type":"block_actions","user":{"id":"U0DEMO1","team_id":"t"}}`),
	} {
		if _, err := ParseInteraction([]byte(body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := ParseInteraction([]byte(form(good))); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestParseCommand(t *testing.T) {
	body := url.Values{
		"token": {"old"}, "command": {"/talk"}, "text": {"link <@U0DEMO2> & more"}, "team_id": {"T0DEMO1"},
		"channel_id": {"C0SUPPORT"}, "user_id": {"U0DEMO1"}, "api_app_id": {"A0DEMO"},
		"response_url": {"https://example.com/answer"}, "trigger_id": {"1.2.3"},
	}
	got, err := ParseCommand([]byte(body.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	want := Command{
		Command: "/talk", Text: "link <@U0DEMO2> & more", Team: "T0DEMO1", Channel: "C0SUPPORT", User: "U0DEMO1",
		AppID: "A0DEMO", ResponseURL: "https://example.com/answer", TriggerID: "1.2.3",
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for name, change := range map[string]func(url.Values){
		"no command":       func(v url.Values) { v.Del("command") },
		"no slash":         func(v url.Values) { v.Set("command", "talk") },
		"no user":          func(v url.Values) { v.Del("user_id") },
		"odd team":         func(v url.Values) { v.Set("team_id", "t.1") },
		"odd channel":      func(v url.Values) { v.Set("channel_id", "") },
		"a field repeated": func(v url.Values) { v.Add("user_id", "U0DEMO2") },
	} {
		changed, _ := url.ParseQuery(body.Encode())
		change(changed)
		if _, err := ParseCommand([]byte(changed.Encode())); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := ParseCommand([]byte("command=%zz&response_url=secret")); !errors.Is(err, ErrMalformed) ||
		strings.Contains(err.Error(), "secret") {
		t.Errorf("bad escape: got %v", err)
	}
}
