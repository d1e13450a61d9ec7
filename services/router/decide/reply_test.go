package decide

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	none    = eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED
	message = eventv1.ReplyKind_REPLY_KIND_MESSAGE
	note    = eventv1.ReplyKind_REPLY_KIND_NOTE

	empty      = eventv1.NoticeKind_NOTICE_KIND_EMPTY
	several    = eventv1.NoticeKind_NOTICE_KIND_SEVERAL_BLOCKS
	unclosed   = eventv1.NoticeKind_NOTICE_KIND_UNCLOSED_BLOCK
	mixed      = eventv1.NoticeKind_NOTICE_KIND_MIXED
	notAllowed = eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED
	notLinked  = eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED
	repliesOff = eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF
	fileStays  = eventv1.NoticeKind_NOTICE_KIND_FILE_NOT_SENT
)

func text(s string) *eventv1.Inline { return &eventv1.Inline{Inline: &eventv1.Inline_Text{Text: s}} }

func memberInline(id string) *eventv1.Inline {
	return &eventv1.Inline{Inline: &eventv1.Inline_Member{Member: id}}
}

func groupInline(id string) *eventv1.Inline {
	return &eventv1.Inline{Inline: &eventv1.Inline_UserGroup{UserGroup: id}}
}

func channelInline(id string) *eventv1.Inline {
	return &eventv1.Inline{Inline: &eventv1.Inline_Channel{Channel: id}}
}

func plainBlock(in ...*eventv1.Inline) *eventv1.Block {
	return &eventv1.Block{Kind: eventv1.Block_KIND_TEXT, Inlines: in}
}

func codeBlock(in ...*eventv1.Inline) *eventv1.Block {
	return &eventv1.Block{Kind: eventv1.Block_KIND_CODE, Inlines: in}
}

func says(s string) *eventv1.Block { return plainBlock(text(s)) }
func code(s string) *eventv1.Block { return codeBlock(text(s)) }

func contentOf(blocks ...*eventv1.Block) *eventv1.Content { return &eventv1.Content{Blocks: blocks} }

// staff is a reply of somebody who may do everything.
func staff(content *eventv1.Content) Reply {
	return Reply{
		Written: &eventv1.ReplyWritten{
			Ts: "1700000000.000100", Author: &eventv1.Author{Member: "U0DEMO1", Team: "T0DEMO1"}, Content: content,
		},
		Home: "T0DEMO1", RepliesEnabled: true, Operator: "op1",
		Author: &eventv1.Member{Id: "U0DEMO1", DisplayName: "佐藤", Team: "T0DEMO1"},
	}
}

type authorCase struct {
	name   string
	change func(*Reply)
	// refused is what the author is told; allowed and silent say that there is nothing to tell.
	refused         eventv1.NoticeKind
	allowed, silent bool
}

var authorCases = []authorCase{
	{name: "staff", change: func(*Reply) {}, allowed: true},
	{name: "team not in the event", change: func(r *Reply) { r.Written.Author.Team = "" }, allowed: true},
	{name: "bot in the event", change: func(r *Reply) { r.Written.Author.Bot = true }, silent: true},
	{name: "bot as Slack describes it", change: func(r *Reply) { r.Author.Bot = true }, silent: true},
	{name: "bot of another workspace", change: func(r *Reply) { r.Written.Author.Bot, r.Author.Team = true, "T0OTHER" }, silent: true},
	{name: "guest", change: func(r *Reply) { r.Author.Guest = true }, refused: notAllowed},
	{name: "deactivated", change: func(r *Reply) { r.Author.Deactivated = true }, refused: notAllowed},
	{name: "Slack Connect by the event", change: func(r *Reply) { r.Written.Author.Team = "T0OTHER" }, refused: notAllowed},
	{name: "Slack Connect by the member", change: func(r *Reply) { r.Author.Team = "T0OTHER" }, refused: notAllowed},
	{name: "member without a team", change: func(r *Reply) { r.Author.Team = "" }, refused: notAllowed},
	{name: "unknown to Slack", change: func(r *Reply) { r.Author = nil }, refused: notAllowed},
	{name: "no author at all", change: func(r *Reply) { r.Written.Author, r.Author = nil, nil }, refused: notAllowed},
	{name: "replies off", change: func(r *Reply) { r.RepliesEnabled = false }, refused: repliesOff},
	{name: "not linked", change: func(r *Reply) { r.Operator = "" }, refused: notLinked},
	{name: "replies off, not linked", change: func(r *Reply) { r.RepliesEnabled, r.Operator = false, "" }, refused: repliesOff},
	{name: "guest who is linked, replies off", change: func(r *Reply) { r.Author.Guest, r.RepliesEnabled = true, false }, refused: notAllowed},
}

