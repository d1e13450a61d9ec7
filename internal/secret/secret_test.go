package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/internal/secret"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	s := secret.New("hunter2-not-real")
	holder := struct{ Token secret.String }{s}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "a", s, "b", holder)
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d %v %+v %#v", s, s, s, s, s, s, s, holder, &holder, holder) + log.String() + string(asJSON)
	if strings.Contains(all, "hunter2") || strings.Contains(all, "68756e74657232") {
		t.Fatalf("the secret was printed: %s", all)
	}
	if s.Reveal() != "hunter2-not-real" {
		t.Fatal("the secret itself is lost")
	}
}
