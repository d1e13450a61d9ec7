package dialog_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/routerapi"
)

// away is a router that answers nothing about saved replies.
type away struct {
	settingsv1.SavedReplyServiceClient
}

func (away) GetSavedReply(context.Context, *settingsv1.GetSavedReplyRequest, ...grpc.CallOption) (*settingsv1.GetSavedReplyResponse, error) {
	return nil, errors.New("unavailable")
}

// Somebody has written something when they pick a saved reply, and the router is away: what they wrote is not gone with the modal.
func TestWhatWasWrittenInAModalThatIsReplacedIsGivenBack(t *testing.T) {
	for text, want := range map[string]int{"明日お届けします。": 2, "　": 1} {
		w := &workspace{locale: "ja-JP"}
		d, done := dialogs(t, w, &routerapi.Client{SavedReplies: away{}})
		d.Interaction(t.Context(), self, inbound.Interaction{
			Type: "block_actions", Team: "T0DEMO1", User: "U0DEMO1", TriggerID: "1.x", Actions: []inbound.Action{{ID: "saved_reply_menu", Values: []string{"hello"}}},
			View: &inbound.View{ID: "V0DEMO1", Type: "modal", CallbackID: "saved_reply", PrivateMetadata: `{"project":"demo"}`, Inputs: []inbound.Action{
				{ID: "saved_reply_menu", Values: []string{"hello"}}, {ID: "saved_reply_text", Block: "saved_reply_text:0", Values: []string{text}},
			}},
		})
		said := done()
		if len(said) != want || !slices.Contains(said, "update V0DEMO1 Slack Talk") || want == 2 && !strings.Contains(said[0], "direct いま応答がありません") {
			t.Errorf("%q: %q", text, said)
		}
	}
}
