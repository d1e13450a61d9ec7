package hook

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var receivedAt = time.Date(2026, 11, 1, 2, 3, 5, 0, time.UTC)

func translate(t testing.TB, body string) *eventv1.TalkFact {
	t.Helper()
	fact, err := Translate([]byte(body), "configured-project", receivedAt)
	if err != nil {
		t.Fatalf("translate %.200s: %v", body, err)
	}
	return fact
}

// Each testdata/NAME.hook.json becomes testdata/NAME.fact.json.
func TestTranslatePayloads(t *testing.T) {
	hooks, err := filepath.Glob("testdata/*.hook.json")
	if err != nil || len(hooks) < 15 {
		t.Fatalf("found %d payloads, error %v", len(hooks), err)
	}
	for _, path := range hooks {
		name := strings.TrimSuffix(filepath.Base(path), ".hook.json")
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := os.ReadFile(filepath.Join("testdata", name+".fact.json"))
			if err != nil {
				t.Fatal(err)
			}
			want := &eventv1.TalkFact{}
			if err := protojson.Unmarshal(golden, want); err != nil {
				t.Fatal(err)
			}
			if got := translate(t, string(body)); !proto.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", protojson.Format(got), protojson.Format(want))
			}
		})
	}
}

func TestTranslateRefuses(t *testing.T) {
	deep := strings.Repeat("[", 500_000)
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"empty":                   {"", ErrMalformed},
		"words":                   {"hello", ErrMalformed},
		"form":                    {"id=1&event_type=x", ErrMalformed},
		"half":                    {`{"id":"1"`, ErrMalformed},
		"two values":              {`{"event_type":"x"}{}`, ErrMalformed},
		"null":                    {"null", ErrMalformed},
		"list":                    {"[]", ErrMalformed},
		"string":                  {`"talk/message/sendFromUser"`, ErrMalformed},
		"no type":                 {`{"id":"1"}`, ErrMalformed},
		"type is a number":        {`{"event_type":1}`, ErrMalformed},
		"type in other case":      {`{"Event_Type":"talk/assignee/assign"}`, ErrMalformed},
		"depth bomb":              {deep, ErrMalformed},
		"closed depth bomb":       {deep + strings.Repeat("]", 500_000), ErrMalformed},
		"depth bomb in data":      {`{"event_type":"talk/message/sendFromUser","data":` + deep + "}", ErrMalformed},
		"data is a list":          {`{"event_type":"talk/message/sendFromUser","data":[]}`, ErrMalformed},
		"assign without data":     {`{"event_type":"talk/assignee/assign","extra":{"user_id":"m"}}`, ErrMalformed},
		"operator is a string":    {`{"event_type":"talk/assignee/assign","data":{"operator":"o"},"extra":{"user_id":"m"}}`, ErrMalformed},
		"operator is a list":      {`{"event_type":"talk/assignee/assign","data":{"operator":[]},"extra":{"user_id":"m"}}`, ErrMalformed},
		"message without data":    {`{"event_type":"talk/message/sendFromUser"}`, ErrNoCustomer},
		"message with null data":  {`{"event_type":"talk/message/sendFromOperator","data":null}`, ErrNoCustomer},
		"empty ids":               {`{"event_type":"talk/message/sendFromUser","data":{"user_id":"","visitor_id":""}}`, ErrNoCustomer},
		"null ids":                {`{"event_type":"talk/message/sendFromUser","data":{"user_id":null,"visitor_id":null}}`, ErrNoCustomer},
		"ids of other types":      {`{"event_type":"talk/message/sendFromUser","data":{"user_id":{},"visitor_id":[1]}}`, ErrNoCustomer},
		"assign without extra":    {`{"event_type":"talk/assignee/assign","data":{"operator":{"id":"o"},"user_id":"m"}}`, ErrNoCustomer},
		"note":                    {`{"event_type":"talk/note/send","data":{"user_id":"m","content":{"text":"n"}}}`, ErrUnknownType},
		"another product's event": {`{"id":"e","event_type":"datahub/jobflow/end","data":{}}`, ErrUnknownType},
		"unknown with odd data":   {`{"event_type":"talk/status/change","data":7}`, ErrUnknownType},
	} {
		fact, err := Translate([]byte(c.body), "p", receivedAt)
		if !errors.Is(err, c.want) || fact != nil {
			t.Errorf("%s: Translate = %v, %v; want %v", name, fact, err, c.want)
		}
	}
}

