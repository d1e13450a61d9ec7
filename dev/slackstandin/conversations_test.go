package slackstandin

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

func newJSONRequest(t *testing.T, url string, body any) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(mustJSON(t, body))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	return req
}

// pages reads a list to its end and returns one field of all items, or the items themselves.
func (d *desk) pages(list, name, method string, pairs ...string) []string {
	d.t.Helper()
	var out []string
	cursor := ""
	for range 100 {
		got := d.ok(method, append([]string{"cursor", cursor}, pairs...)...)
		items, _ := got[list].([]any)
		for _, item := range items {
			if object, ok := item.(map[string]any); ok {
				item = object[name]
			}
			out = append(out, fmt.Sprint(item))
		}
		if cursor, _ = field(d.t, got, "response_metadata", "next_cursor").(string); cursor == "" {
			return out
		}
	}
	d.t.Fatalf("%s never ends", method)
	return nil
}

func TestPages(t *testing.T) {
	d := newDesk(t, Config{})
	head := d.post("text", "head")
	all := []string{head}
	for range 7 {
		all = append(all, d.post("text", "r", "thread_ts", head))
	}
	other := d.post("text", "other")
	for _, limit := range []string{"1", "3", "8", "9", "1000"} {
		if got := d.pages("messages", "ts", "conversations.replies", "channel", "C0SUPPORT", "ts", head, "limit", limit); !slices.Equal(got, all) {
			t.Errorf("replies in pages of %s: %v, want %v", limit, got, all)
		}
		if got := d.pages("messages", "ts", "conversations.history", "channel", "C0SUPPORT", "limit", limit); !slices.Equal(got, []string{other, head}) {
			t.Errorf("history in pages of %s: %v", limit, got)
		}
	}
	between := []string{"channel", "C0SUPPORT", "ts", head, "oldest", all[2], "latest", all[5]}
	if got := d.pages("messages", "ts", "conversations.replies", between...); !slices.Equal(got, []string{head, all[3], all[4]}) {
		t.Errorf("between: %v", got)
	}
	if got := d.pages("messages", "ts", "conversations.replies", append(between, "inclusive", "true")...); !slices.Equal(got, append([]string{head}, all[2:6]...)) {
		t.Errorf("between, inclusive: %v", got)
	}
	if got := d.pages("messages", "ts", "conversations.replies", "channel", "C0SUPPORT", "ts", all[1]); !slices.Equal(got, all[1:2]) {
		t.Errorf("replies of a reply: %v", got)
	}
	d.fails("invalid_cursor", "conversations.replies", "channel", "C0SUPPORT", "ts", head, "cursor", "bm9uZQ==")
	d.fails("thread_not_found", "conversations.replies", "channel", "C0SUPPORT", "ts", "1.000001")
}

func TestWhatTheAppSees(t *testing.T) {
	d := newDesk(t, Config{})
	d.fails("not_in_channel", "conversations.history", "channel", "C0OTHER")
	d.fails("channel_not_found", "conversations.history", "channel", "G0SECRET")
	d.fails("channel_not_found", "conversations.info", "channel", "G0SECRET")
	if got := d.pages("channels", "id", "conversations.list", "types", "public_channel,private_channel", "limit", "1"); !slices.Equal(got, []string{"C0SUPPORT", "C0OTHER"}) {
		t.Errorf("list: %v", got)
	}
	if err := d.InviteBot("G0SECRET", "U0AYA"); err != nil {
		t.Fatal(err)
	}
	info, _ := d.ok("conversations.info", "channel", "G0SECRET", "include_num_members", "true")["channel"].(map[string]any)
	if info["is_private"] != true || info["is_member"] != true || info["num_members"] != 1.0 || info["name"] != "secret" {
		t.Errorf("info: %v", info)
	}
	d.fails("method_not_supported_for_channel_type", "conversations.join", "channel", "G0SECRET")
	d.ok("conversations.join", "channel", "C0OTHER")
	if got := d.ok("conversations.join", "channel", "C0OTHER"); got["warning"] != "already_in_channel" {
		t.Errorf("second join: %v", got)
	}
	if got := d.pages("members", "", "conversations.members", "channel", "C0SUPPORT", "limit", "1"); !slices.Equal(got, []string{"U0BOT", "U0AYA"}) {
		t.Errorf("members: %v", got)
	}
	if err := d.RemoveBot("G0SECRET"); err != nil {
		t.Fatal(err)
	}
	d.fails("channel_not_found", "chat.postMessage", "channel", "G0SECRET", "text", "x")
	if err := d.Archive("C0OTHER", "U0AYA", true); err != nil {
		t.Fatal(err)
	}
	d.fails("is_archived", "conversations.join", "channel", "C0OTHER")
}

func TestPeopleAndWorkspace(t *testing.T) {
	d := newDesk(t, Config{})
	d.AddMember(Member{ID: "U0GUEST", Guest: true})
	d.AddMember(Member{ID: "U0ONE", SingleGuest: true})
	d.AddMember(Member{ID: "U0GONE", Deleted: true})
	user := func(id string) map[string]any {
		u, _ := d.ok("users.info", "user", id, "include_locale", "true")["user"].(map[string]any)
		return u
	}
	if u := user("U0AYA"); u["locale"] != "ja-JP" || u["is_restricted"] != false || u["team_id"] != "T0DEMO1" || field(t, u, "profile", "display_name") != "Aya" {
		t.Errorf("%v", u)
	}
	if u := user("U0GUEST"); u["is_restricted"] != true || u["is_ultra_restricted"] != false {
		t.Errorf("%v", u)
	}
	if u := user("U0ONE"); u["is_restricted"] != true || u["is_ultra_restricted"] != true {
		t.Errorf("%v", u)
	}
	if user("U0GONE")["deleted"] != true || user("U0BOT")["is_bot"] != true {
		t.Error("flags are lost")
	}
	if u := user("U0EXT"); u["team_id"] != "T0OTHER" || u["locale"] != nil {
		t.Errorf("%v", u)
	}
	d.fails("user_not_found", "users.info", "user", "U0NONE")
	d.ok("users.lookupByEmail", "email", "aya@example.com")
	d.fails("users_not_found", "users.lookupByEmail", "email", "none@example.com")

	d.AddUserGroup(UserGroup{ID: "S0CS", Handle: "cs", Name: "Support", Users: []string{"U0AYA"}})
	groups, _ := d.ok("usergroups.list", "include_users", "true")["usergroups"].([]any)
	if len(groups) != 1 || field(t, groups[0], "handle") != "cs" || len(field(t, groups[0], "users").([]any)) != 1 {
		t.Errorf("groups: %v", groups)
	}
	d.AddEmoji("party_cat", "https://example.com/cat.png")
	if field(t, d.ok("emoji.list"), "emoji", "party_cat") == nil {
		t.Error("emoji is missing")
	}
	if field(t, d.ok("team.info"), "team", "id") != "T0DEMO1" || field(t, d.ok("bots.info", "bot", "B0BOT"), "bot", "app_id") != "A0DEMO1" {
		t.Error("team or bot is wrong")
	}
}
