package blockkit

import (
	"fmt"
	"slices"
)

const (
	maxID  = 255
	maxURL = 3000
)

// blocks checks a list of blocks with all that is in them.
func (c *checker) blocks(path string, list []any, most int) {
	if len(list) > most {
		c.wrong(path, fmt.Sprintf("has %d items, at most %d are taken", len(list), most))
	}
	seen := map[string]bool{}
	c.each(path, list, func(b node) {
		if id := c.string(b, "block_id", maxID); id != "" {
			if seen[id] {
				c.wrong(b.at("block_id"), "is not unique")
			}
			seen[id] = true
		}
		c.block(b)
		c.actionIDs(b)
	})
}

func (c *checker) block(b node) {
	switch b.fields["type"] {
	case "section":
		c.section(b)
	case "header":
		c.text(b, "text", rule{plainOnly, 150, true})
	case "divider":
	case "image":
		c.image(b)
		c.text(b, "title", rule{kinds: plainOnly, most: 2000})
	case "actions":
		c.elements(b, 25, actionElements)
	case "context":
		c.elements(b, 10, contextElements)
	case "input":
		c.input(b)
	case "rich_text":
		c.richText(b)
	default:
		c.wrong(b.at("type"), fmt.Sprintf("is %v, which is not known here: teach this package its limits", b.fields["type"]))
	}
}

func (c *checker) section(b node) {
	_, hasText := b.fields["text"]
	_, hasFields := b.fields["fields"]
	if !hasText && !hasFields {
		c.wrong(b.path, "has neither text nor fields")
	}
	c.text(b, "text", rule{kinds: plainOrMD, most: 3000})
	if hasFields {
		if fields, ok := c.list(b, "fields", 1, 10); ok {
			c.each(b.at("fields"), fields, func(o node) { c.textObject(o, rule{kinds: plainOrMD, most: 2000}) })
		}
	}
	if accessory, there := b.fields["accessory"]; there {
		if o, ok := c.object(b.at("accessory"), accessory); ok {
			c.element(o, accessoryElements)
		}
	}
}

func (c *checker) input(b node) {
	c.text(b, "label", rule{plainOnly, 2000, true})
	c.text(b, "hint", rule{kinds: plainOnly, most: 2000})
	element, there := b.fields["element"]
	if !there {
		c.wrong(b.at("element"), "is missing")
		return
	}
	if o, ok := c.object(b.at("element"), element); ok {
		c.element(o, inputElements)
	}
}

func (c *checker) image(o node) {
	c.needed(o, "alt_text", 2000)
	_, byURL := o.fields["image_url"]
	_, byFile := o.fields["slack_file"]
	if byURL == byFile {
		c.wrong(o.path, "needs either image_url or slack_file")
	}
	c.string(o, "image_url", maxURL)
}

func (c *checker) elements(b node, most int, kinds []string) {
	if list, ok := c.list(b, "elements", 1, most); ok {
		c.each(b.at("elements"), list, func(o node) { c.element(o, kinds) })
	}
}

// actionIDs must be unique in their block.
func (c *checker) actionIDs(b node) {
	var ids []string
	visit(b.fields, func(o map[string]any) {
		id, ok := o["action_id"].(string)
		if ok && slices.Contains(ids, id) {
			c.wrong(b.path, fmt.Sprintf("has the action_id %q twice", id))
		}
		ids = append(ids, id)
	})
}
