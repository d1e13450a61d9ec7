// Package fence holds the whole way of a reply, from the bytes that Slack sends to the decision, to the rule that exactly what was written
// as one code block is sent to a customer.
package fence

import (
	"encoding/json"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/decide"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
)

// messages is how many are generated in one run.
const messages = 10_000

// The services are reached as they reach each other: Slack's bytes through slack-gateway's translation, the fact through its encoding,
// and what came out of that through router's decision. What is expected is known from how a message was put together.
func TestExactlyTheWellFormedIsSent(t *testing.T) {
	if err := flag.Set("rapid.checks", "10000"); err != nil {
		t.Fatal(err)
	}
	generated, shapes, sent := 0, map[string]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		c := anyContent(t)
		w := anyWriter(t)
		body := event(t, c, w)
		generated++
		shapes[c.shape]++
		shapes["writer: "+w.name]++
		got, is := decided(t, body, w)
		if got.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE {
			sent++
		}
		if problem := compare(got, is, c, w); problem != "" {
			t.Fatalf("%s, by %s: %s\ngot  %v %q, told %v\nmeant %+v\n%s", c.shape, w.name, problem, got.Kind, got.Text, got.Notices, c.meant, body)
		}
	})
	if t.Failed() {
		return
	}
	if generated < messages {
		t.Errorf("only %d messages were generated", generated)
	}
	// Whoever breaks the generator must not make the test easier.
	if sent < messages/10 || sent > messages*9/10 {
		t.Errorf("%d of %d were sent: the generator says too little", sent, generated)
	}
	for _, shape := range everyShape() {
		if shapes[shape] == 0 {
			t.Errorf("no message of the shape %q among %d", shape, generated)
		}
	}
	t.Logf("%d messages of %d shapes, %d sent", generated, len(shapes), sent)
}

func anyContent(t *rapid.T) content {
	draw := rapid.SampledFrom([]func(*rapid.T) content{
		composed, composed, composed, fenced, fenced, malformed, malformed, malformed, disagreeing, scrambled, emptyFence, nothing, withHole, twoBlocks, splitLong,
	}).Draw(t, "content")
	return otherBlocks(t, draw(t))
}

func everyShape() []string {
	shapes := []string{
		"composer: one block", "composer: mixed", "composer: text", "composer: empty block", "composer: nothing",
		"disagree, composer: one block", "disagree, composer: mixed", "disagree, composer: text", "disagree, composer: empty block",
		"disagree: rich text without anything", "two rich texts: one block", "two rich texts: mixed", "block with a hole",
		"split: a block each", "split: half a fence", "text: one fence", "text: empty fence", "text: nothing", "text: scrambled", "text: scrambled into one fence",
		"text: not closed", "text: four at both ends", "text: two fences", "text: quoted fence", "text: inline code", "text: inside text",
	}
	for _, w := range writers() {
		shapes = append(shapes, "writer: "+w.name)
	}
	return shapes
}

// decided takes Slack's bytes all the way; is says that they are something that a person wrote in a thread.
func decided(t *rapid.T, body []byte, w writer) (out decide.Outcome, is bool) {
	parsed, err := inbound.Envelope(body)
	if err != nil {
		t.Fatalf("the envelope: %v\n%s", err, body)
	}
	self := inbound.Self{BotUser: "U0BOT", BotID: "B0BOT", AppID: "A0APP", Team: home}
	fact, verdict := inbound.Translate(parsed, self, time.Unix(1_700_000_100, 0))
	if (fact != nil) != (verdict == inbound.VerdictFact) {
		t.Fatalf("the verdict is %v, the fact %v", verdict, fact)
	}
	data, err := proto.Marshal(fact)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	var arrived eventv1.SlackFact
	if err := proto.Unmarshal(data, &arrived); err != nil {
		t.Fatalf("decode: %v", err)
	}
	written := arrived.GetReplyWritten()
	if written == nil {
		return decide.Outcome{}, false
	}
	return decide.OfReply(decide.Reply{
		Written: written, Home: arrived.GetTeam(), Author: w.member, RepliesEnabled: !w.repliesOff, Operator: w.operator, Names: names,
	}), true
}

// compare answers what is wrong; nothing when nothing is.
func compare(got decide.Outcome, is bool, c content, w writer) string {
	if is != w.writes {
		return "whether it is something that a person wrote in a thread was misread"
	}
	if !w.may {
		if got.Kind != eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED || got.Text != "" {
			return "something goes to KARTE"
		}
		if w.told != 0 && (len(got.Notices) != 1 || got.Notices[0].Kind != w.told) {
			return "the writer was not told why"
		}
		return ""
	}
	if c.meant.unsaid {
		if got.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE {
			return "it was sent"
		}
		return ""
	}
	if got.Kind != c.meant.kind {
		return "another decision was meant"
	}
	if got.Kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE && got.Text != c.meant.text {
		return "another text was meant"
	}
	rest := got.Text
	for _, word := range c.meant.words {
		_, after, found := strings.Cut(rest, word)
		if !found {
			return "the note lacks " + word
		}
		rest = after
	}
	var told []eventv1.NoticeKind
	for _, n := range got.Notices {
		kind := n.Kind
		if asks(kind) {
			kind = eventv1.NoticeKind_NOTICE_KIND_MIXED
		}
		told = append(told, kind)
	}
	if want := append(slices.Clone(c.meant.told), w.files()...); !slices.Equal(told, want) {
		return "the writer was told something else"
	}
	return ""
}

// event makes the bytes of the request.
func event(t *rapid.T, c content, w writer) []byte {
	m := map[string]any{
		"type": "message", "channel": "C0SUPPORT", "channel_type": "channel", "user": author, "text": c.text, "ts": "1700000050.000200",
		"thread_ts": "1700000000.000100", "event_ts": "1700000050.000200", "client_msg_id": "11111111-2222-4333-8444-555555555555", "team": home,
	}
	if c.blocks != nil {
		m["blocks"] = c.blocks
	}
	if rapid.Bool().Draw(t, "parent") {
		m["parent_user_id"] = "U0BOT"
	}
	if subtype := rapid.SampledFrom([]string{"", "", "thread_broadcast"}).Draw(t, "subtype"); subtype != "" {
		m["subtype"] = subtype
	}
	if w.change != nil {
		m = w.change(m)
	}
	body, err := json.Marshal(map[string]any{
		"type": "event_callback", "token": "deprecated", "team_id": home, "api_app_id": "A0APP", "event": m, "event_id": "Ev0DEMO1", "event_time": 1_700_000_050,
		"authorizations": []any{map[string]any{"team_id": home, "user_id": "U0BOT", "is_bot": true}}, "is_ext_shared_channel": false,
	})
	if err != nil {
		t.Fatalf("make the request: %v", err)
	}
	return body
}

// asks reports whether a notice asks the writer what to do with a reply that somehow holds a code block. Which of them it is depends on how the block looks; the tests
// of package plain tell them apart.
func asks(kind eventv1.NoticeKind) bool {
	switch kind {
	case eventv1.NoticeKind_NOTICE_KIND_MIXED, eventv1.NoticeKind_NOTICE_KIND_SEVERAL_BLOCKS, eventv1.NoticeKind_NOTICE_KIND_UNCLOSED_BLOCK:
		return true
	default:
		return false
	}
}
