package edge_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/edge"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/installation"
)

const (
	current = "demo-signing-secret"
	former  = "demo-signing-secret-of-before"
	window  = 5 * time.Minute
	events  = "/slack/events"
	reply   = `{"type":"message","channel":"C0SUPPORT","user":"U0DEMO1","ts":"1700000000.000200",
		"thread_ts":"1700000000.000100","parent_user_id":"U0BOT","text":"hello"}`
)

var now = time.Unix(1700000001, 0)

// world is what the edge stands on.
type world struct {
	stored []string
	facts  []*eventv1.SlackFact
	err    error
	wakes  []inbound.Wake
	homes  []string
	// pressed are the facts whose presses were answered.
	pressed []string
	ready   bool
	// stranger says that what comes is of no workspace that the app is in, turned is who was turned away.
	stranger bool
	turned   []string
	// renamed are the channels that were told to have another id, unwritten is why that cannot be written down.
	renamed   []string
	unwritten error
}

func (w *world) Stored(_ context.Context, _ inbound.Self, _ inbound.Interaction, fact *eventv1.SlackFact) {
	w.pressed = append(w.pressed, fact.GetId())
}

func (w *world) Interaction(_ context.Context, self inbound.Self, in inbound.Interaction) (string, any) {
	return "dialog", map[string]string{"pressed_by": self.Team + "/" + in.User}
}

func (w *world) Command(_ context.Context, self inbound.Self, c inbound.Command) (string, any) {
	return "dialog", map[string]string{"asked_by": self.Team + "/" + c.User}
}

func (w *world) HomeOpened(_ context.Context, self inbound.Self, member string) {
	w.homes = append(w.homes, self.Team+"/"+member)
}

func (w *world) OnceWithin(_ context.Context, _ time.Duration, name, subject string, m proto.Message) (bool, error) {
	if w.err != nil {
		return false, w.err
	}
	for _, before := range w.stored {
		if before == name+" "+subject {
			return true, nil
		}
	}
	w.stored = append(w.stored, name+" "+subject)
	w.facts = append(w.facts, m.(*eventv1.SlackFact))
	return false, nil
}

// First knows one channel by another id.
func (w *world) First(_, id string) string {
	if id == "C0NOW" {
		return "G0BEFORE"
	}
	return id
}

func (w *world) Changed(_ context.Context, team, before, now string) error {
	w.renamed = append(w.renamed, team+" "+before+" "+now)
	return w.unwritten
}

func newEdge() (*world, http.Handler) {
	w := &world{ready: true}
	self := inbound.Self{BotUser: "U0BOT", BotID: "B0BOT", AppID: "A0DEMO", Team: "T0DEMO1"}
	return w, edge.New(edge.Options{
		Publisher: w, Partitions: 4, Secrets: []secret.String{secret.New(current), secret.New(former)}, Window: window,
		Self: func(context.Context, inbound.Origin) (inbound.Self, error) {
			if w.stranger {
				return inbound.Self{}, installation.ErrNotInstalled
			}
			if !w.ready {
				return inbound.Self{}, errors.New("not known yet")
			}
			return self, nil
		},
		Dialogs: w, Channels: w, Turn: func(_ context.Context, in inbound.Interaction) { w.turned = append(w.turned, in.User) },
		Wake: func(wake inbound.Wake) { w.wakes = append(w.wakes, wake) },
		Now:  func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	}).Handler()
}

func enveloped(event string) string {
	return `{"type":"event_callback","team_id":"T0DEMO1","api_app_id":"A0DEMO","event_id":"Ev0DEMO1","event_time":1700000001,"event":` + event + `}`
}

func signed(key string, at time.Time, path, body string) *http.Request {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set(inbound.HeaderTimestamp, stamp)
	r.Header.Set(inbound.HeaderSignature, "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func without(r *http.Request, header string) *http.Request {
	r.Header.Del(header)
	return r
}

// take answers the status and the body.
func take(h http.Handler, r *http.Request) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body))
}

