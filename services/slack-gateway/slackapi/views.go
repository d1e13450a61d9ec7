package slackapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// View is a modal or a Home that Slack shows. Its hash changes with every update.
type View struct{ ID, Hash string }

// Errors of views, for those who tell people what to do.
var (
	// ErrTriggerExpired: more than three seconds have passed since the press, or it has opened a modal already.
	ErrTriggerExpired = errors.New("the press is too long ago to open a modal")
	// ErrViewChanged: the view is gone, or somebody has changed it since.
	ErrViewChanged = errors.New("the view is gone or has changed")
)

// OpenView opens a modal; trigger is good once, within three seconds.
func (c *Client) OpenView(ctx context.Context, trigger string, view slack.ModalViewRequest) (View, error) {
	answer, err := c.api().OpenViewContext(ctx, trigger, view)
	return viewOf("views.open", answer, err)
}

// UpdateView shows another modal instead of the one with the id; with its hash only if it has not changed since.
func (c *Client) UpdateView(ctx context.Context, at View, view slack.ModalViewRequest) (View, error) {
	answer, err := c.api().UpdateViewContext(ctx, view, "", at.Hash, at.ID)
	return viewOf("views.update", answer, err)
}

// PublishHome shows a member their Home; with the hash of the present one only if it has not changed since.
func (c *Client) PublishHome(ctx context.Context, member, hash string, view slack.HomeTabViewRequest) (View, error) {
	request := slack.PublishViewContextRequest{UserID: member, View: view}
	if hash != "" {
		request.Hash = &hash
	}
	answer, err := c.api().PublishViewContext(ctx, request)
	return viewOf("views.publish", answer, err)
}

func viewOf(method string, answer *slack.ViewResponse, err error) (View, error) {
	if err == nil {
		return View{ID: answer.ID, Hash: answer.Hash}, nil
	}
	switch code(err) {
	case "expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired", "trigger_exchanged":
		err = fmt.Errorf("%w: %w", ErrTriggerExpired, err)
	case "hash_conflict", "not_found", "view_not_found":
		err = fmt.Errorf("%w: %w", ErrViewChanged, err)
	}
	return View{}, fmt.Errorf("%s: %w", method, classify(err))
}

// Direct sends a message to one member, in the app's own conversation with them.
func (c *Client) Direct(ctx context.Context, member string, message render.Message) error {
	if _, _, err := c.api().PostMessageContext(ctx, member, content(message)...); err != nil {
		return fmt.Errorf("chat.postMessage to a member: %w", classify(err))
	}
	return nil
}

// Respond shows a message to whoever pressed, through the URL that came with the press; replace puts it in place of the message that was pressed. Five answers are
// taken within 30 minutes.
func (c *Client) Respond(ctx context.Context, responseURL secret.String, message render.Message, replace bool) error {
	target, err := c.responseTarget(responseURL.Reveal())
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"response_type": "ephemeral", "replace_original": replace, "text": message.Text, "blocks": message.Blocks})
	if err != nil {
		return retry.Rejected(fmt.Errorf("encode an answer: %w", err))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return retry.Rejected(errors.New("the response URL cannot be called")) // its own words would quote it
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	answer, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("response_url: %w", classify(err))
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // so that the connection is used again
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("response_url: %w", classify(slack.StatusCodeError{Code: answer.StatusCode, Status: answer.Status}))
	}
	return nil
}

// responseTarget lets only Slack's own addresses pass, and those of the configured API: what an address in a request says is not to make us call others.
func (c *Client) responseTarget(raw string) (string, error) {
	target, err := url.Parse(raw)
	base, baseErr := url.Parse(c.base)
	if err != nil || baseErr != nil || target.Host == "" || target.User != nil {
		return "", retry.Rejected(errors.New("the response URL is not a URL"))
	}
	own := target.Scheme == base.Scheme && target.Host == base.Host
	host := strings.ToLower(target.Hostname())
	atSlack := target.Scheme == "https" && target.Port() == "" &&
		(host == "slack.com" || strings.HasSuffix(host, ".slack.com") || host == "slack-gov.com" || strings.HasSuffix(host, ".slack-gov.com"))
	if !own && !atSlack {
		return "", retry.Rejected(errors.New("the response URL is not Slack's"))
	}
	return raw, nil
}
