package routing_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	mixedKind   = eventv1.NoticeKind_NOTICE_KIND_MIXED
	outOfDate   = eventv1.NoticeKind_NOTICE_KIND_OUT_OF_DATE
	alreadySent = eventv1.NoticeKind_NOTICE_KIND_ALREADY_SENT
	notLinked   = eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED
	notAllowed  = eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED
	howToSend   = eventv1.NoticeKind_NOTICE_KIND_HOW_TO_SEND
	notRetried  = eventv1.NoticeKind_NOTICE_KIND_NOT_RETRIED
)

// pressed makes the fact that a member pressed a button about a line; n tells presses apart.
func pressed(member string, action eventv1.Action, ts, n string) *eventv1.SlackFact {
	return &eventv1.SlackFact{
		Id: "slack-" + team + "-" + channel + "-press-" + action.String() + "-" + member + "-" + n, Team: team, Channel: channel, ThreadTs: head,
		ReceivedAt: timestamppb.Now(), OccurredAt: timestamppb.Now(),
		Fact: &eventv1.SlackFact_ActionPressed{ActionPressed: &eventv1.ActionPressed{Action: action, Author: &eventv1.Author{Member: member, Team: team}, Ts: ts}},
	}
}

// says lets Slack say that a line reads like that now.
func (d *desk) says(fact *eventv1.SlackFact, edited string) {
	written := proto.CloneOf(fact.GetReplyWritten())
	d.threads.lines[written.GetTs()] = &eventv1.MessageResponse{Message: written, EditedTs: edited}
}

// mixed is a desk on which somebody has written a block with words beside it.
func mixed(t *testing.T, member string) *desk {
	t.Helper()
	d := newDesk(t)
	d.opened("vis-1", head)
	fact := wrote(member, head, line, "memo", "hello")
	d.says(fact, "")
	d.slack(fact)
	return d
}

func messages(d *desk) (texts []string) {
	for _, c := range d.sends() {
		if c.GetKind() == eventv1.ReplyKind_REPLY_KIND_MESSAGE {
			texts = append(texts, c.GetText())
		}
	}
	return texts
}

func TestANoteIsSentOnceWhateverIsPressed(t *testing.T) {
	d := mixed(t, hanako)
	block := pressed(hanako, eventv1.Action_ACTION_SEND_BLOCK, line, "1")
	for range 2 {
		d.slack(block) // the same press twice
	}
	d.slack(pressed(hanako, eventv1.Action_ACTION_SEND_BLOCK, line, "2")) // a double click
	if want := []eventv1.NoticeKind{mixedKind}; !slices.Equal(messages(d), []string{"hello"}) || !slices.Equal(d.notices(), want) {
		t.Fatalf("sent %q, told %v", messages(d), d.notices())
	}
	d.slack(pressed(hanako, eventv1.Action_ACTION_SEND_ALL, line, "3"))
	d.slack(pressed(hanako, eventv1.Action_ACTION_KEEP_NOTE, line, "4"))
	d.slack(block)
	if want := []eventv1.NoticeKind{mixedKind, alreadySent}; !slices.Equal(messages(d), []string{"hello"}) || !slices.Equal(d.notices(), want) {
		t.Errorf("sent %q, told %v", messages(d), d.notices())
	}
	got := d.sends()[1]
	if got.GetOperator() != operator || got.GetOrigin().GetTs() != line || got.GetOrigin().GetMember() != hanako || got.GetCause() != block.GetId() || got.GetCustomer().GetVisitorId() != "vis-1" {
		t.Errorf("sent %v", got)
	}
}

