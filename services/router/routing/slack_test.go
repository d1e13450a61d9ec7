package routing_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	head = "1700000000.000100"
	line = "1700000001.000100"
)

func TestWhatBecomesOfAReply(t *testing.T) {
	message, note := eventv1.ReplyKind_REPLY_KIND_MESSAGE, eventv1.ReplyKind_REPLY_KIND_NOTE
	for name, c := range map[string]struct {
		member, text, code string
		change             func(*desk)
		want               eventv1.ReplyKind
		told               []eventv1.NoticeKind
	}{
		"one block":   {hanako, "", "hello", nil, message, nil},
		"text":        {hanako, "memo", "", nil, note, nil},
		"both":        {hanako, "memo", "hello", nil, note, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_MIXED}},
		"not linked":  {taro, "", "hello", nil, 0, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED}},
		"a guest":     {guest, "", "hello", nil, 0, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED}},
		"a stranger":  {"U0NOBODY", "", "hello", nil, 0, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED}},
		"replies off": {hanako, "", "hello", func(d *desk) { d.settings.team.ThreadRepliesEnabled = false }, 0, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF}},
	} {
		d := newDesk(t)
		conv := d.opened("vis-1", head)
		if c.change != nil {
			c.change(d)
		}
		for range 2 {
			d.slack(wrote(c.member, head, line, c.text, c.code))
		}
		sends := d.sends()
		switch {
		case c.want == 0 && len(sends) != 0, c.want != 0 && len(sends) != 1:
			t.Errorf("%s: sent %v", name, sends)
		case c.want != 0:
			got := sends[0]
			if got.GetKind() != c.want || got.GetOperator() != operator || got.GetConversation() != conv || got.GetCustomer().GetVisitorId() != "vis-1" ||
				got.GetOrigin().GetTs() != line || got.GetOrigin().GetMember() != c.member || got.GetText() == "" || got.GetIssuedAt() == nil {
				t.Errorf("%s: sent %v", name, got)
			}
		}
		if !slices.Equal(d.notices(), c.told) {
			t.Errorf("%s: told %v, want %v", name, d.notices(), c.told)
		}
	}
}

// Slack may tell one gesture as two messages; the same words once more are another gesture.
func TestOneGestureIsOneReply(t *testing.T) {
	d := newDesk(t)
	d.opened("vis-1", head)
	gesture := func(ts, id, code string) *eventv1.SlackFact {
		f := wrote(hanako, head, ts, "", code)
		f.GetReplyWritten().ClientMsgId = id
		return f
	}
	d.slack(gesture("1700000001.000100", "g-1", "hello"))
	d.slack(gesture("1700000001.000200", "g-1", "hello"))
	d.slack(gesture("1700000001.000100", "g-1", "hello"))
	d.slack(gesture("1700000002.000100", "g-2", "hello"))
	d.slack(gesture("1700000003.000100", "g-1", "the second half of a long text"))
	var ts []string
	for _, c := range d.sends() {
		ts = append(ts, c.GetOrigin().GetTs())
	}
	if want := []string{"1700000001.000100", "1700000002.000100", "1700000003.000100"}; !slices.Equal(ts, want) {
		t.Errorf("sent %v, want %v", ts, want)
	}
}

func TestAnAfterthoughtIsToldToItsAuthor(t *testing.T) {
	edited := func(member string, bot bool) *eventv1.SlackFact {
		f := wrote(member, head, line, "", "")
		f.Id += "-edit-1"
		f.Fact = &eventv1.SlackFact_ReplyEdited{ReplyEdited: &eventv1.ReplyEdited{Ts: line, Author: &eventv1.Author{Member: member, Team: team, Bot: bot}}}
		return f
	}
	deleted := wrote(hanako, head, line, "", "")
	deleted.Id += "-delete"
	deleted.Fact = &eventv1.SlackFact_ReplyDeleted{ReplyDeleted: &eventv1.ReplyDeleted{Ts: line, Author: &eventv1.Author{Member: hanako, Team: team}}}
	for name, c := range map[string]struct {
		fact *eventv1.SlackFact
		told []eventv1.NoticeKind
	}{
		"edited":              {edited(hanako, false), []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_EDIT_NOT_SENT}},
		"deleted":             {deleted, []eventv1.NoticeKind{eventv1.NoticeKind_NOTICE_KIND_DELETE_NOT_SENT}},
		"edited by a bot":     {edited(hanako, true), nil},
		"edited, not linked":  {edited(taro, false), nil},
		"edited by nobody":    {edited("", false), nil},
		"edited by strangers": {edited("U0NOBODY", false), nil},
	} {
		d := newDesk(t)
		d.opened("vis-1", head)
		for range 2 {
			d.slack(c.fact)
		}
		if !slices.Equal(d.notices(), c.told) || len(d.sends()) != 0 {
			t.Errorf("%s: told %v, sent %v", name, d.notices(), d.sends())
		}
	}
}

