package karte

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestOperatorsInWhateverForm(t *testing.T) {
	const sato, bot = "{aaaaaaaaaaaaaaaaaaaaaaaa Sato false}", "{bot-1  true}"
	for body, want := range map[string]string{
		`{"operators":[{"id":"aaaaaaaaaaaaaaaaaaaaaaaa","profile_name":"Sato","is_bot":false,"online":true},{"id":"bot-1"}]}`: "[" + sato + " " + bot + "]",
		`[{"operator_id":"aaaaaaaaaaaaaaaaaaaaaaaa","name":"Sato"}]`:                                                          "[" + sato + "]",
		`{"data":{"operators":[{"account_id":"aaaaaaaaaaaaaaaaaaaaaaaa","display_name":"Sato"}]}}`:                            "[" + sato + "]",
		`{"count":1,"list":[{"operator":{"id":"aaaaaaaaaaaaaaaaaaaaaaaa","profile_name":"Sato"}}]}`:                           "[" + sato + "]",
		`{"operators":[{"id":"x","is_bot":true},{"name":"nobody"},{"id":12345678},null,7,"bot-1"]}`:                           "[{x  true} {12345678  false} " + bot + "]",
		`{"operators":[]}`: "[]",
		`[]`:               "[]",
	} {
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			if sent, _ := io.ReadAll(r.Body); r.URL.Path != pathOperators || r.Method != http.MethodPost || string(sent) != "{}" {
				t.Errorf("asked %s %s with %s", r.Method, r.URL.Path, sent)
			}
			_, _ = io.WriteString(w, body)
		})
		operators, err := client.Operators(t.Context())
		if got := fmt.Sprint(operators); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", body, got, err, want)
		}
	}
}

func TestOperatorsThatCannotBeRead(t *testing.T) {
	for _, body := range []string{"", "<html>", "{}", "null", `{"operators":{}}`, `{"operators":null}`, `[1,2]`, `[{"name":"nobody"}]`, `{"data":{"x":[]}}`,
		strings.Repeat(`{"data":`, 5000) + "1" + strings.Repeat("}", 5000)} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if operators, err := client.Operators(t.Context()); err == nil {
			t.Errorf("%.60s: %v", body, operators)
		}
	}
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	if _, err := client.Operators(t.Context()); class(err) != "parked" {
		t.Errorf("without the scope: %v", err)
	}
}

func FuzzOperators(f *testing.F) {
	f.Add(`{"operators":[{"id":"op1","profile_name":"Sato"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, token) {
			return
		}
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		operators, _ := client.Operators(t.Context())
		for _, o := range operators {
			if o.ID == "" {
				t.Errorf("an operator without an id in %q", body)
			}
		}
	})
}
