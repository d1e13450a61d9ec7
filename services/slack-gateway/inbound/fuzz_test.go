package inbound

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// The words that come out are at most four times as long as what came in; the few ids around them are a constant.
const (
	growth    = 4
	allowance = 512
)

func textLength(c *eventv1.Content) int {
	n := 0
	for _, line := range shown(c) {
		n += len(line)
	}
	return n
}

func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{
		`{"type":"url_verification","challenge":"x"}`, `{"type":"app_rate_limited","minute_rate_limited":1}`,
		`{"type":"event_callback","authorizations":[{"team_id":"T0DEMO1"}],"event":{"type":"message"}}`, `[]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := Envelope(body)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("error outside the list: %v", err)
		}
		if err == nil && !json.Valid(body) {
			t.Fatal("took what is not JSON")
		}
		if !utf8.ValidString(p.Challenge + p.EventID + p.Team + p.EventType) {
			t.Fatal("invalid UTF-8 came out")
		}
	})
}

func FuzzTranslate(f *testing.F) {
	var cases []eventCase
	readJSON(f, filepath.Join("testdata", "events.json"), &cases)
	for _, c := range cases {
		f.Add([]byte(c.Event))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		p, err := Envelope(enveloped(event))
		if err != nil {
			return
		}
		fact, verdict := Translate(p, self, received)
		if (fact != nil) != (verdict == VerdictFact) || verdict.String() == "invalid" {
			t.Fatalf("verdict %v with fact %v", verdict, fact)
		}
		if w, ok := WakeOf(p, self); ok != (verdict == VerdictWake) || ok && !validID(w.Channel) {
			t.Fatalf("verdict %v with wake %v", verdict, w)
		}
		if fact == nil {
			return
		}
		if !validID(fact.GetTeam()) || !validID(fact.GetChannel()) || !validTS(fact.GetThreadTs()) {
			t.Fatalf("not fit for a subject: %v", fact)
		}
		if _, err := protojson.Marshal(fact); err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		if size := proto.Size(fact); size > growth*len(event)+allowance {
			t.Fatalf("%d bytes from %d", size, len(event))
		}
	})
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"```a```", "hi\n```a\nb```\nbye", "````a````", "*b* _i_ ~s~ `c` :tada: :wave::skin-tone-3: :wales:",
		"<@U0DEMO1|x> <https://example.com|a&amp;b> <!date^1^{date}|then> &lt;&amp;gt;", "• a\n◦ b", "\x00\xff`",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // the decoder lets none through
		}
		rich := []any{parent("rich_text", parent("rich_text_section", textElement(text)))}
		for _, blocks := range [][]any{nil, rich} {
			c := content(text, blocks)
			wellFormed(t, c)
			if n := textLength(c); n > growth*len(text)+allowance {
				t.Fatalf("%d bytes from %d", n, len(text))
			}
			if !utf8.ValidString(protojson.Format(c)) {
				t.Fatal("invalid UTF-8 came out")
			}
		}
		if c := content(text, rich); countCode(c) != 0 {
			t.Fatalf("code from a section: %q", shown(c))
		}
	})
}

func FuzzInteraction(f *testing.F) {
	for _, c := range interactionCases {
		f.Add([]byte(c.body))
	}
	f.Add([]byte("command=%2Ftalk&team_id=T0DEMO1&user_id=U0DEMO1&channel_id=C0SUPPORT&text=help"))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := ParseInteraction(body)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("error outside the list: %v", err)
		}
		if err == nil && (in.Type == "" || !validID(in.User)) {
			t.Fatalf("took %+v", in)
		}
		command, err := ParseCommand(body)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("error outside the list: %v", err)
		}
		if !utf8.ValidString(command.Text + command.Command) {
			t.Fatal("invalid UTF-8 came out")
		}
	})
}
