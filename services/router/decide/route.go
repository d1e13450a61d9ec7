package decide

import (
	"net/url"
	"slices"
	"strings"
	"time"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// Origin is what the routing rules look at. What is not known of it fulfils no condition about it.
type Origin struct {
	// PageURL is where the customer was when writing; empty when nobody said, as with an operator's first message.
	PageURL string
	// Assignee is the KARTE operator the conversation is assigned to; empty when nobody.
	Assignee string
	// At is when the message arrived.
	At time.Time
}

// Channel answers the channel in which a conversation's thread belongs: that of the first rule that matches, else the project's. It is asked
// when a conversation is new and when it is to be moved; what is in a thread stays there.
func Channel(team *settingsv1.TeamSettings, o Origin) string {
	for _, rule := range team.GetRoutingRules() {
		if onPage(rule, o.PageURL) && assigned(team, rule, o.Assignee) && InHours(rule.GetBusinessHours(), o.At) {
			return rule.GetChannel()
		}
	}
	return team.GetChannel()
}

// onPage compares the page; hosts are as browsers send them, so international names are in their xn-- form on both sides.
func onPage(rule *settingsv1.RoutingRule, page string) bool {
	if rule.GetPageHost() == "" && rule.GetPagePathPrefix() == "" {
		return true
	}
	u, err := url.Parse(page)
	if err != nil || u.Host == "" {
		return false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return onHost(rule.GetPageHost(), host) && below(rule.GetPagePathPrefix(), u.EscapedPath())
}

func onHost(pattern, host string) bool {
	if domain, wild := strings.CutPrefix(pattern, "*"); wild {
		return strings.HasSuffix(host, domain) && host != domain
	}
	return pattern == "" || pattern == host
}

// below compares whole segments, so that /return is not the beginning of /returns, whichever of the two is percent-encoded.
func below(prefix, path string) bool {
	want, got := segments(prefix), segments(path)
	return len(got) >= len(want) && slices.Equal(want, got[:len(want)])
}

func segments(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	return parts
}

func assigned(team *settingsv1.TeamSettings, rule *settingsv1.RoutingRule, operator string) bool {
	if len(rule.GetAssignees())+len(rule.GetAssigneeGroups()) == 0 {
		return true
	}
	if operator == "" {
		return false
	}
	return slices.Contains(rule.GetAssignees(), operator) ||
		slices.ContainsFunc(team.GetOperatorGroups(), func(g *settingsv1.OperatorGroup) bool {
			return slices.Contains(rule.GetAssigneeGroups(), g.GetName()) && slices.Contains(g.GetOperators(), operator)
		})
}
