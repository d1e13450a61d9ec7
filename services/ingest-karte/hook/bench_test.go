package hook

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

const benchHook = `{"id":"00000000-0000-4000-8000-000000000001","event_type":"talk/message/sendFromUser","client_id":"demo-client","api_key":"demo-project","data":{"content":{"text":"注文した商品がまだ届きません。配送状況を教えていただけますか？よろしくお願いいたします。","image":null},"user_id":"member-00001","visitor_id":"vis-00001","account_id":null,"sender_id":null,"profile_name":null,"date":"2026-11-27T10:00:00.000Z"},"extra":{"access_uri":{"url":"https://shop.example.com/cart","protocol":"https","host":"shop.example.com","path":"/cart","anchor":"","query":"","queryKey":{}}}}`

// BenchmarkPathHookToFact is what ingest-karte does with a hook beside storing it.
func BenchmarkPathHookToFact(b *testing.B) {
	body, now := []byte(benchHook), time.Unix(1_790_000_000, 0)
	stamp := strconv.FormatInt(now.Unix(), 10)
	header := http.Header{}
	header.Set(TimestampHeader, stamp)
	header.Set(SignatureHeader, sign("demo-client-secret", stamp, body))
	secrets := []string{"demo-client-secret", ""}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(secrets, header, body, now, time.Minute); err != nil {
			b.Fatal(err)
		}
		fact, err := Translate(body, "demo-project", now)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := proto.Marshal(fact); err != nil {
			b.Fatal(err)
		}
	}
}
