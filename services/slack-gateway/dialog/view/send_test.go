package view_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/blockkit"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
)

var updateSend = flag.Bool("update-send", false, "write the golden files of the dialog that sends a line")

func TestSendGolden(t *testing.T) {
	texts := map[string]string{"plain": "明日お届けします。\n佐藤", "hostile": "<!channel> *a* `b` & <https://example.com|x> :tada:", "long": strings.Repeat("長い文章です。", 2000)}
	for name, text := range texts {
		for _, lang := range []string{"ja", "en"} {
			modal := view.Send(lang, linked(), &eventv1.Customer{UserId: "member-1"}, text, `{"Channel":"C0SUPPORT","Thread":"1723612345.000200","TS":"1723612399.000100","Edited":""}`)
			if wrong := blockkit.View(modal); len(wrong) > 0 {
				t.Errorf("%s.%s: %v", name, lang, wrong)
			}
			if got := shown(modal); got != text {
				t.Errorf("%s.%s shows %q", name, lang, got)
			}
			goldenView(t, "send_"+name+"."+lang+".json", modal)
		}
	}
}

func shown(modal slack.ModalViewRequest) (text string) {
	for _, b := range modal.Blocks.BlockSet {
		if rich, ok := b.(*slack.RichTextBlock); ok {
			text += rich.Elements[0].(*slack.RichTextPreformatted).Elements[0].(*slack.RichTextSectionTextElement).Text
		}
	}
	return text
}

func goldenView(t *testing.T, name string, v any) {
	t.Helper()
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *updateSend {
		_ = os.MkdirAll("testdata", 0o755)
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(want, got.Bytes()) {
		t.Errorf("%s differs (%v); got\n%s", name, err, got.String())
	}
}
