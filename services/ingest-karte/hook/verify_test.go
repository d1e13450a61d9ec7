package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The test vector of the documented rule.
const (
	vectorSecret = "demo-client-secret"
	vectorStamp  = "1767225600"
	vectorBody   = `{"id":"evt-1"}`
	vectorHex    = "6953192ad7238700157d32d2b5fd06a2817c18ba9dffdaf766539a5a89a39451"
	vectorBase64 = "aVMZKtcjhwAVfTLStf0GooF8GLqd/9r3ZlOaWomjlFE="
)

var vectorTime = time.Unix(1767225600, 0)

func headers(signature, stamp string) http.Header {
	return http.Header{SignatureHeader: {signature}, TimestampHeader: {stamp}}
}

func TestVerifyAcceptsEveryFormOfTheVector(t *testing.T) {
	url := strings.NewReplacer("/", "_", "+", "-").Replace(vectorBase64)
	for signature, form := range map[string]string{
		vectorHex:                                  FormHex,
		strings.ToUpper(vectorHex):                 FormHex,
		"6953192AD7" + vectorHex[10:]:              FormHex,
		vectorBase64:                               FormBase64,
		strings.TrimSuffix(vectorBase64, "="):      FormBase64,
		url:                                        FormBase64URL,
		strings.TrimSuffix(url, "="):               FormBase64URL,
		"v1=" + vectorHex:                          "prefixed hex",
		"sha256=" + vectorBase64:                   "prefixed base64",
		"V2=" + strings.TrimSuffix(url, "="):       "prefixed base64url",
		"abcdef0123=" + strings.ToUpper(vectorHex): "prefixed hex",
		"Signature=" + vectorBase64[:len(url)-1]:   "prefixed base64",
	} {
		got, err := Verify([]string{vectorSecret}, headers(signature, vectorStamp), []byte(vectorBody), vectorTime, 0)
		if err != nil || got != form {
			t.Errorf("Verify(%q) = %q, %v; want %q", signature, got, err, form)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		body   string
		want   error
	}{
		"no headers":        {http.Header{}, vectorBody, ErrMissing},
		"no timestamp":      {http.Header{SignatureHeader: {vectorHex}}, vectorBody, ErrMissing},
		"no signature":      {http.Header{TimestampHeader: {vectorStamp}}, vectorBody, ErrMissing},
		"empty signature":   {headers("", vectorStamp), vectorBody, ErrMissing},
		"empty timestamp":   {headers(vectorHex, ""), vectorBody, ErrMissing},
		"two signatures":    {http.Header{SignatureHeader: {vectorHex, vectorHex}, TimestampHeader: {vectorStamp}}, vectorBody, ErrMalformed},
		"two timestamps":    {http.Header{SignatureHeader: {vectorHex}, TimestampHeader: {vectorStamp, "1"}}, vectorBody, ErrMalformed},
		"words":             {headers("not a signature", vectorStamp), vectorBody, ErrMalformed},
		"31 bytes":          {headers(vectorHex[2:], vectorStamp), vectorBody, ErrMalformed},
		"33 bytes":          {headers(vectorHex+"00", vectorStamp), vectorBody, ErrMalformed},
		"not hex":           {headers("g"+vectorHex[1:], vectorStamp), vectorBody, ErrMalformed},
		"line break":        {headers("\n"+vectorBase64[:42], vectorStamp), vectorBody, ErrMalformed},
		"two alphabets":     {headers("-"+vectorBase64[1:], vectorStamp), vectorBody, ErrMalformed},
		"only a prefix":     {headers("v1=", vectorStamp), vectorBody, ErrMalformed},
		"no prefix":         {headers("="+vectorHex, vectorStamp), vectorBody, ErrMalformed},
		"odd prefix":        {headers("v-1="+vectorHex, vectorStamp), vectorBody, ErrMalformed},
		"two prefixes":      {headers("v1=v1="+vectorHex, vectorStamp), vectorBody, ErrMalformed},
		"signed timestamp":  {headers(vectorHex, "+"+vectorStamp), vectorBody, ErrMalformed},
		"spaced timestamp":  {headers(vectorHex, " "+vectorStamp), vectorBody, ErrMalformed},
		"negative":          {headers(vectorHex, "-1"), vectorBody, ErrMalformed},
		"fraction":          {headers(vectorHex, vectorStamp+".5"), vectorBody, ErrMalformed},
		"endless timestamp": {headers(vectorHex, strings.Repeat("9", 400)), vectorBody, ErrMalformed},
		"other body":        {headers(vectorHex, vectorStamp), vectorBody + " ", ErrMismatch},
		"other timestamp":   {headers(vectorHex, "01767225600"), vectorBody, ErrMismatch},
		"other signature":   {headers("0"+vectorHex[1:], vectorStamp), vectorBody, ErrMismatch},
	} {
		form, err := Verify([]string{vectorSecret}, c.header, []byte(c.body), vectorTime, time.Minute)
		if !errors.Is(err, c.want) || form != "" {
			t.Errorf("%s: Verify = %q, %v; want %v", name, form, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), vectorSecret) || strings.Contains(err.Error(), vectorHex)) {
			t.Errorf("%s: the error tells a secret or signature: %v", name, err)
		}
	}
}

