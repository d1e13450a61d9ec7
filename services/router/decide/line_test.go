package decide

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	sendBlock = eventv1.Action_ACTION_SEND_BLOCK
	sendAll   = eventv1.Action_ACTION_SEND_ALL
	keep      = eventv1.Action_ACTION_KEEP_NOTE
	follow    = eventv1.Action_ACTION_SEND_FOLLOW_UP
	noteMore  = eventv1.Action_ACTION_NOTE_FOLLOW_UP

	outOfDate   = eventv1.NoticeKind_NOTICE_KIND_OUT_OF_DATE
	alreadySent = eventv1.NoticeKind_NOTICE_KIND_ALREADY_SENT
	noteOnlyK   = eventv1.NoticeKind_NOTICE_KIND_NOTE_ONLY
	wouldSend   = eventv1.NoticeKind_NOTICE_KIND_EDIT_WOULD_SEND
	notSent     = eventv1.NoticeKind_NOTICE_KIND_EDIT_NOT_SENT
	noteEdited  = eventv1.NoticeKind_NOTICE_KIND_NOTE_EDITED
	noteDeleted = eventv1.NoticeKind_NOTICE_KIND_NOTE_DELETED
	delNotSent  = eventv1.NoticeKind_NOTICE_KIND_DELETE_NOT_SENT

	edit = "1700000009.000100"
)

// press is somebody's press on their own line, which was a note so far.
func press(action eventv1.Action, blocks ...*eventv1.Block) Press {
	return Press{
		Pressed: &eventv1.ActionPressed{Action: action, Author: &eventv1.Author{Member: "U0DEMO1"}, Ts: "1700000001.000100"},
		Line:    &eventv1.ReplyWritten{Ts: "1700000001.000100", Author: &eventv1.Author{Member: "U0DEMO1"}, Content: contentOf(blocks...)},
		Became:  Became{Kind: note, Text: "memo"},
	}
}

