package render_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

func minute(n int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 11, 1, 2, 34+n, 5, 0, time.UTC))
}

func fullCard() *eventv1.Card {
	return &eventv1.Card{
		Revision: 7, Customer: &eventv1.Customer{UserId: "demo+1@example.com"}, Aliases: []*eventv1.Customer{{VisitorId: "vis-11111111-2222"}},
		FirstWords: "注文がまだ届きません。\n注文番号は 42 です", Page: &eventv1.Page{Url: "https://shop.example.com/cart?a=1&b=2#top", Title: "カート <確認>"},
		Assignee: sato, Status: eventv1.ChatStatus_CHAT_STATUS_OPEN, OpenedAt: minute(0), CustomerWroteAt: minute(3), OperatorWroteAt: minute(2),
	}
}

func card(change func(*eventv1.Card)) *eventv1.Card {
	c := fullCard()
	change(c)
	return c
}

// cards are the golden cases of Card.
var cards = map[string]*eventv1.Card{
	"full": fullCard(),
	"new": card(func(c *eventv1.Card) {
		c.Customer, c.Aliases, c.Assignee = &eventv1.Customer{VisitorId: "vis-11111111-2222"}, nil, nil
		c.CustomerWroteAt, c.OperatorWroteAt = minute(0), nil
	}),
	"pending": card(func(c *eventv1.Card) {
		c.AssigneePending, c.StatusPending, c.Status = true, true, eventv1.ChatStatus_CHAT_STATUS_CLOSED
	}),
	"closed":  card(func(c *eventv1.Card) { c.Status, c.Assignee = eventv1.ChatStatus_CHAT_STATUS_CLOSED, nil }),
	"waiting": card(func(c *eventv1.Card) { c.Status, c.Assignee = eventv1.ChatStatus_CHAT_STATUS_WAITING, bot }),
	"aliases": card(func(c *eventv1.Card) {
		for range 5 {
			c.Aliases = append(c.Aliases, &eventv1.Customer{VisitorId: "vis-99999999-2222"})
		}
	}),
	"pressed": card(func(c *eventv1.Card) { c.FirstWords, c.Page = "[#配送について]", nil }),
	"empty":   {},
	"hostile": card(func(c *eventv1.Card) {
		c.Customer = &eventv1.Customer{UserId: hostile + "\n\u202Egro.elpmaxe/a?b#c&project=other"}
		c.Aliases = []*eventv1.Customer{{UserId: hostile}, {VisitorId: "vis-" + hostile}}
		c.FirstWords = strings.Repeat(hostile+"\n", 60)
		c.Page = &eventv1.Page{Url: "https://evil.example/" + strings.Repeat("<@U1>&", 1000), Title: strings.Repeat(hostile+"\r\n", 100)}
		c.Assignee = &eventv1.Operator{Id: "<!here>", Name: "<!channel>\nadmin\u2066" + strings.Repeat("x", 500)}
	}),
}

func TestCardGolden(t *testing.T) {
	for name, c := range cards {
		for _, lang := range []string{"ja", "en"} {
			began, _ := render.OpeningOf(said(0, c.GetFirstWords()))
			m := render.Card("demo-project", c, began, render.Options{Lang: lang})
			checkLimits(t, m, 4000)
			checkSafe(t, m)
			golden(t, "card_"+name+"."+lang+".json", m)
		}
	}
}

// An update must not take back whom the head pinged, and says the same whoever renders it.
func TestACardKeepsItsMentions(t *testing.T) {
	m := render.Card("demo-project", fullCard(), render.Opening{Mentions: mentioning(said(0, "")).GetMentions()}, render.Options{})
	checkSafe(t, m)
	if !strings.HasPrefix(m.Text, "<@U0DEMO1> <!subteam^S0DEMO1> <!here>\n") {
		t.Errorf("text begins %q", m.Text[:60])
	}
}

func TestTheHeadShowsTheFirstPostWholeOrSaysThatThereIsMore(t *testing.T) {
	for name, tt := range map[string]struct {
		first, image string
		shown        int
	}{
		"whole":      {"こんにちは", "", 1},
		"beginning":  {strings.Repeat("あ", 1400), "", 0},
		"with image": {"こんにちは", "https://img.example.com/a.png", 0},
		"no words":   {"", "https://img.example.com/a.png", 0},
		"too long":   {strings.Repeat("<", 1000), "", 0},
	} {
		first := mentioning(pictured(0, tt.first, tt.image))
		first.Card = fullCard()
		m, shown := render.Head([]*eventv1.ThreadPost{first, said(1, "次")}, render.Options{})
		checkLimits(t, m, 4000)
		checkSafe(t, m)
		if shown != tt.shown {
			t.Errorf("%s: shown = %d, want %d", name, shown, tt.shown)
		}
		if more := strings.Contains(m.Text, "…続きはスレッド内"); more != (tt.shown == 0 && tt.image == "") {
			t.Errorf("%s: says that there is more: %v", name, more)
		}
		if !strings.HasPrefix(m.Text, "<@U0DEMO1>") {
			t.Errorf("%s: whom the first post pings is not in %q", name, m.Text)
		}
	}
}

func TestStatusLines(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		var posts []*eventv1.ThreadPost
		for number := range eventv1.ChatStatus_name {
			posts = append(posts, post(int(number), func(p *eventv1.ThreadPost) {
				p.Body = &eventv1.ThreadPost_StatusSet{StatusSet: &eventv1.StatusSet{Status: eventv1.ChatStatus(number), Operator: []*eventv1.Operator{nil, sato, bot, {Id: "op-1"}}[number]}}
			}))
		}
		sortByTime(posts)
		golden(t, "thread_status."+lang+".json", render.Thread(posts, render.Options{Lang: lang}))
	}
}

func sortByTime(posts []*eventv1.ThreadPost) {
	for i := range posts {
		for j := range i {
			if posts[i].GetOccurredAt().AsTime().Before(posts[j].GetOccurredAt().AsTime()) {
				posts[i], posts[j] = posts[j], posts[i]
			}
		}
	}
}
