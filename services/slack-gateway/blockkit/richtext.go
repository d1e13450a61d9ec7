package blockkit

import (
	"fmt"
	"slices"
)

// maxRichText bounds one text of rich_text: what holds for all blocks together.
const maxRichText = maxAllBlocks

var styles = []string{"bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"}

func (c *checker) richText(b node) {
	list, ok := c.list(b, "elements", 1, 1000)
	if !ok {
		return
	}
	c.each(b.at("elements"), list, func(o node) {
		switch o.fields["type"] {
		case "rich_text_section", "rich_text_quote":
			c.inlines(o, "text", "link", "user", "usergroup", "channel", "broadcast", "emoji", "date", "team", "color")
		case "rich_text_preformatted":
			c.inlines(o, "text", "link")
		case "rich_text_list":
			c.richList(o)
		default:
			c.wrong(o.at("type"), fmt.Sprintf("is %v, which cannot stand in rich_text", o.fields["type"]))
		}
	})
}

func (c *checker) richList(o node) {
	c.oneOf(o, "style", "bullet", "ordered")
	c.number(o, "indent", 0, 8)
	if items, ok := c.list(o, "elements", 1, 1000); ok {
		c.each(o.at("elements"), items, func(item node) {
			c.oneOf(item, "type", "rich_text_section")
			c.inlines(item, "text", "link", "user", "usergroup", "channel", "broadcast", "emoji", "date", "team", "color")
		})
	}
}

func (c *checker) inlines(o node, kinds ...string) {
	list, ok := c.list(o, "elements", 1, 1000)
	if !ok {
		return
	}
	c.each(o.at("elements"), list, func(inline node) {
		c.inline(inline, c.oneOf(inline, "type", kinds...))
		c.style(inline)
	})
}

// required is what each inline element must carry, and how long it may be.
var required = map[string]struct {
	field string
	most  int
}{
	"text": {"text", maxRichText}, "link": {"url", maxURL}, "user": {"user_id", maxID}, "usergroup": {"usergroup_id", maxID}, "channel": {"channel_id", maxID},
	"emoji": {"name", maxID}, "team": {"team_id", maxID}, "color": {"value", maxID},
}

func (c *checker) inline(o node, kind string) {
	switch kind {
	case "broadcast":
		c.oneOf(o, "range", "here", "channel", "everyone")
	case "date":
		c.needed(o, "format", maxID)
		if _, ok := o.fields["timestamp"].(float64); !ok {
			c.wrong(o.at("timestamp"), "must be a number")
		}
	default:
		if r, ok := required[kind]; ok {
			c.needed(o, r.field, r.most)
		}
	}
}

func (c *checker) style(o node) {
	v, there := o.fields["style"]
	if !there {
		return
	}
	style, ok := c.object(o.at("style"), v)
	if !ok {
		return
	}
	for name, value := range style.fields {
		if _, isBool := value.(bool); !isBool || !slices.Contains(styles, name) {
			c.wrong(style.at(name), "is no style")
		}
	}
}