func TestWhatAPressSends(t *testing.T) {
	edited := func(p Press) Press {
		p.Edited, p.Pressed.EditedTs = edit, edit
		return p
	}
	sent := func(p Press) Press {
		p.Became = Became{Kind: message, Text: "before"}
		return p
	}
	with := func(p Press, change func(*Press)) Press { change(&p); return p }
	mixedLine := []*eventv1.Block{says("psst"), code("hello")}
	for name, c := range map[string]struct {
		press    Press
		kind     eventv1.ReplyKind
		text     string
		followUp bool
		told     []eventv1.NoticeKind
	}{
		"only the block":                        {press(sendBlock, mixedLine...), message, "hello", false, nil},
		"everything":                            {press(sendAll, mixedLine...), message, "psst\nhello", false, nil},
		"everything of several":                 {press(sendAll, code("a"), says("b"), code("c")), message, "a\nb\nc", false, nil},
		"everything of an unclosed one":         {press(sendAll, says("psst\n```hello")), message, "psst\nhello", false, nil},
		"kept":                                  {press(keep, mixedLine...), none, "", false, nil},
		"the block of several":                  {press(sendBlock, code("a"), code("b")), none, "", false, []eventv1.NoticeKind{outOfDate}},
		"the block of none":                     {press(sendBlock, says("a")), none, "", false, []eventv1.NoticeKind{outOfDate}},
		"a blank block":                         {press(sendBlock, says("a"), code(" ")), none, "", false, []eventv1.NoticeKind{empty}},
		"gone":                                  {with(press(sendAll, says("a")), func(p *Press) { p.Line = nil }), none, "", false, []eventv1.NoticeKind{outOfDate}},
		"kept, and gone":                        {with(press(keep), func(p *Press) { p.Line = nil }), none, "", false, nil},
		"edited since":                          {with(press(sendAll, says("a")), func(p *Press) { p.Edited = edit }), none, "", false, []eventv1.NoticeKind{outOfDate, noteEdited}},
		"edited since into one block":           {with(press(sendAll, code("a")), func(p *Press) { p.Edited = edit }), none, "", false, []eventv1.NoticeKind{outOfDate, wouldSend}},
		"of a notice about an edit before":      {with(press(sendAll, code("a")), func(p *Press) { p.Pressed.EditedTs, p.Edited = "1700000008.000100", edit }), none, "", false, []eventv1.NoticeKind{outOfDate, wouldSend}},
		"a shortcut, edited since":              {with(press(sendAll, code("a")), func(p *Press) { p.Pressed.Shortcut, p.Edited = true, edit }), none, "", false, []eventv1.NoticeKind{outOfDate}},
		"another one's line":                    {with(press(sendAll, says("a")), func(p *Press) { p.Line.Author.Member = "U0DEMO2" }), none, "", false, []eventv1.NoticeKind{notAllowed}},
		"another one's line, with the shortcut": {with(press(sendAll, says("a")), func(p *Press) { p.Line.Author.Member, p.Pressed.Shortcut = "U0DEMO2", true }), message, "a", false, nil},
		"by nobody":                             {with(press(sendAll, says("a")), func(p *Press) { p.Pressed.Author, p.Line.Author, p.Pressed.Shortcut = nil, nil, true }), none, "", false, []eventv1.NoticeKind{notAllowed}},
		"from a channel for notes":              {with(press(sendAll, says("a")), func(p *Press) { p.NoteOnly = true }), none, "", false, []eventv1.NoticeKind{noteOnlyK}},
		"sent before":                           {sent(press(sendAll, mixedLine...)), none, "", false, []eventv1.NoticeKind{alreadySent}},
		"sent a moment ago by the same person":  {with(press(sendBlock, mixedLine...), func(p *Press) { p.Became = Became{Kind: message, Text: "hello", By: "U0DEMO1", Now: true} }), none, "", false, nil},
		"another part a moment ago":             {with(press(sendAll, mixedLine...), func(p *Press) { p.Became = Became{Kind: message, Text: "hello", By: "U0DEMO1", Now: true} }), none, "", false, []eventv1.NoticeKind{alreadySent}},
		"a moment ago by somebody else":         {with(press(sendBlock, mixedLine...), func(p *Press) { p.Became = Became{Kind: message, Text: "hello", By: "U0DEMO2", Now: true} }), none, "", false, []eventv1.NoticeKind{alreadySent}},
		"an edit that would send":               {edited(press(sendAll, code("a"))), message, "a", false, nil},
		"a follow-up":                           {edited(sent(press(follow, code("a")))), message, "a", true, nil},
		"a follow-up in words":                  {edited(sent(press(follow, says("a")))), message, "a", true, nil},
		"a follow-up with doubts":               {edited(sent(press(follow, mixedLine...))), none, "", false, []eventv1.NoticeKind{outOfDate}},
		"a follow-up of what was never sent":    {edited(press(follow, says("a"))), message, "a", false, nil},
		"a follow-up of no edit":                {sent(press(follow, says("a"))), none, "", false, []eventv1.NoticeKind{alreadySent}},
		"a follow-up from a channel for notes":  {with(edited(sent(press(follow, says("a")))), func(p *Press) { p.NoteOnly = true }), none, "", false, []eventv1.NoticeKind{noteOnlyK}},
		"a further note":                        {edited(press(noteMore, mixedLine...)), note, "psst\nhello", true, nil},
		"a further note in a channel for notes": {with(edited(press(noteMore, says("a"))), func(p *Press) { p.NoteOnly = true }), note, "a", true, nil},
		"a further note of nothing":             {edited(press(noteMore)), none, "", false, []eventv1.NoticeKind{empty}},
		"something else":                        {press(eventv1.Action_ACTION_CLAIM, code("a")), none, "", false, []eventv1.NoticeKind{outOfDate}},
	} {
		got := OfPress(c.press)
		var told []eventv1.NoticeKind
		for _, n := range got.Notices {
			told = append(told, n.Kind)
		}
		if got.Kind != c.kind || got.Text != c.text || got.FollowUp != c.followUp || !slices.Equal(told, c.told) {
			t.Errorf("%s: got %+v, want %v %q %v %v", name, got, c.kind, c.text, c.followUp, c.told)
		}
	}
}

