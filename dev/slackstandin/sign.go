package slackstandin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// errRedirects: the app redirected more often than Slack follows (sheet 1.1).
var errRedirects = errors.New("too many redirects")

// Answer is what the app answered to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Signature is the X-Slack-Signature of a raw body (sheet 1.2).
func Signature(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:", timestamp)
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// post sends one signed request within the delivery timeout, following at most two redirects.
func (s *Server) post(ctx context.Context, target string, header http.Header, body []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.DeliveryTimeout)
	defer cancel()
	if p := s.cfg.platform; p != nil && p.bySocket() {
		return p.push(ctx, header, body)
	}
	for range 3 {
		answer, err := s.postOnce(ctx, target, header, body)
		if err != nil {
			return Answer{}, err
		}
		if answer.Status != http.StatusMovedPermanently && answer.Status != http.StatusFound {
			return answer, nil
		}
		if target, err = resolve(target, answer.Header.Get("Location")); err != nil {
			return Answer{}, err
		}
	}
	return Answer{}, fmt.Errorf("post to the app: %w", errRedirects)
}

// resolve reads a Location, which may be relative to where the request went.
func resolve(from, location string) (string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", fmt.Errorf("follow redirect: %w", err)
	}
	to, err := base.Parse(location)
	if err != nil {
		return "", fmt.Errorf("follow redirect: %w", err)
	}
	return to.String(), nil
}

func (s *Server) postOnce(ctx context.Context, target string, header http.Header, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("make request: %w", err)
	}
	req.Header = header.Clone()
	s.mu.Lock()
	secret, stamp := s.cfg.SigningSecret, strconv.FormatInt(s.cfg.Clock().Unix(), 10)
	s.mu.Unlock()
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", Signature(secret, stamp, body))
	resp, err := s.client.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("post to the app: %w", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("read the app's answer: %w", err)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: got}, nil
}

// VerifyURL does the url_verification handshake with the events URL (sheet 1.1) and fails unless the app gives
// the challenge back with status 200.
func (s *Server) VerifyURL(ctx context.Context) error {
	s.mu.Lock()
	challenge := fmt.Sprintf("challenge-%d", s.nextSerial())
	target := s.urls.Events
	s.mu.Unlock()
	body, err := encode(map[string]string{
		"type": "url_verification", "token": "deprecated-verification-token", "challenge": challenge,
	})
	if err != nil {
		return err
	}
	answer, err := s.post(ctx, target, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return fmt.Errorf("verify events url: %w", err)
	}
	got := struct{ Challenge string }{Challenge: strings.TrimSpace(string(answer.Body))}
	_ = json.Unmarshal(answer.Body, &got) // plain text is as good as JSON
	if answer.Status != http.StatusOK || got.Challenge != challenge {
		return fmt.Errorf("verify events url: status %d, challenge not given back", answer.Status)
	}
	return nil
}
