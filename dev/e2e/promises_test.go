package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/dev/story"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

func TestDemoConversationWithTheInProcessRedis(t *testing.T) {
	s, err := stack.Start(t.Context(), stack.Options{Environ: []string{"SLACK_PACE=1ms"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := story.Play(t.Context(), s, t.Output()); err != nil {
		t.Fatal(err)
	}
}

func TestDemoConversation(t *testing.T) {
	if err := story.Play(t.Context(), start(t, stack.Options{}).Stack, t.Output()); err != nil {
		t.Fatal(err)
	}
}

func numbered(prefix string, n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprintf("%s-%03d.", prefix, i))
	}
	return texts
}

func TestPromise1NothingIsLostWhileServicesAreAway(t *testing.T) {
	s := start(t, stack.Options{})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	thread := s.head("q-000.")
	for i, away := range []string{stack.SlackGateway, stack.Router, stack.IngestKARTE} {
		if err := s.StopService(away); err != nil {
			t.Fatal(err)
		}
		// Hooks wait at KARTE while ingest-karte is away, replies at Slack while slack-gateway is.
		if _, err := s.KARTE.CustomerWrites(t.Context(), c, fmt.Sprintf("q-%03d.", i+1), kartestandin.Write{}); err != nil {
			t.Fatal(err)
		}
		if away != stack.SlackGateway {
			s.replies(stack.Hanako, thread, fmt.Sprintf("```a-%03d.```", i))
		}
		if err := s.StartService(away); err != nil {
			t.Fatal(err)
		}
	}
	s.slack("all questions", func(*slackstandin.Snapshot) bool { return len(s.order(thread, numbered("q", 4))) == 4 })
	s.karte("all answers", "vis-1", func(m []kartestandin.Message) bool { return len(fromAPI(m, kartestandin.KindMessage)) == 2 })
	if got := s.order(thread, numbered("q", 4)); !slices.Equal(got, numbered("q", 4)) {
		t.Fatalf("got %v", got)
	}
	if heads := s.heads(); len(heads) != 1 {
		t.Fatalf("%d threads:\n%s", len(heads), s.dump())
	}
}

func TestPromise2NothingHappensTwice(t *testing.T) {
	s := start(t, stack.Options{})
	// Slack and KARTE take effect and their answers are lost: once for the head, for a line, for a message, for a note. Everything
	// is delivered twice as well, once late and out of order.
	s.KARTE.AddHookFault(kartestandin.HookFault{Kind: kartestandin.HookDuplicate, Delay: 100 * time.Millisecond})
	s.Slack.AddEventFault(slackstandin.EventFault{Kind: slackstandin.Duplicate, Type: "message", Delay: 50 * time.Millisecond})
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenCut, Count: 1})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	thread := s.head("q-000.")
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenStatus, Count: 1})
	s.says(c, "q-001.")
	s.Slack.AddFault(slackstandin.Fault{Method: "reactions.add", Kind: slackstandin.AcceptThenCut, Count: 1})
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThenCut, Count: 1})
	sent := s.replies(stack.Hanako, thread, "```はい```")
	s.marked(sent, "white_check_mark")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThen500, Count: 1})
	again := s.replies(stack.Hanako, thread, "```はい```") // the same words again are another message
	s.marked(again, "white_check_mark")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathNoteSend, Kind: kartestandin.FaultAcceptThenCut, Count: 1})
	noted := s.replies(stack.Hanako, thread, "memo")
	s.marked(noted, "memo")
	s.says(c, "q-002.")
	s.slack("the last question", func(now *slackstandin.Snapshot) bool {
		return now.Pending == 0 && slices.Contains(s.order(thread, numbered("q", 3)), "q-002.")
	})
	s.karte("every duplicate delivered", "vis-1", func([]kartestandin.Message) bool { return s.KARTE.Snapshot().Waiting == 0 })
	if got := s.order(thread, numbered("q", 3)); !slices.Equal(got, numbered("q", 3)) {
		t.Errorf("lines in the thread: %v\n%s", got, s.dump())
	}
	if heads := s.heads(); len(heads) != 1 {
		t.Errorf("%d threads:\n%s", len(heads), s.dump())
	}
	messages := s.KARTE.Messages("vis-1")
	if got := fromAPI(messages, kartestandin.KindMessage); !slices.Equal(got, []string{"はい", "はい"}) {
		t.Errorf("sent: %v", got)
	}
	if got := fromAPI(messages, kartestandin.KindNote); !slices.Equal(got, []string{"memo"}) {
		t.Errorf("notes: %v", got)
	}
}

