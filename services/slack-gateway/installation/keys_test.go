package installation

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func newKey(b byte) secret.String {
	return secret.New(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, keySize)))
}

func TestTokensAreReadWithTheirKeyAndInTheirPlaceOnly(t *testing.T) {
	old, tokens := Keys{Current: newKey(1)}, &eventv1.InstallationTokens{Access: "xoxb-demo", Refresh: "xoxe-demo"}
	at := key("", "T0DEMO1")
	sealed, by, err := old.seal(at, tokens)
	if err != nil || bytes.Contains(sealed, []byte("demo")) {
		t.Fatalf("%q: %v", sealed, err)
	}
	again, _, _ := old.seal(at, tokens)
	if bytes.Equal(sealed, again) {
		t.Error("the same tokens look the same twice")
	}
	for name, c := range map[string]struct {
		keys    Keys
		at      string
		current bool
		wrong   bool
	}{
		"the key":              {old, at, true, false},
		"being changed":        {Keys{Current: newKey(2), Former: newKey(1)}, at, false, false},
		"another key":          {Keys{Current: newKey(2)}, at, false, true},
		"no key":               {Keys{}, at, false, true},
		"another installation": {old, key("", "T0DEMO2"), false, true},
		"an organisation's":    {old, key("E0DEMO1", "T0DEMO1"), false, true},
	} {
		got, current, err := c.keys.open(c.at, sealed, by)
		if (err != nil) != c.wrong || current != c.current || err == nil && got.GetAccess() != tokens.GetAccess() {
			t.Errorf("%s: %v, %v, %v", name, got, current, err)
		}
	}
	if _, _, err := (Keys{Current: newKey(2)}).open(at, sealed, by); !errors.Is(err, errUnknownKey) {
		t.Errorf("another key: %v", err)
	}
	sealed[len(sealed)-1] ^= 1
	if _, _, err := old.open(at, sealed, by); err == nil {
		t.Error("changed tokens are read")
	}
}

func TestAKeyThatIsNoneIsToldWithoutShowingIt(t *testing.T) {
	for _, bad := range []string{"short", strings.Repeat("A", 40), base64.StdEncoding.EncodeToString(make([]byte, 16))} {
		if err := (Keys{Current: secret.New(bad)}).Validate(); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%v", err)
		}
	}
	if err := (Keys{Current: newKey(1)}).Validate(); err != nil {
		t.Error(err)
	}
}
