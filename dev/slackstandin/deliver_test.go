package slackstandin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestEventsAreSignedAndComplete(t *testing.T) {
	a := newApp(t, nil)
	d := newDesk(t, Config{EventsURL: a.URL, Clock: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	ts := d.write("", "hi\n```a<b```", WriteOptions{})
	d.start()
	d.await("delivery", settled)
	got := a.requests()[0]
	stamp := got.header.Get("X-Slack-Request-Timestamp")
	if sig := Signature("demo-signing-secret", stamp, got.body); stamp != "1700000000" || got.header.Get("X-Slack-Signature") != sig {
		t.Errorf("timestamp %s, signature %s, want %s", stamp, got.header.Get("X-Slack-Signature"), sig)
	}
	if got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Slack-Retry-Num") != "" {
		t.Errorf("header %v", got.header)
	}
	event := got.event(t)
	inner, _ := event["event"].(map[string]any)
	delete(inner, "blocks")
	delete(inner, "client_msg_id")
	sameJSON(t, "event", event, `{"type":"event_callback","token":"deprecated-verification-token","team_id":"T0DEMO1","context_team_id":"T0DEMO1",
		"context_enterprise_id":null,"api_app_id":"A0DEMO1","event_id":"`+event["event_id"].(string)+`","event_time":1700000000,
		"event_context":"4-`+event["event_id"].(string)+`","is_ext_shared_channel":false,
		"authorizations":[{"enterprise_id":null,"team_id":"T0DEMO1","user_id":"U0BOT","is_bot":true,"is_enterprise_install":false}],
		"event":{"type":"message","channel":"C0SUPPORT","channel_type":"channel","user":"U0AYA","team":"T0DEMO1","ts":"`+ts+`",
		"event_ts":"`+ts+`","text":"hi\n`+"```a&lt;b```"+`"}}`)
	if strings.Contains(string(got.body), `\u003c`) {
		t.Error("the body escapes < which Slack does not")
	}
}

func TestEventsOfEverythingThatHappens(t *testing.T) {
	a := newApp(t, nil)
	d := newDesk(t, Config{EventsURL: a.URL})
	head := d.post("text", "head", "metadata", `{"event_type":"e","event_payload":{"id":"1"}}`)
	under := d.write(head, "reply", WriteOptions{})
	steps := []func() error{
		func() error { return d.Edit("C0SUPPORT", under, "```edited```", WriteOptions{}) },
		func() error { return d.Unfurl("C0SUPPORT", under, "https://example.com") },
		func() error { return d.React("U0AYA", "C0SUPPORT", head, "eyes", true) },
		func() error { return d.Delete("C0SUPPORT", under, DeleteOptions{}) },
		func() error { return d.RemoveBot("C0SUPPORT") },
		func() error { _, err := d.Write("U0AYA", "C0SUPPORT", "", "unseen", WriteOptions{}); return err },
		func() error { return d.InviteBot("C0SUPPORT", "U0AYA") },
		func() error { return d.Archive("C0SUPPORT", "U0AYA", true) },
		func() error { return d.Archive("C0SUPPORT", "U0AYA", false) },
		func() error { return d.EmitEvent("C0SUPPORT", map[string]any{"type": "tokens_revoked"}) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	d.start()
	d.await("delivery", settled)
	var kinds []string
	events := a.events(t, "")
	for _, e := range events {
		kind, _ := e["type"].(string)
		if subtype, ok := e["subtype"].(string); ok {
			kind = subtype
		}
		kinds = append(kinds, kind)
	}
	want := []string{"message", "message", "message", "message_changed", "message_changed", "reaction_added", "message_deleted",
		"member_left_channel", "member_joined_channel", "channel_archive", "channel_unarchive", "tokens_revoked"}
	if !slices.Equal(kinds, want) {
		t.Fatalf("events %v\n  want %v", kinds, want)
	}
	echo, reply, replied, edit, unfurl, deleted := events[0], events[1], events[2], events[3], events[4], events[6]
	if echo["user"] != "U0BOT" || echo["bot_id"] != "B0BOT" || echo["app_id"] != "A0DEMO1" || field(t, echo, "metadata", "event_payload", "id") != "1" {
		t.Errorf("echo: %v", echo)
	}
	if reply["thread_ts"] != head || reply["parent_user_id"] != "U0BOT" || reply["client_msg_id"] == nil || reply["team"] != "T0DEMO1" {
		t.Errorf("reply: %v", reply)
	}
	if replied["user"] != nil || replied["text"] != nil || field(t, replied, "message", "reply_count") != 1.0 {
		t.Errorf("message_replied: %v", replied)
	}
	if edit["ts"] == under || edit["hidden"] != true || field(t, edit, "message", "ts") != under || field(t, edit, "message", "text") != "```edited```" ||
		field(t, edit, "message", "edited", "user") != "U0AYA" || field(t, edit, "previous_message", "text") != "reply" {
		t.Errorf("message_changed: %v", edit)
	}
	if field(t, unfurl, "message", "text") != field(t, unfurl, "previous_message", "text") {
		t.Errorf("unfurl: %v", unfurl)
	}
	if deleted["deleted_ts"] != under || field(t, deleted, "previous_message", "thread_ts") != head {
		t.Errorf("message_deleted: %v", deleted)
	}
	if events[8]["inviter"] != "U0AYA" || events[8]["user"] != "U0BOT" {
		t.Errorf("member_joined_channel: %v", events[8])
	}
}

func TestOddAuthors(t *testing.T) {
	a := newApp(t, nil)
	d := newDesk(t, Config{EventsURL: a.URL})
	head := d.post("text", "head")
	d.start()
	d.write(head, "", WriteOptions{Files: []byte(`[{"id":"F0DEMO1","mode":"snippet"}]`)})
	d.write(head, "", WriteOptions{App: &App{BotID: "B0OTHER", AppID: "A0OTHER", Name: "other"}})
	d.write(head, "", WriteOptions{App: &App{BotID: "B0OTHER", AppID: "A0OTHER", User: "U0OTHERBOT"}})
	d.write(head, "all", WriteOptions{Broadcast: true})
	d.write(head, "```raw", WriteOptions{Raw: true, ClientMsgID: "same"})
	if _, err := d.Write("U0EXT", "C0SUPPORT", head, "hello", WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	d.await("delivery", settled)
	var got []map[string]any
	for _, e := range a.events(t, "message")[1:] {
		if e["message"] == nil {
			got = append(got, e)
		}
	}
	if got[0]["subtype"] != "file_share" || got[0]["text"] != "" || got[0]["files"] == nil || got[0]["blocks"] != nil {
		t.Errorf("file: %v", got[0])
	}
	if got[1]["subtype"] != "bot_message" || got[1]["user"] != nil || got[1]["bot_id"] != "B0OTHER" || got[1]["client_msg_id"] != nil {
		t.Errorf("another app: %v", got[1])
	}
	if got[2]["subtype"] != nil || got[2]["user"] != "U0OTHERBOT" || field(t, got[2], "bot_profile", "app_id") != "A0OTHER" {
		t.Errorf("another app's user: %v", got[2])
	}
	if got[3]["subtype"] != "thread_broadcast" || field(t, got[3], "root", "ts") != head {
		t.Errorf("broadcast: %v", got[3])
	}
	if got[4]["blocks"] != nil || got[4]["text"] != "```raw" || got[4]["client_msg_id"] != "same" {
		t.Errorf("raw: %v", got[4])
	}
	all := a.requests()
	last := all[len(all)-1].event(t)
	if got[5]["team"] != "T0OTHER" || got[5]["user_team"] != "T0OTHER" || last["is_ext_shared_channel"] != true || last["team_id"] != "T0DEMO1" {
		t.Errorf("Slack Connect: %v", last)
	}
}

func TestDeletedHead(t *testing.T) {
	for name, asDeleted := range map[string]bool{"tombstone": false, "message_deleted": true} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, nil)
			d := newDesk(t, Config{EventsURL: a.URL})
			head := d.post("text", "head")
			d.write(head, "reply", WriteOptions{})
			if err := d.Delete("C0SUPPORT", head, DeleteOptions{AsDeleted: asDeleted}); err != nil {
				t.Fatal(err)
			}
			d.start()
			d.await("delivery", settled)
			events := a.events(t, "message")
			last := events[len(events)-1]
			if asDeleted && (last["subtype"] != "message_deleted" || last["deleted_ts"] != head) {
				t.Errorf("%v", last)
			}
			if !asDeleted && (last["subtype"] != "message_changed" || field(t, last, "message", "subtype") != "tombstone") {
				t.Errorf("%v", last)
			}
			if err := d.Delete("C0SUPPORT", head, DeleteOptions{}); err == nil {
				t.Error("deleted twice")
			}
		})
	}
}

