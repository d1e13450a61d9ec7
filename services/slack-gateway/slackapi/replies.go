package slackapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// conversationMark stands before what a head's marks say about whose thread it is.
const conversationMark = "conversation:"

// ConversationMark is kept with a head, so that its thread can be told from it alone; empty when the project's id cannot stand in a mark.
func ConversationMark(project, conversation string) string {
	if project == "" || strings.ContainsAny(project, " :") {
		return ""
	}
	return conversationMark + project + ":" + conversation
}

// Thread is what Slack holds of a thread.
type Thread struct {
	// Project and Conversation are those whose thread it is; empty when the head is not a post of the app's.
	Project, Conversation string
	// Replies are Slack's message objects as they came, oldest first.
	Replies []json.RawMessage
}

const (
	// repliesLimit is how many messages are asked for at once, the largest page Slack gives.
	repliesLimit = 1000
	// maxAnswer in bytes bounds what is read of one answer.
	maxAnswer = 32 << 20
)

// Thread reads the head of a thread and, when before is not empty, the replies later than after and earlier than before, both a ts. own is the
// app's bot id. ErrThreadGone: there is no such thread.
func (c *Client) Thread(ctx context.Context, channel, ts, after, before, own string) (Thread, error) {
	form := url.Values{"channel": {c.at(channel)}, "ts": {ts}, "limit": {"1"}, "include_all_metadata": {"true"}}
	if before != "" {
		form.Set("limit", strconv.Itoa(repliesLimit))
		form.Set("oldest", after)
		form.Set("latest", before)
	}
	thread := Thread{}
	for range pages {
		messages, next, err := c.repliesPage(ctx, form)
		if err != nil {
			return Thread{}, fmt.Errorf("conversations.replies in %s: %w", channel, err)
		}
		thread.take(messages, ts, before, own)
		if next == "" || before == "" {
			return thread, nil
		}
		form.Set("cursor", next)
	}
	return thread, nil
}

func (c *Client) repliesPage(ctx context.Context, form url.Values) (messages []json.RawMessage, next string, err error) {
	var answer struct {
		Messages []json.RawMessage `json:"messages"`
		Metadata struct {
			Next string `json:"next_cursor"`
		} `json:"response_metadata"`
	}
	if err := c.raw(ctx, "conversations.replies", form, &answer); err != nil {
		if code(err) == "thread_not_found" {
			err = fmt.Errorf("%w: %w", ErrThreadGone, err)
		}
		return nil, "", err
	}
	return answer.Messages, answer.Metadata.Next, nil
}

// take adds the messages of a page.
func (t *Thread) take(messages []json.RawMessage, ts, before, own string) {
	for _, message := range messages {
		var m struct {
			TS       string              `json:"ts"`
			BotID    string              `json:"bot_id"`
			Metadata slack.SlackMetadata `json:"metadata"`
		}
		if json.Unmarshal(message, &m) != nil {
			continue // whoever reads it says so
		}
		switch {
		case m.TS == ts && own != "" && m.BotID == own && m.Metadata.EventType == metadataType:
			t.Project, t.Conversation = conversationOf(m.Metadata.EventPayload)
		case m.TS != ts && before != "":
			t.Replies = append(t.Replies, message)
		}
	}
}

func conversationOf(payload map[string]any) (project, conversation string) {
	marks, _ := payload["marks"].(string)
	for mark := range strings.FieldsSeq(marks) {
		if names, ok := strings.CutPrefix(mark, conversationMark); ok {
			project, conversation, _ = strings.Cut(names, ":")
		}
	}
	return project, conversation
}

// raw calls a method whose answer is needed as it came: the library keeps of a message only the parts that it knows.
func (c *Client) raw(ctx context.Context, method string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+method, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	answer, err := c.http.Do(request)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusTooManyRequests {
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return classify(&slack.RateLimitedError{RetryAfter: time.Duration(seconds) * time.Second})
	}
	if answer.StatusCode != http.StatusOK {
		return classify(slack.StatusCodeError{Code: answer.StatusCode, Status: answer.Status})
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return classify(err)
	}
	var head slack.SlackResponse
	if err := json.Unmarshal(body, &head); err != nil {
		return classify(fmt.Errorf("decode the answer: %w", err))
	}
	if err := head.Err(); err != nil {
		return classify(err)
	}
	if !head.Ok {
		return classify(errors.New("slack answered neither yes nor no"))
	}
	return json.Unmarshal(body, into)
}