func TestAdminsAreToldThatALaneIsParked(t *testing.T) {
	d := newDesk(t)
	d.slack(&eventv1.SlackFact{Id: "parked-1", Team: team, Channel: channel, Fact: &eventv1.SlackFact_LaneParked{LaneParked: &eventv1.LaneParked{Project: project, Detail: "not_in_channel"}}})
	if got := d.directs(); !slices.Equal(got, []string{"U0ADMIN"}) {
		t.Errorf("told %v", got)
	}
}

func TestWhatWasWrittenEarlierComesFirst(t *testing.T) {
	d := newDesk(t)
	d.opened("vis-1", head)
	first := wrote(hanako, head, "1700000001.000100", "", "first")
	d.threads.missed = []*eventv1.SlackFact{first}
	d.slack(wrote(hanako, head, "1700000002.000100", "", "second"))
	d.threads.missed = nil
	d.slack(first) // delivered at last
	var texts []string
	for _, c := range d.sends() {
		texts = append(texts, c.GetText())
	}
	if want := []string{"first", "second"}; !slices.Equal(texts, want) {
		t.Errorf("sent %v, want %v", texts, want)
	}
	// While Slack does not say what was written before, it waits, but not for ever.
	d.threads.missing = errAway
	if err := d.router.Slack(t.Context(), wire(t, wrote(hanako, head, "1700000003.000100", "", "third"))); !errors.Is(err, errAway) {
		t.Errorf("it goes on without knowing: %v", err)
	}
	old := wrote(hanako, head, "1700000003.000100", "", "third")
	old.ReceivedAt = timestamppb.New(time.Now().Add(-time.Hour))
	d.slack(old)
}

// A reply in a thread that nobody here knows: Slack says whose it is.
func TestAThreadThatIsNotKnown(t *testing.T) {
	old, young := -time.Hour, -time.Duration(0)
	now := fmt.Sprintf("%d.000100", time.Now().Unix())
	for name, c := range map[string]struct {
		age     time.Duration
		own     bool
		threads threads
		waits   bool
		asked   bool
		sent    int
	}{
		"a moment ago":                          {young, true, threads{}, true, false, 0},
		"ours":                                  {old, true, threads{known: true, owner: "c"}, false, true, 1},
		"ours, and Slack's event did not say":   {old, false, threads{known: true, owner: "c"}, false, true, 1},
		"somebody else's":                       {old, false, threads{known: true}, false, true, 0},
		"Slack cannot be asked, a while ago":    {-30 * time.Second, false, threads{err: errAway}, true, true, 0},
		"Slack cannot be asked, ours":           {old, true, threads{err: errAway}, true, true, 0},
		"Slack cannot be asked, long ago":       {old, false, threads{err: errAway}, false, true, 0},
		"two replicas, clocks four minutes off": {-4*time.Minute - 10*time.Second, false, threads{err: errAway}, true, true, 0},
		"and the other way round":               {4 * time.Minute, true, threads{known: true, owner: "c"}, false, true, 1},
	} {
		d := newDesk(t)
		conv, _, err := d.store.Resolve(t.Context(), project, &eventv1.Customer{VisitorId: "vis-1"})
		if err != nil {
			t.Fatal(err)
		}
		if *d.threads = c.threads; c.threads.owner != "" {
			d.threads.owner = conv.ID
		}
		fact := wrote(hanako, now, line, "", "hello")
		fact.ReceivedAt = timestamppb.New(time.Now().Add(c.age))
		fact.GetReplyWritten().OwnThread = c.own
		err = d.router.Slack(t.Context(), wire(t, fact))
		if _, permanent := retry.Reason(err); (err != nil) != c.waits || permanent {
			t.Errorf("%s: %v", name, err)
		}
		if (d.threads.asked > 0) != c.asked || len(d.sends()) != c.sent {
			t.Errorf("%s: asked %d times, sent %v", name, d.threads.asked, d.sends())
		}
	}
}
