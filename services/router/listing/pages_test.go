package listing

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

// fixed is a secret for every purpose.
type fixed byte

func (s fixed) Secret(context.Context, string) ([]byte, error) {
	return bytes.Repeat([]byte{byte(s)}, 32), nil
}

type broken struct{}

var errBroken = errors.New("no secret today")

func (broken) Secret(context.Context, string) ([]byte, error) { return nil, errBroken }

func TestPageTokens(t *testing.T) {
	pages := Pages{Secrets: fixed(1)}
	token, err := pages.Seal(t.Context(), "projects/demo", "item-7")
	if err != nil || token == "" {
		t.Fatalf("%q %v", token, err)
	}
	again, err := pages.Seal(t.Context(), "projects/demo", "item-7")
	if err != nil || again == token {
		t.Fatal("two tokens of one page tell that they are")
	}
	if after, err := pages.Open(t.Context(), "projects/demo", token); err != nil || after != "item-7" {
		t.Fatalf("%q %v", after, err)
	}
	for name, open := range map[string]func() (string, error){
		"another list":   func() (string, error) { return pages.Open(t.Context(), "projects/other", token) },
		"another secret": func() (string, error) { return Pages{Secrets: fixed(2)}.Open(t.Context(), "projects/demo", token) },
		"cut":            func() (string, error) { return pages.Open(t.Context(), "projects/demo", token[:len(token)-1]) },
		"longer":         func() (string, error) { return pages.Open(t.Context(), "projects/demo", token+"A") },
		"not base64":     func() (string, error) { return pages.Open(t.Context(), "projects/demo", "?") },
	} {
		if after, err := open(); err == nil || after != "" {
			t.Errorf("%s: %q %v", name, after, err)
		}
	}
	if token, err := pages.Seal(t.Context(), "projects/demo", ""); token != "" || err != nil {
		t.Errorf("the last page: %q %v", token, err)
	}
	if after, err := pages.Open(t.Context(), "projects/demo", ""); after != "" || err != nil {
		t.Errorf("the first page: %q %v", after, err)
	}
	if _, err := (Pages{Secrets: broken{}}).Seal(t.Context(), "projects/demo", "x"); !errors.Is(err, errBroken) {
		t.Errorf("without a secret: %v", err)
	}
	if Size(0) != DefaultSize || Size(7) != 7 {
		t.Error("sizes")
	}
}

// Only what was sealed for the list can be opened.
func FuzzPageToken(f *testing.F) {
	pages := Pages{Secrets: fixed(1)}
	sealed, err := pages.Seal(f.Context(), "projects/demo", "item-7")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("projects/demo", sealed)
	f.Add("projects/demo", "")
	f.Add("", "AAAA")
	f.Fuzz(func(t *testing.T, list, token string) {
		after, err := pages.Open(t.Context(), list, token)
		if token == "" {
			return
		}
		// Each process of the fuzzer has sealed its own.
		if (err == nil) != (after != "") || err == nil && (list != "projects/demo" || after != "item-7") {
			t.Fatalf("opened %q of %q: %q %v", token, list, after, err)
		}
		// Whatever stands in a page is sealed and opened again.
		mine, err := pages.Seal(t.Context(), list, token)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := pages.Open(t.Context(), list, mine); err != nil || back != token {
			t.Fatalf("%q came back as %q, %v", token, back, err)
		}
	})
}
