package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// before lets something have been said a while before anything was heard of: KARTE has it, and nobody was told.
func (s system) before(c kartestandin.Customer, operator, text string, ago time.Duration) {
	s.t.Helper()
	w := kartestandin.Write{Date: time.Now().Add(-ago), Hold: true}
	var err error
	if operator == "" {
		_, err = s.KARTE.CustomerWrites(s.t.Context(), c, text, w)
	} else {
		_, err = s.KARTE.OperatorWrites(s.t.Context(), c, operator, text, w)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// pictures switches names and pictures of operators on.
func (s system) pictures() {
	s.t.Helper()
	_, err := s.Settings.UpdateTeamSettings(stack.Admin(s.t.Context()), &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: &settingsv1.TeamSettings{Name: "projects/" + stack.Project + "/teamSettings", OperatorPictures: true},
		UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"operator_pictures"}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// lineOf waits for a message of a thread that holds a text.
func (s system) lineOf(thread, text string) (found *slackstandin.Message) {
	s.t.Helper()
	s.slack("a line with "+text, func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Thread(thread) {
			if strings.Contains(m.Text, text) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func TestWhatWasSaidBeforeStandsUnderTheHeadOnce(t *testing.T) {
	s := start(t, stack.Options{})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.before(c, "", "b-000. when does it come?", 30*time.Hour)
	s.before(c, stack.Ichiro, "b-001. tomorrow", 29*time.Hour)
	s.before(c, "", "b-002. a minute ago: its hook may still come", time.Minute)
	s.says(c, "q-000. it did not come")
	thread := s.head("q-000.")
	line := s.lineOf(thread, "b-000.")
	if !strings.Contains(line.Text, "b-001.") || strings.Contains(line.Text, "b-002.") || strings.Contains(line.Text, "q-000.") || !strings.Contains(line.Text, "田中") {
		t.Errorf("what was said before is %q", line.Text)
	}
	s.says(c, "q-001. really")
	s.lineOf(thread, "q-001.")
	if n := s.lines(thread, "b-000."); n != 1 {
		t.Errorf("it is told %d times", n)
	}
	// A thread that takes the place of one whose head was deleted goes on; the past is in the former one.
	if err := s.Slack.Delete(stack.Channel, thread, slackstandin.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.says(c, "q-002. still nothing")
	again := s.head("以前のスレッドは削除")
	s.says(c, "q-003. hello?")
	s.lineOf(again, "q-003.")
	if n := s.lines(again, "b-000."); n != 0 {
		t.Errorf("it is told %d times in the second thread", n)
	}
}

// KARTE that is slow, refuses or says what nobody understands keeps no message back.
func TestAKARTEThatDoesNotTellThePastHoldsNothingUp(t *testing.T) {
	for name, fault := range map[string]kartestandin.Fault{
		"refuses": {Kind: kartestandin.FaultStatus, Status: 403}, "is slow": {Kind: kartestandin.FaultHang}, "says something else": {Kind: kartestandin.FaultStatus, Status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, stack.Options{})
			fault.Path = kartestandin.PathMessageGet
			s.KARTE.AddFault(fault)
			began := time.Now()
			for i := range 3 {
				c := kartestandin.Customer{VisitorID: fmt.Sprintf("vis-%d", i)}
				s.before(c, "", "b-000.", time.Hour)
				s.says(c, fmt.Sprintf("q-%03d. first", i))
				thread := s.head(fmt.Sprintf("q-%03d.", i))
				s.marked(s.replies(stack.Hanako, thread, "```answer```"), "white_check_mark")
			}
			t.Logf("three conversations took %v", time.Since(began))
		})
	}
}

func TestConsoleOperatorsStandUnderTheirNameWhereTheAppMay(t *testing.T) {
	s := start(t, stack.Options{})
	s.pictures()
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	thread := s.head("q-000.")
	write := func(text string) {
		if _, err := s.KARTE.OperatorWrites(t.Context(), c, stack.Ichiro, text, kartestandin.Write{}); err != nil {
			t.Fatal(err)
		}
	}
	write("a-000. from the console")
	if m := s.lineOf(thread, "a-000."); !strings.HasPrefix(m.Username, "田中") || !strings.HasSuffix(m.Username, " (KARTE)") || !strings.Contains(m.Text, "田中") {
		t.Errorf("it stands under %q: %q", m.Username, m.Text)
	}
	var without []string
	for _, scope := range slackstandin.AllScopes() {
		if scope != "chat:write.customize" {
			without = append(without, scope)
		}
	}
	s.Slack.SetScopes(without...)
	write("a-001. without the scope")
	if m := s.lineOf(thread, "a-001."); m.Username != "" || !strings.Contains(m.Text, "田中") {
		t.Errorf("it stands under %q: %q", m.Username, m.Text)
	}
	// What stands under another name is nobody's reply.
	s.marked(s.replies(stack.Hanako, thread, "```answer```"), "white_check_mark")
	if got := s.KARTE.Messages("vis-1"); len(got) != 4 {
		t.Errorf("KARTE has %v", got)
	}
}

func TestImagesAreShownOrSaid(t *testing.T) {
	s := start(t, stack.Options{})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	thread := s.head("q-000.")
	for text, image := range map[string]string{"q-001. shown": `"https://img.example.com/a.png"`, "q-002. cannot be fetched": `{"url":"https://img.invalid/a.png"}`,
		"q-003. no address": `{"id":"0123"}`, "q-004. not for Slack": `"http://127.0.0.1/a.png"`} {
		if _, err := s.KARTE.CustomerWrites(t.Context(), c, text, kartestandin.Write{Image: json.RawMessage(image), Wait: true}); err != nil {
			t.Fatal(err)
		}
		m := s.lineOf(thread, text[:6])
		if shown := strings.Contains(string(m.Blocks), `"image_url":"https://img.example.com/a.png"`); shown != strings.Contains(text, "shown") || !strings.Contains(m.Text, "画像") {
			t.Errorf("%s: shown %v, %q", text, shown, m.Text)
		}
	}
}

// Names, titles and words from outside mean nothing to Slack, wherever they are shown.
func TestPromise6HostileNamesOnTheCardAndInThePast(t *testing.T) {
	evil := "<!channel> <@U0HANAKO> <https://evil.example.com|bank> &lt;!here&gt; \u202Eadmin " + strings.Repeat("長い名前", 300)
	s := start(t, stack.Options{KARTE: func(c *kartestandin.Config) {
		c.Operators = append(c.Operators, kartestandin.Operator{ID: "op-evil", Name: evil})
	}})
	s.pictures()
	c := kartestandin.Customer{UserID: "<!channel>|" + strings.Repeat("x", 300), VisitorID: "vis-<@U0HANAKO>"}
	s.before(c, "", "b-000. "+evil, time.Hour)
	s.before(c, "op-evil", "b-001. `{\"type\":\"links\",\"links\":[{\"title\":\"<!here>\",\"url\":\"javascript:alert(1)\"}]}`", time.Hour)
	if _, err := s.KARTE.CustomerWrites(t.Context(), c, "q-000. "+evil, kartestandin.Write{PageURL: "https://evil.example.com/<!channel>?" + strings.Repeat("a=<@U0HANAKO>&", 200), PageTitle: evil}); err != nil {
		t.Fatal(err)
	}
	thread := s.head("q-000.")
	s.lineOf(thread, "b-000.")
	if _, err := s.KARTE.Assign(t.Context(), c, "op-evil", kartestandin.Write{}); err != nil {
		t.Fatal(err)
	}
	s.shows(thread, "長い名前長い名前")
	if _, err := s.KARTE.OperatorWrites(t.Context(), c, "op-evil", "a-000. "+evil, kartestandin.Write{}); err != nil {
		t.Fatal(err)
	}
	if m := s.lineOf(thread, "a-000."); strings.ContainsAny(m.Username, "<>&:\u202E") || m.Username == "" {
		t.Errorf("it stands under %q", m.Username)
	}
	for _, m := range s.Slack.Thread(stack.Channel, thread) {
		harmless(t, m)
	}
}

// harmless fails for a message in which somebody outside could ping, link or dress up.
func harmless(t *testing.T, m *slackstandin.Message) {
	t.Helper()
	for _, token := range strings.Split(m.Text, "<")[1:] {
		token, _, _ = strings.Cut(token, ">")
		// @here is the mention policy; Slack itself makes bare addresses into links, which show where they lead.
		if token != "!here" && (!strings.HasPrefix(token, "https://") || strings.Contains(token, "|")) {
			t.Errorf("the token <%s> is from outside, in %q", token, m.Text)
		}
	}
	var blocks []any
	if err := json.Unmarshal(m.Blocks, &blocks); err != nil {
		t.Fatal(err)
	}
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				look(e)
			}
		case map[string]any:
			text, _ := v["text"].(string)
			if v["type"] == "mrkdwn" && text != "<!here>" {
				t.Errorf("mrkdwn from outside: %q", text)
			}
			if u, ok := v["url"].(string); ok && !strings.HasPrefix(u, "https://admin.karte.io/") {
				t.Errorf("a link to %q", u)
			}
			switch v["type"] {
			case "user", "usergroup", "broadcast", "channel", "emoji":
				t.Errorf("a mention or emoji from outside: %v", v)
			}
			if style, _ := v["style"].(map[string]any); style["bold"] != true && strings.ContainsAny(text, "\u202E") && strings.Contains(text, "admin") && !strings.Contains(text, "000.") {
				t.Errorf("a name that turns what follows around: %q", text)
			}
			for _, e := range v {
				look(e)
			}
		}
	}
	look(blocks)
}

// A customer who writes while their conversation is being closed has opened it again, whatever is told when.
func TestWhoWritesWhileItIsClosedIsWaitedForNoMore(t *testing.T) {
	s := card(t, stack.Options{})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	thread := s.head("q-000.")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathStatusChange, Kind: kartestandin.FaultStatus, Status: 503, Count: 2})
	s.pressesOnHead(stack.Hanako, thread, "resolve", "")
	s.says(c, "q-001. one more thing")
	s.lineOf(thread, "q-001.")
	s.shows(thread, "対応中", "-対応済み")
}