func TestVerifyWindowReachesBothWays(t *testing.T) {
	const window = 5 * time.Minute
	for offset, want := range map[time.Duration]error{
		0: nil, window: nil, -window: nil,
		window + time.Nanosecond: ErrStale, -window - time.Nanosecond: ErrStale,
		1000 * time.Hour: ErrStale, -1000 * time.Hour: ErrStale,
	} {
		_, err := Verify([]string{vectorSecret}, headers(vectorHex, vectorStamp), []byte(vectorBody), vectorTime.Add(offset), window)
		if !errors.Is(err, want) {
			t.Errorf("%s after sending: %v, want %v", offset, err, want)
		}
	}
	for _, stamp := range []string{"0", "999999999999999999", "1767225600000"} {
		_, err := Verify([]string{vectorSecret}, headers(sign(vectorSecret, stamp, nil), stamp), nil, vectorTime, window)
		if !errors.Is(err, ErrStale) {
			t.Errorf("stamp %s: %v, want stale", stamp, err)
		}
	}
}

func TestVerifySaysStaleOnlyOfGenuineDeliveries(t *testing.T) {
	_, err := Verify([]string{"other"}, headers(vectorHex, vectorStamp), []byte(vectorBody), vectorTime.Add(time.Hour), time.Minute)
	if !errors.Is(err, ErrMismatch) {
		t.Errorf("got %v, want a mismatch", err)
	}
}

func TestVerifySecrets(t *testing.T) {
	empty := sign("", vectorStamp, []byte(vectorBody))
	for name, c := range map[string]struct {
		secrets   []string
		signature string
		want      error
	}{
		"old of two":       {[]string{vectorSecret, "new"}, vectorHex, nil},
		"new of two":       {[]string{"old", vectorSecret}, vectorHex, nil},
		"beside an empty":  {[]string{"", vectorSecret}, vectorHex, nil},
		"none":             {nil, vectorHex, ErrMismatch},
		"none, empty key":  {nil, empty, ErrMismatch},
		"empty":            {[]string{""}, empty, ErrMismatch},
		"empty and others": {[]string{"old", ""}, empty, ErrMismatch},
	} {
		_, err := Verify(c.secrets, headers(c.signature, vectorStamp), []byte(vectorBody), vectorTime, time.Minute)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestVerifyAcceptsWhatIsSignedAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringN(1, 80, -1).Draw(t, "secret")
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		stamp := strconv.FormatInt(rapid.Int64Range(0, 1<<40).Draw(t, "stamp"), 10)
		seconds, _ := strconv.ParseInt(stamp, 10, 64)
		signature := sign(secret, stamp, body)
		if rapid.Bool().Draw(t, "base64") {
			mac, _ := hex.DecodeString(signature)
			signature = base64.StdEncoding.EncodeToString(mac)
		}
		now := time.Unix(seconds, 0)
		if _, err := Verify([]string{secret}, headers(signature, stamp), body, now, 0); err != nil {
			t.Fatalf("a genuine delivery: %v", err)
		}
		forged := append([]byte("x"), body...)
		if _, err := Verify([]string{secret}, headers(signature, stamp), forged, now, 0); !errors.Is(err, ErrMismatch) {
			t.Fatalf("a changed body: %v", err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add(vectorHex, vectorStamp, []byte(vectorBody))
	f.Add("v1="+vectorBase64, vectorStamp, []byte(vectorBody))
	f.Add("=", "-0", []byte(nil))
	f.Fuzz(func(t *testing.T, signature, stamp string, body []byte) {
		form, err := Verify([]string{vectorSecret}, headers(signature, stamp), body, vectorTime, time.Hour)
		if (err == nil) != (form != "") {
			t.Fatalf("form %q with error %v", form, err)
		}
		if err == nil && !hmacEqual(signature, sign(vectorSecret, stamp, body)) {
			t.Fatalf("%q was accepted for %q", signature, stamp)
		}
	})
}

// hmacEqual compares in a way of its own: the accepted text must end with one of the known spellings.
func hmacEqual(signature, hexMAC string) bool {
	mac, _ := hex.DecodeString(hexMAC)
	if strings.HasSuffix(strings.ToLower(signature), hexMAC) {
		return true
	}
	standard := strings.NewReplacer("_", "/", "-", "+").Replace(strings.TrimSuffix(signature, "="))
	want := base64.RawStdEncoding.EncodeToString(mac)
	// The last character carries two bits that mean nothing.
	return len(standard) >= len(want) && strings.HasSuffix(standard[:len(standard)-1], want[:len(want)-1])
}

func sign(secret, stamp string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(stamp + ":" + string(body)))
	return hex.EncodeToString(h.Sum(nil))
}
