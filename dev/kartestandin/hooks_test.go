package kartestandin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/services/ingest-karte/hook"
)

var (
	visitor = kartestandin.Customer{VisitorID: "vis-1"}
	member  = kartestandin.Customer{UserID: "member-42", VisitorID: "vis-42"}
)

func TestHooksAreSignedInEveryForm(t *testing.T) {
	for want, cfg := range map[string]kartestandin.Config{
		"hex":             {},
		"base64":          {SignatureForm: kartestandin.FormBase64},
		"prefixed hex":    {SignaturePrefix: "v1="},
		"prefixed base64": {SignaturePrefix: "v1=", SignatureForm: kartestandin.FormBase64},
	} {
		s, b := start(t, cfg)
		h := customerWrites(t, s, visitor, "hi", kartestandin.Write{Wait: true})
		if h.Accepted != 1 || h.Status != http.StatusOK || b.forms[0] != want {
			t.Errorf("%s: %+v, forms %v", want, h, b.forms)
		}
	}
}

func TestHookOfACustomer(t *testing.T) {
	s, b := start(t, kartestandin.Config{Project: "made-up-project"})
	at := time.Date(2026, 11, 1, 2, 3, 4, 567e6, time.UTC)
	text := "<b>配送</b> & 🙂\n" + strings.Repeat("長", 1000)
	customerWrites(t, s, visitor, text, kartestandin.Write{
		ID: "evt-1", Date: at, PageURL: "https://shop.example/cart?a=1#top", PageTitle: "カート",
		Image: json.RawMessage(`{"src":"https://img.example/1.png"}`), Wait: true,
	})
	fact, err := hook.Translate(b.bodies[0], "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	m := fact.GetCustomerMessage()
	if fact.GetId() != "evt-1" || fact.GetProject() != "made-up-project" || !fact.GetOccurredAt().AsTime().Equal(at) ||
		fact.GetCustomer().GetVisitorId() != "vis-1" || fact.GetCustomer().GetUserId() != "" ||
		m.GetText() != text || m.GetImageUrl() != "https://img.example/1.png" ||
		m.GetPage().GetUrl() != "https://shop.example/cart?a=1#top" || m.GetPage().GetTitle() != "カート" {
		t.Errorf("got %v", fact)
	}
	for _, member := range []string{
		`"user_id":""`, `"account_id":null`, `"sender_id":null`, `"date":"2026-11-01T02:03:04.567Z"`,
		`"anchor":"top"`, `"queryKey":{"a":"1"}`, `<b>`,
	} {
		if !strings.Contains(string(b.bodies[0]), member) {
			t.Errorf("no %s in %.600s", member, b.bodies[0])
		}
	}
}

func TestHooksOfOperatorsAndAssignments(t *testing.T) {
	s, b := start(t, kartestandin.Config{Operators: operators})
	wait := kartestandin.Write{Wait: true}
	for _, operator := range []string{operators[0].ID, "bot-demo"} {
		if _, err := s.OperatorWrites(t.Context(), member, operator, "ok", wait); err != nil {
			t.Fatal(err)
		}
	}
	for _, operator := range []string{operators[0].ID, "bot-demo", ""} {
		if _, err := s.Assign(t.Context(), member, operator, wait); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, body := range b.bodies {
		fact, err := hook.Translate(body, "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		o := fact.GetOperatorMessage().GetOperator()
		if fact.GetAssigned() != nil {
			o = fact.GetAssigned().GetOperator()
		}
		got = append(got, fmt.Sprintf("%s %s %v", fact.GetCustomer().GetUserId(), o.GetName(), o.GetBot()))
	}
	want := []string{"member-42 Sato false", "member-42 Bot true", "member-42 Sato false", "member-42 Bot true", "member-42  false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if s.Snapshot().Conversation("member-42").Assignee != nil {
		t.Error("somebody is assigned")
	}
}

func TestHookWithoutAnID(t *testing.T) {
	s, b := start(t, kartestandin.Config{})
	customerWrites(t, s, visitor, "hi", kartestandin.Write{OmitID: true, Wait: true})
	if strings.Contains(string(b.bodies[0]), `"id"`) {
		t.Errorf("got %s", b.bodies[0])
	}
}

func TestOrderHoldsPerCustomerThroughRetries(t *testing.T) {
	s, b := start(t, kartestandin.Config{})
	failed := map[string]int{}
	b.answer = func(n int, body []byte) int {
		if failed[string(body)]++; failed[string(body)] <= n%3 {
			return http.StatusServiceUnavailable
		}
		return http.StatusAccepted
	}
	for i := range 30 {
		customerWrites(t, s, kartestandin.Customer{VisitorID: fmt.Sprintf("vis-%d", i%3)}, fmt.Sprintf("%02d", i), kartestandin.Write{})
	}
	await(t, s, delivered)
	last := map[int]string{}
	for _, text := range slices.Compact(b.texts(t)) {
		lane := (int(text[0]-'0')*10 + int(text[1]-'0')) % 3
		if text < last[lane] {
			t.Errorf("%s came after %s", text, last[lane])
		}
		last[lane] = text
	}
	if undelivered := s.Snapshot().Undelivered; len(undelivered) != 0 {
		t.Errorf("undelivered: %+v", undelivered)
	}
}

func TestGivingUp(t *testing.T) {
	s, b := start(t, kartestandin.Config{MaxAttempts: 3})
	b.answer = func(int, []byte) int { return http.StatusInternalServerError }
	h := customerWrites(t, s, visitor, "hi", kartestandin.Write{Wait: true})
	if !h.GaveUp || h.Attempts != 3 || h.Status != 500 || len(s.Snapshot().Undelivered) != 1 {
		t.Errorf("got %+v", h)
	}
	b.mu.Lock()
	b.answer = nil
	b.mu.Unlock()
	if err := s.Redeliver(h.ID); err != nil {
		t.Fatal(err)
	}
	await(t, s, func(now *kartestandin.Snapshot) bool { return len(now.Undelivered) == 0 })
	if err := s.Redeliver("nothing"); !errors.Is(err, kartestandin.ErrNoHook) {
		t.Errorf("got %v", err)
	}
}

func TestHookFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault kartestandin.HookFault
		want  string
	}{
		"duplicate":      {kartestandin.HookFault{Kind: kartestandin.HookDuplicate, Count: 1}, "a a b c"},
		"copies":         {kartestandin.HookFault{Kind: kartestandin.HookDuplicate, Copies: 2, After: 2}, "a b c c c"},
		"late duplicate": {kartestandin.HookFault{Kind: kartestandin.HookDuplicate, Count: 1, Delay: 300 * time.Millisecond}, "a b c a"},
		"reorder":        {kartestandin.HookFault{Kind: kartestandin.HookReorder, Count: 1}, "b a c"},
		"delay":          {kartestandin.HookFault{Kind: kartestandin.HookDelay, Count: 1, Delay: 5 * time.Millisecond}, "a b c"},
		"drop":           {kartestandin.HookFault{Kind: kartestandin.HookDrop, After: 1, Count: 1}, "a c"},
		"other customer": {kartestandin.HookFault{Kind: kartestandin.HookDrop, Customer: "vis-9"}, "a b c"},
		"other type":     {kartestandin.HookFault{Kind: kartestandin.HookDrop, Type: "talk/assignee/assign"}, "a b c"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := start(t, kartestandin.Config{})
			s.AddHookFault(c.fault)
			for _, text := range []string{"a", "b", "c"} {
				customerWrites(t, s, visitor, text, kartestandin.Write{})
			}
			await(t, s, delivered)
			if got := strings.Join(b.texts(t), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for _, h := range s.Hooks() {
				if h.Accepted == 0 && !h.Dropped {
					t.Errorf("not accepted: %+v", h)
				}
			}
		})
	}
}

func TestHooksWaitForRunAndAddress(t *testing.T) {
	b := newBridge(t)
	s := kartestandin.New(kartestandin.Config{ClientSecret: secret})
	customerWrites(t, s, visitor, "a", kartestandin.Write{})
	stop := run(t, s)
	if now := s.Snapshot(); now.Waiting != 1 || len(now.Undelivered) != 1 {
		t.Errorf("before there is an address: %+v", now)
	}
	s.SetHookURL(b.server.URL)
	await(t, s, delivered)
	stop()
	customerWrites(t, s, visitor, "b", kartestandin.Write{})
	if s.Snapshot().Waiting != 1 {
		t.Error("delivered without Run")
	}
	run(t, s)
	await(t, s, delivered)
	if got := strings.Join(b.texts(t), " "); got != "a b" {
		t.Errorf("got %q", got)
	}
}

func TestStoppingInARetryKeepsTheHook(t *testing.T) {
	b := newBridge(t)
	s := kartestandin.New(kartestandin.Config{ClientSecret: secret, HookURL: b.server.URL, RetryInterval: time.Hour})
	b.answer = func(n int, _ []byte) int { return []int{503, 200}[min(n, 1)] }
	stop := run(t, s)
	customerWrites(t, s, visitor, "a", kartestandin.Write{})
	await(t, s, func(now *kartestandin.Snapshot) bool { return now.Undelivered[0].Attempts == 1 })
	stop()
	run(t, s)
	await(t, s, delivered)
	if h := s.Hooks()[0]; h.Attempts != 2 || h.Accepted != 1 {
		t.Errorf("got %+v", h)
	}
}

func TestDeliverByHand(t *testing.T) {
	s, b := start(t, kartestandin.Config{})
	h := customerWrites(t, s, visitor, "hi", kartestandin.Write{Hold: true})
	if !h.Held || len(s.Messages("vis-1")) != 1 || len(s.Snapshot().Undelivered) != 0 {
		t.Errorf("got %+v", h)
	}
	for want, headers := range map[int]http.Header{
		http.StatusOK:           nil,
		http.StatusUnauthorized: {"X-Karte-Signature": {strings.Repeat("0", 64)}},
	} {
		if status, err := s.Deliver(t.Context(), h.Body, headers); err != nil || status != want {
			t.Errorf("%v: %d %v", headers, status, err)
		}
	}
	if status, err := s.Deliver(t.Context(), h.Body, http.Header{"X-Karte-Signature": nil}); err != nil || status != http.StatusUnauthorized {
		t.Errorf("no signature: %d %v", status, err)
	}
	if err := s.Redeliver(h.ID); err != nil {
		t.Fatal(err)
	}
	await(t, s, delivered)
	if len(b.texts(t)) != 2 {
		t.Errorf("got %v", b.texts(t))
	}
}

func TestAPIMessagesAreHookedOnlyWhenAsked(t *testing.T) {
	s, b := start(t, kartestandin.Config{Operators: operators})
	c := newClient(t, s)
	send := func() {
		c.post(kartestandin.PathSendFromOperator, `{"user_id":"vis-1","sender_id":"bot-demo","content":{"text":"m"}}`)
		c.post(kartestandin.PathNoteSend, `{"user_id":"vis-1","sender":{"id":"bot-demo"},"content":{"text":"n"}}`)
		c.post(kartestandin.PathAssign, `{"user_id":"vis-1","assignee":{"id":"bot-demo"}}`)
	}
	send()
	if _, err := s.OperatorNotes(t.Context(), visitor, operators[0].ID, "console note", kartestandin.Write{}); err != nil {
		t.Fatal(err)
	}
	if len(s.Hooks()) != 0 {
		t.Errorf("hooked: %+v", s.Hooks())
	}
	s.SetKnobs(kartestandin.Knobs{EchoAPI: true})
	send()
	await(t, s, delivered)
	if got := b.texts(t); !slices.Equal(got, []string{"m"}) {
		t.Errorf("echoed %q", got)
	}
	s.SetKnobs(kartestandin.Knobs{EchoAPI: true, EchoAssign: true, HookNotes: true})
	send()
	await(t, s, delivered)
	if got := b.texts(t); !slices.Equal(got, []string{"m", "m", "n", ""}) {
		t.Errorf("echoed %q", got)
	}
}

func TestWritesThatMakeNoSense(t *testing.T) {
	s := kartestandin.New(kartestandin.Config{})
	ctx := t.Context()
	if _, err := s.CustomerWrites(ctx, kartestandin.Customer{}, "hi", kartestandin.Write{}); err == nil {
		t.Error("nobody wrote")
	}
	if _, err := s.CustomerWrites(ctx, visitor, "hi", kartestandin.Write{Image: json.RawMessage("{")}); err == nil {
		t.Error("an image that is not JSON")
	}
	if _, err := s.OperatorWrites(ctx, visitor, "", "hi", kartestandin.Write{}); err == nil {
		t.Error("no operator wrote")
	}
	if _, err := s.Assign(ctx, kartestandin.Customer{}, "", kartestandin.Write{}); err == nil {
		t.Error("nobody was assigned")
	}
}
