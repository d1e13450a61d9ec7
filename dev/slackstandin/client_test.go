package slackstandin

import "testing"

// A modal belongs to the client in which its button was pressed; what nobody says to have been done in a client is shown by all.
func TestAModalIsOpenedInTheClientThatGaveTheTrigger(t *testing.T) {
	a := newApp(t, nil)
	d := newDesk(t, Config{InteractionsURL: a.URL})
	ts := d.post("text", "x", "blocks", buttons)
	for _, client := range []string{"tab-1", ""} {
		if _, err := d.ClickButton(InClient(t.Context(), client), Click{Member: "U0AYA", Channel: "C0SUPPORT", TS: ts, ActionID: "send"}); err != nil {
			t.Fatal(err)
		}
		id, _ := last(t, a)["trigger_id"].(string)
		opened := field(t, d.ok("views.open", "trigger_id", id, "view", `{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[]}`), "view", "id")
		shown := ""
		for _, v := range d.Snapshot().Views {
			if v.ID == opened {
				shown = v.Client
			}
		}
		if shown != client {
			t.Errorf("pressed in %q, it opens in %q", client, shown)
		}
	}
}

// A Home that was published anew while somebody pressed its button is pressed all the same, as long as it is clear what was meant.
func TestAPressOfABlockThatWasMadeAnew(t *testing.T) {
	a := newApp(t, nil)
	d := newDesk(t, Config{InteractionsURL: a.URL})
	ts := d.post("text", "x", "blocks", buttons)
	if answer, err := d.ClickButton(t.Context(), Click{Member: "U0AYA", Channel: "C0SUPPORT", TS: ts, ActionID: "send", BlockID: "former"}); err != nil || answer.Status != 200 {
		t.Errorf("%v, %v", answer, err)
	}
}