func TestRetries(t *testing.T) {
	for name, tc := range map[string]struct {
		answer   func(n int, w http.ResponseWriter, r request)
		attempts int
		lost     string
		reason   string // in the header of the retries
	}{
		"accepted":   {nil, 1, "", ""},
		"202":        {func(_ int, w http.ResponseWriter, _ request) { w.WriteHeader(http.StatusAccepted) }, 1, "", ""},
		"third time": {func(n int, w http.ResponseWriter, _ request) { fail(n < 2, w) }, 3, "", "http_error"},
		"given up":   {func(_ int, w http.ResponseWriter, _ request) { fail(true, w) }, 4, "http_error", "http_error"},
		"refused":    {func(_ int, w http.ResponseWriter, _ request) { w.Header().Set("X-Slack-No-Retry", "1"); fail(true, w) }, 1, "no_retry", ""},
		"redirects": {func(_ int, w http.ResponseWriter, _ request) {
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusFound)
		}, 12, "too_many_redirects", "too_many_redirects"},
		"connection fails": {func(_ int, _ http.ResponseWriter, _ request) { panic(http.ErrAbortHandler) }, 4, "connection_failed", "connection_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, tc.answer)
			d := newDesk(t, Config{EventsURL: a.URL, RetryScale: 0.0001})
			d.write("", "x", WriteOptions{})
			d.start()
			d.await("delivery", settled)
			got := a.requests()
			if len(got) != tc.attempts {
				t.Fatalf("%d requests, want %d", len(got), tc.attempts)
			}
			lost := d.Undelivered()
			if tc.lost == "" && len(lost) != 0 || tc.lost != "" && (len(lost) != 1 || lost[0].Reason != tc.lost) {
				t.Errorf("undelivered %+v", lost)
			}
			first := got[0].event(t)
			for _, r := range got {
				if r.event(t)["event_id"] != first["event_id"] {
					t.Error("a retry has another event_id")
				}
			}
			last := got[len(got)-1].header
			if last.Get("X-Slack-Retry-Reason") != tc.reason || tc.reason == "" != (last.Get("X-Slack-Retry-Num") == "") {
				t.Errorf("retry header %v", last)
			}
		})
	}
}