func TestWhoMayPress(t *testing.T) {
	for name, c := range map[string]struct {
		member string
		change func(*desk, *eventv1.SlackFact)
		told   eventv1.NoticeKind
	}{
		"not linked":                                   {taro, nil, notLinked},
		"a guest with a link":                          {guest, func(d *desk, _ *eventv1.SlackFact) { d.settings.links[guest] = "op-2" }, notAllowed},
		"Slack Connect with a link":                    {hanako, func(_ *desk, f *eventv1.SlackFact) { f.GetActionPressed().Author.Team = "T0OTHER" }, notAllowed},
		"nobody Slack knows":                           {"U0NOBODY", nil, notAllowed},
		"a colleague who is linked, on another's line": {taro, func(d *desk, _ *eventv1.SlackFact) { d.settings.links[taro] = "op-2" }, notAllowed},
		"unlinked since":                               {hanako, func(d *desk, _ *eventv1.SlackFact) { delete(d.settings.links, hanako) }, notLinked},
		"replies off since":                            {hanako, func(d *desk, _ *eventv1.SlackFact) { d.settings.team.ThreadRepliesEnabled = false }, eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF},
		"a channel for notes since":                    {hanako, func(d *desk, _ *eventv1.SlackFact) { d.settings.team.NoteOnlyChannels = []string{channel} }, eventv1.NoticeKind_NOTICE_KIND_NOTE_ONLY},
		"deactivated since":                            {hanako, func(d *desk, _ *eventv1.SlackFact) { d.people[hanako].Deactivated = true }, notAllowed},
	} {
		for _, action := range []eventv1.Action{eventv1.Action_ACTION_SEND_BLOCK, eventv1.Action_ACTION_SEND_ALL, eventv1.Action_ACTION_SEND_FOLLOW_UP} {
			d := mixed(t, hanako)
			fact := pressed(c.member, action, line, "1")
			if c.change != nil {
				c.change(d, fact)
			}
			for range 2 {
				d.slack(fact)
			}
			if want := []eventv1.NoticeKind{mixedKind, c.told}; len(messages(d)) != 0 || !slices.Equal(d.notices(), want) {
				t.Errorf("%s, %v: sent %q, told %v", name, action, messages(d), d.notices())
			}
		}
	}
}

func TestALineThatSaysSomethingElseByNowIsNotSent(t *testing.T) {
	d := mixed(t, hanako)
	d.says(wrote(hanako, head, line, "", "other words"), "1700000009.000100")
	d.slack(pressed(hanako, eventv1.Action_ACTION_SEND_BLOCK, line, "1"))
	if want := []eventv1.NoticeKind{mixedKind, outOfDate, eventv1.NoticeKind_NOTICE_KIND_EDIT_WOULD_SEND}; len(messages(d)) != 0 || !slices.Equal(d.notices(), want) {
		t.Fatalf("edited: sent %q, told %v", messages(d), d.notices())
	}
	again := pressed(hanako, eventv1.Action_ACTION_SEND_ALL, line, "2")
	again.GetActionPressed().EditedTs = "1700000009.000100"
	d.slack(again)
	if !slices.Equal(messages(d), []string{"other words"}) {
		t.Errorf("of the fresh offer: sent %q", messages(d))
	}
	d = mixed(t, hanako)
	delete(d.threads.lines, line)
	d.slack(pressed(hanako, eventv1.Action_ACTION_SEND_ALL, line, "1"))
	if want := []eventv1.NoticeKind{mixedKind, outOfDate}; len(messages(d)) != 0 || !slices.Equal(d.notices(), want) {
		t.Errorf("gone: sent %q, told %v", messages(d), d.notices())
	}
}

func TestAPressWaitsUntilSlackSaysWhatItIsAbout(t *testing.T) {
	d := mixed(t, hanako)
	d.threads.err = errors.New("slack is away")
	fact := pressed(hanako, eventv1.Action_ACTION_SEND_ALL, line, "1")
	if err := d.router.Slack(t.Context(), wire(t, fact)); err == nil || len(messages(d)) != 0 {
		t.Errorf("%v, sent %q", err, messages(d))
	}
	d.threads.err = nil
	d.slack(fact)
	if !slices.Equal(messages(d), []string{"memo\nhello"}) && !slices.Equal(messages(d), []string{"hello\nmemo"}) {
		t.Errorf("sent %q", messages(d))
	}
	d = mixed(t, hanako)
	d.threads.err = errors.New("slack is away")
	fact.ReceivedAt = timestamppb.New(time.Now().Add(-2 * time.Hour))
	d.slack(fact)
	if want := []eventv1.NoticeKind{mixedKind, outOfDate}; len(messages(d)) != 0 || !slices.Equal(d.notices(), want) {
		t.Errorf("after hours: sent %q, told %v", messages(d), d.notices())
	}
}

// A shortcut may be faster than the event of the line itself.
func TestALineThatWasSentOnPurposeIsNotSentByItself(t *testing.T) {
	d := newDesk(t)
	d.opened("vis-1", head)
	fact := wrote(hanako, head, line, "", "hello")
	d.says(fact, "")
	shortcut := pressed(hanako, eventv1.Action_ACTION_SEND_ALL, line, "1")
	shortcut.GetActionPressed().Shortcut = true
	d.slack(shortcut)
	d.slack(fact)
	d.slack(shortcut)
	if len(d.sends()) != 1 {
		t.Errorf("sent %v", d.sends())
	}
	d = newDesk(t)
	d.opened("vis-1", head)
	d.says(fact, "")
	d.slack(fact)
	d.slack(shortcut)
	if len(d.sends()) != 1 || !slices.Equal(d.notices(), []eventv1.NoticeKind{alreadySent}) {
		t.Errorf("sent %v, told %v", d.sends(), d.notices())
	}
}

