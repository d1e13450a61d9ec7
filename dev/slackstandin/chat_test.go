package slackstandin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTokens(t *testing.T) {
	d := newDesk(t, Config{})
	d.fails("not_authed", "auth.test", "token", "")
	d.fails("invalid_auth", "auth.test", "token", "xoxb-wrong")
	d.fails("unknown_method", "chat.nonsense")
	got := d.ok("auth.test")
	if got["user_id"] != "U0BOT" || got["bot_id"] != "B0BOT" || got["team_id"] != "T0DEMO1" {
		t.Errorf("auth.test: %v", got)
	}
	if d.Calls("auth.test") != 3 {
		t.Errorf("calls: %d", d.Calls("auth.test"))
	}
}

func TestPostErrors(t *testing.T) {
	d := newDesk(t, Config{})
	d.AddChannel(Channel{ID: "C0OLD", Archived: true, Members: []string{"U0BOT"}})
	section := func(n int) string {
		return mustJSON(t, []any{map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": strings.Repeat("x", n)}}})
	}
	dividers := func(n int) string { return "[" + strings.Repeat(`{"type":"divider"},`, n-1) + `{"type":"divider"}]` }
	for name, tc := range map[string]struct {
		want string
		args []string
	}{
		"unknown channel":      {"channel_not_found", []string{"channel", "C0NONE", "text", "x"}},
		"private channel":      {"channel_not_found", []string{"channel", "G0SECRET", "text", "x"}},
		"not in channel":       {"not_in_channel", []string{"channel", "C0OTHER", "text", "x"}},
		"archived":             {"is_archived", []string{"channel", "C0OLD", "text", "x"}},
		"no text":              {"no_text", []string{"text", " "}},
		"51 blocks":            {"invalid_blocks", []string{"text", "x", "blocks", dividers(51)}},
		"section of 3001":      {"invalid_blocks", []string{"text", "x", "blocks", section(3001)}},
		"no JSON":              {"invalid_blocks_format", []string{"text", "x", "blocks", "{"}},
		"metadata of no type":  {"invalid_metadata_format", []string{"text", "x", "metadata", `{"event_payload":{}}`}},
		"metadata of no form":  {"invalid_metadata_format", []string{"text", "x", "metadata", `{"event_type":"a","event_payload":"b"}`}},
		"markdown besides":     {"markdown_text_conflict", []string{"text", "x", "markdown_text", "y"}},
		"101 attachments":      {"too_many_attachments", []string{"attachments", "[" + strings.Repeat("{},", 100) + "{}]"}},
		"button text too long": {"invalid_blocks", []string{"blocks", `[{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"` + strings.Repeat("x", 76) + `"}}]}]`}},
		"action twice":         {"invalid_blocks", []string{"blocks", `[{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"text":"x"}},{"type":"button","action_id":"a","text":{"text":"x"}}]}]`}},
		"all blocks too long":  {"msg_blocks_too_long", []string{"blocks", "[" + strings.Repeat(strings.Trim(section(3000), "[]")+",", 4) + strings.Trim(section(3000), "[]") + "]"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := d.fails(tc.want, "chat.postMessage", append([]string{"channel", "C0SUPPORT"}, tc.args...)...)
			if tc.want == "invalid_blocks" {
				if messages, _ := field(t, got, "response_metadata", "messages").([]any); len(messages) == 0 {
					t.Errorf("no messages: %v", got)
				}
			}
		})
	}
	if n := len(d.Messages("C0SUPPORT")); n != 0 {
		t.Errorf("%d messages from failed posts", n)
	}
	d.post("blocks", dividers(50))
	d.post("blocks", section(3000))
}

func TestPostedMessage(t *testing.T) {
	d := newDesk(t, Config{})
	meta := `{"event_type":"posted","event_payload":{"id":"c1"}}`
	got := d.ok("chat.postMessage", "channel", "C0SUPPORT", "text", "a &lt; b https://example.com", "metadata", meta)
	ts, _ := got["ts"].(string)
	sameJSON(t, "message", got["message"], `{"type":"message","user":"U0BOT","bot_id":"B0BOT","app_id":"A0DEMO1","team":"T0DEMO1",
		"bot_profile":{"id":"B0BOT","app_id":"A0DEMO1","name":"slacktalk","team_id":"T0DEMO1"},
		"text":"a &lt; b <https://example.com>","ts":"`+ts+`"}`)

	for _, method := range []string{"conversations.history", "conversations.replies"} {
		first := func(pairs ...string) map[string]any {
			list, _ := d.ok(method, append([]string{"channel", "C0SUPPORT", "ts", ts}, pairs...)...)["messages"].([]any)
			m, _ := list[0].(map[string]any)
			return m
		}
		if first()["metadata"] != nil {
			t.Errorf("%s gives metadata without being asked", method)
		}
		sameJSON(t, method, first("include_all_metadata", "true")["metadata"], meta)
	}

	named := d.ok("chat.postMessage", "channel", "C0SUPPORT", "text", "x", "username", "Customer", "icon_emoji", ":wave:")
	m, _ := named["message"].(map[string]any)
	if m["subtype"] != "bot_message" || m["user"] != nil || m["username"] != "Customer" || m["bot_id"] != "B0BOT" {
		t.Errorf("post under a name: %v", m)
	}
	long := d.ok("chat.postMessage", "channel", "C0SUPPORT", "text", strings.Repeat("あ", 40001))
	if text, _ := field(t, long, "message", "text").(string); len([]rune(text)) != 40000 || long["warning"] != "message_truncated" {
		t.Errorf("long text: %d characters, warning %v", len([]rune(text)), long["warning"])
	}
}

func TestPostAsJSON(t *testing.T) {
	d := newDesk(t, Config{})
	req := newJSONRequest(t, d.web.URL+"/api/chat.postMessage", map[string]any{
		"channel": "C0SUPPORT", "text": "x", "unfurl_links": false, "thread_ts": nil,
		"blocks": []any{map[string]any{"type": "divider"}}, "metadata": map[string]any{"event_type": "e", "event_payload": map[string]any{}},
	})
	req.Header.Set("Authorization", "Bearer xoxb-demo")
	if _, got, err := d.send(req); err != nil || got["ok"] != true {
		t.Fatal(got, err)
	}
	req = newJSONRequest(t, d.web.URL+"/api/chat.postMessage", map[string]any{"token": "xoxb-demo"})
	if _, got, err := d.send(req); err != nil || got["error"] != "not_authed" {
		t.Fatal(got, err)
	}
	m := d.Messages("C0SUPPORT")[0]
	if m.ThreadTS != "" || m.Metadata == nil || !strings.Contains(string(m.Blocks), "block_id") {
		t.Errorf("%+v", m)
	}
}

func TestThreads(t *testing.T) {
	d := newDesk(t, Config{})
	head := d.post("text", "head")
	for i := range 7 {
		member := fmt.Sprintf("U0M%d", i)
		d.AddMember(Member{ID: member})
		if _, err := d.Write(member, "C0SUPPORT", head, "x", WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	reply := d.ok("chat.postMessage", "channel", "C0SUPPORT", "text", "r", "thread_ts", head)
	if field(t, reply, "message", "thread_ts") != head || field(t, reply, "message", "parent_user_id") != "U0BOT" {
		t.Errorf("reply: %v", reply)
	}
	h := d.Thread("C0SUPPORT", head)[0]
	if h.ThreadTS != head || h.ReplyCount != 8 || h.ReplyUsersCount != 8 || len(h.ReplyUsers) != 5 || h.LatestReply != reply["ts"] {
		t.Errorf("head: %+v", h)
	}
	d.post("text", "seen by all", "thread_ts", head, "reply_broadcast", "true")
	history, _ := d.ok("conversations.history", "channel", "C0SUPPORT")["messages"].([]any)
	if len(history) != 2 || field(t, history[0], "subtype") != "thread_broadcast" || field(t, history[0], "root", "ts") != head {
		t.Errorf("history: %v", history)
	}
}

func TestReplyToAMissingHead(t *testing.T) {
	d := newDesk(t, Config{})
	lonely, head := d.post("text", "x"), d.post("text", "y")
	under := d.post("text", "r", "thread_ts", head)
	d.ok("chat.delete", "channel", "C0SUPPORT", "ts", lonely)
	d.ok("chat.delete", "channel", "C0SUPPORT", "ts", head)
	for name, ts := range map[string]string{
		"deleted": lonely, "deleted with replies": head, "unknown": "1.000001", "malformed": "x", "a reply": under,
	} {
		got := d.ok("chat.postMessage", "channel", "C0SUPPORT", "text", "z", "thread_ts", ts)
		if m, _ := got["message"].(map[string]any); m["thread_ts"] != nil {
			t.Errorf("%s: posted into a thread: %v", name, m)
		}
	}
	d.fails("thread_not_found", "conversations.replies", "channel", "C0SUPPORT", "ts", lonely)
	thread, _ := d.ok("conversations.replies", "channel", "C0SUPPORT", "ts", head)["messages"].([]any)
	if len(thread) != 2 || field(t, thread[0], "subtype") != "tombstone" {
		t.Errorf("what stays of a thread: %v", thread)
	}
	system := d.write("", "", WriteOptions{Raw: true, Subtype: "channel_topic"})
	d.fails("cannot_reply_to_message", "chat.postMessage", "channel", "C0SUPPORT", "text", "z", "thread_ts", system)
}

func TestUpdateAndDelete(t *testing.T) {
	d := newDesk(t, Config{})
	blocks := `[{"block_id":"d","type":"divider"}]`
	ts := d.post("text", "x", "blocks", blocks, "metadata", `{"event_type":"e","event_payload":{}}`)
	at := []string{"channel", "C0SUPPORT", "ts", ts}
	with := func(pairs ...string) []string { return append(slices.Clone(at), pairs...) }
	d.fails("msg_too_long", "chat.update", with("text", strings.Repeat("x", 4001))...)
	d.fails("no_text", "chat.update", at...)
	d.fails("message_not_found", "chat.update", "channel", "C0SUPPORT", "ts", "1.000001", "text", "x")
	got := d.ok("chat.update", with("text", "y", "blocks", blocks)...)
	if got["text"] != "y" || field(t, got, "message", "edited", "user") != "U0BOT" {
		t.Errorf("update: %v", got)
	}
	if m := d.Messages("C0SUPPORT")[0]; string(m.Blocks) != blocks || m.Metadata == nil {
		t.Errorf("kept: %+v", m)
	}
	d.ok("chat.update", with("text", "z", "metadata", "{}")...)
	if m := d.Messages("C0SUPPORT")[0]; m.Blocks != nil || m.Metadata != nil {
		t.Errorf("removed: %+v", m)
	}
	theirs := d.write("", "mine", WriteOptions{})
	d.fails("cant_update_message", "chat.update", "channel", "C0SUPPORT", "ts", theirs, "text", "x")
	d.fails("cant_delete_message", "chat.delete", "channel", "C0SUPPORT", "ts", theirs)
	d.ok("chat.delete", at...)
	d.fails("message_not_found", "chat.delete", at...)
	if err := d.Archive("C0SUPPORT", "U0AYA", true); err != nil {
		t.Fatal(err)
	}
	d.fails("is_archived", "chat.postMessage", "channel", "C0SUPPORT", "text", "x")
}

func TestDirectAndPublicPosts(t *testing.T) {
	d := newDesk(t, Config{PublicWrite: true})
	got := d.ok("chat.postMessage", "channel", "U0AYA", "text", "x")
	opened := d.ok("conversations.open", "users", "U0AYA")
	if id, _ := got["channel"].(string); !strings.HasPrefix(id, "D") || field(t, opened, "channel", "id") != id {
		t.Errorf("posted to %v, opened %v", got["channel"], opened)
	}
	d.ok("chat.postMessage", "channel", "C0OTHER", "text", "x")
	d.fails("channel_not_found", "chat.postMessage", "channel", "G0SECRET", "text", "x")
}

func TestEphemeralsAndPermalinks(t *testing.T) {
	d := newDesk(t, Config{})
	head := d.post("text", "x")
	under := d.post("text", "y", "thread_ts", head)
	d.fails("user_not_in_channel", "chat.postEphemeral", "channel", "C0SUPPORT", "user", "U0KEN", "text", "psst")
	got := d.ok("chat.postEphemeral", "channel", "C0SUPPORT", "user", "U0AYA", "text", "psst", "thread_ts", head)
	shown := d.Ephemerals()
	if len(shown) != 1 || shown[0].TS != got["message_ts"] || shown[0].ThreadTS != head || shown[0].User != "U0AYA" {
		t.Errorf("ephemerals: %+v", shown)
	}
	if len(d.Messages("C0SUPPORT")) != 2 {
		t.Error("an ephemeral message is in the channel")
	}
	link := d.ok("chat.getPermalink", "channel", "C0SUPPORT", "message_ts", under)["permalink"]
	if want := "https://demo.slack.com/archives/C0SUPPORT/p" + strings.ReplaceAll(under, ".", "") + "?thread_ts=" + head + "&cid=C0SUPPORT"; link != want {
		t.Errorf("permalink %v, want %v", link, want)
	}
	d.fails("message_not_found", "chat.getPermalink", "channel", "C0SUPPORT", "message_ts", "1.000001")
}

func TestReactions(t *testing.T) {
	d := newDesk(t, Config{})
	ts := d.post("text", "x")
	at := []string{"channel", "C0SUPPORT", "timestamp", ts, "name", "eyes"}
	d.fails("no_reaction", "reactions.remove", at...)
	d.ok("reactions.add", at...)
	d.fails("already_reacted", "reactions.add", at...)
	if err := d.React("U0AYA", "C0SUPPORT", ts, "eyes", true); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "reactions", d.Reactions("C0SUPPORT", ts), `[{"name":"eyes","users":["U0BOT","U0AYA"],"count":2}]`)
	d.ok("reactions.remove", at...)
	sameJSON(t, "reactions", d.Reactions("C0SUPPORT", ts), `[{"name":"eyes","users":["U0AYA"],"count":1}]`)
	d.fails("message_not_found", "reactions.add", "channel", "C0SUPPORT", "timestamp", "1.000001", "name", "eyes")
	d.fails("invalid_name", "reactions.add", "channel", "C0SUPPORT", "timestamp", ts, "name", ":eyes:")
}

func TestGeneratedBlocks(t *testing.T) {
	d := newDesk(t, Config{GeneratedBlocks: true})
	d.post("text", "a &lt; b\n```c &amp; d```")
	var blocks []struct{ Elements json.RawMessage }
	if err := json.Unmarshal(d.Messages("C0SUPPORT")[0].Blocks, &blocks); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "blocks", blocks[0].Elements, `[{"type":"rich_text_section","elements":[{"type":"text","text":"a < b"},{"type":"text","text":"\n"}]},
		{"type":"rich_text_preformatted","border":0,"elements":[{"type":"text","text":"c & d"}]}]`)
}

// Whatever is posted, written, changed and deleted, in whatever order and however little the clock moves: ts rise,
// heads count their replies, history shows no replies.
func TestConversationInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		s := New(Config{Clock: func() time.Time { return now }})
		s.AddMember(Member{ID: "U0AYA"})
		s.AddChannel(Channel{ID: "C0SUPPORT", Members: []string{"U0BOT"}})
		var known []string
		seen := map[string]bool{}
		pick := func() string {
			if len(known) == 0 {
				return ""
			}
			return rapid.SampledFrom(known).Draw(t, "ts")
		}
		keep := func(ts any) {
			if text, _ := ts.(string); text != "" {
				if seen[text] {
					t.Fatalf("ts %s given twice", text)
				}
				seen[text] = true
				known = append(known, text)
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				got, _ := s.call("chat.postMessage", args{"channel": "C0SUPPORT", "text": "x", "thread_ts": pick()}, "xoxb-demo")
				keep(got["ts"])
			case 1:
				ts, _ := s.Write("U0AYA", "C0SUPPORT", pick(), "x", WriteOptions{}) // refused under a reply
				keep(ts)
			case 2:
				_, _ = s.call("chat.delete", args{"channel": "C0SUPPORT", "ts": pick()}, "xoxb-demo") // refused for others' messages
			case 3:
				_ = s.Edit("C0SUPPORT", pick(), "y", WriteOptions{}) // refused for deleted messages
			case 4:
				now = now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "seconds")) * time.Second)
			}
			checkConversation(t, s)
		}
	})
}

func checkConversation(t *rapid.T, s *Server) {
	messages := s.Messages("C0SUPPORT")
	replies := map[string]int{}
	for i, m := range messages {
		if i > 0 && !tsLess(messages[i-1].TS, m.TS) {
			t.Fatalf("ts %s after %s", m.TS, messages[i-1].TS)
		}
		if _, decimals, _ := strings.Cut(m.TS, "."); len(decimals) != 6 {
			t.Fatalf("ts %s", m.TS)
		}
		if m.isReply() {
			replies[m.ThreadTS]++
		}
	}
	shown := 0
	for _, m := range messages {
		if m.isReply() {
			continue
		}
		shown++
		if m.ReplyCount != replies[m.TS] || m.ReplyCount > 0 && m.ThreadTS != m.TS {
			t.Fatalf("head %+v has %d replies", m, replies[m.TS])
		}
	}
	got, err := s.call("conversations.history", args{"channel": "C0SUPPORT", "limit": "1000"}, "xoxb-demo")
	if list, _ := got["messages"].([]*Message); err != nil || len(list) != shown {
		t.Fatalf("history shows %d of %d: %v", len(list), shown, err)
	}
}
