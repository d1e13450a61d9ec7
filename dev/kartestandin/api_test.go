package kartestandin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
)

var operators = []kartestandin.Operator{
	{ID: "aaaaaaaaaaaaaaaaaaaaaaaa", Name: "Sato", Online: true}, {ID: "bot-demo", Name: "Bot", Bot: true},
}

func TestCallsThatAreRefused(t *testing.T) {
	s, _ := start(t, kartestandin.Config{Operators: operators, Knobs: kartestandin.Knobs{MaxLimit: 50, MaxText: 10}})
	c := newClient(t, s)
	for name, call := range map[string]struct {
		path, body string
		status     int
		message    string
	}{
		"no body":        {kartestandin.PathOperatorList, ``, 411, "<!DOCTYPE html>"},
		"form":           {kartestandin.PathMessageGet, `operator_id=1`, 400, `{"error":"Unexpected token o in JSON at position 0"}`},
		"list":           {kartestandin.PathMessageGet, `[]`, 400, "should be object"},
		"null":           {kartestandin.PathMessageGet, `null`, 400, "should be object"},
		"no user":        {kartestandin.PathSendFromOperator, `{}`, 400, "should have required property 'user_id'. path: user_id"},
		"user a number":  {kartestandin.PathSendFromOperator, `{"user_id":1}`, 400, "should be string. path: user_id"},
		"no content":     {kartestandin.PathSendFromOperator, `{"user_id":"m"}`, 400, "should have required property 'content'. path: content"},
		"content string": {kartestandin.PathSendFromOperator, `{"user_id":"m","content":"x"}`, 400, "should be object. path: content"},
		"no text":        {kartestandin.PathSendFromUser, `{"user_id":"m","content":{}}`, 400, "should have required property 'text'. path: content.text"},
		"empty text":     {kartestandin.PathNoteSend, `{"user_id":"m","content":{"text":""}}`, 400, "should NOT be shorter than 1 characters. path: content.text"},
		"long text":      {kartestandin.PathSendFromUser, `{"user_id":"m","content":{"text":"あああああああああああ"}}`, 400, "should NOT be longer than 10 characters"},
		"no sender":      {kartestandin.PathSendFromOperator, `{"user_id":"m","content":{"text":"x"}}`, 400, "should have required property 'sender_id'"},
		"unknown sender": {kartestandin.PathSendFromOperator, `{"user_id":"m","content":{"text":"x"},"sender_id":"who"}`, 400, "operator not found"},
		"no note sender": {kartestandin.PathNoteSend, `{"user_id":"m","content":{"text":"x"}}`, 400, "path: sender"},
		"no assignee":    {kartestandin.PathAssign, `{"user_id":"m"}`, 400, "should have required property 'assignee'"},
		"odd assignee":   {kartestandin.PathAssign, `{"user_id":"m","assignee":"x"}`, 400, "should be object. path: assignee"},
		"unknown status": {kartestandin.PathStatusChange, `{"user_id":"m","chat_status":"wating"}`, 400, "allowed values. path: chat_status"},
		"no operator":    {kartestandin.PathOperatorGet, `{}`, 400, "should have required property 'operator_id'. path: operator_id"},
		"odd limit":      {kartestandin.PathMessageGet, `{"user_id":"m","options":{"limit":0}}`, 400, "path: options.limit"},
		"high limit":     {kartestandin.PathMessageGet, `{"user_id":"m","options":{"limit":51}}`, 400, "should be <= 50. path: options.limit"},
		"unknown path":   {"/v2/talk/message/delete", `{}`, 404, "not found"},
		"status by v1":   {"/v1/talk/message", `{}`, 404, "not found"},
	} {
		status, answer := c.post(call.path, call.body)
		if status != call.status || !strings.Contains(answer, call.message) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if len(s.Snapshot().Conversations) != 0 {
		t.Errorf("a refused call left %+v", s.Snapshot().Conversations)
	}
}

func TestTokenScopeAndMethod(t *testing.T) {
	s, _ := start(t, kartestandin.Config{})
	c := newClient(t, s)
	resp, answer, err := c.do(t.Context(), http.MethodPost, kartestandin.PathMessageGet, "wrong", `{"user_id":"m"}`)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !strings.Contains(answer, `"error"`) {
		t.Errorf("wrong token: %v %s %v", resp, answer, err)
	}
	s.SetKnobs(kartestandin.Knobs{DeniedScopes: []string{"talk.message.get"}})
	if status, answer := c.post(kartestandin.PathMessageGet, `{"user_id":"m"}`); status != http.StatusForbidden {
		t.Errorf("missing scope: %d %s", status, answer)
	}
	if status, answer := c.post(kartestandin.PathOperatorList, `{}`); status != http.StatusOK {
		t.Errorf("other scope: %d %s", status, answer)
	}
	resp, _, err = c.do(t.Context(), http.MethodGet, kartestandin.PathOperatorList, "made-up-token", "{}")
	if err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v %v", resp, err)
	}
	s.SetCredentials("", "new-token")
	if status, _ := c.post(kartestandin.PathOperatorList, `{}`); status != http.StatusUnauthorized {
		t.Errorf("old token: %d", status)
	}
	if calls := s.Snapshot().Calls; calls[kartestandin.PathMessageGet] != 2 || calls[kartestandin.PathOperatorList] != 3 {
		t.Errorf("calls %v", calls)
	}
}

