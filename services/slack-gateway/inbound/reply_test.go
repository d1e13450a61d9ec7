package inbound

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

// What is read from a thread must be the very fact that the event would have been: whichever comes first, the other is its repeat.
func TestAReplyThatIsReadIsTheFactOfItsEvent(t *testing.T) {
	const fields = `"type":"message","user":"U0DEMO1","text":"` + "```hello```" + `","team":"T0DEMO1","client_msg_id":"c-1","ts":"1700000000.000200",
		"thread_ts":"1700000000.000100","parent_user_id":"U0BOT"`
	self := Self{BotUser: "U0BOT", BotID: "B0BOT", Team: "T0DEMO1"}
	received := time.Unix(1700000100, 0)
	parsed, err := Envelope([]byte(`{"type":"event_callback","team_id":"T0DEMO1","event_id":"Ev1","event":{` + fields + `,"channel":"C0SUPPORT","channel_type":"channel"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want, verdict := Translate(parsed, self, received)
	if verdict != VerdictFact {
		t.Fatal(verdict)
	}
	got, verdict := Reply([]byte(`{`+fields+`}`), "T0DEMO1", "C0SUPPORT", self, received)
	if verdict != VerdictFact || !proto.Equal(got, want) {
		t.Errorf("%v: %v, want %v", verdict, got, want)
	}
	if Subject(4, got) != WrittenSubject(4, "T0DEMO1", "C0SUPPORT", "1700000000.000100", "1700000000.000200") {
		t.Errorf("stored at %s", Subject(4, got))
	}
	for _, c := range []struct {
		message string
		want    Verdict
	}{
		{`{` + fields + `,"edited":{"user":"U0DEMO1","ts":"1700000050.000000"}}`, VerdictEdited},
		{`{` + fields + `,"subtype":"tombstone"}`, VerdictSystem},
		{`{` + fields + `,"bot_id":"B0BOT"}`, VerdictOwnPost},
		{`{` + fields + `,"bot_id":"B0OTHER"}`, VerdictOtherApp},
		{`[]`, VerdictMalformed},
		{`{`, VerdictMalformed},
	} {
		if fact, verdict := Reply([]byte(c.message), "T0DEMO1", "C0SUPPORT", self, received); fact != nil || verdict != c.want {
			t.Errorf("%.60s: %v", c.message, verdict)
		}
	}
}