type contentCase struct {
	name    string
	content *eventv1.Content
	kind    eventv1.ReplyKind
	text    string
	notice  eventv1.NoticeKind
}

var contentCases = []contentCase{
	{name: "one code block", content: contentOf(code("hello")), kind: message, text: "hello"},
	{name: "code block that ends in line breaks", content: contentOf(code(" hello\n\nthere\n\n")), kind: message, text: " hello\n\nthere"},
	{name: "blank text around a code block", content: contentOf(says(" \n"), code("hello"), says("\u3000\t\n")), kind: message, text: "hello"},
	{name: "fence inside the code block", content: contentOf(code("a ``` b")), kind: message, text: "a ``` b"},
	{name: "nothing", content: nil},
	{name: "no blocks", content: contentOf()},
	{name: "blank text", content: contentOf(says(" \n\t"))},
	{name: "blank code block", content: contentOf(code(" \n ")), notice: empty},
	{name: "code block without a word", content: contentOf(codeBlock()), notice: empty},
	{name: "blank code block in blank text", content: contentOf(says(" "), code("\n"), says(" ")), notice: empty},
	{name: "two blank code blocks", content: contentOf(code(" "), code(" ")), notice: empty},
	{name: "code block with only a private channel", content: contentOf(codeBlock(channelInline("C0SECRET"))), notice: empty},
	{name: "text", content: contentOf(says("to ourselves")), kind: note, text: "to ourselves"},
	{name: "block of no kind", content: contentOf(&eventv1.Block{Inlines: []*eventv1.Inline{text("odd")}}), kind: note, text: "odd"},
	{name: "two code blocks", content: contentOf(code("a"), code("b")), kind: note, text: "a\nb", notice: several},
	{name: "code block and a blank one", content: contentOf(code("a"), code(" ")), kind: note, text: "a\n ", notice: several},
	{name: "text before", content: contentOf(says("psst"), code("a")), kind: note, text: "psst\na", notice: mixed},
	{name: "text after", content: contentOf(code("a"), says("psst")), kind: note, text: "a\npsst", notice: mixed},
	{name: "mention after", content: contentOf(code("a"), plainBlock(memberInline("U0DEMO2"))), kind: note, text: "a\n@担当者", notice: mixed},
	{name: "text and a blank code block", content: contentOf(says("psst"), code(" ")), kind: note, text: "psst\n ", notice: mixed},
	{name: "unclosed fence", content: contentOf(says("```hello")), kind: note, text: "```hello", notice: unclosed},
	{name: "fence over two inlines", content: contentOf(plainBlock(text("``"), text("`hello"))), kind: note, text: "```hello", notice: unclosed},
	{name: "inline code", content: contentOf(says("`hello`")), kind: note, text: "`hello`"},
}

// wantOutcome is the table: nothing of an author who may not, and of the others what the content says.
func wantOutcome(a authorCase, c contentCase) Outcome {
	switch {
	case a.silent:
		return Outcome{}
	case !a.allowed:
		return Outcome{Notices: []Private{{Kind: a.refused}}}
	}
	want := Outcome{Kind: c.kind, Text: c.text}
	if c.notice != eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED {
		want.Notices = []Private{{Kind: c.notice}}
	}
	return want
}

