package inbound

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

const benchEvent = `{"type":"message","user":"U0DEMO1","team":"T0DEMO1","text":"` + "```" + `商品は明日届きます。` + "```" + `","ts":"1790000000.000200","thread_ts":"1790000000.000100","parent_user_id":"U0BOT","client_msg_id":"00000000-0000-4000-8000-000000000001","blocks":[{"type":"rich_text","block_id":"b1","elements":[{"type":"rich_text_preformatted","elements":[{"type":"text","text":"商品は明日届きます。"}],"border":0}]}],"channel":"C0SUPPORT","channel_type":"channel","event_ts":"1790000000.000200"}`

// BenchmarkPathEventToFact is what slack-gateway does with a reply beside storing it.
func BenchmarkPathEventToFact(b *testing.B) {
	body, now, stamp := enveloped([]byte(benchEvent)), time.Unix(1_790_000_000, 0), "1790000000"
	header, secrets := signed(stamp, sign("demo-signing-secret", stamp, body)), []string{"demo-signing-secret", ""}
	b.ReportAllocs()
	for b.Loop() {
		if err := VerifySignature(secrets, header, body, now, time.Minute); err != nil {
			b.Fatal(err)
		}
		parsed, err := Envelope(body)
		if err != nil {
			b.Fatal(err)
		}
		fact, verdict := Translate(parsed, Self{BotUser: "U0BOT", BotID: "B0BOT", AppID: "A0DEMO1"}, now)
		if fact == nil {
			b.Fatal(verdict)
		}
		if _, err := proto.Marshal(fact); err != nil {
			b.Fatal(err)
		}
	}
}
