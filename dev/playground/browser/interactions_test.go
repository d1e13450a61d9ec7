package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// other is an app of somebody else, with modals that this one has not: they lie on each other, look things up, and want to know when they are closed.
type other struct {
	s      *site
	mu     sync.Mutex
	closed []string // "callback cleared"
	filled string   // the state of what was submitted
}

type interaction struct {
	Type      string `json:"type"`
	TriggerID string `json:"trigger_id"`
	Value     string `json:"value"`
	Cleared   bool   `json:"is_cleared"`
	Actions   []struct {
		ActionID string `json:"action_id"`
	} `json:"actions"`
	View struct {
		ID         string          `json:"id"`
		CallbackID string          `json:"callback_id"`
		State      json.RawMessage `json:"state"`
	} `json:"view"`
}

const (
	firstModal = `{"type":"modal","callback_id":"first","notify_on_close":true,"title":{"type":"plain_text","text":"First"},"submit":{"type":"plain_text","text":"Save"},"blocks":[
{"type":"input","block_id":"city","label":{"type":"plain_text","text":"City"},"element":{"type":"external_select","action_id":"find","min_query_length":2}},
{"type":"input","block_id":"words","optional":true,"label":{"type":"plain_text","text":"Words"},"element":{"type":"plain_text_input","action_id":"words"}},
{"type":"actions","block_id":"acts","elements":[{"type":"button","action_id":"deeper","text":{"type":"plain_text","text":"Deeper"}},{"type":"button","action_id":"rename","text":{"type":"plain_text","text":"Rename"}}]}]}`
	secondModal = `{"type":"modal","callback_id":"second","notify_on_close":true,"title":{"type":"plain_text","text":"Second"},"submit":{"type":"plain_text","text":"Go on"},"blocks":[
{"type":"input","block_id":"why","label":{"type":"plain_text","text":"Why"},"element":{"type":"plain_text_input","action_id":"why"}}]}`
	thirdModal = `{"type":"modal","callback_id":"third","notify_on_close":true,"title":{"type":"plain_text","text":"Third"},"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*done*"}}]}`
)

func (o *other) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in interaction
	if err := json.Unmarshal([]byte(r.FormValue("payload")), &in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch in.Type {
	case "block_suggestion":
		fmt.Fprintf(w, `{"options":[{"text":{"type":"plain_text","text":%q},"value":"1"},{"text":{"type":"plain_text","text":"Kyoto"},"value":"2"}]}`, "Found "+in.Value)
	case "block_actions":
		switch in.Actions[0].ActionID {
		case "open":
			o.call("views.open", map[string]string{"trigger_id": in.TriggerID, "view": firstModal})
		case "deeper":
			o.call("views.push", map[string]string{"trigger_id": in.TriggerID, "view": secondModal})
		case "rename":
			o.call("views.update", map[string]string{"view_id": in.View.ID, "view": strings.Replace(firstModal, `"First"`, `"Renamed"`, 1)})
		}
	case "view_submission":
		o.mu.Lock()
		o.filled = string(in.View.State)
		o.mu.Unlock()
		if in.View.CallbackID == "second" {
			fmt.Fprintf(w, `{"response_action":"update","view":%s}`, thirdModal)
		}
	case "view_closed":
		o.mu.Lock()
		o.closed = append(o.closed, fmt.Sprint(in.View.CallbackID, " ", in.Cleared))
		o.mu.Unlock()
	}
}

func (o *other) call(method string, args map[string]string) {
	body, _ := json.Marshal(args)
	request, _ := http.NewRequest(http.MethodPost, o.s.SlackURL+"/api/"+method, strings.NewReader(string(body)))
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Authorization", "Bearer xoxb-demo-not-a-real-token")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.s.t.Errorf("%s: %v", method, err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		OK    bool
		Error string
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || !answer.OK {
		o.s.t.Errorf("%s: %v %s", method, err, answer.Error)
	}
}

// wasTold waits until the app was told that modals were closed.
func (o *other) wasTold(p *tab, want ...string) {
	o.s.t.Helper()
	p.until("the app is told", `true`)
	var got []string
	for range 100 {
		o.mu.Lock()
		got = append([]string(nil), o.closed...)
		o.mu.Unlock()
		if len(got) >= len(want) {
			break
		}
		eval[bool](p, `new Promise((done) => setTimeout(() => done(true), 50))`)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		o.s.t.Errorf("the app was told %v, not %v", got, want)
	}
}

func TestModalsOfAnyApp(t *testing.T) {
	s := open(t)
	o := &other{s: s}
	app := httptest.NewServer(o)
	t.Cleanup(app.Close)
	s.Slack.SetURLs(slackstandin.URLs{Interactions: app.URL})
	blocks := `[{"type":"actions","block_id":"acts","elements":[{"type":"button","action_id":"open","text":{"type":"plain_text","text":"Open"}},{"type":"external_select","action_id":"find","min_query_length":0,"placeholder":{"type":"plain_text","text":"Look up"}}]}]`
	if _, err := s.Slack.Write(stack.Hanako, stack.Channel, "", "modals", slackstandin.WriteOptions{Blocks: []byte(blocks), App: &slackstandin.App{BotID: "B0OTHER", AppID: "A0OTHER", Name: "Other"}}); err != nil {
		t.Fatal(err)
	}
	p := s.tab("?lang=en", desk)
	p.click(".message .b-lookup input")
	p.until("suggestions in a message", has(".message .b-found [role=option]", "Kyoto"))
	p.types("x")
	p.until("suggestions for what was typed", has(".message .b-found [role=option]", "Found x"))

	title := func(text string) { t.Helper(); p.until(text, has("dialog.modal[open] h2", text)) }
	p.click(`.message [data-action=open]`)
	title("First")
	j := newJudge(t)
	j.invite(p)
	p.keys("dialog.modal .b-lookup input", "K")
	p.until("too little to look for", has("dialog.modal .b-found", "at least 2"))
	p.types("y")
	p.until("suggestions in a modal", has("dialog.modal .b-found [role=option]", "Kyoto"))
	j.look(p, "suggestions")
	p.click("dialog.modal .b-found [role=option]:nth-child(2)")
	p.keys("dialog.modal [data-block=input] input[data-action=words]", "kept")
	kept := `document.querySelector("dialog.modal .b-lookup input").value === "Kyoto" && document.querySelector("dialog.modal input[data-action=words]").value === "kept"`
	p.click("dialog.modal [data-action=rename]")
	title("Renamed")
	p.until("what was filled in is still there", kept)

	p.click("dialog.modal [data-action=deeper]")
	title("Second")
	j.look(p, "a modal on another")
	p.click("dialog.modal header .plain") // back
	title("Renamed")
	p.until("what was filled in is still there", kept)
	o.wasTold(p, "second false")

	p.click("dialog.modal [data-action=deeper]")
	title("Second")
	p.click("dialog.modal [type=submit]")
	p.until("what is missing is said", `document.querySelector("dialog.modal .b-problem")`)
	p.keys("dialog.modal input[data-action=why]", "because\r")
	title("Third")
	p.click("dialog.modal header .plain:last-of-type")
	p.until("all are closed", `!document.querySelector("dialog.modal[open]")`)
	o.wasTold(p, "second false", "third true")

	p.click(`.message [data-action=open]`)
	title("First")
	p.do(chromedp.KeyEvent("\u001b"))
	p.until("Escape closes", `!document.querySelector("dialog.modal[open]")`)
	o.wasTold(p, "second false", "third true", "first false")
	if !strings.Contains(o.filled, `"because"`) {
		t.Errorf("submitted was %s", o.filled)
	}
}
