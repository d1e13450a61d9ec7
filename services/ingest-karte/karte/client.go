// Package karte calls KARTE's REST API for Talk.
package karte

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
)

// The paths, all of them in one place because only some are documented.
const (
	pathSend    = "/v2/talk/message/sendFromOperator"
	pathNote    = "/v2beta/talk/note/send"
	pathHistory = "/v2/talk/message/get"

	pathOperators = "/v2beta/talk/operator/list"
)

// callTimeout bounds one call, from dialling to the end of the answer.
const callTimeout = 10 * time.Second

// CallTime is how long a call may take.
const CallTime = callTimeout

// Client calls KARTE for one project.
type Client struct {
	base  string
	token secret.String
	http  *http.Client

	// Unassign is how a conversation is made nobody's; UnassignNull when empty.
	Unassign Unassign
}

// New makes a client for base, for example https://api.karte.io.
func New(base string, token secret.String) *Client {
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: callTimeout,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	return &Client{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{
		Transport: transport, Timeout: callTimeout,
		// A redirected POST would lose its body; the token goes to the configured host only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Measure measures every call and makes its span; it is called before anything else, once.
func (c *Client) Measure(metrics prometheus.Registerer) {
	c.http.Transport = telemetry.NewOutbound("karte", c.http.Transport, func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/") }, metrics)
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

type content struct {
	Text string `json:"text"`
}

// Send says text to the customer in the operator's name.
func (c *Client) Send(ctx context.Context, customer, operator, text string) error {
	return c.call(ctx, pathSend, map[string]any{"user_id": customer, "sender_id": operator, "content": content{text}}, nil)
}

// Note keeps text for staff in the operator's name.
func (c *Client) Note(ctx context.Context, customer, operator, text string) error {
	sender := map[string]any{"id": operator, "is_bot": strings.HasPrefix(operator, "bot-")}
	return c.call(ctx, pathNote, map[string]any{"user_id": customer, "sender": sender, "content": content{text}}, nil)
}

// call posts body and decodes the answer into into, if that is not nil. Its error is classified: see classify.
func (c *Client) call(ctx context.Context, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("KARTE %s: %w", path, retry.Malformed(err))
	}
	response, err := c.post(ctx, path, data)
	if err != nil {
		return fmt.Errorf("KARTE %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if failure := classify(response.StatusCode, response.Header.Get("Retry-After"), func() string { return c.explanation(answer) }); failure != nil {
		return fmt.Errorf("KARTE %s: %w", path, failure)
	}
	if into == nil {
		return nil // 200 was said: what follows it does not matter
	}
	if err == nil {
		err = json.Unmarshal(answer, into)
	}
	if err != nil {
		return fmt.Errorf("KARTE %s: read the answer: %w", path, err)
	}
	return nil
}

// post makes one call.
func (c *Client) post(ctx context.Context, path string, data []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(data))
	if err != nil {
		return nil, retry.Malformed(errors.New("bad address"))
	}
	request.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, transportError(err)
	}
	return response, nil
}

// transportError tells calls that never left from those that may have arrived.
func transportError(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return err
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return err
	}
	return retry.Unknown(err)
}

// ErrScope is wrapped by errors of calls for which the app lacks the scope.
var ErrScope = errors.New("not permitted")

// classify is the table of status codes (fact sheet 3.3): PLAID's own callers try again on 408, 429 and 5xx only.
func classify(status int, retryAfter string, explanation func() string) error {
	if status >= 200 && status < 300 {
		return nil
	}
	var err error = &Refusal{Status: status, Said: explanation()}
	switch {
	case status == http.StatusTooManyRequests:
		return retry.Throttled(waitOf(retryAfter, time.Now()), err)
	case status == http.StatusRequestTimeout, status >= 500:
		return retry.Unknown(err)
	case status == http.StatusForbidden:
		return retry.Parked(fmt.Errorf("%w: %w", ErrScope, err))
	case status == http.StatusUnauthorized, status < 400:
		return retry.Parked(err)
	}
	return retry.Rejected(err)
}

// waitOf reads a Retry-After, in either form that HTTP knows: which one KARTE sends, if any, is not documented.
func waitOf(retryAfter string, now time.Time) time.Duration {
	seconds, _ := strconv.Atoi(retryAfter)
	wait := time.Duration(min(max(seconds, 1), 3600)) * time.Second
	if at, err := http.ParseTime(retryAfter); err == nil {
		wait = max(at.Sub(now), time.Second)
	}
	return min(wait, 10*time.Minute)
}

// explanation shortens KARTE's own words, empty when there are none. They end in logs and notices, so they must not carry the token.
func (c *Client) explanation(body []byte) string {
	var answer struct {
		Error any `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error == nil {
		return ""
	}
	said := fmt.Sprint(answer.Error)
	if !c.token.IsZero() {
		said = strings.ReplaceAll(said, c.token.Reveal(), secret.Redacted)
	}
	words := []rune(said)
	if len(words) > 200 {
		words = append(words[:200], '…')
	}
	return string(words)
}
