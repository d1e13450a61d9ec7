package slackstandin

import (
	"encoding/json"
	"fmt"
)

// pressed finds the element and gives its part of the payload.
func pressed(raw json.RawMessage, click Click) (map[string]any, error) {
	var blocks []struct {
		BlockID   string           `json:"block_id"`
		Accessory map[string]any   `json:"accessory"`
		Element   map[string]any   `json:"element"` // of an input block
		Elements  []map[string]any `json:"elements"`
	}
	if raw == nil {
		return nil, ErrNoSuchAction
	}
	if err := json.Unmarshal(raw, &blocks); err != nil {
		return nil, fmt.Errorf("read blocks: %w", err)
	}
	var others []map[string]any
	for _, b := range blocks {
		for _, el := range append(b.Elements, b.Accessory, b.Element) {
			if el["action_id"] != click.ActionID {
				continue
			}
			if click.BlockID == "" || click.BlockID == b.BlockID {
				return actionOf(el, b.BlockID, click), nil
			}
			others = append(others, actionOf(el, b.BlockID, click))
		}
	}
	// The app may have published the view anew a moment ago, with the same element in a block of another id.
	if len(others) == 1 {
		return others[0], nil
	}
	return nil, ErrNoSuchAction
}

// picked names the field that holds what was picked in a kind of element; the others hold an option.
var picked = map[string]string{
	"users_select": "selected_user", "channels_select": "selected_channel", "conversations_select": "selected_conversation",
	"datepicker": "selected_date", "timepicker": "selected_time",
	"plain_text_input": "value", "email_text_input": "value", "url_text_input": "value", "number_input": "value",
}

// pickedMany is the same for the kinds that take several.
var pickedMany = map[string]string{
	"multi_users_select": "selected_users", "multi_channels_select": "selected_channels", "multi_conversations_select": "selected_conversations",
}

func actionOf(el map[string]any, blockID string, click Click) map[string]any {
	kind, _ := el["type"].(string)
	action := map[string]any{"type": kind, "action_id": el["action_id"], "block_id": blockID}
	switch {
	case kind == "button":
		for _, field := range []string{"text", "value", "style"} {
			if el[field] != nil {
				action[field] = el[field]
			}
		}
	case picked[kind] != "":
		action[picked[kind]] = click.Value
	case pickedMany[kind] != "":
		action[pickedMany[kind]] = append([]string{}, click.Values...)
	case kind == "checkboxes" || kind == "multi_static_select" || kind == "multi_external_select":
		options := []any{}
		for _, value := range click.Values {
			options = append(options, optionOf(el, value, click.Label))
		}
		action["selected_options"] = options
	default:
		action["selected_option"] = optionOf(el, click.Value, click.Label)
	}
	return action
}

// optionOf finds the option of a menu; one that the app suggested is known by its label alone.
func optionOf(el map[string]any, value, label string) any {
	options, _ := el["options"].([]any)
	groups, _ := el["option_groups"].([]any)
	for _, g := range groups {
		if group, ok := g.(map[string]any); ok {
			more, _ := group["options"].([]any)
			options = append(options, more...)
		}
	}
	for _, o := range options {
		if option, ok := o.(map[string]any); ok && option["value"] == value {
			return option
		}
	}
	if label == "" {
		label = value
	}
	return map[string]any{"value": value, "text": map[string]any{"type": "plain_text", "text": label}}
}