func TestPromise4EveryAuthorWithEveryContent(t *testing.T) {
	for _, a := range authorCases {
		for _, c := range contentCases {
			t.Run(a.name+"/"+c.name, func(t *testing.T) {
				reply := staff(proto.CloneOf(c.content))
				a.change(&reply)
				want := wantOutcome(a, c)
				if len(want.Notices) > 0 && !a.allowed {
					want.Notices[0].Detail = reply.Written.GetAuthor().GetMember()
				}
				got := OfReply(reply)
				if got.Kind != want.Kind || got.Text != want.Text || !slices.Equal(got.Notices, want.Notices) {
					t.Errorf("got %+v, want %+v", got, want)
				}
			})
		}
	}
}

// A channel that is only for notes turns messages into notes, tells so, and changes nothing else.
func TestPromise4NothingIsSentFromANoteOnlyChannel(t *testing.T) {
	noteOnly := Private{Kind: eventv1.NoticeKind_NOTICE_KIND_NOTE_ONLY}
	messages := 0
	for _, a := range authorCases {
		for _, c := range contentCases {
			reply := staff(proto.CloneOf(c.content))
			a.change(&reply)
			want := OfReply(reply)
			if want.Kind == message {
				want.Kind, want.Notices, messages = note, append(want.Notices, noteOnly), messages+1
			}
			reply.NoteOnly = true
			if got := OfReply(reply); got.Kind != want.Kind || got.Text != want.Text || !slices.Equal(got.Notices, want.Notices) {
				t.Errorf("%s/%s: got %+v, want %+v", a.name, c.name, got, want)
			}
		}
	}
	if messages == 0 {
		t.Error("no case was a message")
	}
}

func TestFilesAreToldTogetherInOneNotice(t *testing.T) {
	files := []*eventv1.File{{Name: "a.pdf"}, {Name: ""}, {Name: "領収書.png"}}
	for name, c := range map[string]struct {
		content *eventv1.Content
		kind    eventv1.ReplyKind
		notices []Private
	}{
		"alone":             {nil, none, nil},
		"with a code block": {contentOf(code("hello")), message, nil},
		"with text":         {contentOf(says("hello")), note, nil},
		"with both":         {contentOf(says("a"), code("b")), note, []Private{{Kind: mixed}}},
	} {
		reply := staff(c.content)
		reply.Written.Files = files
		got := OfReply(reply)
		want := append(c.notices, Private{Kind: fileStays, Detail: "a.pdf, 領収書.png"})
		if got.Kind != c.kind || !slices.Equal(got.Notices, want) {
			t.Errorf("%s: got %+v, want %v and %v", name, got, c.kind, want)
		}
		reply.Author.Guest = true
		if got := OfReply(reply); got.Kind != none || !slices.Equal(got.Notices, []Private{{Kind: notAllowed, Detail: "U0DEMO1"}}) {
			t.Errorf("%s of a guest: %+v", name, got)
		}
	}
}

func TestNamesAreResolved(t *testing.T) {
	names := Names{
		Members:    map[string]string{"U0DEMO1": "佐藤", "U0NAMELESS": ""},
		UserGroups: map[string]string{"S0DEMO1": "support"},
		Channels:   map[string]string{"C0SUPPORT": "support", "C0PRIVATE": ""},
	}
	for _, c := range []struct {
		inline *eventv1.Inline
		want   string
	}{
		{memberInline("U0DEMO1"), "@佐藤"},
		{memberInline("U0NAMELESS"), "@担当者"},
		{memberInline("U0GONE"), "@担当者"},
		{groupInline("S0DEMO1"), "@support"},
		{groupInline("S0GONE"), "@担当グループ"},
		{channelInline("C0SUPPORT"), "#support"},
		{channelInline("C0PRIVATE"), ""},
		{channelInline("C0GONE"), ""},
		{&eventv1.Inline{}, ""},
	} {
		reply := staff(contentOf(codeBlock(text("see "), c.inline, text("."))))
		reply.Names = names
		if got := OfReply(reply); got.Kind != message || got.Text != "see "+c.want+"." {
			t.Errorf("%v: got %+v, want %q", c.inline, got, c.want)
		}
	}
}

