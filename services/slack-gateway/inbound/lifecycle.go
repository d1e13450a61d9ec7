package inbound

import "maps"

// EndsInstallation reports whether an event says that the app was removed from its workspace, or that its own token was revoked.
func EndsInstallation(p Parsed, self Self) bool {
	if p.Kind != KindEvent {
		return false
	}
	switch p.EventType {
	case "app_uninstalled":
		return true
	case "tokens_revoked":
		for _, user := range p.event.obj("tokens").list("bot") {
			if user == self.BotUser {
				return true
			}
		}
	}
	return false
}

// AccessChanged answers the organisation whose installation was added to workspaces or taken from some.
func AccessChanged(p Parsed) (enterprise string, ok bool) {
	if p.Kind != KindEvent || p.EventType != "team_access_granted" && p.EventType != "team_access_revoked" {
		return "", false
	}
	return p.Enterprise, validID(p.Enterprise)
}

// Known answers the event with its channel under the id that it is known by inside.
func (p Parsed) Known(first func(channel string) string) Parsed {
	channel := channelOf(p.event)
	known := first(channel)
	if p.Kind != KindEvent || channel == "" || known == channel {
		return p
	}
	p.event = maps.Clone(p.event)
	p.event["channel"] = known
	return p
}

// ChannelIDChanged answers the former and the present id of a channel, which Slack changes when a private one is shared with another organisation.
func ChannelIDChanged(p Parsed) (before, now string, ok bool) {
	if p.Kind != KindEvent || p.EventType != "channel_id_changed" {
		return "", "", false
	}
	before, now = p.event.str("old_channel_id"), p.event.str("new_channel_id")
	return before, now, validID(before) && validID(now)
}
