package karte

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Operator is somebody, or a bot, who answers in the project's name.
type Operator struct {
	ID string
	// Name is what customers see; empty when KARTE does not tell.
	Name string
	Bot  bool
}

// errNoOperators: KARTE answered, in a form that nobody has described.
var errNoOperators = errors.New("the answer holds no list of operators that can be read")

// Operators answers the operators of the project. Which fields KARTE's answer has is not documented (fact sheet 3.2): a list is taken wherever it stands, and from its
// members what looks like an id and a name in any of the forms that hooks and other calls use.
func (c *Client) Operators(ctx context.Context) ([]Operator, error) {
	var answer any
	if err := c.call(ctx, pathOperators, struct{}{}, &answer); err != nil {
		return nil, err
	}
	list, ok := listIn(answer)
	if !ok {
		return nil, fmt.Errorf("KARTE %s: %w", pathOperators, errNoOperators)
	}
	var operators []Operator
	for _, member := range list {
		if operator := operatorIn(member); operator.ID != "" {
			operators = append(operators, operator)
		}
	}
	if len(list) > 0 && len(operators) == 0 {
		return nil, fmt.Errorf("KARTE %s: %w", pathOperators, errNoOperators)
	}
	return operators, nil
}

// listIn answers the list that an answer is, or has in one of its fields. Of several the one named for operators counts.
func listIn(answer any) (list []any, ok bool) {
	if list, ok = answer.([]any); ok {
		return list, true
	}
	fields, _ := answer.(map[string]any)
	for _, name := range []string{"operators", "accounts", "users", "list", "items", "data", "result"} {
		if inner, there := fields[name]; there {
			if list, ok := listIn(inner); ok {
				return list, true
			}
		}
	}
	return nil, false
}

// operatorIn reads one member; without an id it is nobody.
func operatorIn(member any) Operator {
	if id, ok := member.(string); ok {
		return Operator{ID: id, Bot: isBot(id)}
	}
	fields, _ := member.(map[string]any)
	if inner, ok := fields["operator"].(map[string]any); ok {
		fields = inner
	}
	o := Operator{
		ID:   textOf(fields, "id", "operator_id", "account_id", "_id"),
		Name: textOf(fields, "profile_name", "display_name", "name"),
	}
	o.Bot = isBot(o.ID)
	for _, name := range []string{"is_bot", "bot"} {
		if said, ok := fields[name].(bool); ok {
			o.Bot = said
			break
		}
	}
	return o
}

func isBot(id string) bool { return strings.HasPrefix(id, "bot-") }

// textOf answers the first of the fields that holds a text or a number.
func textOf(fields map[string]any, names ...string) string {
	for _, name := range names {
		switch value := fields[name].(type) {
		case string:
			if value != "" {
				return value
			}
		case float64:
			return strconv.FormatFloat(value, 'f', -1, 64)
		}
	}
	return ""
}
