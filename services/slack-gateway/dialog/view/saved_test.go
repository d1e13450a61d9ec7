package view_test

import (
	"testing"

	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
)

// What a customer or an operator is called is no template again.
func TestASavedReplyIsMadeOut(t *testing.T) {
	for name, c := range map[string]struct{ text, customer, operator, operatorName, want string }{
		"both":                   {"{customer} 様、{operator} です。", "member-1", "op-1", "佐藤", "member-1 様、佐藤 です。"},
		"a nameless operator":    {"{operator}", "member-1", "op-1", "", "op-1"},
		"no customer yet":        {"{customer} 様、{operator} です。", "", "op-1", "佐藤", "{customer} 様、佐藤 です。"},
		"names that are places":  {"{customer}{operator}", "{operator}", "op-1", "{customer}", "{operator}{customer}"},
		"several times, nothing": {"{customer}{customer} {Customer} {}", "m", "op-1", "佐藤", "mm {Customer} {}"},
	} {
		if got := view.Filled(c.text, c.customer, c.operator, c.operatorName); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
