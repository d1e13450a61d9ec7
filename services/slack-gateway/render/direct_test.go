package render_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

var about = &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: "1723612345.000200", Ts: "1723612399.000100"}

func TestDirectGolden(t *testing.T) {
	const permalink = "https://demo.slack.com/archives/C0SUPPORT/p1723612399000100?thread_ts=1723612345.000200&cid=C0SUPPORT"
	for _, kind := range []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_CUSTOMER_WROTE, eventv1.NoticeKind_NOTICE_KIND_CUSTOMER_WAITS} {
		for _, lang := range []string{"ja", "en"} {
			var messages []render.Message
			for _, address := range []string{permalink, ""} {
				m := render.Direct(&eventv1.DirectNotice{Member: "U0DEMO1", Kind: kind, About: about}, address, lang)
				checkLimits(t, m, 3500)
				checkSafe(t, m)
				messages = append(messages, m)
			}
			golden(t, "direct_"+strings.ToLower(strings.TrimPrefix(kind.String(), "NOTICE_KIND_"))+"."+lang+".json", messages)
		}
	}
}

func TestDirectNamesTheChannel(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		var messages []render.Message
		for _, channel := range []string{"C0SUPPORT", "U0DEMO1", "<!here> *C0*"} {
			m := render.Direct(&eventv1.DirectNotice{
				Member: "U0DEMO1", Kind: eventv1.NoticeKind_NOTICE_KIND_LANE_PARKED, Detail: "not_in_channel", About: &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: channel},
			}, "", lang)
			checkLimits(t, m, 3500)
			checkSafe(t, m)
			messages = append(messages, m)
		}
		golden(t, "direct_lane_parked."+lang+".json", messages)
	}
}

func TestDirectHasNoLinkWhereThereIsNothingToLinkTo(t *testing.T) {
	for _, notice := range []*eventv1.DirectNotice{{}, {About: &eventv1.SlackMessageRef{Team: "T0DEMO1", Channel: "C0/../X", ThreadTs: "1.2"}}} {
		for _, permalink := range []string{"", "javascript:alert(1)", "https://a@evil.example/"} {
			if m := render.Direct(notice, permalink, "en"); strings.Contains(m.Text, "//") || len(m.Blocks) != 1 {
				t.Errorf("a link made of %v and %q: %s", notice, permalink, m.Text)
			}
		}
	}
}

func reminded(minute int, since time.Time, escalated bool) *eventv1.ThreadPost {
	return post(minute, func(p *eventv1.ThreadPost) {
		p.Body = &eventv1.ThreadPost_Reminder{Reminder: &eventv1.Reminder{WaitingSince: timestamppb.New(since), Escalated: escalated}}
	})
}

func TestReminderGolden(t *testing.T) {
	today, friday := time.Date(2026, 11, 1, 2, 4, 0, 0, time.UTC), time.Date(2026, 10, 30, 8, 15, 0, 0, time.UTC)
	for name, posts := range map[string][]*eventv1.ThreadPost{
		"reminder":   {mentioning(reminded(0, today, false)), reminded(1, friday, false)},
		"escalation": {mentioning(reminded(0, today, true)), reminded(1, friday, true)},
	} {
		for _, lang := range []string{"ja", "en"} {
			messages := render.Thread(posts, render.Options{Lang: lang})
			for _, m := range messages {
				checkLimits(t, m, 3500)
				checkSafe(t, m)
			}
			golden(t, "thread_"+name+"."+lang+".json", messages)
		}
	}
}
