package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const second = "T0DEMO2"

// installable is a system whose slack-gateway has no token: the app is to be installed by OAuth.
type installable struct {
	system
	platform *slackstandin.Platform
	other    *slackstandin.Server
}

func startInstallable(t *testing.T, adjust func(*slackstandin.Platform), environ ...string) installable {
	t.Helper()
	p := slackstandin.NewPlatform("1.2", "demo-app-secret")
	if adjust != nil {
		adjust(p)
	}
	bot, botID := "U0BOT2", "B0BOT2"
	if p.Enterprise != "" { // there, the app is the same in all workspaces
		bot, botID = "U0BOT", "B0BOT"
	}
	other := slackstandin.New(slackstandin.Config{Team: second, TeamName: "second", BotUser: bot, BotID: botID, BotToken: "xoxb-second", SigningSecret: "demo-signing-secret", RetryScale: 0.01, DeliveryTimeout: patience, TriggerLife: patience})
	other.AddMember(slackstandin.Member{ID: stack.Hanako, Name: "hanako", DisplayName: "佐藤 花子", Locale: "ja-JP"})
	other.AddChannel(slackstandin.Channel{ID: "C0SECOND", Name: "second"})
	if err := other.InviteBot("C0SECOND", stack.Hanako); err != nil {
		t.Fatal(err)
	}
	p.Add(other)
	s := start(t, stack.Options{Platform: p, InstallationsEvery: 100 * time.Millisecond, Environ: append([]string{"SLACK_PACE=1ms", "SLACK_ALLOWED_WORKSPACES=T0DEMO1,T0DEMO2"}, environ...)})
	other.SetURLs(slackstandin.URLs{Events: s.GatewayURL + "/slack/events", Interactions: s.GatewayURL + "/slack/interactions", Commands: s.GatewayURL + "/slack/commands", Self: s.SlackURL})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error)
	go func() { ran <- other.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ran })
	return installable{s, p, other}
}

// browser follows no redirect by itself and keeps the cookies of one person.
type browser struct {
	t       *testing.T
	s       installable
	cookies []*http.Cookie
}

