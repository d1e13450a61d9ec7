package inbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const window = 5 * time.Minute

func sign(secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

func signed(stamp, signature string) http.Header {
	h := http.Header{}
	h.Set("x-slack-request-timestamp", stamp)
	h.Set("x-slack-signature", signature)
	return h
}

// The example of docs.slack.dev, "Verifying requests from Slack". Everything in it is public and made up by Slack.
func TestVerifySignaturePublished(t *testing.T) {
	body := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V" +
		"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
		"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
		"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	header := signed("1531420618", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
	secrets := []string{"8f742231b10e8888abcd99yyyzzz85a5"}
	if err := VerifySignature(secrets, header, []byte(body), time.Unix(1531420618, 0), window); err != nil {
		t.Errorf("published example: %v", err)
	}
	err := VerifySignature(secrets, header, []byte(body+"&"), time.Unix(1531420618, 0), window)
	if !errors.Is(err, ErrSignatureMismatch) {
		t.Errorf("changed body: %v", err)
	}
}

func TestVerifySignature(t *testing.T) {
	const stamp = "1700000000"
	at := time.Unix(1700000000, 0)
	body := []byte(`{"type":"event_callback"}`)
	good := sign("new", stamp, body)
	twice := signed(stamp, good)
	twice.Add(HeaderSignature, good)

	for name, c := range map[string]struct {
		secrets []string
		header  http.Header
		now     time.Time
		want    error
	}{
		"good":                      {[]string{"new"}, signed(stamp, good), at, nil},
		"upper case":                {[]string{"new"}, signed(stamp, "v0="+strings.ToUpper(good[3:])), at, nil},
		"second of two secrets":     {[]string{"old", "new"}, signed(stamp, good), at, nil},
		"first of two secrets":      {[]string{"new", "old"}, signed(stamp, good), at, nil},
		"at the edge, late":         {[]string{"new"}, signed(stamp, good), at.Add(window), nil},
		"at the edge, early":        {[]string{"new"}, signed(stamp, good), at.Add(-window), nil},
		"late":                      {[]string{"new"}, signed(stamp, good), at.Add(window + 1), ErrSignatureStale},
		"early":                     {[]string{"new"}, signed(stamp, good), at.Add(-window - 1), ErrSignatureStale},
		"beyond what a time holds":  {[]string{"new"}, signed("999999999999", sign("new", "999999999999", body)), at, ErrSignatureStale},
		"old, not by Slack":         {[]string{"new"}, signed("1600000000", good), at, ErrSignatureMismatch},
		"other secret":              {[]string{"old"}, signed(stamp, good), at, ErrSignatureMismatch},
		"no secret":                 {nil, signed(stamp, good), at, ErrSignatureMismatch},
		"empty secret":              {[]string{""}, signed(stamp, sign("", stamp, body)), at, ErrSignatureMismatch},
		"timestamp of another":      {[]string{"new"}, signed("1700000001", good), at, ErrSignatureMismatch},
		"no headers":                {[]string{"new"}, http.Header{}, at, ErrSignatureMissing},
		"no timestamp":              {[]string{"new"}, http.Header{HeaderSignature: {good}}, at, ErrSignatureMissing},
		"no signature":              {[]string{"new"}, signed(stamp, ""), at, ErrSignatureMissing},
		"signature repeated":        {[]string{"new"}, twice, at, ErrSignatureMalformed},
		"timestamp with a sign":     {[]string{"new"}, signed("+1700000000", good), at, ErrSignatureMalformed},
		"timestamp with a space":    {[]string{"new"}, signed(" 1700000000", good), at, ErrSignatureMalformed},
		"timestamp with a fraction": {[]string{"new"}, signed("1700000000.0", good), at, ErrSignatureMalformed},
		"timestamp too long":        {[]string{"new"}, signed(strings.Repeat("9", 30), good), at, ErrSignatureMalformed},
		"other version":             {[]string{"new"}, signed(stamp, "v1="+good[3:]), at, ErrSignatureMalformed},
		"no version":                {[]string{"new"}, signed(stamp, good[3:]), at, ErrSignatureMalformed},
		"short":                     {[]string{"new"}, signed(stamp, good[:len(good)-2]), at, ErrSignatureMalformed},
		"long":                      {[]string{"new"}, signed(stamp, good+"00"), at, ErrSignatureMalformed},
		"not hexadecimal":           {[]string{"new"}, signed(stamp, "v0="+strings.Repeat("zz", 32)), at, ErrSignatureMalformed},
		"empty after the version":   {[]string{"new"}, signed(stamp, "v0="), at, ErrSignatureMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			err := VerifySignature(c.secrets, c.header, body, c.now, window)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), good[3:]) {
				t.Errorf("error shows the signature: %v", err)
			}
		})
	}
}

func TestVerifySignatureAnyChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringN(1, 40, 80).Draw(t, "secret")
		body := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "body")
		seconds := rapid.Int64Range(1, 4_000_000_000).Draw(t, "seconds")
		stamp := strconv.FormatInt(seconds, 10)
		header := signed(stamp, sign(secret, stamp, body))
		if err := VerifySignature([]string{secret}, header, body, time.Unix(seconds, 0), window); err != nil {
			t.Fatalf("own signature: %v", err)
		}
		i := rapid.IntRange(0, len(body)-1).Draw(t, "at")
		body[i] ^= rapid.ByteRange(1, 255).Draw(t, "flip")
		err := VerifySignature([]string{secret}, header, body, time.Unix(seconds, 0), window)
		if !errors.Is(err, ErrSignatureMismatch) {
			t.Fatalf("changed body: %v", err)
		}
	})
}
