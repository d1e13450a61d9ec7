package inbound

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEnvelope(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want Parsed
	}{
		"url verification": {
			`{"type":"url_verification","token":"old","challenge":"echo me"}`,
			Parsed{Kind: KindURLVerification, Challenge: "echo me"},
		},
		"event of the first authorization": {
			`{"type":"event_callback","team_id":"T0OUTER","api_app_id":"A0DEMO","event_id":"Ev1","event_time":1700000000,
			  "authorizations":[{"team_id":"T0DEMO1"},{"team_id":"T0OTHER"}],"event":{"type":"app_home_opened","user":"U0DEMO1"}}`,
			Parsed{
				Kind: KindEvent, Team: "T0DEMO1", AppID: "A0DEMO", EventID: "Ev1",
				EventTime: time.Unix(1700000000, 0).UTC(), EventType: "app_home_opened", EventUser: "U0DEMO1",
			},
		},
		"event without authorizations": {
			`{"type":"event_callback","team_id":"T0DEMO1","event_id":"Ev1","event":{"type":"app_uninstalled"}}`,
			Parsed{Kind: KindEvent, Team: "T0DEMO1", EventID: "Ev1", EventType: "app_uninstalled"},
		},
		"organisation-wide installation": {
			`{"type":"event_callback","team_id":"T0DEMO1","authorizations":[{"team_id":null,"enterprise_id":"E1"}],"event":{}}`,
			Parsed{Kind: KindEvent, Team: "T0DEMO1"},
		},
		"other types in what is not needed": {
			`{"type":"event_callback","team_id":"T0DEMO1","token":5,"event_context":{},"event_time":"soon",
			  "authorizations":"all","is_ext_shared_channel":"yes","event":{"type":"message","user":{"id":"U0DEMO1"}}}`,
			Parsed{Kind: KindEvent, Team: "T0DEMO1", EventType: "message"},
		},
		"times out of range": {
			`{"type":"event_callback","event_time":99999999999999999999999,"event":[]}`,
			Parsed{Kind: KindEvent},
		},
		"rate limited": {
			`{"token":"old","type":"app_rate_limited","team_id":"T0DEMO1","minute_rate_limited":1700000040,"api_app_id":"A0DEMO"}`,
			Parsed{Kind: KindRateLimited, Team: "T0DEMO1", AppID: "A0DEMO", EventTime: time.Unix(1700000040, 0).UTC()},
		},
		"unknown type": {`{"type":"something_new","team_id":"T0DEMO1"}`, Parsed{Team: "T0DEMO1"}},
		"empty object": {`{}`, Parsed{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Envelope([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			got.event = nil
			if !equalParsed(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func equalParsed(a, b Parsed) bool {
	return a.Kind == b.Kind && a.Challenge == b.Challenge && a.EventID == b.EventID && a.Team == b.Team &&
		a.AppID == b.AppID && a.EventTime.Equal(b.EventTime) && a.EventType == b.EventType && a.EventUser == b.EventUser
}

func TestEnvelopeMalformed(t *testing.T) {
	for _, body := range []string{
		"", "null", "[]", `"text"`, "5", "{", `{"type":}`, `{} {}`, `{}x`, "payload=%7B%7D",
		strings.Repeat("[", 100_000), `{"a":` + strings.Repeat(`{"a":`, 100_000),
	} {
		if _, err := Envelope([]byte(body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.20q: got %v", body, err)
		}
	}
}

func TestVerdictNames(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range Verdicts() {
		if name := v.String(); name == "" || seen[name] {
			t.Errorf("verdict %d: name %q is empty or taken", v, name)
		}
		seen[v.String()] = true
	}
	if got := Verdict(255).String(); got != "invalid" {
		t.Errorf("outside the list: %q", got)
	}
}

func TestTimeOf(t *testing.T) {
	for ts, want := range map[string]string{
		"1700000000.000100":        "2023-11-14T22:13:20.0001Z",
		"1700000000.1":             "2023-11-14T22:13:20.1Z",
		"0.000000001":              "1970-01-01T00:00:00.000000001Z",
		"253402300799.999999999":   "9999-12-31T23:59:59.999999999Z",
		"253402300800.0":           "",
		"1700000000":               "",
		"1700000000.":              "",
		".5":                       "",
		"-1.5":                     "",
		"1e3.5":                    "",
		"1700000000.000100\n":      "",
		"1700000000.000100.000100": "",
		"1700000000.0000000001":    "",
		"１７０００００００００.000100": "",
	} {
		got, ok := timeOf(ts)
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: got %v, %v", ts, got, ok)
		}
	}
}
