package blockkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrShape is answered for what is neither a message nor a view.
var ErrShape = errors.New("neither a message (Text, Blocks) nor a view (type) nor options")

// Golden answers what is wrong with the content of a golden file: a message, a view, the options of a menu, or a list of them.
func Golden(raw []byte) ([]Violation, error) {
	var content any
	if err := json.Unmarshal(raw, &content); err != nil {
		return nil, fmt.Errorf("read golden file: %w", err)
	}
	list, isList := content.([]any)
	if !isList {
		list = []any{content}
	}
	var all []Violation
	for i, e := range list {
		found, err := golden(e)
		if err != nil {
			return nil, err
		}
		for _, v := range found {
			if isList {
				v.Path = strings.TrimSuffix(fmt.Sprintf("[%d].%s", i, v.Path), ".")
			}
			all = append(all, v)
		}
	}
	return all, nil
}

func golden(content any) ([]Violation, error) {
	o, ok := content.(map[string]any)
	if !ok {
		return nil, ErrShape
	}
	switch {
	case o["type"] == "modal" || o["type"] == "home":
		return View(o), nil
	case field(o, "blocks") != nil:
		text, _ := field(o, "text").(string)
		return Message(text, field(o, "blocks")), nil
	case o["options"] != nil || o["option_groups"] != nil:
		return Options(o), nil
	}
	return nil, ErrShape
}

// Options answers what is wrong with the answer to a menu that asks for its options; here there may be none.
func Options(answer any) []Violation {
	c := &checker{}
	o, ok := c.object("", c.plain("", answer))
	if !ok {
		return c.violations
	}
	if o.fields["option_groups"] != nil {
		c.groups(o)
	} else {
		c.options(o, 0, 100, plainOnly)
	}
	return c.violations
}

// field finds a field as Go or as Slack writes it.
func field(o map[string]any, name string) any {
	for key, value := range o {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return nil
}
