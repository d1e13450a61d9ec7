package manifest

import (
	"fmt"
	"strings"
)

// Tables answers the scopes and events with their reasons, as docs/slack-app.md shows them.
func Tables() string {
	var b strings.Builder
	b.WriteString("| scope | why | feature that needs it | without it |\n|---|---|---|---|\n")
	for _, s := range Scopes() {
		without := "nothing works"
		if s.Optional {
			without = "the rest works"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, s.For, s.Feature, without)
	}
	b.WriteString("\n| event | needs | why | feature that needs it |\n|---|---|---|---|\n")
	for _, e := range Events() {
		needs := "–"
		if e.Scope != "" {
			needs = "`" + e.Scope + "`"
		}
		feature := e.Feature
		if e.Organization {
			feature += " (with `-organization` only)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.Name, needs, e.For, feature)
	}
	return b.String()
}
