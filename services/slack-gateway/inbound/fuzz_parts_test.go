package inbound

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
)

func FuzzVerifySignature(f *testing.F) {
	const secret = "demo-signing-secret"
	now := time.Unix(1_700_000_000, 0)
	body := []byte(`{"type":"event_callback"}`)
	f.Add("1700000000", sign(secret, "1700000000", body), body)
	f.Add("1699999699", sign(secret, "1699999699", body), body)
	f.Add("1700000000", "v0=00", body)
	f.Add("+1700000000", "", []byte(nil))
	f.Fuzz(func(t *testing.T, stamp, signature string, body []byte) {
		err := VerifySignature([]string{"", secret}, signed(stamp, signature), body, now, window)
		if err == nil && !strings.EqualFold(signature, sign(secret, stamp, body)) {
			t.Fatalf("took %q %q", stamp, signature)
		}
		known := false
		for _, sentinel := range []error{ErrSignatureMissing, ErrSignatureMalformed, ErrSignatureStale, ErrSignatureMismatch} {
			known = known || errors.Is(err, sentinel)
		}
		if err != nil && !known {
			t.Fatalf("error outside the list: %v", err)
		}
		// What is signed is judged by its time alone.
		if seconds := int64(0); signature == sign(secret, stamp, body) && unixSeconds.MatchString(stamp) {
			if _, problem := fmt.Sscan(stamp, &seconds); problem != nil {
				t.Fatal(problem)
			}
			if near := now.Sub(time.Unix(seconds, 0)).Abs() <= window; near != (err == nil) {
				t.Fatalf("%s is near: %v, but %v", stamp, near, err)
			}
		}
	})
}

func FuzzRichText(f *testing.F) {
	for _, seed := range []string{
		`[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[{"type":"text","text":"a\nb"}],"border":0}]}]`,
		`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a"},{"type":"emoji","name":"tada","unicode":"1f389"}]}]}]`,
		`[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"ordered","indent":9,"offset":99999,"elements":[{"type":"rich_text_preformatted"}]}]}]`,
		`[{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"link","url":"https://example.com"}]}]},{"type":"section","fields":[{"text":"x"}]}]`,
		`[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":"x"}]}, 7, null]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, blocks []byte) {
		m, err := decodeObject([]byte(fmt.Sprintf(`{"blocks":%s}`, blocks)))
		if err != nil {
			return
		}
		list := m.list("blocks")
		direct := 0
		for _, value := range list {
			if block := asObject(value); block.str("type") == "rich_text" {
				for _, child := range block.list("elements") {
					if asObject(child).str("type") == "rich_text_preformatted" {
						direct++
					}
				}
			}
		}
		c := content("", list)
		wellFormed(t, c)
		if n := countCode(c); n > direct {
			t.Fatalf("%d code blocks of %d: %q", n, direct, shown(c))
		}
		if _, err := protojson.Marshal(c); err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		if n := textLength(c); n > 2*growth*len(blocks)+allowance {
			t.Fatalf("%d bytes from %d", n, len(blocks))
		}
	})
}