func fail(bad bool, w http.ResponseWriter) {
	if bad {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func TestTimeoutIsRetried(t *testing.T) {
	slow := make(chan struct{})
	a := newApp(t, func(n int, _ http.ResponseWriter, _ request) {
		if n == 0 {
			<-slow
		}
	})
	d := newDesk(t, Config{EventsURL: a.URL, DeliveryTimeout: 30 * time.Millisecond})
	d.write("", "x", WriteOptions{})
	d.start()
	d.await("delivery", settled)
	close(slow)
	if got := a.requests(); len(got) != 2 || got[1].header.Get("X-Slack-Retry-Reason") != "http_timeout" || got[1].header.Get("X-Slack-Retry-Num") != "1" {
		t.Errorf("%d requests, header %v", len(got), got[len(got)-1].header)
	}
}

func TestOrderAndEventFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault EventFault
		texts string
		lost  int
	}{
		"none":            {EventFault{Kind: "none"}, "a b c d", 0},
		"drop":            {EventFault{Kind: Drop, After: 1, Count: 1}, "a c d", 1},
		"reorder":         {EventFault{Kind: Reorder, After: 1, Count: 1}, "a c b d", 0},
		"reorder, last":   {EventFault{Kind: Reorder, After: 3, Delay: time.Millisecond}, "a b c d", 0},
		"delay":           {EventFault{Kind: Late, Count: 1, Delay: 20 * time.Millisecond}, "a b c d", 0},
		"duplicate":       {EventFault{Kind: Duplicate, After: 1, Count: 1}, "a b b c d", 0},
		"late duplicate":  {EventFault{Kind: Duplicate, Count: 1, Delay: 100 * time.Millisecond}, "a b c d a", 0},
		"other channel":   {EventFault{Kind: Drop, Channel: "C0OTHER"}, "a b c d", 0},
		"other type":      {EventFault{Kind: Drop, Type: "reaction_added"}, "a b c d", 0},
		"everything lost": {EventFault{Kind: Drop}, "", 4},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, nil)
			d := newDesk(t, Config{EventsURL: a.URL})
			d.AddEventFault(tc.fault)
			for _, text := range []string{"a", "b", "c", "d"} {
				d.write("", text, WriteOptions{})
			}
			d.start()
			d.await("delivery", settled)
			var texts []string
			ids := map[any]bool{}
			for _, r := range a.requests() {
				e := r.event(t)
				texts = append(texts, field(t, e, "event", "text").(string))
				ids[e["event_id"]] = true
			}
			if got := strings.Join(texts, " "); got != tc.texts {
				t.Errorf("received %s, want %s", got, tc.texts)
			}
			if len(ids) != len(texts) || len(d.Undelivered()) != tc.lost {
				t.Errorf("%d ids of %d events, %d undelivered", len(ids), len(texts), len(d.Undelivered()))
			}
		})
	}
}

