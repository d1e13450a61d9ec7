package inbound

import (
	"crypto/sha256"
	"encoding/hex"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"google.golang.org/protobuf/proto"
)

// changed reads message_changed, which Slack also sends for unfurled links, new replies and other changes around a
// message. The message that changed stands in `message`; the outer ts is the event's own.
func (t translation) changed() (*eventv1.SlackFact, Verdict) {
	after, before := t.event.obj("message"), t.event.obj("previous_message")
	if after == nil {
		return nil, VerdictMalformed
	}
	if after.str("subtype") == "tombstone" {
		return t.tombstone(after, before)
	}
	if v := t.screen(after); v != VerdictFact {
		return nil, v
	}
	fact, v := t.fact(after, after.str("ts"))
	if v != VerdictFact {
		return nil, v
	}
	edit := &eventv1.ReplyEdited{
		Ts:     after.str("ts"),
		Author: author(after),
		Before: content(before.str("text"), before.list("blocks")),
		After:  content(after.str("text"), after.list("blocks")),
	}
	if sameWords(before, after, edit) {
		return nil, VerdictSameWords
	}
	key := hashOf(edit.After)
	if ts := after.obj("edited").str("ts"); validTS(ts) {
		edit.EditedTs, key = ts, ts
	}
	fact.Id += "-edit-" + key
	fact.OccurredAt = t.occurred(edit.EditedTs, t.event.str("event_ts"))
	fact.Fact = &eventv1.SlackFact_ReplyEdited{ReplyEdited: edit}
	return fact, VerdictFact
}

// tombstone is what Slack leaves of a deleted message that others hang on. The placeholder is Slack's own, so it is the
// message before that says whose it was.
func (t translation) tombstone(placeholder, before object) (*eventv1.SlackFact, Verdict) {
	if placeholder.odd("ts") {
		return nil, VerdictMalformed
	}
	return t.deleted(before, placeholder.str("ts"))
}

func (t translation) deleted(before object, ts string) (*eventv1.SlackFact, Verdict) {
	if before == nil || t.event.odd("deleted_ts") {
		return nil, VerdictMalformed
	}
	if ts == "" {
		ts = before.str("ts")
	}
	if v := t.screen(before); v != VerdictFact {
		return nil, v
	}
	fact, v := t.fact(before, ts)
	if v != VerdictFact {
		return nil, v
	}
	fact.Id += "-delete"
	fact.OccurredAt = t.occurred(t.event.str("event_ts"))
	fact.Fact = &eventv1.SlackFact_ReplyDeleted{ReplyDeleted: &eventv1.ReplyDeleted{Ts: ts, Author: author(before)}}
	return fact, VerdictFact
}

// sameWords tells whether a change left alone what a reader reads. Without the message before, only Slack's own mark of
// an edit counts. Where Slack added or took away the blocks, the two sides were read in different ways and would differ
// in small things; their text then decides.
func sameWords(before, after object, edit *eventv1.ReplyEdited) bool {
	if before == nil {
		return after.obj("edited") == nil
	}
	if proto.Equal(edit.Before, edit.After) {
		return true
	}
	return before.str("text") == after.str("text") &&
		hasRichText(before.list("blocks")) != hasRichText(after.list("blocks"))
}

// hashOf is a short, stable name of the words. It does not use the protobuf encoding, which promises no stability.
func hashOf(c *eventv1.Content) string {
	h := sha256.New()
	for _, block := range c.GetBlocks() {
		h.Write([]byte(block.GetKind().String()))
		for _, in := range block.GetInlines() {
			for _, s := range []string{in.GetText(), in.GetMember(), in.GetUserGroup(), in.GetChannel()} {
				h.Write([]byte(s))
				h.Write([]byte{0})
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
