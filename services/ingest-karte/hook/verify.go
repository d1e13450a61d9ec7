package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Names of the headers that KARTE signs a delivery with.
const (
	SignatureHeader = "X-Karte-Signature"
	// TimestampHeader holds Unix seconds, stamped just before sending.
	TimestampHeader = "X-Karte-Request-Timestamp"
)

// Forms in which a signature may be written; what Verify reports for logs, so that the real one becomes known.
// A signature with a version prefix is reported as "prefixed " and the form.
const (
	FormHex       = "hex"
	FormBase64    = "base64"
	FormBase64URL = "base64url"
)

// What Verify may find. No error contains a secret or a signature. ErrMalformed is shared with Translate.
var (
	// ErrMissing is returned when the signature or the timestamp header is absent or empty.
	ErrMissing = errors.New("hook signature or timestamp is missing")
	// ErrMalformed is returned by Verify when a header cannot be read, and by Translate when the body cannot.
	ErrMalformed = errors.New("hook is malformed")
	// ErrStale is returned for a genuine signature whose timestamp is too old or too far ahead: a replay, or a clock
	// that is wrong.
	ErrStale = errors.New("hook timestamp is outside the window")
	// ErrMismatch is returned when no secret makes this signature.
	ErrMismatch = errors.New("hook signature does not match")
)

// Verify tells whether body was signed with one of the secrets at most window before or after now.
//
// The signature is HMAC-SHA256, keyed with the app's Client Secret, over the timestamp header as received, a colon and
// the raw body. Its encoding is not documented: hex in any case and base64 in either alphabet, padded or not, are
// accepted, each with an optional version prefix such as "v1=". Accepting several encodings of one MAC costs no
// security. Several secrets serve rotation; an empty secret never verifies.
//
// The MAC is looked at before the time, so that ErrStale is only said of deliveries that are otherwise genuine.
func Verify(
	secrets []string, header http.Header, body []byte, now time.Time, window time.Duration,
) (form string, err error) {
	signature, err := single(header, SignatureHeader)
	if err != nil {
		return "", err
	}
	stamp, err := single(header, TimestampHeader)
	if err != nil {
		return "", err
	}
	sent, err := parseStamp(stamp)
	if err != nil {
		return "", err
	}
	mac, form := decodeSignature(signature)
	if mac == nil {
		return "", fmt.Errorf("%w: %s is neither hex nor base64 of 32 bytes", ErrMalformed, SignatureHeader)
	}
	if !signedByAny(secrets, stamp, body, mac) {
		return "", ErrMismatch
	}
	if age := now.Sub(sent); age > window || age < -window {
		return "", fmt.Errorf("%w: sent %s before now, allowed are %s", ErrStale, age.Round(time.Second), window)
	}
	return form, nil
}

// single refuses repeated headers: a proxy and we might read different ones.
func single(header http.Header, name string) (string, error) {
	values := header.Values(name)
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", fmt.Errorf("%w: no %s", ErrMissing, name)
	case len(values) > 1:
		return "", fmt.Errorf("%w: %d times %s", ErrMalformed, len(values), name)
	}
	return values[0], nil
}

// parseStamp reads Unix seconds. Only digits: a sign or a space would be signed over but mean the same time.
func parseStamp(s string) (time.Time, error) {
	seconds, err := strconv.ParseUint(s, 10, 63)
	if err != nil || len(s) > 18 {
		return time.Time{}, fmt.Errorf("%w: %s is not a number of seconds", ErrMalformed, TimestampHeader)
	}
	return time.Unix(int64(seconds), 0), nil
}

// signedByAny tries every secret and never stops early, so that timing does not tell which one matched.
func signedByAny(secrets []string, stamp string, body, mac []byte) bool {
	found := false
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		h := hmac.New(sha256.New, []byte(secret))
		h.Write([]byte(stamp))
		h.Write([]byte{':'})
		h.Write(body)
		if hmac.Equal(h.Sum(nil), mac) {
			found = true
		}
	}
	return found
}

// decodeSignature returns the 32 bytes and the form in which they were written, or nil.
func decodeSignature(s string) (mac []byte, form string) {
	if mac, form = decodeMAC(s); mac != nil {
		return mac, form
	}
	prefix, rest, found := strings.Cut(s, "=")
	if !found || !alphanumeric(prefix) {
		return nil, ""
	}
	if mac, form = decodeMAC(rest); mac != nil {
		return mac, "prefixed " + form
	}
	return nil, ""
}

func decodeMAC(s string) (mac []byte, form string) {
	if len(s) == hex.EncodedLen(sha256.Size) {
		if mac, err := hex.DecodeString(s); err == nil {
			return mac, FormHex
		}
		return nil, ""
	}
	unpadded := strings.TrimSuffix(s, "=")
	if len(unpadded) != base64.RawStdEncoding.EncodedLen(sha256.Size) || strings.ContainsAny(s, "\r\n") {
		return nil, "" // the decoder would skip line breaks
	}
	if mac, err := base64.RawStdEncoding.DecodeString(unpadded); err == nil {
		return mac, FormBase64
	}
	if mac, err := base64.RawURLEncoding.DecodeString(unpadded); err == nil {
		return mac, FormBase64URL
	}
	return nil, ""
}

func alphanumeric(s string) bool {
	for _, r := range s {
		digit, letter := '0' <= r && r <= '9', 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
		if !digit && !letter {
			return false
		}
	}
	return s != ""
}