func TestUnknownTypeIsNamedAndShortened(t *testing.T) {
	long := strings.Repeat("長", 100_000)
	_, err := Translate([]byte(`{"event_type":"`+long+`"}`), "p", receivedAt)
	var unknown *UnknownTypeError
	if !errors.As(err, &unknown) || unknown.Type != long {
		t.Fatalf("got %.100v", err)
	}
	if len(err.Error()) > 400 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

func TestEventID(t *testing.T) {
	id := func(member string) string {
		return translate(t, `{`+member+`"event_type":"talk/message/sendFromUser","data":{"user_id":"m"}}`).GetId()
	}
	for _, kept := range []string{"evt-1", "5b0c7c0e-0000-4000-8000-000000000001", strings.Repeat("a", 64)} {
		if got := id(`"id":"` + kept + `",`); got != kept {
			t.Errorf("id %q became %q", kept, got)
		}
	}
	seen := map[string]string{}
	for _, member := range []string{
		``, `"id":null,`, `"id":"",`, `"id":7,`, `"id":{},`, `"id":["x"],`,
		`"id":"a.b",`, `"id":"a b",`, `"id":"*",`, `"id":">",`, `"id":"日本",`, `"id":"a\u0000",`, `"id":"a\r\nb",`,
		`"id":"` + strings.Repeat("a", 65) + `",`, `"id":"` + strings.Repeat("あ", 10_000) + `",`,
	} {
		got := id(member)
		if len(got) != len("sha256-")+64 || !strings.HasPrefix(got, "sha256-") || !plainID(got) {
			t.Errorf("%.40s became %q", member, got)
		}
		if other, again := seen[got]; again {
			t.Errorf("%.40s and %.40s have the same id", member, other)
		}
		seen[got] = member
		if id(member) != got {
			t.Errorf("%.40s has two ids", member)
		}
	}
	long := `"id":"` + strings.Repeat("a", 65) + `",`
	if id(long) != id(`"unknown":1,`+long) {
		t.Error("a long id depends on the rest of the body")
	}
}

// An assignment without an id has nothing that tells when it was made: whoever gets a conversation back later is not taken for a repeat.
func TestAnAssignmentWithoutAnIDMayBeMadeAgain(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	id := func(member string, received time.Time) string {
		t.Helper()
		body := `{` + member + `"event_type":"talk/assignee/assign","data":{"operator":{"id":"op-1"}},"extra":{"user_id":"m"}}`
		fact, err := Translate([]byte(body), "demo", received)
		if err != nil {
			t.Fatal(err)
		}
		return fact.GetId()
	}
	first := id("", at)
	if first != id("", at.Add(time.Second)) {
		t.Error("a repeat right after it has another id")
	}
	if again := id("", at.Add(time.Hour)); again == first || !plainID(again) {
		t.Errorf("an hour later it is %s", again)
	}
	if id(`"id":"evt-1",`, at) != id(`"id":"evt-1",`, at.Add(time.Hour)) {
		t.Error("its own id does not count")
	}
}

func TestCustomerIDsAreKeptAsTheyAre(t *testing.T) {
	for _, id := range []string{
		"member.42", "a b", " ", "*", ">", "a.*.>", "日本語の会員", "user@example.com", `quo"te\`, "tab\tline\nnul\x00",
		"🙂", strings.Repeat("x", 10_000), strings.Repeat("あ", 10_000),
	} {
		quoted, _ := json.Marshal(id)
		message := translate(t, `{"event_type":"talk/message/sendFromUser","data":{"user_id":`+string(quoted)+`}}`)
		assign := translate(t, `{"event_type":"talk/assignee/assign","data":{},"extra":{"user_id":`+string(quoted)+`}}`)
		visitor := translate(t, `{"event_type":"talk/message/sendFromOperator","data":{"visitor_id":`+string(quoted)+`}}`)
		if message.GetCustomer().GetUserId() != id || assign.GetCustomer().GetUserId() != id {
			t.Errorf("%.40q changed", id)
		}
		if visitor.GetCustomer().GetVisitorId() != id || visitor.GetCustomer().GetUserId() != "" {
			t.Errorf("%.40q changed as a visitor id", id)
		}
	}
}

func TestTextIsKeptAsItIs(t *testing.T) {
	for _, text := range []string{
		"", " ", "\n", "a\r\nb\t", "<!channel> & <@U0DEMO1> &amp;", "[#配送]", "e\u0301 👩‍👩‍👧 ﷽\u200b\u202e",
		"`" + `{"type":"buttons","title":"A \"B\"","buttons":[{"text":"はい","value":1}]}` + "`", "```code```",
		strings.Repeat("a", 100_000), strings.Repeat("語🙂", 50_000), "\u0000\u2028",
	} {
		assertTextKept(t, text)
	}
	rapid.Check(t, func(t *rapid.T) { assertTextKept(t, rapid.String().Draw(t, "text")) })
}

type errorer interface{ Errorf(string, ...any) }

func assertTextKept(t errorer, text string) {
	for _, kind := range []string{TypeSendFromUser, TypeSendFromOperator} {
		body, _ := json.Marshal(map[string]any{
			"event_type": kind,
			"data":       map[string]any{"user_id": "m", "content": map[string]any{"text": text, "image": nil}},
		})
		fact, err := Translate(body, "p", receivedAt)
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
			continue
		}
		got := fact.GetCustomerMessage().GetText() + fact.GetOperatorMessage().GetText()
		if got != text {
			t.Errorf("%.40q became %.40q", text, got)
		}
	}
}