// fill makes a conversation of every sort of entry, oldest first.
func fill(t *testing.T, s *kartestandin.Server, c *client) {
	member := kartestandin.Customer{UserID: "member-42", VisitorID: "vis-1"}
	customerWrites(t, s, member, "1 customer", kartestandin.Write{})
	if _, err := s.OperatorWrites(t.Context(), member, operators[0].ID, "2 console", kartestandin.Write{}); err != nil {
		t.Fatal(err)
	}
	if status, answer := c.post(kartestandin.PathSendFromOperator,
		`{"user_id":"vis-1","sender_id":"bot-demo","content":{"text":"3 api"}}`); status != http.StatusOK {
		t.Fatalf("send: %d %s", status, answer)
	}
	if status, answer := c.post(kartestandin.PathNoteSend,
		`{"user_id":"member-42","content":{"text":"4 note"},"sender":{"id":"bot-demo","is_bot":true}}`); status != http.StatusOK {
		t.Fatalf("note: %d %s", status, answer)
	}
	if status, answer := c.post(kartestandin.PathSendFromUser,
		`{"user_id":"member-42","content":{"text":"5 import"}}`); status != http.StatusOK {
		t.Fatalf("import: %d %s", status, answer)
	}
}

func TestMessageGet(t *testing.T) {
	s, _ := start(t, kartestandin.Config{Operators: operators})
	c := newClient(t, s)
	fill(t, s, c)
	for name, call := range map[string]struct {
		knobs kartestandin.Knobs
		body  string
		want  string
	}{
		"newest first": {kartestandin.Knobs{}, `{"user_id":"member-42"}`, "5 import|3 api|2 console|1 customer"},
		"by visitor":   {kartestandin.Knobs{}, `{"user_id":"vis-1"}`, "5 import|3 api|2 console|1 customer"},
		"limited":      {kartestandin.Knobs{}, `{"user_id":"vis-1","options":{"limit":2}}`, "5 import|3 api"},
		"oldest first": {kartestandin.Knobs{OldestFirst: true}, `{"user_id":"vis-1","options":{"limit":3}}`, "2 console|3 api|5 import"},
		"with notes":   {kartestandin.Knobs{ListNotes: true}, `{"user_id":"vis-1","options":{"limit":2}}`, "5 import|4 note"},
		"without API":  {kartestandin.Knobs{HideAPIMessages: true, ListNotes: true}, `{"user_id":"vis-1"}`, "2 console|1 customer"},
		"nobody":       {kartestandin.Knobs{}, `{"user_id":"stranger"}`, ""},
	} {
		s.SetKnobs(call.knobs)
		status, answer := c.post(kartestandin.PathMessageGet, call.body)
		var got struct {
			Messages []struct {
				Date      time.Time
				AccountID *string `json:"account_id"`
				VisitorID string  `json:"visitor_id"`
				Content   struct{ Text string }
			}
		}
		if err := json.Unmarshal([]byte(answer), &got); status != http.StatusOK || err != nil || got.Messages == nil {
			t.Fatalf("%s: %d %s", name, status, answer)
		}
		var texts []string
		for _, m := range got.Messages {
			texts = append(texts, m.Content.Text)
			fromCustomer := strings.HasSuffix(m.Content.Text, "customer") || strings.HasSuffix(m.Content.Text, "import")
			if (m.AccountID == nil) != fromCustomer || m.VisitorID != "vis-1" || m.Date.IsZero() {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if strings.Join(texts, "|") != call.want {
			t.Errorf("%s: %v, want %s", name, texts, call.want)
		}
	}
}

func TestMessagesAreKeptWithKindAndSender(t *testing.T) {
	s, _ := start(t, kartestandin.Config{Operators: operators})
	fill(t, s, newClient(t, s))
	messages := s.Messages("vis-1")
	if len(messages) != 5 || len(s.Snapshot().Messages("member-42")) != 5 {
		t.Fatalf("got %+v", messages)
	}
	for i, want := range []kartestandin.Message{
		{Kind: kartestandin.KindMessage},
		{Kind: kartestandin.KindMessage, Sender: operators[0].ID},
		{Kind: kartestandin.KindMessage, Sender: "bot-demo", API: true},
		{Kind: kartestandin.KindNote, Sender: "bot-demo", API: true},
		{Kind: kartestandin.KindMessage, API: true},
	} {
		got := messages[i]
		if got.Kind != want.Kind || got.Sender != want.Sender || got.API != want.API || got.Date.IsZero() {
			t.Errorf("message %d is %+v", i, got)
		}
	}
}

func TestAssigneeStatusAndOperators(t *testing.T) {
	s, _ := start(t, kartestandin.Config{Operators: operators})
	c := newClient(t, s)
	expect := func(path, body, want string) {
		t.Helper()
		if status, answer := c.post(path, body); status != http.StatusOK || !strings.Contains(answer, want) {
			t.Errorf("%s %s: %d %s", path, body, status, answer)
		}
	}
	who := kartestandin.Customer{VisitorID: "vis-1"}
	customerWrites(t, s, who, "hi", kartestandin.Write{})
	expect(kartestandin.PathAssigneeGet, `{"user_id":"vis-1"}`, `{"assignee":null}`)
	expect(kartestandin.PathAssign, `{"user_id":"vis-1","assignee":{"id":"bot-demo","is_bot":true}}`, `{}`)
	expect(kartestandin.PathAssigneeGet, `{"user_id":"vis-1"}`, `"id":"bot-demo"`)
	expect(kartestandin.PathAssign, `{"user_id":"vis-1","assignee":{"id":""}}`, `{}`)
	expect(kartestandin.PathAssigneeGet, `{"user_id":"vis-1"}`, `{"assignee":null}`)
	expect(kartestandin.PathAssign, `{"user_id":"vis-1","assignee":{"id":"bot-demo"}}`, `{}`)
	expect(kartestandin.PathAssign, `{"user_id":"vis-1","assignee":null}`, `{}`)
	expect(kartestandin.PathAssigneeGet, `{"user_id":"vis-1"}`, `{"assignee":null}`)
	expect(kartestandin.PathAssign, `{"user_id":"vis-1","assignee":{"id":"bot-demo"}}`, `{}`)
	expect(kartestandin.PathStatusChange, `{"user_id":"vis-1","chat_status":"closed"}`, `{}`)
	if got := s.Snapshot().Conversation("vis-1"); got.Status != kartestandin.StatusClosed || got.Assignee == nil {
		t.Errorf("after closing: %+v", got)
	}
	customerWrites(t, s, who, "again", kartestandin.Write{})
	if got := s.Snapshot().Conversation("vis-1"); got.Status != kartestandin.StatusOpen || got.Assignee != nil {
		t.Errorf("after writing again: %+v", got)
	}
	expect(kartestandin.PathOperatorList, `{}`, `"profile_name":"Sato"`)
	expect(kartestandin.PathOperatorGet, `{"operator_id":"bot-demo"}`, `"is_bot":true`)
}

func TestMerging(t *testing.T) {
	s, _ := start(t, kartestandin.Config{})
	at := time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)
	write := func(user, visitor string, minute int, text string) {
		customerWrites(t, s, kartestandin.Customer{UserID: user, VisitorID: visitor}, text,
			kartestandin.Write{Date: at.Add(time.Duration(minute) * time.Minute)})
	}
	texts := func(id string) string {
		var all []string
		for _, m := range s.Messages(id) {
			all = append(all, m.Text)
		}
		return strings.Join(all, " ")
	}
	write("", "vis-phone", 1, "a")         // a visitor
	write("member-1", "vis-pc", 2, "b")    // a member elsewhere
	write("", "vis-phone", 3, "c")         // still a visitor
	write("member-1", "vis-phone", 4, "d") // who turns out to be the member
	write("member-2", "vis-pc", 5, "e")    // another member on a shared device
	for id, want := range map[string]string{
		"member-1": "a b c d", "vis-phone": "a b c d", "member-2": "e", "vis-pc": "e",
	} {
		if got := texts(id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if n := len(s.Snapshot().Conversations); n != 2 {
		t.Errorf("%d conversations", n)
	}
}
