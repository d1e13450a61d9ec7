package blockkit

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Which elements may stand where.
var (
	menus = []string{
		"static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
	}
	choices           = slices.Concat(menus, []string{"checkboxes", "radio_buttons", "datepicker", "timepicker"})
	actionElements    = slices.Concat(choices, []string{"button", "overflow", "datetimepicker"})
	accessoryElements = slices.Concat(choices, []string{"button", "overflow", "image"})
	inputElements     = slices.Concat(choices, []string{
		"datetimepicker", "plain_text_input", "email_text_input", "url_text_input", "number_input", "file_input", "rich_text_input",
	})
	contextElements = []string{"image", "plain_text", "mrkdwn"}
)

func (c *checker) element(o node, kinds []string) {
	kind := c.oneOf(o, "type", kinds...)
	c.string(o, "action_id", maxID)
	c.text(o, "placeholder", rule{kinds: plainOnly, most: 150})
	c.confirm(o)
	switch kind {
	case "plain_text", "mrkdwn":
		c.textObject(o, rule{kinds: plainOrMD, most: 3000})
	case "image":
		c.image(o)
	case "button":
		c.button(o)
	case "overflow":
		c.options(o, 2, 5, plainOnly)
	case "checkboxes", "radio_buttons":
		c.options(o, 1, 10, plainOrMD)
	case "plain_text_input":
		c.textInput(o)
	default:
		c.menu(kind, o)
	}
}

func (c *checker) button(o node) {
	c.text(o, "text", rule{plainOnly, 75, true})
	c.string(o, "value", 2000)
	c.string(o, "url", maxURL)
	c.string(o, "accessibility_label", 75)
	if _, there := o.fields["style"]; there {
		c.oneOf(o, "style", "primary", "danger")
	}
}

func (c *checker) textInput(o node) {
	c.number(o, "min_length", 0, 3000)
	c.number(o, "max_length", 1, 3000)
	most := 3000
	if m, ok := o.fields["max_length"].(float64); ok {
		most = int(m)
	}
	if s, ok := o.fields["initial_value"].(string); ok {
		c.atMost(o.at("initial_value"), s, most)
	}
}

// menu checks what opens a list; options of external ones come later.
func (c *checker) menu(kind string, o node) {
	if strings.HasPrefix(kind, "multi_") {
		c.number(o, "max_selected_items", 1, 100)
	}
	if !strings.HasSuffix(kind, "static_select") {
		return
	}
	_, single := o.fields["options"]
	_, grouped := o.fields["option_groups"]
	switch {
	case single == grouped:
		c.wrong(o.path, "needs either options or option_groups")
	case single:
		c.options(o, 1, 100, plainOnly)
	default:
		c.groups(o)
	}
}

func (c *checker) groups(o node) {
	groups, ok := c.list(o, "option_groups", 1, 100)
	if !ok {
		return
	}
	var all []any
	c.each(o.at("option_groups"), groups, func(g node) {
		c.text(g, "label", rule{plainOnly, 75, true})
		c.options(g, 1, 100, plainOnly)
		options, _ := g.fields["options"].([]any)
		all = append(all, options...)
	})
	c.initial(o, all)
}

func (c *checker) options(o node, least, most int, kinds []string) {
	options, ok := c.list(o, "options", least, most)
	if !ok {
		return
	}
	seen := map[any]bool{}
	c.each(o.at("options"), options, func(option node) {
		c.text(option, "text", rule{kinds, 75, true})
		c.text(option, "description", rule{kinds: kinds, most: 75})
		c.needed(option, "value", 150)
		c.string(option, "url", maxURL)
		if value := option.fields["value"]; seen[value] {
			c.wrong(option.at("value"), fmt.Sprintf("%v is there twice", value))
		} else {
			seen[value] = true
		}
	})
	c.initial(o, options)
}

// initial: what is chosen at first must be one of the options, exactly.
func (c *checker) initial(o node, options []any) {
	chosen, _ := o.fields["initial_options"].([]any)
	if one, there := o.fields["initial_option"]; there {
		chosen = append(chosen, one)
	}
	for _, choice := range chosen {
		if !slices.ContainsFunc(options, func(option any) bool { return reflect.DeepEqual(option, choice) }) {
			c.wrong(o.path, "its initial option is none of its options")
		}
	}
}

// confirm checks the dialog that asks before something is done.
func (c *checker) confirm(o node) {
	v, there := o.fields["confirm"]
	if !there {
		return
	}
	dialog, ok := c.object(o.at("confirm"), v)
	if !ok {
		return
	}
	c.text(dialog, "title", rule{plainOnly, 100, true})
	c.text(dialog, "text", rule{plainOrMD, 300, true})
	c.text(dialog, "confirm", rule{plainOnly, 30, true})
	c.text(dialog, "deny", rule{plainOnly, 30, true})
	if _, there := dialog.fields["style"]; there {
		c.oneOf(dialog, "style", "primary", "danger")
	}
}
