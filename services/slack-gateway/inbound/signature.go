package inbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The headers that carry Slack's signature.
const (
	HeaderSignature = "X-Slack-Signature"
	HeaderTimestamp = "X-Slack-Request-Timestamp"
)

// Why a request is not from Slack, or not from now. All of them deserve the same 401.
var (
	// ErrSignatureMissing: one of the two headers is absent or empty.
	ErrSignatureMissing = errors.New("slack signature missing")
	// ErrSignatureMalformed: a header is repeated or has another form than the v0 scheme.
	ErrSignatureMalformed = errors.New("slack signature malformed")
	// ErrSignatureStale: the signature is good, but the timestamp is further from now than the window, in either direction.
	ErrSignatureStale = errors.New("slack signature stale")
	// ErrSignatureMismatch: none of the secrets made this signature.
	ErrSignatureMismatch = errors.New("slack signature mismatch")
)

const signatureVersion = "v0"

// Twelve digits are enough for seconds and too few to overflow anything.
var unixSeconds = regexp.MustCompile(`^[0-9]{1,12}$`)

// VerifySignature checks Slack's v0 signature over the raw body (docs.slack.dev, "Verifying requests from Slack").
//
// Any of the secrets may have made it, so that a secret can be rotated without a gap; an empty secret verifies nothing.
// A good signature stays good for the whole window: it does not tell a replay from a first arrival.
// The error is one of the sentinels above, possibly wrapped, and never holds a secret or a signature.
func VerifySignature(secrets []string, header http.Header, body []byte, now time.Time, window time.Duration) error {
	stamp, err := onlyValue(header, HeaderTimestamp)
	if err != nil {
		return err
	}
	signature, err := onlyValue(header, HeaderSignature)
	if err != nil {
		return err
	}
	if !unixSeconds.MatchString(stamp) {
		return fmt.Errorf("%s: %w", HeaderTimestamp, ErrSignatureMalformed)
	}
	got, err := hex.DecodeString(strings.TrimPrefix(signature, signatureVersion+"="))
	if err != nil || len(got) != sha256.Size || !strings.HasPrefix(signature, signatureVersion+"=") {
		return fmt.Errorf("%s: %w", HeaderSignature, ErrSignatureMalformed)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%s: %w", HeaderTimestamp, ErrSignatureMalformed)
	}
	if !madeByAny(secrets, stamp, body, got) {
		return ErrSignatureMismatch
	}
	// Only what Slack has signed says something of our clock.
	if now.Sub(time.Unix(seconds, 0)).Abs() > window {
		return ErrSignatureStale
	}
	return nil
}

func onlyValue(header http.Header, name string) (string, error) {
	values := header.Values(name)
	switch {
	case len(values) == 0, len(values) == 1 && values[0] == "":
		return "", fmt.Errorf("%s: %w", name, ErrSignatureMissing)
	case len(values) > 1:
		return "", fmt.Errorf("%s: repeated: %w", name, ErrSignatureMalformed)
	}
	return values[0], nil
}

// madeByAny tries every secret even after a match, so that the time taken does not tell which one is in use.
func madeByAny(secrets []string, stamp string, body, got []byte) bool {
	found := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(signatureVersion + ":" + stamp + ":"))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), got) && secret != "" {
			found = true
		}
	}
	return found
}
