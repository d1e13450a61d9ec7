package inbound

import "testing"

func TestWhatEndsAnInstallation(t *testing.T) {
	self := Self{Team: "T0DEMO1", BotUser: "U0BOT"}
	for name, c := range map[string]struct {
		event string
		want  bool
	}{
		"uninstalled":          {`{"type":"app_uninstalled"}`, true},
		"our token":            {`{"type":"tokens_revoked","tokens":{"oauth":["U0HANAKO"],"bot":["U0BOT"]}}`, true},
		"a person's":           {`{"type":"tokens_revoked","tokens":{"oauth":["U0BOT"],"bot":[]}}`, false},
		"another bot's":        {`{"type":"tokens_revoked","tokens":{"bot":["U0OTHER"]}}`, false},
		"nothing said":         {`{"type":"tokens_revoked"}`, false},
		"what says so in text": {`{"type":"message","text":"app_uninstalled"}`, false},
	} {
		p, err := Envelope([]byte(`{"type":"event_callback","team_id":"T0DEMO1","event":` + c.event + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := EndsInstallation(p, self); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhichInstallationSomethingIsFor(t *testing.T) {
	for name, c := range map[string]struct{ body, team, enterprise string }{
		"a workspace's":     {`{"team_id":"T0OUTER","authorizations":[{"enterprise_id":null,"team_id":"T0DEMO1"}]}`, "T0DEMO1", ""},
		"an organisation's": {`{"team_id":"T0DEMO1","authorizations":[{"enterprise_id":"E0DEMO1","team_id":null,"is_enterprise_install":true}]}`, "T0DEMO1", "E0DEMO1"},
		"not said":          {`{"team_id":"T0DEMO1"}`, "T0DEMO1", ""},
		"of a wrong shape":  {`{"team_id":"T0.*","authorizations":[{"enterprise_id":"E>"}]}`, "", ""},
	} {
		p, err := Envelope([]byte(`{"type":"event_callback","event":{"type":"message"},` + c.body[1:]))
		if err != nil {
			t.Fatal(err)
		}
		origin, team := p.Origin(), ""
		if len(origin.Teams) > 0 {
			team = origin.Teams[0]
		}
		if team != c.team || origin.Enterprise != c.enterprise {
			t.Errorf("%s: %+v", name, origin)
		}
	}
}

func TestAccessAndIDsThatChange(t *testing.T) {
	parsed := func(event string) Parsed {
		p, err := Envelope([]byte(`{"type":"event_callback","team_id":"T0DEMO1","authorizations":[{"enterprise_id":"E0DEMO1","team_id":"T0DEMO1"}],"event":` + event + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if e, ok := AccessChanged(parsed(`{"type":"team_access_granted","team_ids":["T0DEMO2"]}`)); !ok || e != "E0DEMO1" {
		t.Errorf("granted: %s, %v", e, ok)
	}
	if _, ok := AccessChanged(parsed(`{"type":"message"}`)); ok {
		t.Error("a message changes the access")
	}
	if before, now, ok := ChannelIDChanged(parsed(`{"type":"channel_id_changed","old_channel_id":"G0DEMO1","new_channel_id":"C0DEMO1"}`)); !ok || before != "G0DEMO1" || now != "C0DEMO1" {
		t.Errorf("ids: %s, %s, %v", before, now, ok)
	}
}