func TestPromise3OrderHoldsBothWaysUnderFaults(t *testing.T) {
	s := start(t, stack.Options{})
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 1, After: 7, Count: 2})
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.Status, Status: 503, After: 12, Count: 2})
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 503, Customer: "vis-1", After: 3, Count: 2})
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThenCut, Customer: "vis-2", After: 2, Count: 1})
	const customers, each = 4, 12
	threads := map[string]string{}
	for n := range customers {
		id := fmt.Sprintf("vis-%d", n)
		s.says(kartestandin.Customer{VisitorID: id}, fmt.Sprintf("%s-000.", id))
		threads[id] = s.head(id + "-000.")
	}
	for i := 1; i < each; i++ {
		for id, thread := range threads {
			s.says(kartestandin.Customer{VisitorID: id}, fmt.Sprintf("%s-%03d.", id, i))
			s.replies(stack.Hanako, thread, fmt.Sprintf("```%s-%03d.```", id, i))
		}
	}
	for id, thread := range threads {
		want := numbered(id, each)
		s.slack("everything of "+id, func(*slackstandin.Snapshot) bool {
			return len(s.order(thread, want)) >= each+each-1 // her own replies stand in the thread, too
		})
		s.karte("everything for "+id, id, func(m []kartestandin.Message) bool { return len(fromAPI(m, kartestandin.KindMessage)) >= each-1 })
		var ours []string
		for _, m := range s.Slack.Thread(stack.Channel, thread) {
			if m.User == "U0BOT" {
				ours = append(ours, appearing(m.Text, want)...)
			}
		}
		if !slices.Equal(ours, want) {
			t.Errorf("%s in Slack: %v", id, ours)
		}
		if got := fromAPI(s.KARTE.Messages(id), kartestandin.KindMessage); !slices.Equal(got, want[1:]) {
			t.Errorf("%s at KARTE: %v", id, got)
		}
	}
}

func TestPromise3ABrokenCustomerDelaysNobody(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=1ms", "PARTITIONS=1"}})
	s.KARTE.AddFault(kartestandin.Fault{Customer: "vis-broken", Kind: kartestandin.FaultStatus, Status: 503})
	threads := map[string]string{}
	for _, id := range []string{"vis-broken", "vis-well"} {
		s.says(kartestandin.Customer{VisitorID: id}, id+"-000.")
		threads[id] = s.head(id + "-000.")
	}
	broken := s.replies(stack.Hanako, threads["vis-broken"], "```b-000.```")
	s.marked(broken, "hourglass_flowing_sand")
	s.replies(stack.Hanako, threads["vis-broken"], "```b-001.```")
	well := s.replies(stack.Hanako, threads["vis-well"], "```w-000.```")
	s.marked(well, "white_check_mark")
	if carries(s.Slack.Snapshot(), broken, "white_check_mark") {
		t.Fatal("the broken customer's line is marked as sent")
	}
	s.KARTE.ClearFaults()
	s.marked(broken, "white_check_mark")
	s.karte("both in order", "vis-broken", func(m []kartestandin.Message) bool {
		return slices.Equal(fromAPI(m, kartestandin.KindMessage), []string{"b-000.", "b-001."})
	})
	s.slack("the waiting mark is gone", func(now *slackstandin.Snapshot) bool { return !carries(now, broken, "hourglass_flowing_sand") })
}

