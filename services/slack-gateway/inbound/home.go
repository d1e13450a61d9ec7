package inbound

// HomeOpened reads who has opened the app's Home from an event; false when it is none, or belongs to another installation.
func HomeOpened(p Parsed, self Self) (member string, ok bool) {
	if p.Kind != KindEvent || p.EventType != "app_home_opened" || self.Team != "" && p.Team != self.Team {
		return "", false
	}
	return p.EventUser, p.event.str("tab") == "home" && validID(p.EventUser)
}
