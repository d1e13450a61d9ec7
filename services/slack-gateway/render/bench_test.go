package render_test

import (
	"encoding/json"
	"testing"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// BenchmarkPathPostToBlocks is what slack-gateway makes of a customer's message before it is posted.
func BenchmarkPathPostToBlocks(b *testing.B) {
	posts := []*eventv1.ThreadPost{said(0, "注文した商品がまだ届きません。配送状況を教えていただけますか？よろしくお願いいたします。")}
	b.ReportAllocs()
	for b.Loop() {
		for _, message := range render.Thread(posts, render.Options{Lang: "ja"}) {
			if _, err := json.Marshal(message.Blocks); err != nil {
				b.Fatal(err)
			}
		}
	}
}
