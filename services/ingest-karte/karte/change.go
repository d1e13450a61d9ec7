package karte

import (
	"context"
	"fmt"
	"strings"
)

const (
	pathAssign   = "/v2/talk/assignee/assign"
	pathAssignee = "/v2beta/talk/assignee/get"
	pathStatus   = "/v2beta/talk/status/change"
)

// Unassign is how KARTE is told that a conversation is nobody's: that is not documented (fact sheet 3.2).
type Unassign string

// The forms that it may have.
const (
	// UnassignNull is {"assignee": null}, as in the first version of the API.
	UnassignNull Unassign = "null"
	// UnassignEmpty is {"assignee": {"id": ""}}, as hooks tell it.
	UnassignEmpty Unassign = "empty"
)

// Assign gives a customer's conversation to an operator or bot, or with an empty id to nobody. Done twice it does no harm.
func (c *Client) Assign(ctx context.Context, customer, operator string, bot bool) error {
	var assignee any
	switch {
	case operator != "":
		assignee = map[string]any{"id": operator, "is_bot": bot || isBot(operator)}
	case c.Unassign == UnassignEmpty:
		assignee = map[string]any{"id": "", "is_bot": false}
	}
	return c.call(ctx, pathAssign, map[string]any{"user_id": customer, "assignee": assignee}, nil)
}

// Assignee answers whose a customer's conversation is; empty when nobody's.
func (c *Client) Assignee(ctx context.Context, customer string) (string, error) {
	var answer struct {
		Assignee *struct {
			ID string `json:"id"`
		} `json:"assignee"`
	}
	if err := c.call(ctx, pathAssignee, map[string]any{"user_id": customer}, &answer); err != nil || answer.Assignee == nil {
		return "", err
	}
	return answer.Assignee.ID, nil
}

// ChangeStatus gives a customer's conversation a status: `open`, `waiting` or `closed`. Done twice it does no harm.
func (c *Client) ChangeStatus(ctx context.Context, customer, status string) error {
	return c.call(ctx, pathStatus, map[string]any{"user_id": customer, "chat_status": status}, nil)
}

// ParseUnassign reads a setting.
func ParseUnassign(s string) (Unassign, error) {
	switch form := Unassign(strings.TrimSpace(s)); form {
	case UnassignNull, UnassignEmpty:
		return form, nil
	}
	return "", fmt.Errorf("%q is neither %s nor %s", s, UnassignNull, UnassignEmpty)
}
