package karte

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Entry is a line of a customer's history, as far as the API is known to give it.
type Entry struct {
	// Sender is the operator's id; empty when the customer wrote it, and perhaps when a bot did.
	Sender string
	// Name is what customers see of the operator; empty when KARTE does not tell.
	Name string
	Text string
	// Image says that there was one; where it is is not documented.
	Image bool
	// Date is zero when it cannot be read.
	Date time.Time
}

// errNoHistory: KARTE answered, in a form that nobody has described.
var errNoHistory = errors.New("the answer holds no list of messages")

// History answers the customer's last lines, in no particular order: which one KARTE gives is not documented. Nor are the forms of most of what a line has: one that is
// not as expected must not hide the others, so each member is read by itself, as leniently as those of hooks.
func (c *Client) History(ctx context.Context, customer string, limit int) ([]Entry, error) {
	var answer struct {
		Messages []json.RawMessage `json:"messages"`
	}
	body := map[string]any{"user_id": customer, "options": map[string]any{"limit": limit}}
	if err := c.call(ctx, pathHistory, body, &answer); err != nil {
		return nil, err
	}
	var entries []Entry
	for _, raw := range answer.Messages {
		if entry, ok := entryIn(raw); ok {
			entries = append(entries, entry)
		}
	}
	if len(answer.Messages) > 0 && len(entries) == 0 {
		return nil, fmt.Errorf("KARTE %s: %w", pathHistory, errNoHistory)
	}
	return entries, nil
}

// entryIn reads one line; one without any content is none.
func entryIn(raw json.RawMessage) (Entry, bool) {
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return Entry{}, false
	}
	entry := Entry{Sender: textOf(fields, "account_id", "sender_id"), Name: textOf(fields, "profile_name"), Date: dateIn(fields["date"])}
	switch content := fields["content"].(type) {
	case string:
		entry.Text = content
	case map[string]any:
		entry.Text, entry.Image = textOf(content, "text"), present(content["image"])
	default:
		return Entry{}, false
	}
	return entry, true
}

// present reports whether a field of an undocumented form holds anything.
func present(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	case string:
		return value != ""
	case map[string]any:
		return len(value) > 0
	case []any:
		return len(value) > 0
	}
	return true
}

// dateIn reads a date as hooks have it, or a Unix time in seconds or milliseconds; zero for anything else.
func dateIn(value any) time.Time {
	switch value := value.(type) {
	case string:
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
			if at, err := time.Parse(layout, value); err == nil {
				return at
			}
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil {
			return unixTime(n)
		}
	case float64:
		return unixTime(int64(value))
	}
	return time.Time{}
}

// unixTime takes numbers above 1e11 for milliseconds: as seconds they would lie after the year 5000.
func unixTime(n int64) time.Time {
	switch {
	case n <= 0:
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(n)
	}
	return time.Unix(n, 0)
}
