package chaos

import (
	"fmt"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// channels answers the channels that customers are spread over. The first one is the team's, for each of the others there is a rule.
func (o Options) channels() []string {
	all := []string{channel}
	for i := 1; i < o.Channels; i++ {
		all = append(all, fmt.Sprintf("%s%d", channel, i))
	}
	return all
}

func (o Options) channelOf(customer int) string {
	all := o.channels()
	return all[customer%len(all)]
}

// page is where a customer writes from; empty where it does not matter.
func (o Options) page(customer int) string {
	if len(o.channels()) == 1 {
		return ""
	}
	return "https://shop.example.com/" + o.channelOf(customer) + "/"
}

// routes are the rules that bring every customer into their channel.
func (o Options) routes() []*settingsv1.RoutingRule {
	var rules []*settingsv1.RoutingRule
	for _, other := range o.channels()[1:] {
		rules = append(rules, &settingsv1.RoutingRule{DisplayName: other, PagePathPrefix: "/" + other, Channel: other})
	}
	return rules
}