func TestPromise4OnlyWhatWasMeantReachesTheCustomer(t *testing.T) {
	s := start(t, stack.Options{})
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	thread := s.head("q-000.")
	mixed := []string{"text ```block``` around", "```one``` ```two```", "```unclosed", "plain text"}
	for _, text := range mixed {
		s.marked(s.replies(stack.Hanako, thread, text), "memo")
	}
	s.told(stack.Hanako, "")
	for _, member := range []string{stack.Taro, stack.Guest, stack.Partner} {
		s.replies(member, thread, "```from "+member+"```")
		s.told(member, "")
	}
	if _, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, "```by an app```", slackstandin.WriteOptions{App: &slackstandin.App{AppID: "A0OTHER", BotID: "B0OTHER", Name: "other"}}); err != nil {
		t.Fatal(err)
	}
	note := s.replies(stack.Hanako, thread, "only a note")
	s.marked(note, "memo")
	if err := s.Slack.Edit(stack.Channel, note, "```now a block```", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.replies(stack.Hanako, thread, "```   ```")
	meant := s.replies(stack.Hanako, thread, "```a < b & c > d `code` 😀```")
	s.marked(meant, "white_check_mark")
	s.slack("all events taken", func(now *slackstandin.Snapshot) bool { return now.Pending == 0 })
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"a < b & c > d `code` 😀"}) {
		t.Fatalf("the customer got %q", got)
	}
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindNote); len(got) != len(mixed)+1 {
		t.Fatalf("notes: %q", got)
	}
}

func TestPromise5SentNeverShowsBeforeKARTEAnswered(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, "q-000.")
	thread := s.head("q-000.")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultHang})
	ts := s.replies(stack.Hanako, thread, "```a```")
	s.karte("the call is under way", "vis-1", func([]kartestandin.Message) bool {
		return s.KARTE.Snapshot().Calls[kartestandin.PathSendFromOperator] > 0
	})
	if carries(s.Slack.Snapshot(), ts, "white_check_mark") {
		t.Fatal("marked as sent before KARTE answered")
	}
	s.KARTE.ClearFaults()
	s.marked(ts, "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("the customer got %q", got)
	}
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: 400, Count: 1})
	refused := s.replies(stack.Hanako, thread, "```b```")
	s.marked(refused, "warning")
	s.told(stack.Hanako, "")
}

func TestPromise6ACustomerCannotTouchTheWorkspace(t *testing.T) {
	s := start(t, stack.Options{KARTE: func(c *kartestandin.Config) {
		c.Operators = append(c.Operators, kartestandin.Operator{ID: "x", Name: "<!channel>"})
	}})
	hostile := "<!channel> <!here> <@U0HANAKO> <https://evil.example.com|bank> &lt;!everyone&gt; @here"
	_, err := s.KARTE.CustomerWrites(t.Context(), kartestandin.Customer{UserID: "<!channel>", VisitorID: "vis-<@U0HANAKO>"}, hostile,
		kartestandin.Write{PageURL: "https://shop.example.com/<!channel>", PageTitle: "<!everyone>\n<https://evil.example.com|x>"})
	if err != nil {
		t.Fatal(err)
	}
	thread := s.head("evil.example.com")
	if _, err := s.KARTE.OperatorWrites(t.Context(), kartestandin.Customer{UserID: "<!channel>"}, "x", "```<!here>```", kartestandin.Write{}); err != nil {
		t.Fatal(err)
	}
	s.slack("the console's message", func(now *slackstandin.Snapshot) bool { return len(now.Channels[stack.Channel].Thread(thread)) > 1 })
	for _, m := range s.Slack.Thread(stack.Channel, thread) {
		// @here is the mention policy; Slack itself makes bare addresses into links, which show where they lead.
		for _, token := range strings.Split(m.Text, "<")[1:] {
			token, _, _ = strings.Cut(token, ">")
			if token != "!here" && (!strings.HasPrefix(token, "https://") || strings.Contains(token, "|")) {
				t.Errorf("the token <%s> is the customer's, in %q", token, m.Text)
			}
		}
		if strings.Count(m.Text, "<!here>") > 1 {
			t.Errorf("the customer's broadcast in %q", m.Text)
		}
	}
}