func TestUnresolvedListsWhatHasToBeAsked(t *testing.T) {
	members, groups, channels := Unresolved(contentOf(
		plainBlock(text("x"), memberInline("U0DEMO1"), groupInline("S0DEMO1")),
		codeBlock(memberInline("U0DEMO2"), channelInline("C0SUPPORT")),
	))
	if !slices.Equal(members, []string{"U0DEMO1", "U0DEMO2"}) || !slices.Equal(groups, []string{"S0DEMO1"}) || !slices.Equal(channels, []string{"C0SUPPORT"}) {
		t.Errorf("got %v, %v, %v", members, groups, channels)
	}
}

// The ids that content is drawn from contain words that nothing else in it does.
var (
	inlines = rapid.Custom(func(t *rapid.T) *eventv1.Inline {
		switch rapid.IntRange(0, 3).Draw(t, "inline") {
		case 0:
			return memberInline(rapid.SampledFrom([]string{"U0XX1", "U0XX2", "W0XX3"}).Draw(t, "member"))
		case 1:
			return groupInline(rapid.SampledFrom([]string{"S0XX1", "S0XX2"}).Draw(t, "group"))
		case 2:
			return channelInline(rapid.SampledFrom([]string{"C0XX1", "C0XX2"}).Draw(t, "channel"))
		}
		return text(rapid.SampledFrom([]string{"", " ", "\n", "\u3000", "hello", "こんにちは", "`", "```", "a\nb"}).Draw(t, "text"))
	})
	blocks = rapid.Custom(func(t *rapid.T) *eventv1.Block {
		return &eventv1.Block{
			Kind:    eventv1.Block_Kind(rapid.Int32Range(0, 2).Draw(t, "kind")),
			Inlines: rapid.SliceOfN(inlines, 0, 3).Draw(t, "inlines"),
		}
	})
	names = rapid.Custom(func(t *rapid.T) Names {
		some := func(ids ...string) map[string]string {
			m := map[string]string{}
			for _, id := range ids {
				if rapid.Bool().Draw(t, id) {
					m[id] = rapid.SampledFrom([]string{"", "名前"}).Draw(t, "name of "+id)
				}
			}
			return m
		}
		return Names{Members: some("U0XX1", "U0XX2", "W0XX3"), UserGroups: some("S0XX1", "S0XX2"), Channels: some("C0XX1", "C0XX2")}
	})
)

func TestPromise4OnlyExactlyOneCodeBlockIsAMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reply := staff(contentOf(rapid.SliceOfN(blocks, 0, 4).Draw(t, "blocks")...))
		reply.Names = names.Draw(t, "names")
		author := rapid.SampledFrom(authorCases).Draw(t, "author")
		author.change(&reply)
		got := OfReply(reply)
		if strings.Contains(got.Text, "0XX") {
			t.Fatalf("an id is in %q", got.Text)
		}
		if !author.allowed && (got.Kind != none || got.Text != "") {
			t.Fatalf("%s: %+v", author.name, got)
		}
		codes, other := 0, ""
		for _, block := range reply.Written.GetContent().GetBlocks() {
			if block.GetKind() == eventv1.Block_KIND_CODE {
				codes++
			} else {
				other += reply.Names.Text(contentOf(block))
				for _, inline := range block.GetInlines() {
					if _, literal := inline.GetInline().(*eventv1.Inline_Text); !literal {
						other += "a mention" // also of what has no name to show
					}
				}
			}
		}
		exactly := codes == 1 && strings.TrimSpace(other) == "" && strings.TrimSpace(reply.Names.Text(reply.Written.GetContent())) != ""
		if (got.Kind == message) != (exactly && author.allowed) {
			t.Fatalf("%d code blocks and %q beside them: %+v", codes, other, got)
		}
		if got.Kind != none && strings.TrimSpace(got.Text) == "" {
			t.Fatalf("nothing to send, and yet %+v", got)
		}
	})
}
