package inbound

// Origin is what Slack says about which installation of the app something is for.
type Origin struct {
	// Teams are the workspaces that it may be, the likeliest first. They are as Slack gave them.
	Teams []string
	// Enterprise is the organisation, where Slack names one: the app may be installed in all of it.
	Enterprise string
	// Unsure says that none of the workspaces may be right: Slack names the one of whoever pressed something, in a shared channel.
	Unsure bool
}

func origin(enterprise string, teams ...string) Origin {
	o := Origin{}
	if validID(enterprise) {
		o.Enterprise = enterprise
	}
	for _, team := range teams {
		if validID(team) {
			o.Teams = append(o.Teams, team)
		}
	}
	return o
}

// Origin answers which installation the event is for.
func (p Parsed) Origin() Origin { return origin(p.Enterprise, p.Team) }

// Origin answers which installation the interaction is for. Where somebody of another workspace presses something in a shared channel, Slack may name theirs:
// the message itself says better whose it is.
func (i Interaction) Origin() Origin {
	o := origin(i.Enterprise, i.InstalledTeam, i.MessageTeam, i.Team)
	o.Unsure = true
	return o
}

// Origin answers which installation the command is for.
func (c Command) Origin() Origin { return origin(c.Enterprise, c.Team) }