func (b *browser) get(address string) (*http.Response, string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Accept-Language", "en")
	for _, c := range b.cookies {
		request.AddCookie(c)
	}
	client := http.Client{Timeout: within, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response, string(body)
}

// begin opens the page that starts an installation and answers where Slack sends back to, once somebody has agreed for team.
func (b *browser) begin(team, more string) (callback string) {
	b.t.Helper()
	started, page := b.get(b.s.GatewayURL + "/slack/install")
	if started.StatusCode != http.StatusFound {
		b.t.Fatalf("install: %d %s", started.StatusCode, page)
	}
	b.cookies = started.Cookies()
	agreed, page := b.get(started.Header.Get("Location") + "&team=" + team + more)
	if agreed.StatusCode != http.StatusFound {
		b.t.Fatalf("agree: %d %s", agreed.StatusCode, page)
	}
	back, err := url.Parse(agreed.Header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.s.GatewayURL + back.Path + "?" + back.RawQuery
}

func (s installable) install(team string) {
	s.t.Helper()
	b := &browser{t: s.t, s: s}
	if response, page := b.get(b.begin(team, "")); response.StatusCode != http.StatusOK || !strings.Contains(page, "Installed") {
		s.t.Fatalf("install into %s: %d %s", team, response.StatusCode, page)
	}
}

// moveTo makes new conversations open in another workspace.
func (s system) moveTo(team, channel string) {
	s.t.Helper()
	_, err := s.Settings.UpdateTeamSettings(stack.Admin(s.t.Context()), &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: &settingsv1.TeamSettings{Name: "projects/" + stack.Project + "/teamSettings", Workspace: team, Channel: channel},
		UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"workspace", "channel"}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// shows waits until a channel of a workspace has a message with text and answers its thread.
func (s installable) shows(in *slackstandin.Server, channel, text string) (thread string) {
	s.t.Helper()
	eventually.Holds(s.t, within, text+" in "+channel, func() bool {
		for _, m := range in.Messages(channel) {
			if raw := m.Text; strings.Contains(raw, text) {
				if thread = m.ThreadTS; thread == "" {
					thread = m.TS
				}
				return true
			}
		}
		return false
	})
	return thread
}

// replies makes an operator write in a thread of a workspace, and waits until the customer has it.
func (s installable) answers(in *slackstandin.Server, channel, thread, text string, c kartestandin.Customer) {
	s.t.Helper()
	if _, err := in.Write(stack.Hanako, channel, thread, "```"+text+"```", slackstandin.WriteOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.karteHas(c, text)
}

func (s installable) karteHas(c kartestandin.Customer, text string) {
	s.t.Helper()
	eventually.Holds(s.t, within, text+" reaches the customer", func() bool {
		n := 0
		for _, m := range s.KARTE.Messages(c.VisitorID) {
			if strings.Contains(m.Text, text) {
				n++
			}
		}
		if n > 1 {
			s.t.Fatalf("%s reached the customer %d times", text, n)
		}
		return n == 1
	})
}

func TestTwoWorkspacesAreInstalledAndEachHasItsOwnThreads(t *testing.T) {
	s := startInstallable(t, nil)
	ann, bob := kartestandin.Customer{VisitorID: "vis-0001-ann"}, kartestandin.Customer{VisitorID: "vis-0002-bob"}
	s.says(ann, "before it is installed") // waits in its lane
	s.install(stack.Team)
	first := s.shows(s.Slack, stack.Channel, "before it is installed")
	s.install(second)
	s.moveTo(second, "C0SECOND")
	s.says(bob, "in the other workspace")
	other := s.shows(s.other, "C0SECOND", "in the other workspace")
	s.answers(s.other, "C0SECOND", other, "answer from the second", bob)
	s.answers(s.Slack, stack.Channel, first, "answer from the first", ann)
	for _, text := range s.Slack.Messages(stack.Channel) {
		if strings.Contains(text.Text, "other workspace") {
			t.Errorf("the first workspace shows what belongs to the second: %s", text.Text)
		}
	}
	noToken(t, s)
}

// noToken looks for what Slack gave out in everything that was stored.
func noToken(t *testing.T, s installable) {
	t.Helper()
	tokens, looked := s.platform.Tokens(), 0
	err := filepath.WalkDir(s.Dir(), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // NATS goes on writing, and removes what it has written anew
		}
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		looked++
		for _, token := range tokens {
			if bytes.Contains(content, []byte(token)) {
				t.Errorf("%s holds a token", path)
			}
		}
		return nil
	})
	if err != nil || looked == 0 || len(tokens) == 0 {
		t.Errorf("%d files looked at for %d tokens: %v", looked, len(tokens), err)
	}
}

func TestAnInstallationThatNobodyMayMakeIsRefused(t *testing.T) {
	s := startInstallable(t, nil)
	wants := func(what string, b *browser, address string, status int, words string) {
		t.Helper()
		if response, page := b.get(address); response.StatusCode != status || !strings.Contains(page, words) {
			t.Errorf("%s: %d %s", what, response.StatusCode, page)
		}
	}
	b := &browser{t: t, s: s}
	callback := b.begin(stack.Team, "")
	wants("another browser", &browser{t: t, s: s}, callback, http.StatusBadRequest, "It cannot go on from here")
	forged, _ := url.Parse(callback)
	q := forged.Query()
	q.Set("state", q.Get("state")[:20]+"x"+q.Get("state")[21:])
	forged.RawQuery = q.Encode()
	wants("forged", b, forged.String(), http.StatusBadRequest, "It cannot go on from here")
	wants("good", b, callback, http.StatusOK, "Installed")
	wants("replayed", b, callback, http.StatusBadRequest, "used already")
	cancelled := &browser{t: t, s: s}
	wants("cancelled", cancelled, cancelled.begin(second, "&deny=1"), http.StatusOK, "Not installed")
	stranger := slackstandin.New(slackstandin.Config{Team: "T0STRANGER"})
	s.platform.Add(stranger)
	not := &browser{t: t, s: s}
	wants("not allowed", not, not.begin("T0STRANGER", ""), http.StatusForbidden, "not allowed")
	if n := stranger.Calls("chat.postMessage"); n != 0 {
		t.Errorf("%d posts in a workspace that is not allowed", n)
	}
}

func TestNobodyMayInstallWhereNoWorkspaceIsNamed(t *testing.T) {
	s := start(t, stack.Options{Platform: slackstandin.NewPlatform("1.2", "demo-app-secret"), Environ: []string{"SLACK_PACE=1ms"}})
	b := &browser{t: t, s: installable{system: s}}
	if response, page := b.get(s.GatewayURL + "/slack/install"); response.StatusCode != http.StatusForbidden || !strings.Contains(page, "not open") {
		t.Errorf("%d %s", response.StatusCode, page)
	}
}

func TestPromise1NothingIsLostWhileTheAppIsUninstalled(t *testing.T) {
	s := startInstallable(t, nil)
	ann := kartestandin.Customer{VisitorID: "vis-0001-ann"}
	s.install(stack.Team)
	s.says(ann, "hello")
	thread := s.shows(s.Slack, stack.Channel, "hello")
	if err := s.platform.Uninstall(stack.Team); err != nil {
		t.Fatal(err)
	}
	s.gauge("slacktalk_slack_installations{state=\"ended\"}", "1")
	for _, text := range []string{"one-", "two-", "three-"} {
		s.says(ann, text)
	}
	s.install(stack.Team)
	s.shows(s.Slack, stack.Channel, "three-")
	var order []string
	for _, m := range s.Slack.Thread(stack.Channel, thread) {
		for _, text := range []string{"one-", "two-", "three-"} {
			if strings.Contains(m.Text, text) {
				order = append(order, text)
			}
		}
	}
	if got := strings.Join(order, ""); got != "one-two-three-" {
		t.Errorf("came back as %s", got)
	}
	// Its admins are told once, as soon as they can be, and not of every channel.
	eventually.Holds(t, within, "an admin is told that it was gone", func() bool { return direct(s.Slack.Snapshot()) > 0 })
	s.counted(stack.Router, "slacktalk_decisions_total", `decision="installation ended"`)
	s.answers(s.Slack, stack.Channel, thread, "still here", ann)
	if n := direct(s.Slack.Snapshot()); n != 1 {
		t.Errorf("the admin was told %d times", n)
	}
	noToken(t, s)
}

// gauge waits until slack-gateway shows a figure.
func (s system) gauge(name, value string) {
	s.t.Helper()
	eventually.Holds(s.t, within, name+" "+value, func() bool {
		_, page := (&browser{t: s.t}).get(s.AdminURL(stack.SlackGateway) + "/metrics")
		return strings.Contains(page, "\n"+name+" "+value+"\n")
	})
}

func TestPromise1NothingIsLostWhileTokensAreRenewed(t *testing.T) {
	s := startInstallable(t, func(p *slackstandin.Platform) { p.Rotation = 2 * time.Second })
	if _, err := s.StartReplica(stack.SlackGateway, 0); err != nil {
		t.Fatal(err)
	}
	ann := kartestandin.Customer{VisitorID: "vis-0001-ann"}
	s.install(stack.Team)
	s.says(ann, "m000")
	thread := s.shows(s.Slack, stack.Channel, "m000")
	const n = 60
	for i := 1; i < n; i++ {
		s.says(ann, "m"+string(rune('0'+i/100))+string(rune('0'+i/10%10))+string(rune('0'+i%10)))
		// Longer than a token lives, all in all.
		before := len(s.platform.Tokens())
		if i%15 == 0 {
			eventually.Holds(t, within, "another token", func() bool { return len(s.platform.Tokens()) > before })
		}
	}
	s.shows(s.Slack, stack.Channel, "m059")
	s.answers(s.Slack, stack.Channel, thread, "with a new token", ann)
	text := ""
	for _, m := range s.Slack.Thread(stack.Channel, thread) {
		text += m.Text
	}
	for i := range n {
		word := "m" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
		if c := strings.Count(text, word); c != 1 {
			t.Errorf("%s is there %d times", word, c)
		}
	}
	if got := len(s.platform.Tokens()); got < 8 {
		t.Errorf("only %d tokens were given out", got)
	}
	noToken(t, s)
}

// The app is installed once, for a whole organisation: one token acts in all of its workspaces, each with its own threads and people.
func TestAnOrganisationInstallsTheAppForAllItsWorkspaces(t *testing.T) {
	const organisation = "E0DEMO1"
	s := startInstallable(t, func(p *slackstandin.Platform) { p.Enterprise = organisation }, "SLACK_ALLOWED_WORKSPACES="+organisation)
	for _, server := range []*slackstandin.Server{s.Slack, s.other} {
		server.AddMember(slackstandin.Member{ID: "U0VISITOR", Name: "visitor", DisplayName: "Visitor", Guest: true})
	}
	ann, bob := kartestandin.Customer{VisitorID: "vis-0001-ann"}, kartestandin.Customer{VisitorID: "vis-0002-bob"}
	s.says(ann, "before it is installed")
	s.install(organisation)
	first := s.shows(s.Slack, stack.Channel, "before it is installed")
	s.moveTo(second, "C0SECOND")
	s.says(bob, "in the other workspace")
	other := s.shows(s.other, "C0SECOND", "in the other workspace")
	s.answers(s.other, "C0SECOND", other, "answer from the second", bob)
	s.answers(s.Slack, stack.Channel, first, "answer from the first", ann)
	if n := len(s.platform.Tokens()); n != 1 {
		t.Errorf("%d tokens were given out for one organisation", n)
	}
	// A guest is refused in each of them.
	for _, at := range []struct {
		in              *slackstandin.Server
		channel, thread string
	}{{s.Slack, stack.Channel, first}, {s.other, "C0SECOND", other}} {
		if err := at.in.Join(at.channel, "U0VISITOR"); err != nil {
			t.Fatal(err)
		}
		if _, err := at.in.Write("U0VISITOR", at.channel, at.thread, "```from a guest```", slackstandin.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually.Holds(t, within, "the guest is told in "+at.channel, func() bool {
			return slices.ContainsFunc(at.in.Ephemerals(), func(e slackstandin.Ephemeral) bool { return e.User == "U0VISITOR" })
		})
	}
	for _, c := range []kartestandin.Customer{ann, bob} {
		for _, m := range s.KARTE.Messages(c.VisitorID) {
			if strings.Contains(m.Text, "from a guest") {
				t.Error("a guest's words reached a customer")
			}
		}
	}
	answer, err := s.other.Command(t.Context(), stack.Hanako, "C0SECOND", "/karte-talk", "help")
	if err != nil || answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), "text") {
		t.Errorf("the command was answered with %d %s: %v", answer.Status, answer.Body, err)
	}
	// Removed from the organisation, it is gone from every workspace; installed again, everything goes on.
	if err := s.platform.Uninstall(organisation); err != nil {
		t.Fatal(err)
	}
	s.gauge(`slacktalk_slack_installations{state="ended"}`, "1")
	s.says(bob, "while it was gone")
	s.install(organisation)
	if again := s.shows(s.other, "C0SECOND", "while it was gone"); again != other {
		t.Errorf("came back in thread %s, not %s", again, other)
	}
	noToken(t, s)
}

// Whoever installs with a new key has the tokens encrypted with it, and works with the former one until then.
func TestTheKeyOfTheTokensIsRotated(t *testing.T) {
	s := startInstallable(t, nil)
	ann := kartestandin.Customer{VisitorID: "vis-0001-ann"}
	s.install(stack.Team)
	s.says(ann, "with the first key")
	thread := s.shows(s.Slack, stack.Channel, "with the first key")
	former := s.sealedBy()
	const next = "YW5vdGhlci1kZW1vLWtleS1vZi0zMi1ieXRlcy0xMjM=" // of nothing but a demo
	s.restartGateway("SLACK_TOKEN_KEY="+next, "SLACK_TOKEN_KEY_BEFORE="+stack.TokenKey)
	eventually.Holds(t, within, "the tokens are encrypted anew", func() bool { return s.sealedBy() != former })
	s.says(ann, "with both keys")
	s.shows(s.Slack, stack.Channel, "with both keys")
	// The former key is taken away.
	s.restartGateway("SLACK_TOKEN_KEY=" + next)
	s.says(ann, "with the next key")
	s.shows(s.Slack, stack.Channel, "with the next key")
	s.answers(s.Slack, stack.Channel, thread, "and back", ann)
	// With the former key alone nothing can be done, which is said, and nothing is lost.
	s.restartGateway("SLACK_TOKEN_KEY=" + stack.TokenKey)
	s.gauge(`slacktalk_slack_installations{state="unreadable"}`, "1")
	s.says(ann, "with the wrong key")
	s.restartGateway("SLACK_TOKEN_KEY=" + next)
	s.shows(s.Slack, stack.Channel, "with the wrong key")
	noToken(t, s)
}

// sealedBy answers which key the tokens of the first workspace are encrypted with.
func (s installable) sealedBy() string {
	s.t.Helper()
	conn, err := nats.Connect(s.NATSURL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	bucket, err := js.KeyValue(s.t.Context(), bus.Installations)
	if err != nil {
		s.t.Fatal(err)
	}
	entry, err := bucket.Get(s.t.Context(), "i.-."+stack.Team)
	if err != nil {
		s.t.Fatal(err)
	}
	var record eventv1.InstallationRecord
	if err := proto.Unmarshal(entry.Value(), &record); err != nil {
		s.t.Fatal(err)
	}
	return record.GetSealedBy()
}

// restartGateway starts slack-gateway with other settings.
func (s installable) restartGateway(environ ...string) {
	s.t.Helper()
	if err := s.StopService(stack.SlackGateway); err != nil {
		s.t.Fatal(err)
	}
	s.Reset(environ...)
	if err := s.StartService(stack.SlackGateway); err != nil {
		s.t.Fatal(err)
	}
}