func TestALineOfSomebodyElseIsSentInTheNameOfWhoeverUsesTheShortcut(t *testing.T) {
	d := mixed(t, taro) // who is not linked
	shortcut := pressed(hanako, eventv1.Action_ACTION_SEND_ALL, line, "1")
	shortcut.GetActionPressed().Shortcut = true
	d.slack(shortcut)
	if got := d.sends(); len(got) != 1 || got[0].GetOperator() != operator || got[0].GetOrigin().GetMember() != hanako {
		t.Errorf("sent %v", got)
	}
}

func TestWhatIsToldOfEditsAndDeletionsComesFromTheStreams(t *testing.T) {
	change := func(fact any, id string) *eventv1.SlackFact {
		f := wrote(hanako, head, line, "", "")
		f.Id += id
		switch c := fact.(type) {
		case *eventv1.ReplyEdited:
			f.Fact = &eventv1.SlackFact_ReplyEdited{ReplyEdited: c}
		case *eventv1.ReplyDeleted:
			f.Fact = &eventv1.SlackFact_ReplyDeleted{ReplyDeleted: c}
		}
		return f
	}
	author := &eventv1.Author{Member: hanako, Team: team}
	edit := change(&eventv1.ReplyEdited{Ts: line, Author: author, After: wrote(hanako, head, line, "", "corrected").GetReplyWritten().GetContent(), EditedTs: "1700000009.000100"}, "-edit-1700000009.000100")
	deletion := change(&eventv1.ReplyDeleted{Ts: line, Author: author}, "-delete")
	for name, c := range map[string]struct {
		text, code      string
		edited, deleted eventv1.NoticeKind
	}{
		"a message": {"", "hello", eventv1.NoticeKind_NOTICE_KIND_EDIT_NOT_SENT, eventv1.NoticeKind_NOTICE_KIND_DELETE_NOT_SENT},
		"a note":    {"memo", "", eventv1.NoticeKind_NOTICE_KIND_EDIT_WOULD_SEND, eventv1.NoticeKind_NOTICE_KIND_NOTE_DELETED},
	} {
		d := newDesk(t)
		d.opened("vis-1", head)
		d.slack(wrote(hanako, head, line, c.text, c.code))
		d.redis.FlushAll()
		d.opened("vis-1", head)
		d.slack(wrote(hanako, head, line, c.text, c.code)) // once more, and with the hint that was forgotten
		for range 2 {
			d.slack(edit)
			d.slack(deletion)
		}
		if want := []eventv1.NoticeKind{howToSend, c.edited, c.deleted}; !slices.Equal(d.notices(), want) || len(d.sends()) != 1 {
			t.Errorf("%s: told %v, sent %v", name, d.notices(), d.sends())
		}
		d.says(wrote(hanako, head, line, "", "corrected"), "1700000009.000100")
		follow := pressed(hanako, eventv1.Action_ACTION_SEND_FOLLOW_UP, line, "1")
		follow.GetActionPressed().EditedTs = "1700000009.000100"
		twice := pressed(hanako, eventv1.Action_ACTION_SEND_FOLLOW_UP, line, "2")
		twice.GetActionPressed().EditedTs = "1700000009.000100"
		for range 2 {
			d.slack(follow)
			d.slack(twice)
		}
		if got := messages(d); got[len(got)-1] != "corrected" || len(d.sends()) != 2 {
			t.Errorf("%s: followed up with %v", name, d.sends())
		}
	}
}

// dead is a letter box.
type dead struct {
	letter   *eventv1.DeadLetter
	replayed int
}

func (l *dead) LetterOf(_ context.Context, _, id string) (bus.Letter, error) {
	if l.letter == nil || l.letter.GetId() != id {
		return bus.Letter{}, bus.ErrNoLetter
	}
	return bus.Letter{Number: 7, DeadLetter: l.letter}, nil
}

func (l *dead) Replay(context.Context, uint64, bool) (string, error) {
	if l.letter == nil {
		return "", bus.ErrNoLetter
	}
	l.letter, l.replayed = nil, l.replayed+1
	return "send.x", nil
}