func TestPromise7OnlyWhatIsSignedNowIsTaken(t *testing.T) {
	for path, body := range map[string]string{
		events:                enveloped(reply),
		"/slack/interactions": "payload=" + url.QueryEscape(`{"type":"block_actions","user":{"id":"U0DEMO1"}}`),
		"/slack/commands":     "command=%2Ftalk&team_id=T0DEMO1&user_id=U0DEMO1&channel_id=C0SUPPORT",
	} {
		other := signed(current, now, path, body)
		other.Header.Set(inbound.HeaderSignature, signed(current, now, path, body+" ").Header.Get(inbound.HeaderSignature))
		for name, r := range map[string]*http.Request{
			"forged":            signed("another secret", now, path, body),
			"empty secret":      signed("", now, path, body),
			"of another body":   other,
			"stale":             signed(current, now.Add(-window-time.Second), path, body),
			"from the future":   signed(current, now.Add(window+time.Second), path, body),
			"without signature": without(signed(current, now, path, body), inbound.HeaderSignature),
			"without time":      without(signed(current, now, path, body), inbound.HeaderTimestamp),
		} {
			w, h := newEdge()
			if got := take(h, r); got != `401 {"error":"refused_signature"}` || len(w.stored) != 0 {
				t.Errorf("%s %s: %s, stored %v", path, name, got, w.stored)
			}
		}
		_, h := newEdge()
		if got := take(h, signed(former, now, path, body)); !strings.HasPrefix(got, "200") {
			t.Errorf("%s: %s", path, got)
		}
		capitals := signed(former, now, path, body)
		capitals.Header.Set(inbound.HeaderSignature, "v0="+strings.ToUpper(capitals.Header.Get(inbound.HeaderSignature)[3:]))
		if got := take(h, capitals); !strings.HasPrefix(got, "401") {
			t.Errorf("%s replayed in capitals: %s", path, got)
		}
		if got := take(h, signed(former, now, path, body)); !strings.HasPrefix(got, "401") {
			t.Errorf("%s replayed: %s", path, got)
		}
	}
}

func TestAReplyIsStoredOnce(t *testing.T) {
	w, h := newEdge()
	for i := range 3 {
		if got := take(h, signed(current, now.Add(time.Duration(i)*time.Second), events, enveloped(reply))); got != "200" {
			t.Fatalf("delivery %d: %s", i+1, got)
		}
	}
	if want := bus.Slack + " " + bus.SlackSubject(4, "T0DEMO1", "C0SUPPORT", "1700000000.000100", "reply-written", "slack-T0DEMO1-C0SUPPORT-1700000000.000200"); len(w.stored) != 1 || w.stored[0] != want {
		t.Errorf("stored %v, want %s", w.stored, want)
	}
	if w.facts[0].GetReplyWritten().GetAuthor().GetMember() != "U0DEMO1" {
		t.Errorf("%v", w.facts[0])
	}
}

func TestPromise1NotStoredIsNotAccepted(t *testing.T) {
	w, h := newEdge()
	r := func() *http.Request { return signed(current, now, events, enveloped(reply)) }
	w.err = errors.New("no quorum")
	if got := take(h, r()); got != `503 {"error":"not_stored"}` {
		t.Fatal(got)
	}
	w.err = fmt.Errorf("publish: %w", bus.ErrTooLarge)
	if got := take(h, r()); got != `413 {"error":"too_large"}` {
		t.Fatal(got)
	}
	w.err, w.ready = nil, false
	if got := take(h, r()); got != `503 {"error":"not_ready"}` {
		t.Fatal(got)
	}
	w.ready = true
	if got := take(h, r()); got != "200" || len(w.stored) != 1 {
		t.Errorf("the same delivery again, after those that were not stored: %s, %v", got, w.stored)
	}
}

