package fence

import (
	"maps"

	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	home   = "T0DEMO1"
	author = "U0DEMO1"
)

// A writer is who wrote a message, and how it comes to us.
type writer struct {
	name string
	// writes: it is something that a person wrote in a thread; may: they may send and note.
	writes, may bool
	// told is why they may not.
	told       eventv1.NoticeKind
	member     *eventv1.Member
	operator   string
	repliesOff bool
	attached   int
	change     func(m map[string]any) map[string]any
}

// files is what the writer is told about what they attached.
func (w writer) files() (told []eventv1.NoticeKind) {
	for range w.attached {
		told = append(told, eventv1.NoticeKind_NOTICE_KIND_FILE_NOT_SENT)
	}
	return told
}

func colleague() *eventv1.Member {
	return &eventv1.Member{Id: author, Team: home, DisplayName: "佐藤 花子"}
}

// with changes fields of the event; nil takes one away.
func with(fields map[string]any) func(map[string]any) map[string]any {
	return func(m map[string]any) map[string]any {
		maps.Copy(m, fields)
		for key, value := range fields {
			if value == nil {
				delete(m, key)
			}
		}
		return m
	}
}

func writers() []writer {
	linked := func(name string, change func(map[string]any) map[string]any) writer {
		return writer{name: name, writes: true, may: true, member: colleague(), operator: "op-1", change: change}
	}
	refused := func(name string, told eventv1.NoticeKind, change func(w *writer)) writer {
		w := writer{name: name, writes: true, told: told, member: colleague(), operator: "op-1"}
		change(&w)
		return w
	}
	unheard := func(name string, change func(map[string]any) map[string]any) writer {
		return writer{name: name, member: colleague(), operator: "op-1", change: change}
	}
	attached := linked("linked, with a file", with(map[string]any{"subtype": "file_share", "files": []any{map[string]any{"id": "F0DEMO1", "name": "a.png", "mode": "hosted"}}}))
	attached.attached = 1
	notAllowed := eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED
	return []writer{
		linked("linked", nil), attached,
		refused("guest", notAllowed, func(w *writer) { w.member.Guest = true }),
		refused("deactivated", notAllowed, func(w *writer) { w.member.Deactivated = true }),
		refused("not known", notAllowed, func(w *writer) { w.member = nil }),
		refused("of another workspace", notAllowed, func(w *writer) { w.member.Team = "T0OTHER" }),
		refused("from another workspace", notAllowed, func(w *writer) { w.change = with(map[string]any{"user_team": "T0OTHER"}) }),
		refused("a bot", 0, func(w *writer) { w.member.Bot = true }),
		refused("not linked", eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED, func(w *writer) { w.operator = "" }),
		refused("replies off", eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF, func(w *writer) { w.repliesOff = true }),
		unheard("ourselves", with(map[string]any{"user": "U0BOT"})),
		unheard("ourselves under a name", with(map[string]any{"subtype": "bot_message", "user": nil, "bot_id": "B0BOT", "username": "佐藤 花子"})),
		unheard("another app", with(map[string]any{"bot_id": "B0OTHER", "app_id": "A0OTHER"})),
		unheard("Slack", with(map[string]any{"user": "USLACKBOT"})),
		unheard("in the channel", with(map[string]any{"thread_ts": nil, "parent_user_id": nil})),
		unheard("in another's thread", with(map[string]any{"parent_user_id": "U0OTHER"})),
		unheard("a system message", with(map[string]any{"subtype": "channel_topic"})),
		unheard("an edit", edited),
		unheard("a deletion", func(m map[string]any) map[string]any {
			return map[string]any{"type": "message", "subtype": "message_deleted", "hidden": true, "channel": m["channel"], "ts": "1700000060.000300", "deleted_ts": m["ts"], "previous_message": m}
		}),
	}
}

// edited makes of a message the event that it was changed into what it is.
func edited(m map[string]any) map[string]any {
	before := maps.Clone(m)
	before["text"], before["blocks"] = "not for anybody yet", richText(object("rich_text_section", "elements", []any{typed("not for anybody yet").element}))
	m["edited"] = map[string]any{"user": author, "ts": "1700000060.000000"}
	return map[string]any{"type": "message", "subtype": "message_changed", "hidden": true, "channel": m["channel"], "ts": "1700000060.000300", "message": m, "previous_message": before}
}

// anyWriter draws a linked colleague most of the time, so that it is the content that decides.
func anyWriter(t *rapid.T) writer {
	all := writers()
	if rapid.IntRange(0, 4).Draw(t, "usual") > 0 {
		return all[0]
	}
	return rapid.SampledFrom(all).Draw(t, "writer")
}
