package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

func noticeOf(kind eventv1.NoticeKind, edited, command string) *eventv1.Notice {
	return &eventv1.Notice{
		Target: &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: "1723612345.000200", Ts: "1723612399.000100", Member: "U0HANAKO"},
		Kind:   kind, EditedTs: edited, CommandId: command, Detail: "お届けは明日です。",
	}
}

func TestPrivateGolden(t *testing.T) {
	for number, name := range eventv1.NoticeKind_name {
		for _, lang := range []string{"ja", "en"} {
			m := render.Private(noticeOf(eventv1.NoticeKind(number), "1723612400.000300", "reply-slack-T0DEMO1-C0SUPPORT-1723612399.000100"), lang)
			checkLimits(t, m, 3500)
			checkSafe(t, m)
			if _, offers := m.Blocks[len(m.Blocks)-1].(*slack.ActionBlock); offers {
				golden(t, "private_"+strings.ToLower(strings.TrimPrefix(name, "NOTICE_KIND_"))+"."+lang+".json", m)
			}
		}
	}
}

// buttons answers the action_ids below a notice, and what they are about.
func buttons(t *testing.T, m render.Message) (ids []string, lines []element.Line) {
	t.Helper()
	for _, b := range m.Blocks {
		actions, ok := b.(*slack.ActionBlock)
		if !ok {
			continue
		}
		for _, e := range actions.Elements.ElementSet {
			button := e.(*slack.ButtonBlockElement)
			line, ok := element.ParseLine(button.Value)
			if _, known := element.ActionOf(button.ActionID); !ok || !known {
				t.Errorf("a button that nobody understands: %+v", button)
			}
			ids, lines = append(ids, button.ActionID), append(lines, line)
		}
	}
	return ids, lines
}

func TestWhatANoticeOffers(t *testing.T) {
	const edited, command = "1723612400.000300", "reply-1"
	for kind, want := range map[eventv1.NoticeKind][]string{
		eventv1.NoticeKind_NOTICE_KIND_MIXED:           {"send_block", "send_all", "keep_note"},
		eventv1.NoticeKind_NOTICE_KIND_SEVERAL_BLOCKS:  {"send_all", "keep_note"},
		eventv1.NoticeKind_NOTICE_KIND_UNCLOSED_BLOCK:  {"send_all", "keep_note"},
		eventv1.NoticeKind_NOTICE_KIND_EDIT_WOULD_SEND: {"send_all", "keep_note"},
		eventv1.NoticeKind_NOTICE_KIND_EDIT_NOT_SENT:   {"send_follow_up"},
		eventv1.NoticeKind_NOTICE_KIND_NOTE_EDITED:     {"note_follow_up"},
		eventv1.NoticeKind_NOTICE_KIND_FAILED:          {"retry"},
		eventv1.NoticeKind_NOTICE_KIND_OUTCOME_UNKNOWN: {"retry"},
		eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED: {"retry"},
		eventv1.NoticeKind_NOTICE_KIND_ALREADY_SENT:    nil,
		eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED:     nil,
	} {
		ids, lines := buttons(t, render.Private(noticeOf(kind, edited, command), "ja"))
		if !slices.Equal(ids, want) {
			t.Errorf("%v offers %v, want %v", kind, ids, want)
		}
		for i, line := range lines {
			if line.Thread != "1723612345.000200" || line.TS != "1723612399.000100" || (ids[i] == element.Retry) != (line.Command == command) || (ids[i] != element.Retry) != (line.Edited == edited) {
				t.Errorf("%v: %s is about %+v", kind, ids[i], line)
			}
		}
	}
}

func TestNothingIsOfferedWithoutWhatItIsAbout(t *testing.T) {
	for number := range eventv1.NoticeKind_name {
		nameless := noticeOf(eventv1.NoticeKind(number), "1723612400.000300", "reply-1")
		nameless.Target.Ts = ""
		// What was written in a dialog can be tried again; everything else needs a line.
		if ids, _ := buttons(t, render.Private(nameless, "ja")); slices.ContainsFunc(ids, func(id string) bool { return id != element.Retry }) {
			t.Errorf("%v about no line offers %v", nameless.GetKind(), ids)
		}
	}
	for _, kind := range []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_EDIT_NOT_SENT, eventv1.NoticeKind_NOTICE_KIND_NOTE_EDITED, eventv1.NoticeKind_NOTICE_KIND_FAILED} {
		if ids, _ := buttons(t, render.Private(noticeOf(kind, "", ""), "ja")); len(ids) > 0 {
			t.Errorf("%v offers %v", kind, ids)
		}
	}
}

func TestADialogsMessageIsTriedAgainWithoutALine(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		notice := noticeOf(eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED, "", "reply-slack-T0DEMO1-C0SUPPORT-composed-U0HANAKO-V0DEMO1")
		notice.Target.Ts = ""
		m := render.Private(notice, lang)
		ids, lines := buttons(t, m)
		if !slices.Equal(ids, []string{element.Retry}) || lines[0].TS != "" || lines[0].Command != notice.GetCommandId() || lines[0].Thread != notice.GetTarget().GetThreadTs() {
			t.Errorf("offers %v about %+v", ids, lines)
		}
		golden(t, "private_composed_failed_no_line."+lang+".json", m)
		chosen, ok := render.Chosen(&eventv1.ActionPressed{Action: eventv1.Action_ACTION_RETRY, CommandId: notice.GetCommandId()}, lang)
		if !ok {
			t.Error("nothing is said of the press")
		}
		golden(t, "chosen_retry_composed."+lang+".json", chosen)
	}
}

// Somebody who is not in the channel is told in the app's own conversation with them, by buttons that name the channel.
func TestElsewhereGolden(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		notice := noticeOf(eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED, "", "reply-slack-T0DEMO1-C0SUPPORT-composed-U0HANAKO-V0DEMO1")
		notice.Target.Ts = ""
		m := render.Elsewhere(notice, "C0SUPPORT", lang)
		if _, lines := buttons(t, m); len(lines) != 1 || lines[0].Channel != "C0SUPPORT" {
			t.Errorf("buttons about %+v", lines)
		}
		checkLimits(t, m, 3500)
		golden(t, "elsewhere_composed_failed."+lang+".json", m)
	}
}

func TestChosenGolden(t *testing.T) {
	for number, name := range eventv1.Action_name {
		for _, lang := range []string{"ja", "en"} {
			m, ok := render.Chosen(&eventv1.ActionPressed{Action: eventv1.Action(number), Ts: "1723612399.000100"}, lang)
			if onLine := !element.OnHead(eventv1.Action(number)) && number != 0; ok != onLine {
				t.Errorf("%s: %v", name, ok)
			}
			if !ok {
				continue
			}
			checkLimits(t, m, 3500)
			checkSafe(t, m)
			golden(t, "chosen_"+strings.ToLower(strings.TrimPrefix(name, "ACTION_"))+"."+lang+".json", m)
		}
	}
}