func TestWhatIsNotStored(t *testing.T) {
	with := func(more string) string { return enveloped(strings.Replace(reply, "{", "{"+more+",", 1)) }
	for name, c := range map[string]struct{ body, want string }{
		"too large":          {strings.Repeat(" ", 1<<20) + "x", `413 {"error":"too_large"}`},
		"not JSON":           {"hello", `400 {"error":"malformed"}`},
		"not an object":      {"[]", `400 {"error":"malformed"}`},
		"empty":              {"", `400 {"error":"malformed"}`},
		"unknown payload":    {`{"type":"something_new"}`, "200"},
		"no event":           {`{"type":"event_callback","team_id":"T0DEMO1"}`, "200"},
		"unknown event":      {enveloped(`{"type":"something_new"}`), "200"},
		"rate limited":       {`{"type":"app_rate_limited","team_id":"T0DEMO1","minute_rate_limited":1700000000}`, "200"},
		"own post by app":    {with(`"app_id":"A0DEMO"`), "200"},
		"own post by bot":    {with(`"bot_id":"B0BOT"`), "200"},
		"own post by user":   {enveloped(strings.Replace(reply, "U0DEMO1", "U0BOT", 1)), "200"},
		"another app's post": {with(`"bot_id":"B0OTHER"`), "200"},
		"another workspace":  {strings.Replace(enveloped(reply), "T0DEMO1", "T0OTHER", 1), "200"},
	} {
		w, h := newEdge()
		if got := take(h, signed(current, now, events, c.body)); got != c.want || len(w.stored) != 0 {
			t.Errorf("%s: %s, stored %v; want %s", name, got, w.stored, c.want)
		}
	}
}

func TestTheChallengeIsAnswered(t *testing.T) {
	w, h := newEdge()
	w.ready = false // Slack asks while the app is being set up
	body := `{"type":"url_verification","challenge":"3eZbrw1aB"}`
	if got := take(h, signed(current, now, events, body)); got != `200 {"challenge":"3eZbrw1aB"}` {
		t.Error(got)
	}
	if got := take(h, signed("another secret", now, events, body)); got != `401 {"error":"refused_signature"}` {
		t.Error(got)
	}
}

func TestAChannelWakes(t *testing.T) {
	w, h := newEdge()
	body := enveloped(`{"type":"member_joined_channel","user":"U0BOT","channel":"C0SUPPORT"}`)
	if got := take(h, signed(current, now, events, body)); got != "200" || len(w.wakes) != 1 || w.wakes[0] != (inbound.Wake{Team: "T0DEMO1", Channel: "C0SUPPORT"}) {
		t.Errorf("%s, %v", got, w.wakes)
	}
}

func TestInteractionsAndCommandsAreAnswered(t *testing.T) {
	for _, c := range []struct{ path, body, want string }{
		{"/slack/interactions", "payload=" + url.QueryEscape(`{"type":"block_actions","user":{"id":"U0DEMO1"}}`), `200 {"pressed_by":"T0DEMO1/U0DEMO1"}`},
		{"/slack/interactions", "payload=hello", `400 {"error":"malformed"}`},
		{"/slack/interactions", "", `400 {"error":"malformed"}`},
		{"/slack/commands", "command=talk", `400 {"error":"malformed"}`},
	} {
		_, h := newEdge()
		if got := take(h, signed(current, now, c.path, c.body)); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.path, c.body, got, c.want)
		}
	}
	_, h := newEdge()
	got := take(h, signed(current, now, "/slack/commands", "command=%2Ftalk&team_id=T0DEMO1&user_id=U0DEMO1&channel_id=C0SUPPORT"))
	if got != `200 {"asked_by":"T0DEMO1/U0DEMO1"}` {
		t.Error(got)
	}
}

func TestTheHomeIsOpened(t *testing.T) {
	for event, want := range map[string]string{
		`{"type":"app_home_opened","user":"U0DEMO1","channel":"D0DEMO1","tab":"home"}`:     "[T0DEMO1/U0DEMO1]",
		`{"type":"app_home_opened","user":"U0DEMO1","channel":"D0DEMO1","tab":"messages"}`: "[]",
		`{"type":"app_home_opened","tab":"home"}`:                                          "[]",
	} {
		w, h := newEdge()
		if got := take(h, signed(current, now, events, enveloped(event))); got != "200" || fmt.Sprint(w.homes) != want {
			t.Errorf("%s: %s, %v", event, got, w.homes)
		}
	}
}

func TestOnlyPostsAreTaken(t *testing.T) {
	_, h := newEdge()
	if got := take(h, httptest.NewRequest(http.MethodGet, events, nil)); !strings.HasPrefix(got, "405") {
		t.Error(got)
	}
	if got := take(h, httptest.NewRequest(http.MethodPost, "/slack/other", nil)); !strings.HasPrefix(got, "404") {
		t.Error(got)
	}
}
