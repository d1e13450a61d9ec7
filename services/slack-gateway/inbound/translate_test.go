package inbound

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "write the facts into testdata instead of comparing them")

var (
	self     = Self{BotUser: "U0BOT", BotID: "B0BOT", AppID: "A0DEMO", Team: "T0DEMO1"}
	received = time.Date(2023, 11, 14, 22, 15, 0, 0, time.UTC)
)

// enveloped puts an inner event into what Slack sends around it.
func enveloped(event []byte) []byte {
	return bytes.Join([][]byte{
		[]byte(`{"type":"event_callback","team_id":"T0DEMO1","api_app_id":"A0DEMO","event_id":"Ev0DEMO1",` +
			`"event_time":1700000001,"authorizations":[{"team_id":"T0DEMO1","user_id":"U0BOT","is_bot":true}],"event":`),
		event, []byte("}"),
	}, nil)
}

func translate(t testing.TB, event []byte) (*eventv1.SlackFact, Verdict) {
	t.Helper()
	p, err := Envelope(enveloped(event))
	if err != nil {
		t.Fatal(err)
	}
	return Translate(p, self, received)
}

// An eventCase is an entry of testdata/events.json; the fact is there when the verdict is "fact".
type eventCase struct {
	Name    string          `json:"name"`
	Verdict string          `json:"verdict"`
	Event   json.RawMessage `json:"event"`
	Fact    json.RawMessage `json:"fact,omitempty"`
}

func TestTranslate(t *testing.T) {
	path := filepath.Join("testdata", "events.json")
	var cases []eventCase
	readJSON(t, path, &cases)
	for i, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			fact, verdict := translate(t, c.Event)
			if verdict.String() != c.Verdict {
				t.Fatalf("verdict %v, want %v", verdict, c.Verdict)
			}
			if (fact != nil) != (verdict == VerdictFact) {
				t.Fatalf("verdict %v with fact %v", verdict, fact)
			}
			if fact == nil {
				return
			}
			if *update {
				cases[i].Fact = []byte(protojson.Format(fact))
				return
			}
			want := &eventv1.SlackFact{}
			if err := protojson.Unmarshal(c.Fact, want); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(fact, want) {
				t.Errorf("got %s\nwant %s", protojson.Format(fact), protojson.Format(want))
			}
		})
	}
	if *update {
		writeJSON(t, path, cases)
	}
}

func TestTranslateNotAnEvent(t *testing.T) {
	for body, want := range map[string]Verdict{
		`{"type":"url_verification","challenge":"x"}`: VerdictNotEvent,
		`{"type":"app_rate_limited"}`:                 VerdictRateLimited,
		`{}`:                                          VerdictNotEvent,
		`{"type":"event_callback","team_id":"T0OTHER","event":{"type":"message"}}`:                 VerdictOtherTeam,
		`{"type":"event_callback","team_id":"T0OTHER","event":{"type":"channel_unarchive"}}`:       VerdictOtherTeam,
		`{"type":"event_callback","team_id":"T0DEMO1","event":{"type":"message","channel":"C0X"}}`: VerdictNotInThread,
	} {
		p, err := Envelope([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if fact, got := Translate(p, self, received); fact != nil || got != want {
			t.Errorf("%s: got %v, %v", body, fact, got)
		}
	}
}

// Without knowing who the app is, no thread that Slack attributes to somebody may pass as the app's own.
func TestTranslateWithoutSelf(t *testing.T) {
	p, err := Envelope(enveloped([]byte(`{"type":"message","channel":"C0SUPPORT","user":"U0DEMO1","text":"hello",
		"ts":"1700000000.000100","thread_ts":"1699999999.000100","parent_user_id":"U0BOT"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if fact, got := Translate(p, Self{}, received); fact != nil || got != VerdictOtherThread {
		t.Errorf("got %v, %v", fact, got)
	}
}

// A head that was deleted while it had replies is Slackbot's afterwards.
func TestAReplyBelowADeletedHeadMayBeInAThreadOfOurs(t *testing.T) {
	p, err := Envelope(enveloped([]byte(`{"type":"message","channel":"C0SUPPORT","user":"U0DEMO1","text":"hello",
		"ts":"1700000000.000100","thread_ts":"1699999999.000100","parent_user_id":"USLACKBOT"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if fact, verdict := Translate(p, self, received); verdict != VerdictFact || fact.GetReplyWritten().GetOwnThread() {
		t.Errorf("got %v, %v", fact, verdict)
	}
}

func TestTranslateIsStable(t *testing.T) {
	var cases []eventCase
	readJSON(t, filepath.Join("testdata", "events.json"), &cases)
	ids := map[string]*eventv1.SlackFact{}
	for _, c := range cases {
		first, _ := translate(t, c.Event)
		again, _ := translate(t, c.Event)
		if !proto.Equal(first, again) {
			t.Errorf("%s: differs when translated again", c.Name)
		}
		if first != nil {
			ids[first.GetId()] = first
		}
	}
	for id, fact := range ids {
		prefix := "slack-" + fact.GetTeam() + "-" + fact.GetChannel() + "-"
		if len(id) <= len(prefix) || id[:len(prefix)] != prefix {
			t.Errorf("id %q does not begin with %q", id, prefix)
		}
	}
}

func TestWakeOf(t *testing.T) {
	want := Wake{Team: "T0DEMO1", Channel: "C0SUPPORT"}
	for event, ok := range map[string]bool{
		`{"type":"member_joined_channel","user":"U0BOT","channel":"C0SUPPORT"}`:                 true,
		`{"type":"channel_unarchive","user":"U0DEMO1","channel":{"id":"C0SUPPORT"}}`:            true,
		`{"type":"message","subtype":"group_unarchive","user":"U0DEMO1","channel":"C0SUPPORT"}`: true,
		`{"type":"message","subtype":"channel_join","user":"U0BOT","channel":"C0SUPPORT"}`:      true,
		`{"type":"message","subtype":"channel_join","user":"U0DEMO1","channel":"C0SUPPORT"}`:    false,
		`{"type":"member_joined_channel","user":"U0DEMO1","channel":"C0SUPPORT"}`:               false,
		`{"type":"channel_unarchive","user":"U0DEMO1","channel":"C0 SUPPORT"}`:                  false,
		`{"type":"channel_archive","user":"U0DEMO1","channel":"C0SUPPORT"}`:                     false,
		`{"type":"message","user":"U0DEMO1","text":"channel_unarchive","channel":"C0SUPPORT"}`:  false,
	} {
		p, err := Envelope(enveloped([]byte(event)))
		if err != nil {
			t.Fatal(err)
		}
		if got, found := WakeOf(p, self); found != ok || ok && got != want {
			t.Errorf("%s: got %v, %v", event, got, found)
		}
	}
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func writeJSON(t testing.TB, path string, value any) {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
