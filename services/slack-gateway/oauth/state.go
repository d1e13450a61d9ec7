package oauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// valid is how long somebody may take to agree to an installation.
const valid = 10 * time.Minute

// The reasons why a state is refused.
var (
	errForged  = errors.New("the state is not one of ours, or of another browser")
	errExpired = errors.New("the state has expired")
)

var encoding = base64.RawURLEncoding

// newBrowser makes what is kept in the browser's cookie. Slack and whoever sees the state never learn it.
func newBrowser() string {
	random := make([]byte, 24)
	_, _ = rand.Read(random) // it never fails
	return encoding.EncodeToString(random)
}

// newState makes a state for the browser: `<random>.<end>.<signature>`. keys are those that sign, the current one first.
func newState(keys [][]byte, browser string, now time.Time) string {
	body := newBrowser() + "." + strconv.FormatInt(now.Add(valid).Unix(), 10)
	return body + "." + sign(keys[0], body, browser)
}

func sign(key []byte, body, browser string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(body + "." + browser))
	return encoding.EncodeToString(mac.Sum(nil))
}

// checkState answers why a state that came back is not to be trusted; nil when it is.
func checkState(keys [][]byte, state, browser string, now time.Time) error {
	i := strings.LastIndexByte(state, '.')
	if i < 0 || browser == "" {
		return errForged
	}
	body, signature, good := state[:i], state[i+1:], false
	for _, key := range keys {
		good = good || hmac.Equal([]byte(signature), []byte(sign(key, body, browser)))
	}
	_, end, ok := strings.Cut(body, ".")
	seconds, err := strconv.ParseInt(end, 10, 64)
	switch {
	case !good || !ok || err != nil:
		return errForged
	case now.Unix() > seconds:
		return errExpired
	}
	return nil
}
