package inbound

import (
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Self is who the app is in one workspace, as auth.test tells.
type Self struct {
	BotUser string
	BotID   string
	AppID   string
	// Team is the installing workspace. When it is empty, events of every workspace are taken as this one's.
	Team string
}

// slackbot is the member in whose name Slack itself writes.
const slackbot = "USLACKBOT"

// Translate turns an event into the fact that it tells, or into the reason why there is none; the fact is nil unless the
// verdict is [VerdictFact]. received is when the edge took the event.
//
// Only what a person wrote, changed or removed in a thread is a fact. It is left out as well when Slack says that
// somebody else than the app opened the thread; when Slack does not say, or says Slackbot because the head was deleted, OwnThread stays false and
// whoever knows the threads decides.
//
// The id of a fact is the same for every delivery of the same thing:
//
//	slack-<team>-<channel>-<ts>                     written
//	slack-<team>-<channel>-<ts>-edit-<edited ts>    edited; a hash of the new words where Slack gives no edited ts
//	slack-<team>-<channel>-<ts>-delete              deleted
func Translate(p Parsed, self Self, received time.Time) (*eventv1.SlackFact, Verdict) {
	switch p.Kind {
	case KindEvent:
	case KindRateLimited:
		return nil, VerdictRateLimited
	default:
		return nil, VerdictNotEvent
	}
	if self.Team != "" && p.Team != self.Team {
		return nil, VerdictOtherTeam
	}
	if _, ok := WakeOf(p, self); ok {
		return nil, VerdictWake
	}
	if p.EventType != "message" {
		return nil, verdictOfType(p.EventType)
	}
	t := translation{Parsed: p, self: self, received: received}
	return t.message()
}

// Reply turns a message object, as `conversations.replies` of a channel answers it, into the fact that its event would have been. One that has been
// edited since is left out: what it said when it was written cannot be known any more.
func Reply(message []byte, team, channel string, self Self, received time.Time) (*eventv1.SlackFact, Verdict) {
	m, err := decodeObject(message)
	if err != nil {
		return nil, VerdictMalformed
	}
	if m["edited"] != nil {
		return nil, VerdictEdited
	}
	m["channel"] = channel
	return Translate(Parsed{Kind: KindEvent, Team: team, EventType: "message", event: m}, self, received)
}

// Line turns a message object into the fact that it would be if it were written now as it is, and answers the ts of its last edit, empty when there was none.
func Line(message []byte, team, channel string, self Self, received time.Time) (fact *eventv1.SlackFact, edited string, v Verdict) {
	m, err := decodeObject(message)
	if err != nil || m.odd("edited") && m.obj("edited") == nil {
		return nil, "", VerdictMalformed
	}
	if edit := m.obj("edited"); edit != nil {
		if edited = edit.str("ts"); !validTS(edited) {
			return nil, "", VerdictMalformed
		}
	}
	m["channel"] = channel
	fact, v = Translate(Parsed{Kind: KindEvent, Team: team, EventType: "message", event: m}, self, received)
	return fact, edited, v
}

// translation is one call of Translate.
type translation struct {
	Parsed
	self     Self
	received time.Time
}

func (t translation) message() (*eventv1.SlackFact, Verdict) {
	if t.event.odd("subtype", "channel") {
		return nil, VerdictMalformed
	}
	switch subtype := t.event.str("subtype"); {
	case subtype == "message_changed":
		return t.changed()
	case subtype == "message_deleted":
		return t.deleted(t.event.obj("previous_message"), t.event.str("deleted_ts"))
	case subtype == "message_replied", subtype == "" && isReplied(t.event):
		return nil, VerdictReplied
	default:
		return t.written(t.event)
	}
}

// isReplied recognises message_replied, which the Events API sends without its subtype (a bug that Slack documents).
func isReplied(event object) bool {
	return event.obj("message") != nil && event["user"] == nil && event["text"] == nil
}

func (t translation) written(m object) (*eventv1.SlackFact, Verdict) {
	if v := t.screen(m); v != VerdictFact {
		return nil, v
	}
	fact, v := t.fact(m, m.str("ts"))
	if v != VerdictFact {
		return nil, v
	}
	fact.OccurredAt = t.occurred(m.str("ts"))
	fact.Fact = &eventv1.SlackFact_ReplyWritten{ReplyWritten: &eventv1.ReplyWritten{
		Ts:          m.str("ts"),
		Author:      author(m),
		Content:     content(m.str("text"), m.list("blocks")),
		Files:       files(m.list("files")),
		ClientMsgId: m.str("client_msg_id"),
		OwnThread:   m.str("parent_user_id") != "" && m.str("parent_user_id") != slackbot,
	}}
	return fact, VerdictFact
}

// screen says whether a message is a person's reply in a thread that may be ours. VerdictFact lets it pass.
func (t translation) screen(m object) Verdict {
	// A guard that cannot be read is no guard: with another type in one of these nobody can say whose message it is.
	if m.odd("subtype", "user", "bot_id", "app_id", "ts", "thread_ts", "parent_user_id", "text") ||
		m.odd("user_team", "source_team", "team") {
		return VerdictMalformed
	}
	if blocks := m["blocks"]; blocks != nil && m.list("blocks") == nil {
		return VerdictMalformed
	}
	switch {
	case t.isOwn(m):
		return VerdictOwnPost
	case isApp(m):
		return VerdictOtherApp
	case !writtenByHand(m.str("subtype")):
		return VerdictSystem
	}
	threadTS, parent := m.str("thread_ts"), m.str("parent_user_id")
	switch {
	case threadTS == "", threadTS == m.str("ts"):
		return VerdictNotInThread
	case parent != "" && parent != t.self.BotUser && parent != t.self.BotID && parent != slackbot:
		return VerdictOtherThread
	}
	return VerdictFact
}

// isOwn does not look at the subtype: a post with a name and picture of its own has another one and no user.
func (t translation) isOwn(m object) bool {
	isMine := func(got string, mine ...string) bool {
		for _, s := range mine {
			if s != "" && s == got {
				return true
			}
		}
		return false
	}
	profile := m.obj("bot_profile")
	return isMine(m.str("user"), t.self.BotUser) ||
		isMine(m.str("bot_id"), t.self.BotID) ||
		isMine(profile.str("id"), t.self.BotID) ||
		isMine(m.str("app_id"), t.self.AppID, t.AppID) ||
		isMine(profile.str("app_id"), t.self.AppID, t.AppID)
}

func isApp(m object) bool {
	return m.str("bot_id") != "" || m.str("app_id") != "" || m["bot_profile"] != nil ||
		m.str("subtype") == "bot_message" || m.str("user") == slackbot
}

// writtenByHand is a list of what is let in, because Slack adds subtypes.
func writtenByHand(subtype string) bool {
	switch subtype {
	case "", "file_share", "thread_broadcast", "me_message":
		return true
	}
	return false
}

// fact makes what all facts share; the ids are checked because they become tokens of a subject.
func (t translation) fact(m object, ts string) (*eventv1.SlackFact, Verdict) {
	channel, threadTS := t.event.str("channel"), m.str("thread_ts")
	if !validID(t.Team) || !validID(channel) || !validID(m.str("user")) || !validTS(ts) || !validTS(threadTS) {
		return nil, VerdictMalformed
	}
	return &eventv1.SlackFact{
		Id:         writtenID(t.Team, channel, ts),
		Team:       t.Team,
		Channel:    channel,
		ThreadTs:   threadTS,
		ReceivedAt: timestamppb.New(t.received),
	}, VerdictFact
}

// occurred takes the first ts that is a time, then the envelope's time, then the arrival.
func (t translation) occurred(ts ...string) *timestamppb.Timestamp {
	for _, s := range ts {
		if at, ok := timeOf(s); ok {
			return timestamppb.New(at)
		}
	}
	if !t.EventTime.IsZero() {
		return timestamppb.New(t.EventTime)
	}
	return timestamppb.New(t.received)
}

func author(m object) *eventv1.Author {
	return &eventv1.Author{
		Member: m.str("user"),
		Team:   m.firstStr("user_team", "source_team", "team"),
	}
}

func files(list []any) []*eventv1.File {
	var out []*eventv1.File
	for _, value := range list {
		f := asObject(value)
		out = append(out, &eventv1.File{Name: f.firstStr("name", "title"), Mode: f.str("mode")})
	}
	return out
}