// Whatever is pressed about whatever line: what goes to a customer is what its reader saw, of a line that was not sent before, and not from a channel for notes.
func TestPromise4APressSendsOnlyWhatWasSeenAndOnce(t *testing.T) {
	actions := []eventv1.Action{sendBlock, sendAll, keep, follow, noteMore}
	rapid.Check(t, func(t *rapid.T) {
		p := press(rapid.SampledFrom(actions).Draw(t, "action"), rapid.SliceOfN(blocks, 0, 4).Draw(t, "blocks")...)
		p.Names = names.Draw(t, "names")
		p.Line.Author.Member = rapid.SampledFrom([]string{"U0DEMO1", "U0DEMO2", ""}).Draw(t, "author")
		p.Pressed.Shortcut, p.NoteOnly = rapid.Bool().Draw(t, "shortcut"), rapid.Bool().Draw(t, "note only")
		p.Edited = rapid.SampledFrom([]string{"", edit}).Draw(t, "edited")
		p.Pressed.EditedTs = rapid.SampledFrom([]string{"", edit}).Draw(t, "seen")
		p.Became.Kind = rapid.SampledFrom([]eventv1.ReplyKind{none, note, message}).Draw(t, "became")
		got := OfPress(p)
		if strings.Contains(got.Text, "0XX") {
			t.Fatalf("an id is in %q", got.Text)
		}
		if got.Kind == none {
			return
		}
		switch {
		case p.Edited != p.Pressed.EditedTs, p.Line.GetAuthor().GetMember() != "U0DEMO1" && !p.Pressed.Shortcut, p.Pressed.GetAction() == keep:
			t.Fatalf("not to be sent, and yet %+v", got)
		case strings.TrimSpace(got.Text) == "":
			t.Fatalf("nothing to send, and yet %+v", got)
		case got.Kind == message && (p.NoteOnly || p.Became.Kind == message != got.FollowUp):
			t.Fatalf("sent twice or from a channel for notes: %+v", got)
		}
	})
}

func TestWhatIsToldOfAnEdit(t *testing.T) {
	long := strings.Repeat("長", 400)
	for name, c := range map[string]struct {
		after    *eventv1.Content
		noteOnly bool
		became   Became
		want     Private
	}{
		"of a message":                       {contentOf(code("b")), false, Became{Kind: message, Text: "a"}, Private{notSent, "a", edit}},
		"of a message, into words":           {contentOf(says("b")), false, Became{Kind: message, Text: "a"}, Private{notSent, "a", edit}},
		"of a message, into doubts":          {contentOf(says("x"), code("b")), false, Became{Kind: message, Text: "a"}, Private{notSent, "a", ""}},
		"of a message, into nothing":         {contentOf(), false, Became{Kind: message, Text: "a"}, Private{notSent, "a", ""}},
		"of a long message":                  {contentOf(code("b")), false, Became{Kind: message, Text: long}, Private{notSent, strings.Repeat("長", 150) + "…", edit}},
		"of a message long ago":              {contentOf(code("b")), false, Became{Kind: message}, Private{notSent, "", edit}},
		"of a message that failed":           {contentOf(code("b")), false, Became{Kind: message, Text: "a", Failed: true}, Private{notSent, "", edit}},
		"of a message in a channel of notes": {contentOf(code("b")), true, Became{Kind: message, Text: "a"}, Private{notSent, "a", ""}},
		"of a note, into a block":            {contentOf(code("b")), false, Became{Kind: note, Text: "a"}, Private{wouldSend, "", edit}},
		"of a note, in a channel of notes":   {contentOf(code("b")), true, Became{Kind: note, Text: "a"}, Private{noteEdited, "", edit}},
		"of a note":                          {contentOf(says("b")), false, Became{Kind: note, Text: "a"}, Private{noteEdited, "", edit}},
		"of a note, into nothing":            {contentOf(code(" ")), false, Became{Kind: note, Text: "a"}, Private{noteEdited, "", ""}},
		"of what was nothing, into a block":  {contentOf(code("b")), false, Became{}, Private{wouldSend, "", edit}},
		"of what was nothing, into words":    {contentOf(says("b")), false, Became{}, Private{notSent, "", ""}},
	} {
		if got := OfEdit(c.after, Names{}, edit, c.noteOnly, c.became); !slices.Equal(got, []Private{c.want}) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestWhatIsToldOfADeletion(t *testing.T) {
	for name, c := range map[string]struct {
		became  Became
		refused bool
		want    []Private
	}{
		"of a message":             {Became{Kind: message, Text: "a"}, false, []Private{{delNotSent, "a", ""}}},
		"of a message that failed": {Became{Kind: message, Text: "a", Failed: true}, false, nil},
		"of a note":                {Became{Kind: note, Text: "a"}, false, []Private{{Kind: noteDeleted}}},
		"of what was refused":      {Became{}, true, nil},
		"of what nobody knows":     {Became{}, false, []Private{{Kind: delNotSent}}},
	} {
		if got := OfDelete(c.became, c.refused); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
