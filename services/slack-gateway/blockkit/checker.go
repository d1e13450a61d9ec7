package blockkit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slacktalk/slacktalk/internal/split"
)

// checker collects violations.
type checker struct{ violations []Violation }

// A node is a JSON object and where it stands.
type node struct {
	path   string
	fields map[string]any
}

func (n node) at(field string) string { return strings.TrimPrefix(n.path+"."+field, ".") }

func (c *checker) wrong(path, problem string) {
	c.violations = append(c.violations, Violation{path, problem})
}

// plain makes v what it is as JSON.
func (c *checker) plain(path string, v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		c.wrong(path, "is no JSON: "+err.Error())
		return nil
	}
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		c.wrong(path, "is no JSON: "+err.Error())
	}
	return plain
}

func (c *checker) object(path string, v any) (node, bool) {
	fields, ok := v.(map[string]any)
	if !ok {
		c.wrong(path, "is no object")
	}
	return node{path, fields}, ok
}

func (c *checker) array(path string, v any) ([]any, bool) {
	list, ok := v.([]any)
	if !ok {
		c.wrong(path, "is no list")
	}
	return list, ok
}

// list answers a field that must be a list of so many.
func (c *checker) list(n node, field string, least, most int) ([]any, bool) {
	list, ok := c.array(n.at(field), n.fields[field])
	if ok && (len(list) < least || len(list) > most) {
		c.wrong(n.at(field), fmt.Sprintf("has %d items, %d to %d are taken", len(list), least, most))
	}
	return list, ok
}

// each calls f for every object of a list.
func (c *checker) each(path string, list []any, f func(node)) {
	for i, e := range list {
		if o, ok := c.object(fmt.Sprintf("%s[%d]", path, i), e); ok {
			f(o)
		}
	}
}

func (c *checker) atMost(path, s string, most int) {
	if n := split.UTF16(s); n > most {
		c.wrong(path, fmt.Sprintf("has %d characters, at most %d are taken", n, most))
	}
}

// string checks a field that may be missing but not empty.
func (c *checker) string(n node, field string, most int) string {
	v, there := n.fields[field]
	if !there {
		return ""
	}
	s, ok := v.(string)
	if !ok || s == "" {
		c.wrong(n.at(field), "must be a string of at least one character")
		return ""
	}
	c.atMost(n.at(field), s, most)
	return s
}

// needed checks a field that must be there.
func (c *checker) needed(n node, field string, most int) {
	if _, there := n.fields[field]; !there {
		c.wrong(n.at(field), "is missing")
		return
	}
	c.string(n, field, most)
}

// number checks a whole number that may be missing.
func (c *checker) number(n node, field string, least, most float64) {
	v, there := n.fields[field]
	if number, ok := v.(float64); there && (!ok || number < least || number > most) {
		c.wrong(n.at(field), fmt.Sprintf("must be %v to %v", least, most))
	}
}

// oneOf checks a field that must have one of some values.
func (c *checker) oneOf(n node, field string, values ...string) string {
	s, _ := n.fields[field].(string)
	if !slices.Contains(values, s) {
		c.wrong(n.at(field), fmt.Sprintf("is %q, one of %s is taken", s, strings.Join(values, ", ")))
	}
	return s
}

// A rule is what is asked of a text object.
type rule struct {
	kinds    []string
	most     int
	required bool
}

var (
	plainOnly = []string{"plain_text"}
	plainOrMD = []string{"plain_text", "mrkdwn"}
)

// text checks a text object in a field.
func (c *checker) text(n node, field string, r rule) {
	v, there := n.fields[field]
	if !there || v == nil {
		if r.required {
			c.wrong(n.at(field), "is missing")
		}
		return
	}
	if o, ok := c.object(n.at(field), v); ok {
		c.textObject(o, r)
	}
}

func (c *checker) textObject(o node, r rule) {
	kind := c.oneOf(o, "type", r.kinds...)
	if _, there := o.fields["emoji"]; there && kind == "mrkdwn" {
		c.wrong(o.at("emoji"), "is for plain_text only")
	}
	if _, there := o.fields["verbatim"]; there && kind == "plain_text" {
		c.wrong(o.at("verbatim"), "is for mrkdwn only")
	}
	c.needed(o, "text", r.most)
}