func TestContentForms(t *testing.T) {
	for content, want := range map[string][2]string{
		`null`:                           {"", ""},
		`"bare"`:                         {"bare", ""},
		`7`:                              {"", ""},
		`[]`:                             {"", ""},
		`{}`:                             {"", ""},
		`{"text":null,"image":null}`:     {"", ""},
		`{"text":42}`:                    {"42", ""},
		`{"text":{"a": 1}}`:              {`{"a": 1}`, ""},
		`{"text":["a"]}`:                 {`["a"]`, ""},
		`{"text":"a","text":"b"}`:        {"b", ""},
		`{"text":"a","Text":"b"}`:        {"a", ""},
		`{"text":"a","sticker":{}}`:      {"a", ""},
		`{"image":""}`:                   {"", ""},
		`{"image":false}`:                {"", ""},
		`{"image":{}}`:                   {"", ""},
		`{"image":[ ]}`:                  {"", ""},
		`{"image":"https://e.com/i"}`:    {"", "https://e.com/i"},
		`{"image":{"url":"u"}}`:          {"", "u"},
		`{"image":{"src":"s"}}`:          {"", "s"},
		`{"image":{"url":"","src":"s"}}`: {"", "s"},
		`{"image":{"id": 7}}`:            {"", `{"id":7}`},
		`{"image":true}`:                 {"", "true"},
		`{"image":["a", "b"]}`:           {"", `["a","b"]`},
		`{"text":"t","image":"i"}`:       {"t", "i"},
	} {
		got := translate(t, `{"event_type":"talk/message/sendFromUser","data":{"user_id":"m","content":`+content+`}}`).GetCustomerMessage()
		if got.GetText() != want[0] || got.GetImageUrl() != want[1] {
			t.Errorf("%s became %q, %q; want %q", content, got.GetText(), got.GetImageUrl(), want)
		}
	}
}

func TestDates(t *testing.T) {
	at := time.Date(2026, 11, 1, 2, 3, 4, 567e6, time.UTC)
	for date, want := range map[string]time.Time{
		`"2026-11-01T02:03:04.567Z"`:      at,
		`"2026-11-01T11:03:04.567+09:00"`: at,
		`"2026-11-01T11:03:04.567+0900"`:  at,
		`"2026-11-01T02:03:04.567"`:       at,
		`"2026-11-01T02:03:04Z"`:          at.Truncate(time.Second),
		`1793498584567`:                   at,
		`"1793498584567"`:                 at,
		`1793498584`:                      at.Truncate(time.Second),
		`null`:                            receivedAt,
		`""`:                              receivedAt,
		`"yesterday"`:                     receivedAt,
		`"0000-01-01T00:00:00Z"`:          receivedAt,
		`99999999999999999999`:            receivedAt,
		`9223372036854775807`:             receivedAt,
		`1e3`:                             receivedAt,
		`{}`:                              receivedAt,
	} {
		fact := translate(t, `{"event_type":"talk/message/sendFromUser","data":{"user_id":"m","date":`+date+`}}`)
		if got := fact.GetOccurredAt().AsTime(); !got.Equal(want) {
			t.Errorf("%s became %s, want %s", date, got, want)
		}
		if !fact.GetReceivedAt().AsTime().Equal(receivedAt) {
			t.Errorf("%s changed the time of receipt", date)
		}
	}
}

func TestManyUnknownKeysCostLittle(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"event_type":"talk/message/sendFromUser","data":{"user_id":"m",`)
	for body.Len() < 1<<20 {
		body.WriteString(`"` + strings.Repeat("k", body.Len()%7) + `":[{}],`)
	}
	body.WriteString(`"content":"hi"}}`)
	raw := []byte(body.String())
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := Translate(raw, "p", receivedAt); err != nil {
				b.Fatal(err)
			}
		}
	})
	if result.AllocedBytesPerOp() > 64<<20 {
		t.Errorf("%d bytes for a body of 1 MiB", result.AllocedBytesPerOp())
	}
}

func FuzzTranslate(f *testing.F) {
	hooks, _ := filepath.Glob("testdata/*.hook.json")
	for _, path := range hooks {
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte("{\"event_type\":\"talk/message/sendFromUser\",\"data\":{\"user_id\":\"\xff\",\"content\":{\"text\":[\"\xff\"],\"image\":[\"\xff\"]}}}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		fact, err := Translate(body, "p", receivedAt)
		if (err == nil) == (fact == nil) {
			t.Fatalf("fact %v with error %v", fact, err)
		}
		if err != nil {
			return
		}
		if !plainID(fact.GetId()) || fact.GetId() == "" || len(fact.GetId()) > 71 || fact.GetProject() == "" {
			t.Errorf("id %q, project %q", fact.GetId(), fact.GetProject())
		}
		if fact.GetCustomer().GetUserId() == "" && fact.GetCustomer().GetVisitorId() == "" {
			t.Error("no customer")
		}
		if fact.GetFact() == nil || !fact.GetOccurredAt().IsValid() {
			t.Errorf("incomplete fact %v", fact)
		}
		if !utf8.ValidString(fact.GetCustomerMessage().GetImageUrl()) {
			t.Error("image address is not UTF-8")
		}
		if _, err := proto.Marshal(fact); err != nil {
			t.Errorf("the fact cannot be published: %v", err)
		}
	})
}
