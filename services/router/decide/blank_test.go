package decide

import (
	"github.com/slacktalk/slacktalk/internal/plain"
	"testing"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestACodeBlockThatShowsNothingIsNoMessage(t *testing.T) {
	for _, text := range []string{"", " \n\t", "\u200b", "\ufeff\u2060\u200e", "\u3000\u00ad"} {
		content := &eventv1.Content{Blocks: []*eventv1.Block{{Kind: eventv1.Block_KIND_CODE, Inlines: []*eventv1.Inline{{Inline: &eventv1.Inline_Text{Text: text}}}}}}
		got := ofContent(content, Names{})
		if got.Kind != eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED || len(got.Notices) != 1 || got.Notices[0].Kind != empty {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if plain.Blank("👨\u200d👩\u200d👧") || plain.Blank("あ\u200b") {
		t.Error("what can be seen counts as blank")
	}
}
