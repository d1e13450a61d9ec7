// Package blockkit holds messages and views against the limits that Slack documents for them: tests use it, nothing else does.
//
// Sources: docs.slack.dev, reference of Block Kit, of views and of chat.postMessage; the comments of @slack/types. Where the two differ (the value of an
// option) the pages count. That all blocks of a message together may hold about 13,200 characters is reported by users. Lengths are counted in UTF-16
// units, which is never less than characters.
package blockkit

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slacktalk/slacktalk/internal/split"
)

// Limits of whole messages and views.
const (
	// maxText is enforced by chat.update and recommended to everybody else.
	maxText          = 4000
	maxMessageBlocks = 50
	maxViewBlocks    = 100
	maxAllBlocks     = 13200
	maxViewBytes     = 250_000
)

// A Violation is one rule that was not kept.
type Violation struct {
	// Path leads to it from the message or view, like `blocks[1].elements[0].text`.
	Path    string
	Problem string
}

func (v Violation) String() string { return v.Path + ": " + v.Problem }

// Message answers what is wrong with a message; blocks is whatever becomes their JSON.
func Message(text string, blocks any) []Violation {
	c := &checker{}
	if strings.TrimSpace(text) == "" {
		c.wrong("text", "is empty: notifications and screen readers need it")
	}
	c.atMost("text", text, maxText)
	list, ok := c.array("blocks", c.plain("blocks", blocks))
	if !ok {
		return c.violations
	}
	c.blocks("blocks", list, maxMessageBlocks)
	if n := shown(list); n > maxAllBlocks {
		c.wrong("blocks", fmt.Sprintf("hold %d characters together, at most %d are taken", n, maxAllBlocks))
	}
	return c.violations
}

// View answers what is wrong with a modal or a Home tab; view is whatever becomes its JSON.
func View(view any) []Violation {
	c := &checker{}
	v, ok := c.object("", c.plain("", view))
	if !ok {
		return c.violations
	}
	if raw, err := json.Marshal(view); err == nil && len(raw) > maxViewBytes {
		c.wrong("", fmt.Sprintf("has %d bytes, at most %d are taken", len(raw), maxViewBytes))
	}
	kind := c.oneOf(v, "type", "modal", "home")
	c.text(v, "title", rule{kinds: plainOnly, most: 24, required: kind == "modal"})
	c.text(v, "submit", rule{kinds: plainOnly, most: 24})
	c.text(v, "close", rule{kinds: plainOnly, most: 24})
	c.string(v, "private_metadata", 3000)
	c.string(v, "callback_id", 255)
	c.string(v, "external_id", 255)
	if blocks, ok := c.array("blocks", v.fields["blocks"]); ok {
		c.blocks("blocks", blocks, maxViewBlocks)
		c.modalInputs(kind, v, blocks)
	}
	return c.violations
}

// modalInputs: a modal with inputs needs something to submit them with, and one element at most is in focus when it opens.
func (c *checker) modalInputs(kind string, v node, blocks []any) {
	inputs, focused := 0, 0
	visit(blocks, func(o map[string]any) {
		if o["type"] == "input" {
			inputs++
		}
		if o["focus_on_load"] == true {
			focused++
		}
	})
	if kind == "modal" && inputs > 0 && v.fields["submit"] == nil {
		c.wrong("submit", "is missing in a modal with inputs")
	}
	if focused > 1 {
		c.wrong("blocks", "more than one element has focus_on_load")
	}
}

// shown counts the characters of all texts and addresses.
func shown(blocks []any) int {
	n := 0
	visit(blocks, func(o map[string]any) {
		for _, field := range []string{"text", "url", "alt_text", "image_url"} {
			if s, ok := o[field].(string); ok {
				n += split.UTF16(s)
			}
		}
	})
	return n
}

// visit calls f for every object in v.
func visit(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, e := range v {
			visit(e, f)
		}
	case []any:
		for _, e := range v {
			visit(e, f)
		}
	}
}