// With RetryUntilAccepted a broken thread waits, keeps its order and delays no other.
func TestRetryUntilAccepted(t *testing.T) {
	var heal atomic.Bool
	a := newApp(t, func(_ int, w http.ResponseWriter, r request) {
		fail(!heal.Load() && strings.Contains(string(r.body), "broken"), w)
	})
	d := newDesk(t, Config{EventsURL: a.URL, RetryUntilAccepted: true, RetryInterval: time.Millisecond})
	one, two := d.write("", "head", WriteOptions{}), d.write("", "head", WriteOptions{})
	d.start()
	d.await("heads", settled)
	d.write(one, "broken 1", WriteOptions{})
	d.write(one, "broken 2", WriteOptions{})
	d.write(two, "fine", WriteOptions{})
	d.await("the other thread", func(s *Snapshot) bool { return s.Accepted == 4 })
	if len(d.Undelivered()) != 0 {
		t.Error("gave up")
	}
	heal.Store(true)
	d.await("all", settled)
	var accepted []string
	for _, e := range d.Deliveries() {
		if e.ThreadTS == one && e.Accepted {
			accepted = append(accepted, e.TS)
		}
	}
	if !slices.IsSortedFunc(accepted, strings.Compare) || len(accepted) != 5 {
		t.Errorf("order %v", accepted)
	}
}

func TestRunMayStopAndStartAgain(t *testing.T) {
	a := newApp(t, func(n int, w http.ResponseWriter, _ request) { fail(n == 0, w) })
	d := newDesk(t, Config{EventsURL: a.URL, RetryUntilAccepted: true, RetryInterval: time.Hour})
	d.write("", "x", WriteOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.Run(ctx) }()
	for len(a.requests()) == 0 {
		d.await("nothing", func(*Snapshot) bool { return true })
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := d.Snapshot().Pending; n != 1 {
		t.Fatalf("%d events in line", n)
	}
	d.start()
	d.await("delivery", settled)
	if len(d.Undelivered()) != 0 || d.Snapshot().Accepted != 1 {
		t.Errorf("%+v", d.Deliveries())
	}
}

func TestVerifyURL(t *testing.T) {
	plain := newApp(t, func(_ int, w http.ResponseWriter, r request) {
		challenge, _ := r.event(t)["challenge"].(string)
		_, _ = w.Write([]byte(challenge))
	})
	object := newApp(t, func(_ int, w http.ResponseWriter, r request) {
		writeJSON(w, 200, reply{"challenge": r.event(t)["challenge"]})
	})
	silent := newApp(t, nil)
	d := newDesk(t, Config{})
	for app, good := range map[*app]bool{plain: true, object: true, silent: false} {
		d.SetURLs(URLs{Events: app.URL})
		if err := d.VerifyURL(t.Context()); (err == nil) != good {
			t.Errorf("verify: %v", err)
		}
		if r := app.requests()[0]; r.event(t)["type"] != "url_verification" || r.header.Get("X-Slack-Signature") == "" {
			t.Errorf("%s", r.body)
		}
	}
}
