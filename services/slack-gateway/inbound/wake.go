package inbound

import "strings"

// Wake tells that a channel may take posts again: the app was invited, or the channel is no longer archived.
type Wake struct {
	Team    string
	Channel string
}

// WakeOf reads a Wake from an event; false when it is none, belongs to another installation or has ids of the wrong
// shape. Slack tells the same twice, as an event and as a system message; whichever is subscribed to will do.
func WakeOf(p Parsed, self Self) (Wake, bool) {
	if p.Kind != KindEvent || self.Team != "" && p.Team != self.Team {
		return Wake{}, false
	}
	happened := p.EventType
	if happened == "message" {
		happened = p.event.str("subtype")
	}
	switch happened {
	case "channel_unarchive", "group_unarchive":
	case "member_joined_channel", "channel_join", "group_join":
		if self.BotUser == "" || p.EventUser != self.BotUser {
			return Wake{}, false
		}
	default:
		return Wake{}, false
	}
	w := Wake{Team: p.Team, Channel: channelOf(p.event)}
	return w, validID(w.Team) && validID(w.Channel)
}

// channelOf accepts the id alone as well as an object, because channel events come with either.
func channelOf(event object) string {
	if id := event.str("channel"); id != "" {
		return id
	}
	return event.obj("channel").str("id")
}

// verdictOfType sorts the events that are no messages.
func verdictOfType(eventType string) Verdict {
	switch eventType {
	case "app_home_opened", "app_uninstalled", "tokens_revoked", "app_rate_limited":
		return VerdictAppEvent
	case "app_mention":
		return VerdictMention
	case "member_joined_channel", "member_left_channel":
		return VerdictChannelEvent
	}
	if strings.HasPrefix(eventType, "channel_") || strings.HasPrefix(eventType, "group_") {
		return VerdictChannelEvent
	}
	return VerdictUnknownType
}
