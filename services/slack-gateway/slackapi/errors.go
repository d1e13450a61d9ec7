package slackapi

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/retry"
)

// errNoTS is an answer that says neither yes nor no.
var errNoTS = errors.New("slack answered without a ts")

// The table of error codes (fact sheet 3.5). What is in none of the lists is a refusal that would be repeated.
var (
	codesLater = map[string]time.Duration{
		"ratelimited": time.Second, "rate_limited": time.Second, "message_limit_exceeded": time.Minute,
		"team_added_to_org": time.Minute, "org_login_required": time.Minute,
	}
	codesUnknown = set("internal_error", "fatal_error", "service_unavailable", "request_timeout")
	codesParked  = set(
		// credential
		"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type", "missing_scope",
		"no_permission", "access_denied", "app_access_restricted", "accesslimited", "enterprise_is_restricted", "two_factor_setup_required",
		// channel
		"channel_not_found", "not_in_channel", "is_archived", "is_inactive", "team_not_found", "ekm_access_denied",
	)
)

func set(codes ...string) map[string]bool {
	s := map[string]bool{}
	for _, code := range codes {
		s[code] = true
	}
	return s
}

// code answers Slack's error code, empty when err is of another kind.
func code(err error) string {
	var answer slack.SlackErrorResponse
	if errors.As(err, &answer) {
		return answer.Err
	}
	return ""
}

// NotAllowed reports whether the app was not given the right to make the call, which holds for all calls of its kind.
func NotAllowed(err error) bool {
	switch code(err) {
	case "missing_scope", "not_allowed_token_type", "no_permission", "accesslimited":
		return true
	}
	return false
}

// closed are the codes with which Slack refuses a reply because of its thread: it is gone, locked or takes none. What it answers of a head that was deleted is documented
// by reports alone, which say that the reply then lands in the channel.
func closed(err error) bool {
	switch code(err) {
	case "thread_not_found", "invalid_thread_ts", "cannot_reply_to_message", codeLocked:
		return true
	}
	return false
}

// codeLocked concerns one thread, unlike the other restrictions, which concern a channel.
const codeLocked = "restricted_action_thread_locked"

// TooMuch reports whether Slack refused a post because there is too much in it.
func TooMuch(err error) bool {
	switch code(err) {
	case "metadata_too_large", "msg_too_long", "msg_blocks_too_long":
		return true
	}
	return false
}

// classify says what err means for a second try.
func classify(err error) error {
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		return retry.Throttled(max(limited.RetryAfter, time.Second), err)
	}
	if c := code(err); c != "" {
		return classifyCode(c, err)
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		switch {
		case status.Code == http.StatusTooManyRequests:
			return retry.Throttled(time.Second, err)
		case status.Code >= 500, status.Code == http.StatusRequestTimeout:
			return retry.Unknown(err)
		}
		return retry.Parked(err)
	}
	// The library reads one number from a response without an error of its own: the Retry-After of a 429.
	var number *strconv.NumError
	if errors.As(err, &number) {
		return retry.Throttled(time.Second, err)
	}
	var dial *net.OpError
	var dns *net.DNSError
	if errors.As(err, &dns) || (errors.As(err, &dial) && dial.Op == "dial") {
		return withoutAddress(err)
	}
	return retry.Unknown(withoutAddress(err))
}

func classifyCode(c string, err error) error {
	if c == "ratelimited" || c == "rate_limited" {
		return retry.Throttled(codesLater[c], err)
	}
	if delay, ok := codesLater[c]; ok {
		return retry.After(delay, err)
	}
	var answer slack.SlackErrorResponse
	if errors.As(err, &answer) && answer.Needed != "" {
		err = fmt.Errorf("%w (needs the scope %s)", err, answer.Needed)
	}
	switch {
	case codesUnknown[c]:
		return retry.Unknown(err)
	case c == codeLocked: // the channel goes on
	case codesParked[c], strings.HasPrefix(c, "restricted_action"): // of a channel; there are many
		return retry.Parked(err)
	}
	return retry.Rejected(err)
}

// withoutAddress keeps request addresses out of logs: form methods carry the token.
func withoutAddress(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err
	}
	return err
}