func post(t *testing.T, url string, body []byte, header map[string]string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func mac(secret, text string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func TestPromise7FailClosed(t *testing.T) {
	s := start(t, stack.Options{})
	now, stale := strconv.FormatInt(time.Now().Unix(), 10), strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	hook := []byte(`{"id":"forged-1","event_type":"talk/message/sendFromUser","api_key":"demo-project","data":{"user_id":"m","visitor_id":"vis-f","content":{"text":"forged"}}}`)
	karte := func(secret, at string) map[string]string {
		return map[string]string{"X-Karte-Request-Timestamp": at, "X-Karte-Signature": mac(secret, at+":"+string(hook))}
	}
	event := []byte(`{"type":"event_callback","team_id":"T0DEMO1","event":{"type":"message"}}`)
	slack := func(secret, at string) map[string]string {
		return map[string]string{"X-Slack-Request-Timestamp": at, "X-Slack-Signature": "v0=" + mac(secret, "v0:"+at+":"+string(event))}
	}
	for name, c := range map[string]struct {
		url    string
		body   []byte
		header map[string]string
		want   int
	}{
		"KARTE, no signature":    {s.HookURL, hook, nil, 401},
		"KARTE, wrong secret":    {s.HookURL, hook, karte("wrong", now), 401},
		"KARTE, empty secret":    {s.HookURL, hook, karte("", now), 401},
		"KARTE, stale":           {s.HookURL, hook, karte("demo-client-secret", stale), 401},
		"KARTE, too large":       {s.HookURL, make([]byte, 1<<20+1), karte("demo-client-secret", now), 413},
		"Slack, no signature":    {s.GatewayURL + "/slack/events", event, nil, 401},
		"Slack, wrong secret":    {s.GatewayURL + "/slack/events", event, slack("wrong", now), 401},
		"Slack, stale":           {s.GatewayURL + "/slack/events", event, slack("demo-signing-secret", stale), 401},
		"Slack, interaction":     {s.GatewayURL + "/slack/interactions", event, nil, 401},
		"Slack, command":         {s.GatewayURL + "/slack/commands", event, nil, 401},
		"Slack, signed, ignored": {s.GatewayURL + "/slack/events", event, slack("demo-signing-secret", now), 200},
	} {
		if got := post(t, c.url, c.body, c.header); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
	if got := post(t, s.GatewayURL+"/slack/events", event, slack("demo-signing-secret", now)); got != 401 {
		t.Errorf("replayed: got %d", got)
	}
	if len(s.Slack.Messages(stack.Channel)) != 0 {
		t.Errorf("something forged arrived:\n%s", s.dump())
	}
	for name, ctx := range map[string]context.Context{"no token": t.Context()} {
		_, err := s.Settings.GetTeamSettings(ctx, &settingsv1.GetTeamSettingsRequest{Name: "projects/demo-project/teamSettings"})
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPromise8NothingIsCut(t *testing.T) {
	s := start(t, stack.Options{})
	var long strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&long, "%05d行目：家族👨‍👩‍👧‍👦と日本語。\n", i)
	}
	s.says(kartestandin.Customer{VisitorID: "vis-1"}, long.String())
	thread := s.head("03999行目")
	s.slack("the whole text", func(*slackstandin.Snapshot) bool { return len(s.order(thread, lines(4000))) >= 4000 })
	if got := s.order(thread, lines(4000)); !slices.Equal(got[len(got)-4000:], lines(4000)) {
		t.Fatalf("%d lines arrived, not all in order", len(got))
	}
	reply := strings.Repeat("長い返信です👨‍👩‍👧‍👦。", 900)
	s.marked(s.replies(stack.Hanako, thread, "```"+reply+"```"), "white_check_mark")
	if got := strings.Join(fromAPI(s.KARTE.Messages("vis-1"), kartestandin.KindMessage), ""); got != reply {
		t.Fatalf("%d characters of %d arrived", len(got), len(reply))
	}
}

func lines(n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprintf("%05d行目", i))
	}
	return texts
}