func TestARetryIsOne(t *testing.T) {
	retry := func(member, n string) *eventv1.SlackFact {
		f := pressed(member, eventv1.Action_ACTION_RETRY, line, n)
		f.GetActionPressed().CommandId = "reply-1"
		return f
	}
	bury := func(d *desk, member string) {
		payload, err := proto.Marshal(&eventv1.KarteCommand{Id: "reply-1", Project: project, Conversation: "c", Operator: operator, Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE, Origin: &eventv1.SlackMessageRef{Member: member}})
		if err != nil {
			t.Fatal(err)
		}
		d.letters.letter = &eventv1.DeadLetter{Stream: bus.Sends, Id: "reply-1", Payload: payload}
	}
	d := newDesk(t)
	d.opened("vis-1", head)
	bury(d, hanako)
	for range 2 {
		d.slack(retry(hanako, "1"))
	}
	if d.letters.replayed != 1 || len(d.notices()) != 0 {
		t.Errorf("replayed %d times, told %v", d.letters.replayed, d.notices())
	}
	d.slack(retry(hanako, "2"))
	if d.letters.replayed != 1 || !slices.Equal(d.notices(), []eventv1.NoticeKind{notRetried}) {
		t.Errorf("another press: replayed %d times, told %v", d.letters.replayed, d.notices())
	}
	for name, c := range map[string]struct {
		presser, writer string
		change          func(*desk)
		told            eventv1.NoticeKind
	}{
		"another's":                        {hanako, taro, nil, notAllowed},
		"unlinked since":                   {hanako, hanako, func(d *desk) { delete(d.settings.links, hanako) }, notLinked},
		"a guest":                          {guest, guest, func(d *desk) { d.settings.links[guest] = "op-2" }, notAllowed},
		"linked to another operator since": {hanako, hanako, func(d *desk) { d.settings.links[hanako] = "op-2" }, eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED},
		"a channel for notes since":        {hanako, hanako, func(d *desk) { d.settings.team.NoteOnlyChannels = []string{channel} }, eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOTE_ONLY},
	} {
		d := newDesk(t)
		d.opened("vis-1", head)
		bury(d, c.writer)
		if c.change != nil {
			c.change(d)
		}
		d.slack(retry(c.presser, "1"))
		if d.letters.replayed != 0 || !slices.Equal(d.notices(), []eventv1.NoticeKind{c.told}) {
			t.Errorf("%s: replayed %d times, told %v", name, d.letters.replayed, d.notices())
		}
	}
}

func TestWhatIsPrivateIsInTheReadersLanguage(t *testing.T) {
	for locale, want := range map[string]string{"": "ja", "ja-JP": "ja", "en-GB": "en", "fr-FR": "en"} {
		d := newDesk(t)
		d.people[hanako].Locale = locale
		d.opened("vis-1", head)
		d.slack(wrote(hanako, head, line, "memo", "hello"))
		for _, c := range all(d, func(m proto.Message) (*eventv1.SlackCommand, bool) {
			c, ok := m.(*eventv1.SlackCommand)
			return c, ok && c.GetNotice() != nil
		}) {
			if c.GetLanguage() != want {
				t.Errorf("%q: told in %q", locale, c.GetLanguage())
			}
		}
	}
}

func TestHowToSendIsToldOncePerLink(t *testing.T) {
	d := newDesk(t)
	d.opened("vis-1", head)
	d.settings.links[hanako] = "op-new"
	d.slack(wrote(taro, head, "1700000001.000900", "", "who is not linked is told that"))
	for range 2 {
		d.slack(wrote(hanako, head, line, "", "hello"))
	}
	d.slack(wrote(hanako, head, "1700000002.000100", "memo", ""))
	if want := []eventv1.NoticeKind{notLinked, howToSend}; !slices.Equal(d.notices(), want) {
		t.Errorf("told %v", d.notices())
	}
	d.settings.links[hanako] = "op-newer"
	d.slack(wrote(hanako, head, "1700000002.000900", "mixed", "hello")) // one thing at a time: how it is done comes with the next one
	if want := []eventv1.NoticeKind{notLinked, howToSend, mixedKind}; !slices.Equal(d.notices(), want) {
		t.Errorf("with something else to tell: told %v", d.notices())
	}
	d.slack(wrote(hanako, head, "1700000003.000100", "memo", ""))
	if want := []eventv1.NoticeKind{notLinked, howToSend, mixedKind, howToSend}; !slices.Equal(d.notices(), want) {
		t.Errorf("with another link: told %v", d.notices())
	}
}
