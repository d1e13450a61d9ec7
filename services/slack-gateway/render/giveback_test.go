package render_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// givenBack is a notice that gives back what somebody wrote in a dialog.
func givenBack(kind eventv1.NoticeKind, command, text string) *eventv1.Notice {
	n := noticeOf(kind, "", command)
	n.Target.Ts, n.Text = "", text
	return n
}

// code answers what stands in the code blocks of a message.
func code(m render.Message) (texts []string) {
	for _, b := range m.Blocks {
		rich, ok := b.(*slack.RichTextBlock)
		if !ok {
			continue
		}
		for _, part := range rich.Elements {
			if block, ok := part.(*slack.RichTextPreformatted); ok {
				texts = append(texts, block.Elements[0].(*slack.RichTextSectionTextElement).Text)
			}
		}
	}
	return texts
}

func TestWhatWasWrittenInADialogIsGivenBackWhole(t *testing.T) {
	const hostile = "<!channel> & <https://example.com|x> ```\n`code` *bold*"
	for name, text := range map[string]string{"short": "明日お届けします。", "hostile": hostile, "as long as a dialog takes": strings.Repeat("&", 3000), "emoji": strings.Repeat("👩‍👩‍👧", 300)} {
		for number := range eventv1.NoticeKind_name {
			for _, lang := range []string{"ja", "en"} {
				for _, m := range []render.Message{
					render.Private(givenBack(eventv1.NoticeKind(number), "reply-1", text), lang), render.Elsewhere(givenBack(eventv1.NoticeKind(number), "", text), "C0SUPPORT", lang),
				} {
					checkLimits(t, m, 3700)
					checkSafe(t, m)
					if got := code(m); len(got) != 1 || got[0] != text {
						t.Fatalf("%s: given back %q", name, got)
					}
				}
			}
		}
	}
}

func TestGiveBackGolden(t *testing.T) {
	const command = "reply-slack-T0DEMO1-C0SUPPORT-composed-U0HANAKO-V0DEMO1"
	for name, notice := range map[string]*eventv1.Notice{
		"retry":   givenBack(eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED, command, "明日お届けします。"),
		"rewrite": givenBack(eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED, "", "明日お届けします。"),
		"linked":  givenBack(eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED, "", "明日お届けします。"),
		"console": givenBack(eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOWHERE, "", "明日お届けします。"),
		"refused": givenBack(eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED, "", "明日お届けします。"),
	} {
		for _, lang := range []string{"ja", "en"} {
			golden(t, "give_back_"+name+"."+lang+".json", render.Elsewhere(notice, "C0SUPPORT", lang))
		}
	}
}

// Its button is gone when it was pressed, and what was written is still there: what is tried again may be refused again.
func TestWhatWasGivenBackStaysWhenItsButtonWasPressed(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		m, _ := render.Chosen(&eventv1.ActionPressed{Action: eventv1.Action_ACTION_RETRY}, lang)
		if got := m.Keeping("", lang); len(got.Blocks) != len(m.Blocks) {
			t.Errorf("nothing was given back, and %v stays", got.Blocks)
		}
		m = m.Keeping("明日お届けします。", lang)
		if got := code(m); len(got) != 1 || got[0] != "明日お届けします。" {
			t.Errorf("%s: %q stays", lang, got)
		}
		golden(t, "give_back_kept."+lang+".json", m)
	}
}

// What cannot be tried again does not tell people to press a button that is not there.
func TestWhatFailedForGoodNamesNoButton(t *testing.T) {
	for _, kind := range []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_FAILED, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED} {
		for lang, word := range map[string]string{"ja": "再送する", "en": "Try again"} {
			if m := render.Private(noticeOf(kind, "", ""), lang); strings.Contains(m.Text, word) {
				t.Errorf("%v: %s", kind, m.Text)
			}
		}
	}
}
